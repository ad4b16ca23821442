/*
 * The event loop of the test servers. Level-triggered epoll; a binary heap of
 * connections by due time, with one timerfd armed for the first of them.
 */
#include "config.h"
#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define BATCH     256
#define READ_SIZE 65536
#define IN_LIMIT  (64 << 20)

struct fd_source {
    struct source source;
    int fd;
    SSL_CTX *tls;           /* of a listener; borrowed */
    struct fd_source *next; /* the next listener */
};

static struct {
    const struct handlers *handlers;
    int epoll;
    int spare; /* given up for a moment when descriptors are out */
    bool stop;
    struct fd_source clock;
    struct fd_source signals;
    struct fd_source *listeners;
    struct conn **timers; /* a heap: the first is due first */
    size_t n_timers;
    size_t cap_timers;
    int64_t armed; /* what the timerfd is set to; 0: not */
    struct conn *open;
    struct conn *dead;
    size_t n_open;
    size_t accepted;
} loop;

void
die(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
            strerror(errno));
    exit(1);
}

int64_t
now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
buffer_add(struct buffer *buffer, const void *data, size_t size)
{
    if (size == 0) {
        return;
    }
    if (buffer->len + size > buffer->cap) {
        size_t cap = buffer->cap ? buffer->cap : 512;
        while (cap < buffer->len + size) {
            cap *= 2;
        }
        char *bigger = realloc(buffer->data, cap);
        if (bigger == NULL) {
            die("growing a buffer");
        }
        buffer->data = bigger;
        buffer->cap = cap;
    }
    memcpy(buffer->data + buffer->len, data, size);
    buffer->len += size;
}

static void
buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

/* --- Timers ------------------------------------------------------------- */

static void
timer_put(size_t place, struct conn *c)
{
    loop.timers[place] = c;
    c->timer = place;
}

/* Moves c up or down from an empty place to where it belongs. */
static void
timer_settle(size_t place, struct conn *c)
{
    while (place > 0 && loop.timers[(place - 1) / 2]->due > c->due) {
        timer_put(place, loop.timers[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= loop.n_timers) {
            break;
        }
        if (child + 1 < loop.n_timers &&
            loop.timers[child + 1]->due < loop.timers[child]->due) {
            child++;
        }
        if (loop.timers[child]->due >= c->due) {
            break;
        }
        timer_put(place, loop.timers[child]);
        place = child;
    }
    timer_put(place, c);
}

static void
timer_remove(struct conn *c)
{
    struct conn *last = loop.timers[--loop.n_timers];
    if (last != c) {
        timer_settle(c->timer, last);
    }
    c->due = 0;
}

static void
timer_add(struct conn *c, int64_t due)
{
    if (loop.n_timers == loop.cap_timers) {
        size_t cap = loop.cap_timers ? 2 * loop.cap_timers : 1024;
        struct conn **bigger = realloc(loop.timers, cap * sizeof(*bigger));
        if (bigger == NULL) {
            die("growing the timers");
        }
        loop.timers = bigger;
        loop.cap_timers = cap;
    }
    c->due = due;
    timer_settle(loop.n_timers++, c);
}

void
conn_set_due(struct conn *c, int64_t due)
{
    if (c->due != 0) {
        timer_remove(c);
    }
    if (due != 0 && c->fd >= 0) {
        timer_add(c, due);
    }
}

/* Arms the clock for the first timer, unless it rings before that anyway. */
static void
timer_arm(void)
{
    if (loop.n_timers == 0) {
        return;
    }
    int64_t due = loop.timers[0]->due;
    if (loop.armed != 0 && loop.armed <= due) {
        return;
    }
    struct itimerspec when = {.it_value = {due / 1000000000, due % 1000000000}};
    if (timerfd_settime(loop.clock.fd, TFD_TIMER_ABSTIME, &when, NULL) < 0) {
        die("timerfd_settime");
    }
    loop.armed = due;
}

/* The clock rings: serves those due by now, not those they add. */
static void
clock_ready(struct source *source, uint32_t events)
{
    uint64_t rings;
    if (read(loop.clock.fd, &rings, sizeof(rings)) < 0 && errno != EAGAIN &&
        errno != EINTR) {
        die("reading the clock");
    }
    loop.armed = 0;
    int64_t now = now_ns();
    while (loop.n_timers > 0 && loop.timers[0]->due <= now) {
        struct conn *c = loop.timers[0];
        timer_remove(c);
        loop.handlers->due(c);
    }
}

/* --- Connections -------------------------------------------------------- */

static void
watch(struct conn *c)
{
    uint32_t interest = EPOLLRDHUP | (c->deaf ? 0 : EPOLLIN) |
                        (c->sent < c->out.len ? EPOLLOUT : 0);
    if (c->fd < 0 || interest == c->interest) {
        return;
    }
    struct epoll_event event = {.events = interest, .data.ptr = &c->source};
    int op = c->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(loop.epoll, op, c->fd, &event) < 0) {
        die("epoll_ctl");
    }
    c->interest = interest;
}

