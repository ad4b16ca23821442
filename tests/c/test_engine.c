/* The engine against a small server of the test's own: every way in which an
   exchange comes back, exactly once. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/cookie.h"
#include "http/engine.h"
#include "http/exchange.h"
#include "unit.h"

#define MAX_FDS 300
#define MS 1000000

/* --- The server: one thread. The path says how much of a reply there is. */

static struct {
    pthread_t thread;
    int listener, stop[2];
    int port;
    atomic_int accepted, open;
} server;

static void
answer(int fd, const char *request)
{
    const char *reply = "";
    if (strstr(request, " /ok ") != NULL) {
        reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    }
    else if (strstr(request, " /half ") != NULL) {
        reply = "HTTP/1.1 200 OK\r\nContent-";
    }
    else if (strstr(request, " /body ") != NULL) {
        reply = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    }
    else if (strstr(request, " /hop ") != NULL) {
        reply = "HTTP/1.1 302 Go\r\nLocation: /ok\r\nSet-Cookie: a=1\r\n"
                "Content-Length: 0\r\n\r\n";
    }
    assert_true(write(fd, reply, strlen(reply)) == (ssize_t)strlen(reply));
}

static void *
serve(void *unused)
{
    struct pollfd fds[MAX_FDS] = {{server.stop[0], POLLIN, 0},
                                  {server.listener, POLLIN, 0}};
    int n = 2;
    while (fds[0].revents == 0) {
        poll(fds, (nfds_t)n, -1);
        if (fds[1].revents != 0) {
            fds[n++] = (struct pollfd){accept(server.listener, NULL, NULL),
                                       POLLIN, 0};
            atomic_fetch_add(&server.accepted, 1);
            atomic_fetch_add(&server.open, 1);
        }
        for (int i = n - 1; i > 1; i--) {
            char request[2000];
            ssize_t got = fds[i].revents == 0
                              ? 0
                              : read(fds[i].fd, request, sizeof(request) - 1);
            if (got > 0) {
                request[got] = '\0';
                answer(fds[i].fd, request);
            }
            else if (fds[i].revents != 0) {
                close(fds[i].fd);
                fds[i] = fds[--n];
                atomic_fetch_sub(&server.open, 1);
            }
        }
    }
    while (n > 2) {
        close(fds[--n].fd);
    }
    return NULL;
}

static void
open_server(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(a);
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server.listener, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(server.listener, 200), 0);
    getsockname(server.listener, (struct sockaddr *)&a, &size);
    server.port = ntohs(a.sin_port);
    atomic_store(&server.accepted, 0);
    atomic_store(&server.open, 0);
    assert_int_equal(pipe(server.stop), 0);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void
close_server(void)
{
    assert_int_equal(write(server.stop[1], "x", 1), 1);
    pthread_join(server.thread, NULL);
    close(server.listener);
    close(server.stop[0]);
    close(server.stop[1]);
}

