/*
 * The mailbox: a stack of letters behind one atomic pointer, turned round by
 * the reader, and an eventfd as its bell.
 *
 * The one race that matters is "the owner falls asleep while somebody posts".
 * The owner stores sleeping and then looks at newest; a sender stores newest
 * and then looks at sleeping. Both orders are sequentially consistent, so at
 * least one of the two sees the other.
 */
#include "base/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/prefetch.h"

int
mailbox_init(struct mailbox *mb)
{
    atomic_init(&mb->newest, NULL);
    atomic_init(&mb->sleeping, false);
    mb->taken = NULL;
    mb->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return mb->fd < 0 ? -1 : 0;
}

void
mailbox_close(struct mailbox *mb)
{
    if (mb->fd >= 0) {
        close(mb->fd);
    }
    mb->fd = -1;
}

void
mailbox_ring(struct mailbox *mb)
{
    int saved_errno = errno;
    uint64_t one = 1;
    /* The only failure is a full counter, and then the bell rings already. */
    while (write(mb->fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
    errno = saved_errno;
}

void
mailbox_wake(struct mailbox *mb)
{
    if (atomic_load(&mb->sleeping) &&
        atomic_exchange(&mb->sleeping, false)) {
        mailbox_ring(mb);
    }
}

void
mailbox_post_chain(struct mailbox *mb, struct letter *oldest,
                   struct letter *newest)
{
    /* The stack holds the newest on top: turn the chain round first. */
    struct letter *top = NULL;
    struct letter *end = newest->next;
    for (struct letter *l = oldest, *next; l != end; l = next) {
        next = l->next;
        l->next = top;
        top = l;
    }
    struct letter *head =
        atomic_load_explicit(&mb->newest, memory_order_relaxed);
    do {
        oldest->next = head;
    } while (!atomic_compare_exchange_weak(&mb->newest, &head, top));
    mailbox_wake(mb);
}

void
mailbox_post(struct mailbox *mb, struct letter *letter)
{
    letter->next = NULL;
    mailbox_post_chain(mb, letter, letter);
}

struct letter *
mailbox_take(struct mailbox *mb)
{
    if (mailbox_is_empty(mb)) {
        return NULL;
    }
    struct letter *l = atomic_exchange(&mb->newest, NULL);
    struct letter *oldest = NULL;
    while (l != NULL) {
        struct letter *next = l->next;
        l->next = oldest;
        oldest = l;
        l = next;
    }
    return oldest;
}

void
mailbox_open(struct mailbox *mb, int most,
             void (*look_ahead)(const struct letter *next,
                                const struct letter *after))
{
    struct letter *l = mb->taken;
    bool was_left = l != NULL;
    l = was_left ? l : mailbox_take(mb);
    /* mb->taken is left alone meanwhile: senders write beside it. */
    for (int i = 0; i < most && l != NULL; i++) {
        struct letter *next = l->next;
        struct letter *after = next != NULL ? next->next : NULL;
        if (after != NULL && after->next != NULL) {
            prefetch(after->next, LETTER_BYTES);
        }
        if (next != NULL && look_ahead != NULL) {
            look_ahead(next, after);
        }
        l->handle(l);
        l = next;
        if (l == NULL && was_left) {
            was_left = false;
            l = mailbox_take(mb);
        }
    }
    mb->taken = l;
}

bool
mailbox_may_sleep(struct mailbox *mb)
{
    if (mb->taken != NULL) {
        return false;
    }
    atomic_store(&mb->sleeping, true);
    if (atomic_load(&mb->newest) == NULL) {
        return true;
    }
    atomic_store(&mb->sleeping, false);
    return false;
}

void
mailbox_awake(struct mailbox *mb)
{
    atomic_store(&mb->sleeping, false);
}

void
mailbox_hush(struct mailbox *mb)
{
    uint64_t count;
    while (read(mb->fd, &count, sizeof(count)) < 0 && errno == EINTR) {
    }
}