static void
conn_end(struct conn *c)
{
    if (c->fd < 0) {
        return;
    }
    conn_set_due(c, 0);
    close(c->fd);
    c->fd = -1;
    *(c->prev != NULL ? &c->prev->next : &loop.open) = c->next;
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    c->next = loop.dead;
    loop.dead = c;
    loop.n_open--;
}

void
conn_close(struct conn *c)
{
    if (c->fd >= 0 && c->ssl != NULL) {
        ERR_clear_error();
        SSL_shutdown(c->ssl);
    }
    conn_end(c);
}

void
conn_reset(struct conn *c)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (c->fd >= 0 &&
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) < 0) {
        die("SO_LINGER");
    }
    conn_end(c);
}

static void
bury_the_dead(void)
{
    while (loop.dead != NULL) {
        struct conn *c = loop.dead;
        loop.dead = c->next;
        loop.handlers->closed(c);
        SSL_free(c->ssl);
        buffer_free(&c->in);
        buffer_free(&c->out);
        free(c);
    }
}

/* What SSL_read or SSL_write left to say: as recv and send do, -1 with errno
   EAGAIN when it has to wait, 0 at the end, -1 with another errno. */
static ssize_t
tls_outcome(struct conn *c, int outcome)
{
    if (outcome > 0) {
        return outcome;
    }
    switch (SSL_get_error(c->ssl, outcome)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        /* A refused certificate, plain HTTP, an abort: tests do that. */
        errno = ECONNABORTED;
        return -1;
    }
}

static ssize_t
conn_recv(struct conn *c, void *data, size_t size)
{
    if (c->ssl == NULL) {
        return recv(c->fd, data, size, 0);
    }
    ERR_clear_error();
    return tls_outcome(c, SSL_read(c->ssl, data, (int)size));
}

static ssize_t
conn_write(struct conn *c, const void *data, size_t size)
{
    if (c->ssl == NULL) {
        return send(c->fd, data, size, MSG_NOSIGNAL);
    }
    ERR_clear_error();
    return tls_outcome(
        c, SSL_write(c->ssl, data, (int)(size > 1 << 30 ? 1 << 30 : size)));
}

bool
conn_is_drained(const struct conn *c)
{
    return c->sent == c->out.len;
}

/* Writes what waits; closes the connection if it is broken. */
static void
conn_flush(struct conn *c)
{
    while (c->fd >= 0 && !conn_is_drained(c)) {
        ssize_t n = conn_write(c, c->out.data + c->sent, c->out.len - c->sent);
        if (n > 0) {
            c->sent += (size_t)n;
        }
        else if (n < 0 && errno == EAGAIN) {
            break;
        }
        else if (n == 0 || errno != EINTR) {
            conn_end(c);
        }
    }
    if (conn_is_drained(c)) {
        c->sent = c->out.len = 0;
    }
    watch(c);
}