/* The server sees a close a little later. */
static void
assert_open(int expected)
{
    for (int i = 0; i < 200 && atomic_load(&server.open) != expected; i++) {
        usleep(10000);
    }
    assert_int_equal(atomic_load(&server.open), expected);
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

/* Handles letters until so many exchanges are back, for at most 10 s. */
static void
wait_for(int count, int cancels)
{
    int64_t end = clock_ns() + 10000 * (int64_t)MS;
    while (came_back < count || cancels_back < cancels) {
        assert_true(clock_ns() < end);
        struct letter *l = mailbox_take(&inbox);
        while (l != NULL) {
            struct letter *next = l->next;
            l->handle(l);
            l = next;
        }
        usleep(200);
    }
    assert_int_equal(came_back, count);
    assert_int_equal(cancels_back, cancels);
}

static struct exchange *
new_exchange(struct connections *c, const char *path)
{
    struct exchange *x = exchange_new();
    assert_non_null(x);
    char url[300];
    if (strchr(path, ':') != NULL) {
        snprintf(url, sizeof(url), "%s", path);
    }
    else {
        snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", server.port, path);
    }
    x->connections = c;
    x->method = "GET";
    x->url = strdup(url);
    x->reply = reply_new();
    assert_non_null(x->reply);
    x->reply->url = strdup(url);
    x->reply->method = "GET";
    x->cookie_at = -1;
    x->follow = x->verify = true;
    x->max_redirects = 30;
    x->letter.handle = on_back;
    return x;
}

static struct exchange *
submit(struct connections *c, const char *path)
{
    struct exchange *x = new_exchange(c, path);
    engine_submit(x);
    return x;
}

static void
cancel(struct exchange *x)
{
    x->cancel_letter.handle = on_cancel_back;
    engine_cancel(x);
}

static int
set_up(void **state)
{
    struct engine_settings settings = {.threads = 2};
    came_back = cancels_back = 0;
    open_server();
    assert_int_equal(mailbox_init(&inbox), 0);
    return engine_start(&settings, &inbox);
}

static int
tear_down(void **state)
{
    engine_stop();
    close_server();
    mailbox_close(&inbox);
    return 0;
}

/* --- The tests. */

static void
test_ok(void **state)
{
    struct connections *c = connections_new();
    for (int i = 1; i <= 5; i++) {
        struct exchange *x = submit(c, "/ok");
        wait_for(i, 0);
        assert_int_equal(x->error, HTTP_OK);
        assert_int_equal(x->reply->status, 200);
        assert_memory_equal(x->reply->raw.data + x->reply->body, "ok", 2);
        assert_true(x->submitted <= x->taken && x->taken <= x->reply->sent &&
                    x->reply->sent <= x->reply->headed &&
                    x->reply->headed <= x->ended);
        exchange_free(x);
    }
    assert_int_equal(atomic_load(&server.accepted), 1);
    connections_close(c);
    assert_open(0);
}

static void
test_redirect_keeps_what_was_sent(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = new_exchange(c, "/hop");
    x->cookies = cookie_jar_new();
    engine_submit(x);
    wait_for(1, 0);
    assert_int_equal(x->error, HTTP_OK);
    assert_non_null(x->reply->previous);
    assert_int_equal(x->reply->previous->status, 302);
    assert_string_equal(exchange_sent_lines(x, x->reply)->data, "Cookie: a=1");
    assert_null(exchange_sent_lines(x, x->reply->previous));
    exchange_free(x);
    connections_close(c);
}

static void
test_without_a_jar_cookies_are_not_looked_at(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = submit(c, "/hop");
    wait_for(1, 0);
    assert_int_equal(x->error, HTTP_OK);
    assert_null(exchange_sent_lines(x, x->reply));
    exchange_free(x);
    connections_close(c);
}

static void
test_refused(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = submit(c, "http://127.0.0.1:1/");
    wait_for(1, 0);
    assert_int_equal(x->error, HTTP_CONNECT);
    assert_int_equal(x->code, ECONNREFUSED);
    exchange_free(x);
    connections_close(c);
}

static void
test_unknown_name(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = submit(c, "http://nobody.invalid/");
    wait_for(1, 0);
    assert_int_equal(x->error, HTTP_RESOLVE);
    exchange_free(x);
    connections_close(c);
}

static void
test_read_timeout(void **state)
{
    static const char *const paths[] = {"/silent", "/half", "/body"};
    struct connections *c = connections_new();
    for (int i = 0; i < 3; i++) {
        struct exchange *x = new_exchange(c, paths[i]);
        x->connect_timeout = x->read_timeout = 0.1;
        engine_submit(x);
        wait_for(i + 1, 0);
        assert_int_equal(x->error, HTTP_READ_TIMEOUT);
        assert_int_equal(x->code, i == 2);
        assert_in_range(x->ended - x->taken, 100 * MS, 1000 * MS);
        exchange_free(x);
    }
    assert_open(0);
    connections_close(c);
}

/* A cancel at every stage: both letters come back, the connection closes. */
static void
test_cancel(void **state)
{
    static const char *const paths[] = {"/silent", "/half", "/body", "/ok",
                                        "http://nobody.invalid/"};
    struct connections *c = connections_new();
    int n = 0;
    for (int delay = 0; delay <= 20; delay += 5) {
        for (int i = 0; i < 5; i++) {
            struct exchange *x = submit(c, paths[i]);
            usleep((useconds_t)delay * 1000);
            cancel(x);
            n++;
            wait_for(n, n);
            assert_true(x->error == HTTP_CANCELLED || i >= 3);
            exchange_free(x);
        }
    }
    struct exchange *x = submit(c, "/ok");
    wait_for(n + 1, n);
    assert_int_equal(x->error, HTTP_OK);
    exchange_free(x);
    assert_open(1);
    connections_close(c);
    assert_open(0);
}

static void
test_close_with_requests_out(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = submit(c, "/ok"), *y = submit(c, "/silent");
    connections_close(c);
    wait_for(1, 0);
    assert_int_equal(x->error, HTTP_OK);
    cancel(y);
    wait_for(2, 1);
    exchange_free(x);
    exchange_free(y);
    assert_open(0);
}

static void
test_drop_idle(void **state)
{
    struct connections *c = connections_new();
    for (int i = 1; i <= 3; i++) {
        struct exchange *x = submit(c, "/ok");
        wait_for(i, 0);
        exchange_free(x);
        assert_open(1);
        assert_true(connections_drop_idle(c));
        assert_open(0);
    }
    assert_int_equal(atomic_load(&server.accepted), 3);
    /* One in use is closed when it is back. */
    struct exchange *x = submit(c, "/hop");
    assert_true(connections_drop_idle(c));
    wait_for(4, 0);
    assert_int_equal(x->error, HTTP_OK);
    exchange_free(x);
    assert_open(0);
    connections_close(c);
}

static void
test_many_sessions(void **state)
{
    enum { COUNT = 100, ROUNDS = 5 };
    struct connections *c[COUNT];
    struct exchange *x[COUNT];
    for (int i = 0; i < COUNT; i++) {
        c[i] = connections_new();
        assert_non_null(c[i]);
    }
    for (int round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < COUNT; i++) {
            x[i] = submit(c[i], i % 2 ? "/ok" : "/hop");
        }
        wait_for(round * COUNT, 0);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(x[i]->error, HTTP_OK);
            exchange_free(x[i]);
        }
    }
    assert_int_equal(atomic_load(&server.accepted), COUNT);
    for (int i = 0; i < COUNT; i++) {
        connections_close(c[i]);
    }
    assert_open(0);
}

