/*
 * Requests of OS threads other than the hub's; see away.h.
 *
 * A thread gets its mailbox with its first request. When it ends the mailbox
 * waits for the next thread instead of being closed: an I/O thread may be
 * about to ring the bell of a letter that was taken already.
 */
#include "config.h"
#include "http/away.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "green/green.h"

struct box {
    struct mailbox mailbox;     /* the first field */
    struct box *next;           /* in spare */
    pid_t owner;                /* a forked child has no use for it */
};

static struct {
    pthread_once_t once;
    pthread_key_t key;
    int error;
    pthread_mutex_t lock;
    struct box *spare;
} boxes = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static void
put_aside(void *data)
{
    struct box *box = data;
    if (box->owner != getpid()) {
        return;
    }
    pthread_mutex_lock(&boxes.lock);
    box->next = boxes.spare;
    boxes.spare = box;
    pthread_mutex_unlock(&boxes.lock);
}

static void
make_key(void)
{
    boxes.error = pthread_key_create(&boxes.key, put_aside);
}

static struct box *
take_spare(void)
{
    pthread_mutex_lock(&boxes.lock);
    while (boxes.spare != NULL && boxes.spare->owner != getpid()) {
        boxes.spare = boxes.spare->next;
    }
    struct box *box = boxes.spare;
    if (box != NULL) {
        boxes.spare = box->next;
    }
    pthread_mutex_unlock(&boxes.lock);
    return box;
}

static struct box *
box_new(void)
{
    struct box *box = calloc(1, sizeof(*box));
    if (box != NULL && mailbox_init(&box->mailbox) < 0) {
        free(box);
        box = NULL;
    }
    if (box != NULL) {
        box->owner = getpid();
    }
    return box;
}

struct mailbox *
away_mailbox(void)
{
    pthread_once(&boxes.once, make_key);
    struct box *box = boxes.error ? NULL : pthread_getspecific(boxes.key);
    if (box == NULL || box->owner != getpid()) {
        box = boxes.error ? NULL : take_spare();
        box = box == NULL && !boxes.error ? box_new() : box;
        if (box == NULL || pthread_setspecific(boxes.key, box) != 0) {
            PyErr_SetString(PyExc_OSError,
                            "no mailbox for the requests of this thread: out "
                            "of memory or descriptors");
            return NULL;
        }
    }
    return &box->mailbox;
}

bool
away_is_mine(const struct mailbox *mailbox)
{
    return !boxes.error && pthread_getspecific(boxes.key) == mailbox;
}

static void
sleep_until_rung(struct mailbox *mailbox)
{
    struct pollfd bell = {.fd = mailbox->fd, .events = POLLIN};
    bool rung = mailbox_may_sleep(mailbox) && poll(&bell, 1, -1) > 0;
    mailbox_awake(mailbox);
    if (rung) {
        mailbox_hush(mailbox);
    }
}

void
away_wait(struct mailbox *mailbox)
{
    struct letter *letter = mailbox_take(mailbox);
    if (letter == NULL) {
        Py_BEGIN_ALLOW_THREADS
        sleep_until_rung(mailbox);
        Py_END_ALLOW_THREADS
        letter = mailbox_take(mailbox);
    }
    while (letter != NULL) {
        struct letter *next = letter->next;
        letter->handle(letter);
        letter = next;
    }
}
