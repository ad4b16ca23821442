/*
 * The queue between an I/O thread that receives a body and a green thread that
 * reads it; see stream.h.
 *
 * Letters. "readable" is sent when the queue stops being empty, and not again
 * while one is on its way; "resume" when the queue was full and has been read
 * down, and not again while one is on its way. Both flags are under the lock
 * with the queue, so neither side can miss the other's move.
 */
#include "config.h"
#include "http/stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

struct piece {
    struct piece *next;
    size_t length;
    size_t at;                  /* what was read already */
    char data[];
};

struct stream {
    struct exchange *x;         /* whoever may touch it */
    struct stream_calls calls;
    struct letter head;         /* to the hub */
    struct letter readable;     /* to the hub */
    struct letter resume;       /* to the I/O thread; holds a reference */
    atomic_int references;
    bool headed;                /* the hub's: the head is there */
    struct transfer *transfer;  /* the I/O thread's: fills it, or NULL */

    pthread_mutex_t lock;       /* over the rest */
    struct piece *first, *last;
    size_t queued;              /* bytes not read yet */
    size_t held;                /* ... and what keeping them costs */
    bool full;                  /* the I/O thread does not read */
    bool readable_out, resume_out;      /* letters on their way */
};

static struct stream *
of_letter(struct letter *letter, size_t offset)
{
    return (struct stream *)((char *)letter - offset);
}

/* --- The hub's side. */

static void
on_head(struct letter *letter)
{
    struct stream *s = of_letter(letter, offsetof(struct stream, head));
    s->headed = true;
    s->calls.headed(s->x);
}

static void
on_readable(struct letter *letter)
{
    struct stream *s = of_letter(letter, offsetof(struct stream, readable));
    pthread_mutex_lock(&s->lock);
    s->readable_out = false;
    pthread_mutex_unlock(&s->lock);
    s->calls.readable(s->x);
}

bool
stream_open(struct exchange *x, const struct stream_calls *calls)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return false;
    }
    pthread_mutex_init(&s->lock, NULL);
    atomic_init(&s->references, 1);
    s->x = x;
    s->calls = *calls;
    s->head.handle = on_head;
    s->readable.handle = on_readable;
    x->stream = s;
    return true;
}

bool
stream_is_headed(const struct stream *s)
{
    return s->headed;
}

size_t
stream_available(struct stream *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->queued;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static void handle_resume(struct letter *letter);

/* The queue has been read down: lets the I/O thread go on. With the lock. */
static void
let_go_on(struct stream *s)
{
    if (!s->full || s->held > STREAM_LOW || s->resume_out) {
        return;
    }
    s->full = false;
    s->resume_out = true;
    s->resume.handle = handle_resume;
    atomic_fetch_add(&s->references, 1);
    if (!engine_post(s->x, &s->resume)) {
        atomic_fetch_sub(&s->references, 1);    /* never the last one */
    }
}

size_t
stream_take(struct stream *s, void *to, size_t most, bool across)
{
    size_t taken = 0;
    bool more = true;
    pthread_mutex_lock(&s->lock);
    while (more && s->first != NULL && taken < most) {
        struct piece *p = s->first;
        size_t n = p->length - p->at;
        n = n < most - taken ? n : most - taken;
        memcpy((char *)to + taken, p->data + p->at, n);
        taken += n;
        p->at += n;
        s->queued -= n;
        if (p->at == p->length) {
            s->first = p->next;
            s->last = s->first != NULL ? s->last : NULL;
            s->held -= sizeof(*p) + p->length;
            free(p);
        }
        more = across;
    }
    let_go_on(s);
    pthread_mutex_unlock(&s->lock);
    return taken;
}

void
stream_unref(struct stream *s)
{
    if (s == NULL || atomic_fetch_sub(&s->references, 1) > 1) {
        return;
    }
    while (s->first != NULL) {
        struct piece *p = s->first;
        s->first = p->next;
        free(p);
    }
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* --- The I/O thread's side. */

/* The exchange may have come back, and be gone, since this was sent. */
static void
handle_resume(struct letter *letter)
{
    struct stream *s = of_letter(letter, offsetof(struct stream, resume));
    pthread_mutex_lock(&s->lock);
    s->resume_out = false;
    /* It may have become full again meanwhile, and been read down again. */
    s->full = s->full && s->held > STREAM_LOW;
    bool full = s->full;
    pthread_mutex_unlock(&s->lock);
    if (s->transfer != NULL && !full) {
        transfer_receive_again(s->transfer);
    }
    stream_unref(s);
}

void
stream_attach(struct stream *s, struct transfer *t)
{
    s->transfer = t;
}

void
stream_send_head(struct stream *s, struct io_thread *io)
{
    engine_send(io, s->x, &s->head);
}

bool
stream_put(struct stream *s, struct io_thread *io, const char *bytes,
           size_t length, bool *full)
{
    struct piece *p = malloc(sizeof(*p) + length);
    if (p == NULL) {
        return false;
    }
    *p = (struct piece){.length = length};
    memcpy(p->data, bytes, length);
    pthread_mutex_lock(&s->lock);
    bool tell = s->first == NULL && !s->readable_out;
    if (s->first == NULL) {
        s->first = p;
    }
    else {
        s->last->next = p;
    }
    s->last = p;
    s->queued += length;
    s->held += sizeof(*p) + length;
    s->full = s->full || s->held > STREAM_HIGH;
    *full = s->full;
    s->readable_out = s->readable_out || tell;
    pthread_mutex_unlock(&s->lock);
    if (tell) {
        engine_send(io, s->x, &s->readable);
    }
    return true;
}