void
conn_queue(struct conn *c, const void *data, size_t size)
{
    buffer_add(&c->out, data, size);
}

bool
conn_send(struct conn *c, const void *data, size_t size)
{
    conn_queue(c, data, size);
    conn_flush(c);
    return c->fd >= 0 && conn_is_drained(c);
}

void
conn_consume(struct conn *c, size_t size)
{
    c->in.len -= size;
    memmove(c->in.data, c->in.data + size, c->in.len);
}

/* Takes in what is there. Returns whether the connection goes on. */
static bool
conn_fill(struct conn *c)
{
    static char data[READ_SIZE];
    size_t before = c->in.len;
    bool more = true;
    while (more && c->fd >= 0) {
        ssize_t n = conn_recv(c, data, sizeof(data));
        if (n > 0) {
            buffer_add(&c->in, data, (size_t)n);
            /* Without TLS a short read has emptied the socket. */
            more = c->ssl != NULL || n == sizeof(data);
        }
        else if (n < 0 && errno == EAGAIN) {
            more = false;
        }
        else if (n == 0 || errno != EINTR) {
            conn_close(c);
        }
        if (c->in.len > IN_LIMIT) {
            fprintf(stderr, "%s: a request above %d bytes: closed\n",
                    program_invocation_short_name, IN_LIMIT);
            conn_end(c);
        }
    }
    return c->fd >= 0 && c->in.len > before;
}

void
conn_set_deaf(struct conn *c, bool deaf)
{
    bool was_deaf = c->deaf;
    c->deaf = deaf;
    watch(c);
    /* OpenSSL may hold bytes that epoll knows nothing of. */
    if (was_deaf && !deaf && c->ssl != NULL && c->fd >= 0 && conn_fill(c)) {
        loop.handlers->received(c);
    }
}

static void
conn_ready(struct source *source, uint32_t events)
{
    struct conn *c = (struct conn *)source;
    if (c->fd < 0) {
        return;
    }
    if (events & EPOLLOUT) {
        conn_flush(c);
        if (c->fd >= 0 && conn_is_drained(c)) {
            loop.handlers->drained(c);
        }
    }
    if (!c->deaf && (events & EPOLLIN) && c->fd >= 0 && conn_fill(c)) {
        loop.handlers->received(c);
    }
    if (events & (EPOLLHUP | EPOLLERR) ||
        (events & EPOLLRDHUP && (c->deaf || !(events & EPOLLIN)))) {
        conn_end(c);
    }
}

/* --- Listeners ---------------------------------------------------------- */

static void
conn_open(int fd, SSL_CTX *tls)
{
    struct conn *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        die("a new connection");
    }
    c->source.ready = conn_ready;
    c->fd = fd;
    c->next = loop.open;
    if (c->next != NULL) {
        c->next->prev = c;
    }
    loop.open = c;
    loop.accepted++;
    loop.n_open++;
    int one = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0) {
        die("TCP_NODELAY");
    }
    if (tls != NULL) {
        c->ssl = SSL_new(tls);
        if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1) {
            die("a new TLS connection");
        }
        SSL_set_accept_state(c->ssl);
    }
    watch(c);
    if (loop.handlers->opened(c) < 0) {
        conn_end(c);
    }
}

/* Out of descriptors: a connection that waits in vain would ring for ever, so
   it is taken with the spare one and dropped. */
static void
drop_one(int listener)
{
    fprintf(stderr, "%s: out of file descriptors: a connection is dropped\n",
            program_invocation_short_name);
    close(loop.spare);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        close(fd);
    }
    loop.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (loop.spare < 0) {
        die("/dev/null");
    }
}

static void
listener_ready(struct source *source, uint32_t events)
{
    struct fd_source *listener = (struct fd_source *)source;
    for (;;) {
        int fd =
            accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            conn_open(fd, listener->tls);
        }
        else if (errno == EMFILE || errno == ENFILE) {
            drop_one(listener->fd);
        }
        else if (errno == EAGAIN) {
            return;
        }
        else if (errno != EINTR && errno != ECONNABORTED) {
            die("accept");
        }
    }
}

