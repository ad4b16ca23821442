/*
 * What both test servers stand on: one thread, one epoll loop, listeners on
 * loopback, connections (plain or TLS) with an input and an output buffer and
 * one timer each, and a clean end on SIGTERM and SIGINT.
 *
 * A connection is freed at the end of the loop's round in which it was closed,
 * so a handler may close its connection and still look at it. Timers are kept
 * by a timerfd, to the microsecond rather than to epoll's millisecond.
 */
#ifndef LOCUST_TESTS_SERVERS_LOOP_H
#define LOCUST_TESTS_SERVERS_LOOP_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define NS_PER_MS 1000000

struct buffer {
    char *data; /* owned; NULL while cap is 0 */
    size_t len;
    size_t cap;
};

/* Anything epoll watches; the first member of what it belongs to. */
struct source {
    void (*ready)(struct source *source, uint32_t events);
};

struct conn {
    struct source source;
    int fd;            /* -1: closed, freed at the end of the round */
    SSL *ssl;          /* owned; NULL: plain */
    struct buffer in;  /* received, not yet consumed */
    struct buffer out; /* from sent on: not yet written */
    size_t sent;
    uint32_t interest;
    bool deaf;    /* leaves what arrives in the kernel, but sees a hang-up */
    int64_t due;  /* when handlers->due is called; 0: never */
    size_t timer; /* its place among the timers, when due is set */
    struct conn *prev; /* among the open ones */
    struct conn *next; /* among the open ones, or the closed ones */
    void *data;        /* the server's own */
};

/* What a server does; all are required. */
struct handlers {
    /* Returns 0, or -1 to refuse the connection. */
    int (*opened)(struct conn *c);
    void (*received)(struct conn *c);
    /* Everything sent has been written, after conn_send() could not at once. */
    void (*drained)(struct conn *c);
    void (*due)(struct conn *c);
    void (*closed)(struct conn *c); /* releases c->data */
    void (*usr1)(void);
};

/* Prints "PROGRAM: what: strerror(errno)" and ends the program with 1. */
noreturn void die(const char *what);

/* Nanoseconds since some fixed point in the past. */
int64_t now_ns(void);

/* Prepares the loop; the handlers must outlive it. Ends the program with a
   message if something is refused. */
void loop_init(const struct handlers *handlers);

/* Listens on address ("127.0.0.1", "::1") and port (0: a free one) and
   announces the URL as a line on stdout. tls may be NULL: plain HTTP; it is
   borrowed. Ends the program with a message on failure. */
void loop_listen(const char *address, int port, SSL_CTX *tls);

/* Runs until SIGTERM or SIGINT, then closes every connection. */
void loop_run(void);

size_t loop_accepted(void); /* connections ever */
size_t loop_open(void);     /* connections now */

/* Sends as much as goes at once and keeps the rest. Returns whether all went;
   if not, drained() will be called, or closed(). */
bool conn_send(struct conn *c, const void *data, size_t size);
/* Puts it before what is sent next. */
void conn_queue(struct conn *c, const void *data, size_t size);
bool conn_is_drained(const struct conn *c);

/* Forgets the first size bytes of the input. */
void conn_consume(struct conn *c, size_t size);

/* Stops or goes on listening; going on may call received() at once. */
void conn_set_deaf(struct conn *c, bool deaf);

/* Calls due() at that time, once, instead of any earlier order; 0: not. */
void conn_set_due(struct conn *c, int64_t due);

void conn_close(struct conn *c);
/* As close, but the peer gets an RST. */
void conn_reset(struct conn *c);

/* Appends; ends the program when memory is out. */
void buffer_add(struct buffer *buffer, const void *data, size_t size);

#endif
