/* The engine against a small server of the test's own: every way in which an
   exchange comes back, exactly once. */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "caller.h"
#include "http/cookie.h"

static atomic_int answered;     /* of /held */

/* The path says how much of a reply there is. */
static bool
serve(struct visit *v)
{
    if (servlet_is(v, "/held")) {
        servlet_hold();
        bool said = servlet_say(v, SERVLET_OK);
        atomic_fetch_add(&answered, 1);
        return said;
    }
    static const struct servlet_reply replies[] = {
        {"/ok", SERVLET_OK},
        {"/half", "HTTP/1.1 200 OK\r\nContent-"},
        {"/body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"},
        {"/hop", "HTTP/1.1 302 Go\r\nLocation: /ok\r\nSet-Cookie: a=1\r\n"
                 "Content-Length: 0\r\n\r\n"},
    };
    return servlet_look_up(v, replies, sizeof(replies) / sizeof(replies[0]));
}

static int
set_up(void **state)
{
    struct engine_settings settings = {.threads = 2};
    start(&settings, serve);
    return 0;
}

static int
tear_down(void **state)
{
    stop();
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
    assert_int_equal(atomic_load(&servlet.accepted), 1);
    connections_close(c);
    assert_open(0);
}

static void
test_redirect_keeps_what_was_sent(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = exchange_to(c, "GET", "/hop");
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
        struct exchange *x = exchange_to(c, "GET", paths[i]);
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
    assert_int_equal(atomic_load(&servlet.accepted), 3);
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
    assert_int_equal(atomic_load(&servlet.accepted), COUNT);
    for (int i = 0; i < COUNT; i++) {
        connections_close(c[i]);
    }
    assert_open(0);
}

/* More than are served in one go; and all were there in time, however late they
   are looked at. */
static void
test_many_ready_at_once(void **state)
{
    enum { COUNT = 150 };
    struct connections *c[COUNT];
    struct exchange *x[COUNT];
    int64_t begun = clock_ns();
    atomic_store(&answered, 0);
    for (int i = 0; i < COUNT; i++) {
        c[i] = connections_new();
        assert_non_null(c[i]);
        x[i] = exchange_to(c[i], "GET", "/held");
        x[i]->read_timeout = 4;
        engine_submit(x[i]);
    }
    WAIT_UNTIL(atomic_load(&servlet.requests) == COUNT);
    usleep(400000);             /* libcurl has no timer soon */
    engine_pause();
    atomic_store(&servlet.go, true);
    WAIT_UNTIL(atomic_load(&answered) == COUNT);
    WAIT_UNTIL(clock_ns() - begun > 5000 * (int64_t)MS);
    engine_resume();
    wait_for(COUNT, 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(x[i]->error, HTTP_OK);
        exchange_free(x[i]);
        connections_close(c[i]);
    }
    assert_open(0);
}

/* Letters that are handled in several turns come back like others. */
static void
test_stop_behind_many(void **state)
{
    enum { COUNT = 200 };
    struct connections *c[COUNT];
    struct exchange *x[COUNT];
    engine_pause();
    for (int i = 0; i < COUNT; i++) {
        c[i] = connections_new();
        assert_non_null(c[i]);
        x[i] = submit(c[i], "/silent");
        if (i % 2) {
            cancel(x[i]);
        }
    }
    engine_resume();
    engine_stop();
    wait_for(COUNT, COUNT / 2);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(x[i]->error, HTTP_CANCELLED);
        exchange_free(x[i]);
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
        T(test_many_ready_at_once),
        T(test_stop_behind_many),
        T(test_stop),
        T(test_start_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
