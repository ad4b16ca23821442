/*
 * A mailbox: how threads hand work to a thread that sleeps in an event loop.
 *
 * Any thread posts; one thread, the owner, takes everything at once, and deals
 * with it oldest first. Posting is a compare-and-swap; the owner is woken by a
 * write to an eventfd only if it has announced that it is about to sleep, and
 * then only once, so that a burst of letters costs one system call.
 *
 * The owner's loop:
 *
 *     mailbox_open(mb, INT_MAX, NULL)
 *     if (mailbox_may_sleep(mb))       // announces sleep, looks once more
 *         poll, with mb->fd among the descriptors
 *     mailbox_awake(mb)
 *     if (mb->fd is readable)
 *         mailbox_hush(mb)
 */
#ifndef LOCUST_BASE_MAILBOX_H
#define LOCUST_BASE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Embedded in whatever is sent. Belongs to the mailbox from post to take; the
   owner then calls handle(), after which it does not touch the letter. */
struct letter {
    struct letter *next;
    void (*handle)(struct letter *self);
};

/* So much of what a letter is the beginning of is loaded ahead. */
#define LETTER_BYTES 448

struct mailbox {
    _Atomic(struct letter *) newest;
    atomic_bool sleeping;
    int fd;
    struct letter *taken;       /* the owner's: not yet handled, oldest first */
};

/* Returns 0, or -1 with errno set. */
int mailbox_init(struct mailbox *mb);
void mailbox_close(struct mailbox *mb);

/* Sends one letter. Any thread; never fails, never blocks. */
void mailbox_post(struct mailbox *mb, struct letter *letter);

/* Sends a chain, linked from oldest to newest through next, in one go. */
void mailbox_post_chain(struct mailbox *mb, struct letter *oldest,
                        struct letter *newest);

/* Owner: takes all letters, linked oldest first; NULL when there is none. Not
   for an owner who uses mailbox_open(). */
struct letter *mailbox_take(struct mailbox *mb);

/* Owner: handles what is there, oldest first, at most so many letters; the
   others are left for the next time. No handler may call it again. Before each
   letter but the last, look_ahead, unless NULL, is called with the next one and
   the one after that, or NULL, to load what they will need. */
void mailbox_open(struct mailbox *mb, int most,
                  void (*look_ahead)(const struct letter *next,
                                     const struct letter *after));

/* Owner: whether it may now sleep in poll. False: a letter came in between, or
   is left. */
bool mailbox_may_sleep(struct mailbox *mb);

/* Owner: says that it is awake again. */
void mailbox_awake(struct mailbox *mb);

/* Owner: silences the bell, when poll found mb->fd readable. */
void mailbox_hush(struct mailbox *mb);

/* Any thread: wakes the owner if it sleeps, or is about to. What it is to
   notice must have been written before. */
void mailbox_wake(struct mailbox *mb);

/* Wakes the owner without a letter. Safe in a signal handler. */
void mailbox_ring(struct mailbox *mb);

static inline bool
mailbox_is_empty(struct mailbox *mb)
{
    return atomic_load_explicit(&mb->newest, memory_order_acquire) == NULL;
}

#endif
