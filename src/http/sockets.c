/*
 * The sockets of libcurl in an I/O thread's loop: those of connections, and
 * others of its own.
 *
 * What became ready is listed first and acted on afterwards, so that the memory
 * of the next one is loaded while libcurl is busy with this one.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/prefetch.h"
#include "http/internal.h"
#include "http/memory.h"

/* --- The lists of fresh ones and of ready ones. */

static void
note_fresh(struct io_thread *io, struct sock *s)
{
    if (s->fresh_link != NULL) {
        return;                 /* already */
    }
    s->fresh = io->fresh;
    s->fresh_link = &io->fresh;
    if (s->fresh != NULL) {
        s->fresh->fresh_link = &s->fresh;
    }
    io->fresh = s;
}

static void
forget_fresh(struct sock *s)
{
    if (s->fresh_link == NULL) {
        return;
    }
    *s->fresh_link = s->fresh;
    if (s->fresh != NULL) {
        s->fresh->fresh_link = s->fresh_link;
    }
    s->fresh_link = NULL;
}

static void
forget_ready(struct sock *s)
{
    if (s->ready_link == NULL) {
        return;
    }
    *s->ready_link = s->ready;
    if (s->ready != NULL) {
        s->ready->ready_link = s->ready_link;
    }
    else {
        s->thread->ready_end = s->ready_link;
    }
    s->ready = NULL;
    s->ready_link = NULL;
}

/* --- What became ready. */

static void
on_socket(struct ev_loop *loop, ev_io *w, int revents)
{
    struct sock *s = (struct sock *)w;
    struct io_thread *io = s->thread;
    if (s->idle) {
        /* The peer closed an idle connection, or sent something nobody asked
           for. libcurl finds out when it wants to use it again. */
        ev_io_stop(loop, w);
        return;
    }
    if (revents & EV_READ) {
        s->touched = ev_now(loop);
    }
    s->what = (revents & EV_READ ? CURL_CSELECT_IN : 0) |
              (revents & EV_WRITE ? CURL_CSELECT_OUT : 0);
    if (s->ready_link == NULL) {
        s->ready_link = io->ready_end;
        *s->ready_link = s;
        io->ready_end = &s->ready;
    }
}

/* Has what the next two need loaded while libcurl acts on this one. */
static void
look_at_next(const struct io_thread *io, const struct sock *s)
{
    const struct sock *next = s->ready;
    if (next == NULL) {
        return;
    }
    prefetch(next->easy, io->easy_bytes);
    prefetch(next->exchange, sizeof(struct exchange));
    footprint_load(&next->footprint);
    if (next->ready != NULL) {
        prefetch(next->ready->transfer, offsetof(struct transfer, error));
        prefetch(&next->ready->footprint, sizeof(struct footprint));
    }
}

void
sockets_act(struct io_thread *io, int most)
{
    struct sock *s;
    for (int i = 0; i < most && (s = io->ready) != NULL; i++) {
        look_at_next(io, s);
        forget_ready(s);
        if (!s->idle) {
            int running;
            curl_multi_socket_action(io->multi, s->io.fd, s->what, &running);
            engine_check_done(io);
        }
    }
}

/* --- By descriptor. */

/* Made if need be. NULL without memory. */
static struct sock *
sock_at(struct io_thread *io, int fd)
{
    if (fd >= io->socks_size) {
        int size = io->socks_size ? io->socks_size : 64;
        while (size <= fd) {
            size *= 2;
        }
        struct sock **socks = realloc(io->socks, sizeof(*socks) * size);
        if (socks == NULL) {
            return NULL;
        }
        memset(socks + io->socks_size, 0,
               sizeof(*socks) * (size - io->socks_size));
        io->socks = socks;
        io->socks_size = size;
    }
    if (io->socks[fd] == NULL) {
        struct sock *s = calloc(1, sizeof(*s));
        if (s == NULL) {
            return NULL;
        }
        ev_io_init(&s->io, on_socket, fd, 0);
        s->thread = io;
        s->idle = true;
        io->socks[fd] = s;
    }
    return io->socks[fd];
}

static void
drop_sock(struct io_thread *io, int fd)
{
    if (fd < io->socks_size && io->socks[fd] != NULL) {
        forget_fresh(io->socks[fd]);
        forget_ready(io->socks[fd]);
        ev_io_stop(io->loop, &io->socks[fd]->io);
        free(io->socks[fd]);
        io->socks[fd] = NULL;
    }
}

/* libcurl 7.88 closes sockets that are still connecting without telling us. The
   descriptor may be somebody else's by now. */
static bool
is_closed(const struct sock *s)
{
    struct stat st;
    return s->ours && (fstat(s->io.fd, &st) < 0 || st.st_ino != s->inode);
}

