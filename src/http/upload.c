/*
 * Request bodies in pieces, and feeds; see upload.h.
 *
 * A feed's letter goes from the I/O thread to the hub with a wish and comes
 * back with the answer; wish, chunk and ended belong to whoever has the letter.
 * On its way back it holds a reference, so that the feed outlives an exchange
 * that ends meanwhile; the other way it needs none, because the exchange, with
 * the hub's reference, comes back after it.
 */
#include "config.h"
#include "http/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/internal.h"

struct feed {
    struct letter letter;
    struct mailbox *to;
    void (*asked)(struct feed *, void *);
    void *argument;
    atomic_int references;

    /* Whoever has the letter. */
    enum feed_wish wish;
    char *chunk;                /* owned */
    size_t length, at;
    bool ended, failed, rewound;

    /* The hub's. */
    enum feed_wish pending;     /* to be answered */

    /* The I/O thread's. */
    struct io_thread *io;
    unsigned start;             /* of the engine, that io belongs to */
    struct transfer *transfer;  /* takes from it, or NULL */
    bool out;                   /* the hub has the letter */
    bool touched;               /* something was taken, or it has ended */
};

enum kind { BYTES, FILE_PART, FEED };

struct part {
    struct part *next;
    enum kind kind;
    int64_t length;             /* -1: until the feed ends */
    char *bytes;                /* owned */
    int fd;                     /* owned */
    off_t offset;
    struct feed *feed;          /* a reference */
};

struct upload {
    struct part *first, **end;
    struct part *now;           /* is being sent; NULL: all was */
    int64_t at;                 /* how much of it was sent */
    int64_t length;             /* of all, or -1 */
    struct feed *feed;          /* borrowed: the part's, or NULL */
    bool begun;
    bool rewinding;             /* the feed is to begin again */
};

/* --- Building one. */

struct upload *
upload_new(void)
{
    struct upload *u = calloc(1, sizeof(*u));
    if (u != NULL) {
        u->end = &u->first;
    }
    return u;
}

void
upload_free(struct upload *u)
{
    if (u == NULL) {
        return;
    }
    while (u->first != NULL) {
        struct part *p = u->first;
        u->first = p->next;
        free(p->bytes);
        if (p->fd >= 0) {
            close(p->fd);
        }
        feed_unref(p->feed);
        free(p);
    }
    free(u);
}

static struct part *
add_part(struct upload *u, enum kind kind, int64_t length)
{
    struct part *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    p->kind = kind;
    p->length = length;
    p->fd = -1;
    *u->end = p;
    u->end = &p->next;
    u->length = length < 0 ? -1 : u->length + length;
    return p;
}

bool
upload_add_bytes(struct upload *u, const void *bytes, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);
    struct part *p =
        copy != NULL ? add_part(u, BYTES, (int64_t)length) : NULL;
    if (p == NULL) {
        free(copy);
        return false;
    }
    memcpy(copy, bytes, length);
    p->bytes = copy;
    return true;
}

bool
upload_add_file(struct upload *u, int fd, off_t offset, off_t length)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    char probe;
    if (copy < 0) {
        return false;
    }
    struct part *p = pread(copy, &probe, 1, offset) < 0
                         ? NULL
                         : add_part(u, FILE_PART, length);
    if (p == NULL) {
        int error = errno;
        close(copy);
        errno = error;
        return false;
    }
    p->fd = copy;
    p->offset = offset;
    return true;
}

bool
upload_add_feed(struct upload *u, struct feed *feed, int64_t length)
{
    struct part *p = add_part(u, FEED, length < 0 ? -1 : length);
    if (p == NULL) {
        return false;
    }
    atomic_fetch_add(&feed->references, 1);
    p->feed = u->feed = feed;
    return true;
}

int64_t
upload_length(const struct upload *u)
{
    return u->length;
}

/* --- Feeds: the hub's side. */

struct feed *
feed_new(struct mailbox *to, void (*asked)(struct feed *, void *),
         void *argument)
{
    struct feed *f = calloc(1, sizeof(*f));
    if (f != NULL) {
        f->to = to;
        f->asked = asked;
        f->argument = argument;
        atomic_init(&f->references, 1);
    }
    return f;
}

void
feed_unref(struct feed *f)
{
    if (f != NULL && atomic_fetch_sub(&f->references, 1) == 1) {
        free(f->chunk);
        free(f);
    }
}

enum feed_wish
feed_wish(const struct feed *f)
{
    return f->pending;
}

static void
on_asked(struct letter *letter)
{
    struct feed *f = (struct feed *)letter;
    f->pending = f->wish;
    f->asked(f, f->argument);
}

