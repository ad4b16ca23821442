/*
 * For tests in C: a web server of the test's own, and the hub's side of the
 * engine without Python.
 *
 * The server has a thread for each connection, which calls the test's
 * serve() for each request head that comes; what follows the head is read by
 * serve() itself, with servlet_read().
 */
#ifndef LOCUST_TESTS_SERVLET_H
#define LOCUST_TESTS_SERVLET_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/engine.h"
#include "http/exchange.h"
#include "unit.h"

#define MS 1000000

struct visit {
    int fd;
    struct sockaddr_in peer;
    char head[8192];            /* of the request, with the empty line */
    char rest[8192];            /* what was read beyond it */
    size_t kept;
};

/* The test's: answers one request. False: close the connection. */
static bool serve(struct visit *v);

static struct {
    pthread_t thread;
    int listener, port;
    atomic_int accepted, open;
} servlet;

/* Up to so many bytes of the request's body; 0 at the end. */
static inline size_t
servlet_read(struct visit *v, void *to, size_t most)
{
    if (v->kept > 0) {
        size_t n = v->kept < most ? v->kept : most;
        memcpy(to, v->rest, n);
        memmove(v->rest, v->rest + n, v->kept - n);
        v->kept -= n;
        return n;
    }
    ssize_t n = read(v->fd, to, most);
    return n > 0 ? (size_t)n : 0;
}

/* All of it. False if the client has gone. */
static inline bool
servlet_write(struct visit *v, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t n = send(v->fd, at, length, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        at += n;
        length -= (size_t)n;
    }
    return true;
}

static inline bool
servlet_say(struct visit *v, const char *text)
{
    return servlet_write(v, text, strlen(text));
}

/* Whether the request is for this path, or begins with it if that ends in
   "?". */
static inline bool
servlet_is(const struct visit *v, const char *path)
{
    const char *target = strchr(v->head, ' ');
    size_t n = strlen(path);
    return target != NULL && strncmp(target + 1, path, n) == 0 &&
           (path[n - 1] == '?' || target[1 + n] == ' ');
}

/* Reads one head. False: there is none. */
static bool
read_head(struct visit *v)
{
    size_t have = 0;
    char *end = NULL;
    while (end == NULL && have < sizeof(v->head) - 1) {
        size_t n = servlet_read(v, v->head + have,
                                sizeof(v->head) - 1 - have);
        if (n == 0) {
            return false;
        }
        have += n;
        v->head[have] = '\0';
        end = strstr(v->head, "\r\n\r\n");
    }
    if (end == NULL) {
        return false;
    }
    end += 4;
    size_t extra = have - (size_t)(end - v->head);
    memmove(v->rest + extra, v->rest, v->kept);
    memcpy(v->rest, end, extra);
    v->kept += extra;
    *end = '\0';
    return true;
}

static void *
run_visit(void *argument)
{
    struct visit *v = argument;
    while (read_head(v) && serve(v)) {
    }
    close(v->fd);
    free(v);
    atomic_fetch_sub(&servlet.open, 1);
    return NULL;
}

static void *
run_servlet(void *unused)
{
    for (;;) {
        struct visit *v = calloc(1, sizeof(*v));
        socklen_t size = sizeof(v->peer);
        pthread_t thread;
        v->fd = accept(servlet.listener, (struct sockaddr *)&v->peer, &size);
        if (v->fd < 0) {
            free(v);
            return NULL;
        }
        atomic_fetch_add(&servlet.accepted, 1);
        atomic_fetch_add(&servlet.open, 1);
        if (pthread_create(&thread, NULL, run_visit, v) != 0) {
            abort();
        }
        pthread_detach(thread);
    }
}

static inline void
servlet_open(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(a);
    servlet.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(servlet.listener, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(servlet.listener, 200), 0);
    getsockname(servlet.listener, (struct sockaddr *)&a, &size);
    servlet.port = ntohs(a.sin_port);
    atomic_store(&servlet.accepted, 0);
    atomic_store(&servlet.open, 0);
    assert_int_equal(pthread_create(&servlet.thread, NULL, run_servlet, NULL),
                     0);
}

/* The server sees a close a little later. */
static inline void
assert_open(int expected)
{
    for (int i = 0; i < 500 && atomic_load(&servlet.open) != expected; i++) {
        usleep(10000);
    }
    assert_int_equal(atomic_load(&servlet.open), expected);
}

/* To be called when no client is left. */
static inline void
servlet_close(void)
{
    assert_open(0);
    shutdown(servlet.listener, SHUT_RDWR);
    pthread_join(servlet.thread, NULL);
    close(servlet.listener);
}

/* --- The hub's side. */

static struct mailbox inbox;
static int came_back, cancels_back;

static void
on_back(struct letter *letter)
{
    came_back++;
    ((struct exchange *)letter)->finished = true;
}

static void
on_cancel_back(struct letter *letter)
{
    cancels_back++;
}

static inline void
take_letters(void)
{
    struct letter *l = mailbox_take(&inbox);
    while (l != NULL) {
        struct letter *next = l->next;
        l->handle(l);
        l = next;
    }
}

/* Handles letters while a condition does not hold, for at most 20 s. */
#define WAIT_UNTIL(condition)                                                 \
    do {                                                                      \
        int64_t end_ = clock_ns() + 20000 * (int64_t)MS;                      \
        while (take_letters(), !(condition)) {                                \
            if (clock_ns() > end_) {                                          \
                fail_msg("waited in vain for " #condition);                   \
            }                                                                 \
            usleep(200);                                                      \
        }                                                                     \
    } while (0)

static inline struct exchange *
exchange_to(struct connections *c, const char *method, const char *path)
{
    struct exchange *x = exchange_new();
    assert_non_null(x);
    char url[300];
    if (strchr(path, ':') != NULL) {
        snprintf(url, sizeof(url), "%s", path);
    }
    else {
        snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", servlet.port,
                 path);
    }
    x->connections = c;
    x->method = method;
    x->url = strdup(url);
    x->reply = reply_new();
    assert_non_null(x->reply);
    x->reply->url = strdup(url);
    x->reply->method = method;
    x->cookie_at = -1;
    x->follow = x->verify = true;
    x->max_redirects = 30;
    x->letter.handle = on_back;
    return x;
}

static inline void
cancel(struct exchange *x)
{
    x->cancel_letter.handle = on_cancel_back;
    engine_cancel(x);
}

static inline void
add_line(struct exchange *x, const char *line)
{
    x->headers = x->lines = curl_slist_append(x->lines, line);
    assert_non_null(x->lines);
}

static inline void
start(const struct engine_settings *settings)
{
    came_back = cancels_back = 0;
    servlet_open();
    assert_int_equal(mailbox_init(&inbox), 0);
    assert_int_equal(engine_start(settings, &inbox), 0);
}

static inline void
stop(void)
{
    engine_stop();
    take_letters();
    servlet_close();
    mailbox_close(&inbox);
}

/* Resident memory in bytes. */
static inline size_t
resident(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*u %lu", &pages), 1);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* That memory has hardly grown. Sanitizers keep what was freed. */
static inline void
assert_small(size_t before)
{
#ifndef WITH_SANITIZERS
    assert_true(resident() < before + 20 * 1024 * 1024);
#endif
}

#endif
