/*
 * For tests in C: a web server of the test's own.
 *
 * It has a thread for each connection, which calls the test's function for
 * each request head that comes; what follows the head is read by that
 * function itself, with servlet_read() or servlet_take_body(). There is one
 * server at a time.
 */
#ifndef LOCUST_TESTS_SERVLET_H
#define LOCUST_TESTS_SERVLET_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A request. */
struct visit {
    int fd;
    struct sockaddr_in peer;
    char head[8192];            /* of the request, with the empty line */
    char rest[8192];            /* what was read beyond it */
    size_t kept;
};

/* Answers one request. False: close the connection. */
typedef bool servlet_serve(struct visit *v);

extern struct servlet {
    servlet_serve *serve;
    pthread_t thread;
    int listener, port;
    atomic_int accepted, open;  /* connections */
    atomic_int requests;
    atomic_bool go;             /* what servlet_hold() waits for */
} servlet;

/* What is sent for a path, as servlet_is() has it. */
struct servlet_reply {
    const char *path, *text;
};

#define SERVLET_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* Starts it on a free port, with all counts 0 and no leave to go. */
void servlet_open(servlet_serve *serve);

/* Ends it. To be called when no client is left. */
void servlet_close(void);

/* Waits until so many connections are open: the server sees a close a little
   later than the client. Fails if that never comes to be. */
void assert_open(int expected);

/* --- For the function that serves. */

/* Whether the request is for this path, or begins with it if that ends in
   "?". */
bool servlet_is(const struct visit *v, const char *path);

/* Up to so many bytes of the request's body; 0 at the end. */
size_t servlet_read(struct visit *v, void *to, size_t most);

/* Sends all of it. False if the client has gone. */
bool servlet_write(struct visit *v, const void *bytes, size_t length);
bool servlet_say(struct visit *v, const char *text);

/* Sends what a table of `count` has for the path. For another one nothing is
   sent, and the client waits. */
bool servlet_look_up(struct visit *v, const struct servlet_reply *replies,
                     size_t count);

/* Holds the request until servlet.go, which the test sets. */
void servlet_hold(void);

/* Reads the request's body, by its length or its chunks, and keeps it for
   assert_body(). */
void servlet_take_body(struct visit *v);

/* --- For the test. */

/* That the last body which was taken is this one, as on the wire. Of a long
   one the first bytes are kept. */
void assert_body(const char *expected);

/* How long it was. */
int64_t servlet_body_length(void);

#endif