/* libev aborts the program when it is asked to watch what is closed. */
void
sockets_drop_closed(struct io_thread *io)
{
    struct sock *s;
    while ((s = io->fresh) != NULL) {
        forget_fresh(s);
        if (is_closed(s)) {
            drop_sock(io, s->io.fd);
        }
    }
}

bool
sockets_is_ready(const struct io_thread *io, int fd)
{
    if (fd < 0 || fd >= io->socks_size || io->socks[fd] == NULL ||
        io->socks[fd]->idle) {
        return false;
    }
    int events = io->socks[fd]->io.events;
    struct pollfd p = {.fd = fd,
                       .events = (events & EV_READ ? POLLIN : 0) |
                                 (events & EV_WRITE ? POLLOUT : 0)};
    return poll(&p, 1, 0) > 0 && (p.revents & POLLNVAL) == 0;
}

double
sockets_silence(struct io_thread *io, int fd)
{
    if (fd < 0 || fd >= io->socks_size || io->socks[fd] == NULL) {
        return HUGE_VAL;
    }
    return ev_now(io->loop) - io->socks[fd]->touched;
}

const struct sock *
sockets_last(const struct connections *c)
{
    return c->fd >= 0 && c->fd < c->io->socks_size ? c->io->socks[c->fd]
                                                   : NULL;
}

/* --- libcurl's callbacks. */

/* At its second request a connection is complete, and likely to go on. The
   search begins at its cache, which is open by now: when there are several
   connections in that, it finds the nearest. */
static void
seek_footprint(struct sock *s, const struct transfer *t)
{
    if (!s->sought && !t->opened && t->sends > 0) {
        s->sought = true;
        footprint_find(&s->footprint, cache_open(t->x), t->easy, memory_block);
    }
}

static int
on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *userp,
               void *socketp)
{
    struct io_thread *io = userp;
    struct sock *s = sock_at(io, fd);
    if (s == NULL) {
        return -1;
    }
    s->idle = what == CURL_POLL_REMOVE || what == CURL_POLL_NONE;
    if (s->idle) {
        if (!s->ours) {
            drop_sock(io, fd);
        }
        return 0;
    }
    char *private = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    struct transfer *t = (struct transfer *)private;
    if (t != NULL && s->ours) {
        t->fd = fd;
        t->x->connections->fd = fd;
        s->transfer = t;
        s->easy = easy;
        s->exchange = t->x;
        seek_footprint(s, t);
    }
    int events = (what & CURL_POLL_IN ? EV_READ : 0) |
                 (what & CURL_POLL_OUT ? EV_WRITE : 0);
    if (s->io.events != events) {
        ev_io_stop(io->loop, &s->io);
        ev_io_set(&s->io, fd, events);
        note_fresh(io, s);
    }
    ev_io_start(io->loop, &s->io);
    return 0;
}

curl_socket_t
sockets_open(void *transfer, curlsocktype purpose,
             struct curl_sockaddr *address)
{
    struct transfer *t = transfer;
    /* A second connection for one request means that libcurl wants to send it
       again because the first one broke. The user must be told instead, unless
       that is asked for. */
    if (t->sends > 0 && !t->x->resend) {
        return CURL_SOCKET_BAD;
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                    address->protocol);
    if (fd < 0) {
        t->open_error = errno;
        return CURL_SOCKET_BAD;
    }
    t->opened = true;
    drop_sock(t->io, fd);       /* one that was closed behind our back */
    struct sock *s = sock_at(t->io, fd);
    if (s == NULL) {
        t->open_error = ENOMEM;
        close(fd);
        return CURL_SOCKET_BAD;
    }
    s->ours = true;
    struct stat st;
    s->inode = fstat(fd, &st) == 0 ? st.st_ino : 0;
    unsigned source = t->x->connections->source;
    if (sources_bind(fd, address->family, source) < 0) {
        t->open_error = errno;
        drop_sock(t->io, fd);
        close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd;
}

int
sockets_close(void *io_thread, curl_socket_t fd)
{
    drop_sock(io_thread, fd);
    return close(fd);
}

/* --- All of them. */

void
sockets_init(struct io_thread *io)
{
    io->ready_end = &io->ready;
    curl_multi_setopt(io->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(io->multi, CURLMOPT_SOCKETDATA, io);
}

void
sockets_close_all(struct io_thread *io)
{
    for (int fd = 0; fd < io->socks_size; fd++) {
        if (io->socks[fd] != NULL && !is_closed(io->socks[fd])) {
            close(fd);
        }
    }
}

void
sockets_free(struct io_thread *io)
{
    for (int fd = 0; fd < io->socks_size; fd++) {
        free(io->socks[fd]);
    }
    free(io->socks);
}
