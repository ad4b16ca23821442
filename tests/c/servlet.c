/*
 * The web server of tests in C; see servlet.h.
 *
 * A thread owns its visit. Counts are atomic, and the last body has a lock:
 * the tests look at them while the server runs.
 */
#include "servlet.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

struct servlet servlet;

static struct {
    pthread_mutex_t lock;
    char bytes[4096];           /* the first ones, and a zero */
    int64_t length;
} last = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool
servlet_is(const struct visit *v, const char *path)
{
    const char *target = strchr(v->head, ' ');
    size_t n = strlen(path);
    return target != NULL && strncmp(target + 1, path, n) == 0 &&
           (path[n - 1] == '?' || target[1 + n] == ' ');
}

size_t
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

bool
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

bool
servlet_say(struct visit *v, const char *text)
{
    return servlet_write(v, text, strlen(text));
}

bool
servlet_look_up(struct visit *v, const struct servlet_reply *replies,
                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (servlet_is(v, replies[i].path)) {
            return servlet_say(v, replies[i].text);
        }
    }
    return true;
}

void
servlet_hold(void)
{
    while (!atomic_load(&servlet.go)) {
        usleep(1000);
    }
}

/* --- Bodies. */

static void
note(const char *bytes, size_t n)
{
    pthread_mutex_lock(&last.lock);
    int64_t room = (int64_t)sizeof(last.bytes) - 1 - last.length;
    if (room > 0) {
        size_t kept = (int64_t)n < room ? n : (size_t)room;
        memcpy(last.bytes + last.length, bytes, kept);
    }
    last.length += (int64_t)n;
    pthread_mutex_unlock(&last.lock);
}

static void
forget(void)
{
    pthread_mutex_lock(&last.lock);
    memset(last.bytes, 0, sizeof(last.bytes));
    last.length = 0;
    pthread_mutex_unlock(&last.lock);
}

/* The last bytes of a body in pieces, to see its end in. */
static void
slide(char *tail, size_t size, const char *piece, size_t n)
{
    size_t taken = n < size ? n : size;
    memmove(tail, tail + taken, size - taken);
    memcpy(tail + size - taken, piece + n - taken, taken);
}

static void
take_chunks(struct visit *v)
{
    static const char end[5] = "0\r\n\r\n";
    char piece[8192], tail[sizeof(end)] = "";
    size_t n;
    while (memcmp(tail, end, sizeof(end)) != 0 &&
           (n = servlet_read(v, piece, sizeof(piece))) > 0) {
        note(piece, n);
        slide(tail, sizeof(tail), piece, n);
    }
}

static void
take_bytes(struct visit *v, int64_t left)
{
    char piece[65536];
    size_t n = 1;
    while (left > 0 && n > 0) {
        n = servlet_read(v, piece, sizeof(piece));
        note(piece, n);
        left -= (int64_t)n;
    }
}

void
servlet_take_body(struct visit *v)
{
    const char *length = strstr(v->head, "Content-Length: ");
    forget();
    if (length != NULL) {
        take_bytes(v, strtoll(length + 16, NULL, 10));
    }
    else if (strstr(v->head, "Transfer-Encoding") != NULL) {
        take_chunks(v);
    }
}

void
assert_body(const char *expected)
{
    char bytes[sizeof(last.bytes)];
    pthread_mutex_lock(&last.lock);
    memcpy(bytes, last.bytes, sizeof(bytes));
    pthread_mutex_unlock(&last.lock);
    assert_string_equal(bytes, expected);
}

int64_t
servlet_body_length(void)
{
    pthread_mutex_lock(&last.lock);
    int64_t length = last.length;
    pthread_mutex_unlock(&last.lock);
    return length;
}

/* --- Connections. */

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
    do {
        if (!read_head(v)) {
            break;
        }
        atomic_fetch_add(&servlet.requests, 1);
    } while (servlet.serve(v));
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
        if (v == NULL) {
            abort();
        }
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

void
servlet_open(servlet_serve *serve)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(a);
    servlet.serve = serve;
    servlet.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(servlet.listener, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(servlet.listener, 200), 0);
    getsockname(servlet.listener, (struct sockaddr *)&a, &size);
    servlet.port = ntohs(a.sin_port);
    atomic_store(&servlet.accepted, 0);
    atomic_store(&servlet.open, 0);
    atomic_store(&servlet.requests, 0);
    atomic_store(&servlet.go, false);
    assert_int_equal(pthread_create(&servlet.thread, NULL, run_servlet, NULL),
                     0);
}

void
assert_open(int expected)
{
    for (int i = 0; i < 2000 && atomic_load(&servlet.open) != expected; i++) {
        usleep(10000);
    }
    assert_int_equal(atomic_load(&servlet.open), expected);
}

void
servlet_close(void)
{
    assert_open(0);
    shutdown(servlet.listener, SHUT_RDWR);
    pthread_join(servlet.thread, NULL);
    close(servlet.listener);
}