/* Whatever is out comes back before engine_stop() returns; what is asked for
   later is answered, too. */
static void
test_stop(void **state)
{
    struct connections *c = connections_new();
    struct exchange *out[] = {submit(c, "/silent"), submit(c, "/body"),
                              submit(c, "http://nobody.invalid/")};
    usleep(20000);
    engine_stop();
    wait_for(3, 0);
    assert_int_equal(out[0]->error, HTTP_CANCELLED);
    assert_int_equal(out[1]->error, HTTP_CANCELLED);
    cancel(out[0]);
    struct exchange *late = submit(c, "/ok");
    wait_for(4, 1);
    assert_int_equal(late->error, HTTP_CANCELLED);
    assert_true(connections_drop_idle(c));
    connections_close(c);
    for (int i = 0; i < 3; i++) {
        exchange_free(out[i]);
    }
    exchange_free(late);
    assert_open(0);
}

/* Connections of an engine that was stopped are not mistaken for those of the
   next one. */
static void
test_start_again(void **state)
{
    struct engine_settings settings = {.threads = 1};
    struct connections *old = connections_new();
    engine_stop();
    assert_false(engine_is_running());
    assert_int_equal(engine_start(&settings, &inbox), 0);
    struct exchange *x = submit(old, "/ok");
    wait_for(1, 0);
    assert_int_equal(x->error, HTTP_CANCELLED);
    exchange_free(x);
    connections_close(old);
    struct connections *c = connections_new();
    x = submit(c, "/ok");
    wait_for(2, 0);
    assert_int_equal(x->error, HTTP_OK);
    exchange_free(x);
    connections_close(c);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_ok),
        T(test_redirect_keeps_what_was_sent),
        T(test_without_a_jar_cookies_are_not_looked_at),
        T(test_refused),
        T(test_unknown_name),
        T(test_read_timeout),
        T(test_cancel),
        T(test_close_with_requests_out),
        T(test_drop_idle),
        T(test_many_sessions),
        T(test_stop),
        T(test_start_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