static void handle_answer(struct letter *letter);

static void
answer(struct feed *f)
{
    f->pending = FEED_NOTHING;
    f->letter.handle = handle_answer;
    atomic_fetch_add(&f->references, 1);
    if (!engine_post_to(f->io, f->start, &f->letter)) {
        feed_unref(f);          /* the engine has stopped */
    }
}

bool
feed_give(struct feed *f, const void *bytes, size_t length)
{
    char *copy = malloc(length);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, bytes, length);
    free(f->chunk);
    f->chunk = copy;
    f->length = length;
    f->at = 0;
    answer(f);
    return true;
}

void
feed_end(struct feed *f)
{
    f->ended = true;
    answer(f);
}

void
feed_rewound(struct feed *f)
{
    f->rewound = true;
    answer(f);
}

void
feed_fail(struct feed *f)
{
    f->failed = true;
    answer(f);
}

/* --- Feeds: the I/O thread's side. */

static void
handle_answer(struct letter *letter)
{
    struct feed *f = (struct feed *)letter;
    f->out = false;
    if (f->transfer != NULL) {
        transfer_send_again(f->transfer);
    }
    feed_unref(f);
}

static void
forget_chunk(struct feed *f)
{
    free(f->chunk);
    f->chunk = NULL;
    f->length = f->at = 0;
}

static void
ask(struct feed *f, enum feed_wish wish)
{
    const struct exchange *x = f->transfer->x;
    f->io = x->io;
    f->start = x->start;
    f->wish = wish;
    f->out = true;
    f->letter.handle = on_asked;
    engine_send(f->io, x, &f->letter);
}

/* Whether the feed stands at its beginning again, if it should. */
static bool
is_rewound(struct upload *u, struct feed *f)
{
    if (u->rewinding && f->rewound) {
        forget_chunk(f);
        f->rewound = f->ended = f->touched = false;
    }
    u->rewinding = u->rewinding && f->touched;
    return !u->rewinding;
}

static ssize_t
read_feed(struct upload *u, struct feed *f, char *to, size_t most)
{
    if (f->out) {
        return UPLOAD_WAITS;
    }
    if (f->failed) {
        return UPLOAD_FAILED;
    }
    if (!is_rewound(u, f)) {
        ask(f, FEED_REWIND);
        return UPLOAD_WAITS;
    }
    f->touched = true;
    size_t n = f->length - f->at;
    if (n == 0 && !f->ended) {
        forget_chunk(f);
        ask(f, FEED_MORE);
        return UPLOAD_WAITS;
    }
    n = n < most ? n : most;
    if (n > 0) {
        memcpy(to, f->chunk + f->at, n);
        f->at += n;
    }
    return (ssize_t)n;
}

/* --- Reading: the I/O thread. */

static ssize_t
read_part(struct upload *u, struct part *p, char *to, size_t most)
{
    int64_t left = p->length - u->at;
    if (p->length >= 0 && (int64_t)most > left) {
        most = (size_t)left;
    }
    switch (p->kind) {
    case BYTES:
        memcpy(to, p->bytes + u->at, most);
        return (ssize_t)most;
    case FILE_PART: {
        ssize_t n;
        do {
            n = pread(p->fd, to, most, p->offset + (off_t)u->at);
        } while (n < 0 && errno == EINTR);
        return n < 0 ? UPLOAD_FAILED : n;
    }
    case FEED:
        return read_feed(u, p->feed, to, most);
    }
    return UPLOAD_FAILED;
}

static bool
is_over(const struct upload *u, const struct part *p)
{
    return p->length >= 0 && u->at == p->length;
}

ssize_t
upload_read(struct upload *u, char *to, size_t most)
{
    if (!u->begun) {
        u->now = u->first;
        u->begun = true;
    }
    while (u->now != NULL) {
        struct part *p = u->now;
        errno = 0;
        ssize_t n = is_over(u, p) ? 0 : read_part(u, p, to, most);
        if (n < 0) {
            return n;
        }
        u->at += n;
        if (n > 0) {
            return n;
        }
        if (p->length >= 0 && u->at < p->length) {
            return UPLOAD_SHORT;
        }
        u->now = p->next;
        u->at = 0;
    }
    return 0;
}

bool
upload_is_sent(const struct upload *u)
{
    return u->begun && u->now == NULL;
}

void
upload_rewind(struct upload *u)
{
    u->begun = false;
    u->at = 0;
    u->rewinding = u->feed != NULL;
}

void
upload_attach(struct upload *u, struct transfer *t)
{
    if (u->feed != NULL) {
        u->feed->transfer = t;
    }
}