static void
add_source(struct fd_source *s, void (*ready)(struct source *, uint32_t))
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &s->source};
    s->source.ready = ready;
    if (epoll_ctl(loop.epoll, EPOLL_CTL_ADD, s->fd, &event) < 0) {
        die("epoll_ctl");
    }
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union address
parse_address(const char *text, int port)
{
    union address address = {0};
    if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons((uint16_t)port);
    }
    else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons((uint16_t)port);
    }
    else {
        fprintf(stderr, "%s: '%s' is not an IP address\n",
                program_invocation_short_name, text);
        exit(2);
    }
    return address;
}

void
loop_listen(const char *text, int port, SSL_CTX *tls)
{
    union address address = parse_address(text, port);
    bool v6 = address.any.sa_family == AF_INET6;
    socklen_t size = v6 ? sizeof(address.v6) : sizeof(address.v4);
    struct fd_source *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        die("a listener");
    }
    int one = 1;
    int fd = socket(address.any.sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(fd, &address.any, size) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, &address.any, &size) < 0) {
        die("listening");
    }
    listener->fd = fd;
    listener->tls = tls;
    listener->next = loop.listeners;
    loop.listeners = listener;
    add_source(listener, listener_ready);
    printf("listening on %s://%s%s%s:%d\n", tls ? "https" : "http",
           v6 ? "[" : "", text, v6 ? "]" : "",
           ntohs(v6 ? address.v6.sin6_port : address.v4.sin_port));
    if (fflush(stdout) == EOF) {
        die("announcing the address");
    }
}

/* --- The loop ----------------------------------------------------------- */

static void
signals_ready(struct source *source, uint32_t events)
{
    struct signalfd_siginfo info;
    ssize_t n = read(loop.signals.fd, &info, sizeof(info));
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        die("reading a signal");
    }
    if (n == sizeof(info) && info.ssi_signo == SIGUSR1) {
        loop.handlers->usr1();
    }
    else if (n == sizeof(info)) {
        loop.stop = true;
    }
}

/* As many descriptors as the system lets us have. */
static void
raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        die("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        die("setrlimit");
    }
}

void
loop_init(const struct handlers *handlers)
{
    loop.handlers = handlers;
    raise_limit();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
        signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
        die("signals");
    }
    loop.epoll = epoll_create1(EPOLL_CLOEXEC);
    loop.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    loop.clock.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    loop.signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (loop.epoll < 0 || loop.spare < 0 || loop.clock.fd < 0 ||
        loop.signals.fd < 0) {
        die("the event loop");
    }
    add_source(&loop.clock, clock_ready);
    add_source(&loop.signals, signals_ready);
}

static void
loop_end(void)
{
    while (loop.open != NULL) {
        conn_end(loop.open);
    }
    bury_the_dead();
    while (loop.listeners != NULL) {
        struct fd_source *listener = loop.listeners;
        loop.listeners = listener->next;
        close(listener->fd);
        free(listener);
    }
    free(loop.timers);
    close(loop.clock.fd);
    close(loop.signals.fd);
    close(loop.spare);
    close(loop.epoll);
}

void
loop_run(void)
{
    struct epoll_event events[BATCH];
    while (!loop.stop) {
        timer_arm();
        int n = epoll_wait(loop.epoll, events, BATCH, -1);
        if (n < 0 && errno != EINTR) {
            die("epoll_wait");
        }
        for (int i = 0; i < n; i++) {
            struct source *source = events[i].data.ptr;
            source->ready(source, events[i].events);
        }
        bury_the_dead();
    }
    loop_end();
}

size_t
loop_accepted(void)
{
    return loop.accepted;
}

size_t
loop_open(void)
{
    return loop.n_open;
}
