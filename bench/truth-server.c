/*
 * truth-server: answers every request --delay-ms after its last byte came, and
 * keeps a histogram of what that took it, from that byte to the reply handed
 * to the kernel. What a load generator reports beyond this, it has added.
 *
 * One thread, so that it cannot be the one that wakes late for lack of a lock.
 * As all delays are equal, what is due first is what came first: a plain queue
 * does for the timers. It knows GET without a body, keep-alive and pipelining;
 * GET /report answers with the times so far as JSON and is not counted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC   1000000000LL
#define NS_PER_MS    1000000LL
#define NS_PER_SLOT  10000LL /* the histogram's resolution */
#define SLOTS        500000  /* up to 5 s; the last one takes what is beyond */
#define REQUEST_SIZE 8192
#define EVENTS       512
#define BACKLOG      4096

struct conn {
    int fd; /* -1: closed while it waited in the queue, which frees it */
    bool waiting;
    int64_t read_at;
    size_t len;     /* bytes in request */
    size_t request; /* bytes of the one being answered */
    struct conn *next;
    char in[REQUEST_SIZE];
};

static const char reply[] = "HTTP/1.1 200 OK\r\n"
                            "Content-Type: text/plain\r\n"
                            "Content-Length: 34\r\n"
                            "\r\n"
                            "Thirty-four bytes, as nginx gives\n";

static struct conn *oldest, *newest;
static int64_t delay_ns = 10 * NS_PER_MS;
static int poller;

static uint64_t slots[SLOTS];
static uint64_t count;
static int64_t slowest;

static void
die(const char *what)
{
    fprintf(stderr, "truth-server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t
now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static void
record(int64_t ns)
{
    int64_t slot = ns / NS_PER_SLOT;
    slots[slot < SLOTS ? slot : SLOTS - 1]++;
    count++;
    if (ns > slowest) {
        slowest = ns;
    }
}

/* The time in ms that this fraction of all requests did not exceed. */
static double
percentile(double fraction)
{
    uint64_t wanted = (uint64_t)((double)count * fraction), seen = 0;
    for (int64_t i = 0; i < SLOTS - 1; i++) {
        seen += slots[i];
        if (seen > wanted) {
            return ((double)i + 0.5) * NS_PER_SLOT / NS_PER_MS;
        }
    }
    return (double)slowest / NS_PER_MS;
}

static void
queue_push(struct conn *c)
{
    c->waiting = true;
    c->next = NULL;
    if (oldest == NULL) {
        oldest = c;
    }
    else {
        newest->next = c;
    }
    newest = c;
}

static struct conn *
queue_pop(void)
{
    struct conn *c = oldest;
    oldest = c->next;
    c->waiting = false;
    return c;
}

/* The connection must not be used afterwards. */
static void
conn_close(struct conn *c)
{
    close(c->fd);
    c->fd = -1;
    if (!c->waiting) {
        free(c);
    }
}

/* Returns false if the client is gone, or has not read what it asked for. */
static bool
conn_send(struct conn *c, const char *text, size_t size)
{
    return send(c->fd, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool
conn_send_report(struct conn *c)
{
    char body[256], text[512];
    int n = snprintf(body, sizeof(body),
                     "{\"count\": %llu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
                     "\"max_ms\": %.3f}\n",
                     (unsigned long long)count, percentile(0.50),
                     percentile(0.99), (double)slowest / NS_PER_MS);
    int size = snprintf(text, sizeof(text),
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        "Content-Length: %d\r\n\r\n%s",
                        n, body);
    return conn_send(c, text, (size_t)size);
}

static void
conn_consume(struct conn *c)
{
    c->len -= c->request;
    memmove(c->in, c->in + c->request, c->len);
}

/* Starts on the next request that has come whole. Returns false if the
   connection is of no more use. */
static bool
conn_next(struct conn *c)
{
    char *end;
    while ((end = memmem(c->in, c->len, "\r\n\r\n", 4)) != NULL) {
        c->request = (size_t)(end + 4 - c->in);
        if (strncmp(c->in, "GET /report ", 12) != 0) {
            c->read_at = now_ns();
            queue_push(c);
            return true;
        }
        if (!conn_send_report(c)) {
            return false;
        }
        conn_consume(c);
    }
    return c->len < sizeof(c->in);
}

static void
conn_read(struct conn *c)
{
    ssize_t n = recv(c->fd, c->in + c->len, sizeof(c->in) - c->len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        conn_close(c);
        return;
    }
    c->len += (size_t)n;
    if (!c->waiting && !conn_next(c)) {
        conn_close(c);
    }
}

static void
conn_answer(struct conn *c)
{
    if (c->fd < 0) {
        free(c);
        return;
    }
    if (!conn_send(c, reply, sizeof(reply) - 1)) {
        conn_close(c);
        return;
    }
    record(now_ns() - c->read_at);
    conn_consume(c);
    if (!conn_next(c)) {
        conn_close(c);
    }
}

static void
watch(int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) {
        die("epoll_ctl");
    }
}

static void
accept_all(int listener)
{
    const int on = 1;
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct conn *c = malloc(sizeof(*c));
        if (c == NULL) {
            die("a new connection");
        }
        c->fd = fd;
        c->waiting = false;
        c->len = 0;
        if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0) {
            die("TCP_NODELAY");
        }
        watch(fd, c);
    }
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        die("accept");
    }
}

static int
listen_on(int port)
{
    const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, BACKLOG) < 0) {
        die("listening");
    }
    return fd;
}

/* Sleeps until something comes or the oldest request is due. */
static int
wait_for(struct epoll_event *events)
{
    struct timespec pause = {0}, *timeout = NULL;
    if (oldest != NULL) {
        int64_t left = oldest->read_at + delay_ns - now_ns();
        if (left > 0) {
            pause.tv_sec = left / NS_PER_SEC;
            pause.tv_nsec = left % NS_PER_SEC;
        }
        timeout = &pause;
    }
    int n = epoll_pwait2(poller, events, EVENTS, timeout, NULL);
    if (n < 0 && errno != EINTR) {
        die("epoll_pwait2");
    }
    return n;
}

static void
serve(int listener)
{
    static struct epoll_event events[EVENTS];
    for (;;) {
        int n = wait_for(events);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                accept_all(listener);
            }
            else {
                conn_read(events[i].data.ptr);
            }
        }
        int64_t now = now_ns();
        while (oldest != NULL && oldest->read_at + delay_ns <= now) {
            conn_answer(queue_pop());
        }
    }
}

/* The number an option was given; ends the program if it is none. */
static double
number(const char *text, double max)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0 && value <= max)) {
        fprintf(stderr, "truth-server: '%s' is not a number from 0 to %g\n",
                text, max);
        exit(2);
    }
    return value;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"delay-ms", required_argument, NULL, 'd'},
        {0},
    };
    int port = 0, option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            port = (int)number(optarg, 65535);
            break;
        case 'd':
            delay_ns = (int64_t)(number(optarg, 3600000) * NS_PER_MS);
            break;
        default:
            optind = argc + 1;
        }
    }
    if (port == 0 || optind != argc) {
        fputs("Usage: truth-server --port N [--delay-ms N]\n", stderr);
        return 2;
    }
    poller = epoll_create1(0);
    if (poller < 0) {
        die("epoll_create1");
    }
    int listener = listen_on(port);
    watch(listener, NULL);
    serve(listener);
}
