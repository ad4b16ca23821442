/* Bodies that are read while they arrive. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "caller.h"
#include "http/cookie.h"
#include "http/stream.h"

/* --- The server. */

static char
byte_at(int64_t i)
{
    return (char)('a' + i % 23);
}

static bool
flood(struct visit *v, int64_t length)
{
    char piece[23 * 4096];
    char head[100];
    snprintf(head, sizeof(head),
             "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n",
             (long long)length);
    for (size_t i = 0; i < sizeof(piece); i++) {
        piece[i] = byte_at((int64_t)i);
    }
    bool ok = servlet_say(v, head);
    while (ok && length > 0) {
        size_t n = length < (int64_t)sizeof(piece) ? (size_t)length
                                                   : sizeof(piece);
        ok = servlet_write(v, piece, n);
        length -= (int64_t)n;
    }
    return ok;
}

static bool
drip(struct visit *v)
{
    bool ok = servlet_say(v, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
                             "\r\n\r\n");
    for (int i = 0; ok && i < 5; i++) {
        usleep(30000);
        ok = servlet_say(v, "6\r\ndata:\n\r\n");
    }
    return ok && servlet_say(v, "0\r\n\r\n");
}

static bool
serve(struct visit *v)
{
    static const char chunks[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\nTrailer: x\r\n"
        "HTTP/odd: y\r\n\r\n";
    static const char half[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    static const struct servlet_reply replies[] = {
        {"/chunks", chunks},
        {"/hop", "HTTP/1.1 302 Go\r\nLocation: /chunks\r\nSet-Cookie: a=1\r\n"
                 "Content-Length: 4\r\n\r\nlost"},
        {"/empty", "HTTP/1.1 204 No\r\n\r\n"},
        {"/provisional", "HTTP/1.1 100 Continue\r\nX: 1\r\n\r\n"
                         "HTTP/1.1 103 Early\r\nX: 2\r\n\r\n"
                         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
        {"/nowhere", "HTTP/1.1 302 Go\r\nContent-Length: 2\r\n\r\nok"},
        {"/half", half},
        {"/gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                  "Content-Length: 5\r\n\r\n\x1f\x8bxyz"},
    };
    if (servlet_is(v, "/flood")) {
        return flood(v, LARGE);
    }
    if (servlet_is(v, "/megabyte")) {
        return flood(v, 1024 * 1024);
    }
    if (servlet_is(v, "/drip")) {
        return drip(v);
    }
    if (servlet_is(v, "/cut")) {
        servlet_say(v, half);
        return false;
    }
    return servlet_look_up(v, replies, sizeof(replies) / sizeof(replies[0]));
}

/* --- The hub's side. */

static int heads, readables;

static void
on_head(struct exchange *x)
{
    heads++;
}

static void
on_readable(struct exchange *x)
{
    readables++;
}

static const struct stream_calls calls = {on_head, on_readable};

static struct exchange *
stream_from(struct connections *c, const char *path)
{
    struct exchange *x = exchange_to(c, "GET", path);
    assert_true(stream_open(x, &calls));
    return x;
}

static struct exchange *
submit_stream(struct connections *c, const char *path)
{
    struct exchange *x = stream_from(c, path);
    engine_submit(x);
    return x;
}

static void
wait_for_head(struct exchange *x)
{
    WAIT_UNTIL(stream_is_headed(x->stream) || x->finished);
    assert_true(stream_is_headed(x->stream));
}

/* Reads to the end, or until at least so many bytes have come; checks the
   pattern. Returns how many have. */
static int64_t
read_flood(struct exchange *x, int64_t at, int64_t limit)
{
    char piece[50000];
    while (at < limit) {
        WAIT_UNTIL(stream_available(x->stream) > 0 || x->finished);
        size_t n = stream_take(x->stream, piece, sizeof(piece), true);
        if (n == 0) {
            break;
        }
        assert_true(piece[0] == byte_at(at));
        assert_true(piece[n - 1] == byte_at(at + (int64_t)n - 1));
        at += (int64_t)n;
    }
    return at;
}

static void
assert_next(struct exchange *x, const char *expected)
{
    char text[100];
    WAIT_UNTIL(stream_available(x->stream) > 0 || x->finished);
    size_t n = stream_take(x->stream, text, sizeof(text) - 1, false);
    text[n] = '\0';
    assert_string_equal(text, expected);
}

static int
set_up(void **state)
{
    struct engine_settings settings = {.threads = 1};
    heads = readables = 0;
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

/* Whatever the reader does, memory stays small and every byte arrives. */
static void
test_flood(void **state)
{
    struct connections *c = connections_new();
    size_t before = resident();
    struct exchange *x = submit_stream(c, "/flood");
    wait_for_head(x);
    assert_int_equal(x->reply->status, 200);
    assert_true(x->reply->sent <= x->reply->headed);
    usleep(200000);             /* nobody reads */
    size_t queued = stream_available(x->stream);
    assert_true(queued <= STREAM_HIGH + 64 * 1024);
    assert_true(queued > STREAM_HIGH / 2);
    int64_t half = read_flood(x, 0, LARGE / 2);
    usleep(50000);
    assert_int_equal(read_flood(x, half, LARGE), LARGE);
    finish(x, HTTP_OK);
    assert_small(before);
    exchange_free(x);
    /* The connection is good for the next one. */
    x = submit_stream(c, "/megabyte");
    assert_int_equal(read_flood(x, 0, LARGE), 1024 * 1024);
    exchange_free(x);
    assert_int_equal(atomic_load(&servlet.accepted), 1);
    connections_close(c);
}

static void
test_two_at_once(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = submit_stream(c, "/flood");
    struct exchange *y = submit_stream(c, "/flood");
    int64_t a = 0, b = 0;
    for (int64_t step = 1; step <= 16; step++) {
        a = read_flood(x, a, step * 1024 * 1024);
        b = read_flood(y, b, step * 1024 * 1024);
    }
    assert_true(a >= 16 * 1024 * 1024 && b >= 16 * 1024 * 1024);
    assert_false(x->finished || y->finished);
    cancel(x);
    cancel(y);
    WAIT_UNTIL(came_back == 2 && cancels_back == 2);
    assert_int_equal(x->error, HTTP_CANCELLED);
    exchange_free(x);
    exchange_free(y);
    assert_open(0);
    connections_close(c);
}

static void
test_pieces(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = submit_stream(c, "/chunks");
    WAIT_UNTIL(x->finished);
    assert_next(x, "one");
    assert_next(x, "two");
    char two[2];
    assert_int_equal(stream_take(x->stream, two, 2, false), 2);
    assert_memory_equal(two, "th", 2);
    assert_next(x, "ree");
    assert_next(x, "");
    assert_int_equal(x->error, HTTP_OK);
    assert_int_equal(x->reply->raw.length, x->reply->body);
    exchange_free(x);
    x = submit_stream(c, "/chunks");
    WAIT_UNTIL(x->finished);
    char all[20];
    assert_int_equal(stream_take(x->stream, all, sizeof(all), true), 11);
    assert_memory_equal(all, "onetwothree", 11);
    exchange_free(x);
    connections_close(c);
}

static void
test_pieces_as_they_come(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = submit_stream(c, "/drip");
    int64_t before = clock_ns();
    assert_next(x, "data:\n");
    assert_false(x->finished);
    for (int i = 0; i < 4; i++) {
        assert_next(x, "data:\n");
    }
    assert_next(x, "");
    assert_true(clock_ns() - before > 120 * MS);
    assert_in_range(readables, 1, 5);
    exchange_free(x);
    connections_close(c);
}

/* The head is that of the last reply, and comes once. */
static void
test_heads(void **state)
{
    static const struct {
        const char *path;
        int status;
        const char *body;
    } cases[] = {
        {"/hop", 200, "one"},        {"/empty", 204, ""},
        {"/provisional", 200, "ok"}, {"/nowhere", 302, "ok"},
    };
    struct connections *c = connections_new();
    for (int i = 0; i < 4; i++) {
        struct exchange *x = stream_from(c, cases[i].path);
        x->cookies = cookie_jar_new();
        engine_submit(x);
        wait_for_head(x);
        assert_int_equal(x->reply->status, cases[i].status);
        assert_next(x, cases[i].body);
        finish(x, HTTP_OK);
        assert_int_equal(heads, i + 1);
        assert_int_equal(x->redirects, i == 0);
        if (i == 0) {
            assert_string_equal(exchange_sent_lines(x, x->reply)->data,
                                "Cookie: a=1");
            assert_int_equal(x->reply->previous->raw.length -
                                 x->reply->previous->body, 4);
        }
        exchange_free(x);
    }
    struct exchange *x = stream_from(c, "/nowhere");
    x->method = "HEAD";
    engine_submit(x);
    WAIT_UNTIL(x->finished);
    assert_true(stream_is_headed(x->stream));
    exchange_free(x);
    connections_close(c);
}

static void
test_no_head(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = submit_stream(c, "http://127.0.0.1:1/");
    finish(x, HTTP_CONNECT);
    assert_false(stream_is_headed(x->stream));
    exchange_free(x);
    x = stream_from(c, "/hop");
    x->max_redirects = 0;
    engine_submit(x);
    finish(x, HTTP_TOO_MANY_REDIRECTS);
    assert_int_equal(heads, 0);
    exchange_free(x);
    connections_close(c);
}

static void
test_broken(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = submit_stream(c, "/cut");
    WAIT_UNTIL(x->finished);
    assert_next(x, "half");
    assert_next(x, "");
    assert_int_equal(x->error, HTTP_TRUNCATED);
    assert_int_equal(x->code, 5);
    exchange_free(x);
    /* Compressed, it is no gzip; as it came, it is fine. */
    x = submit_stream(c, "/gzip");
    finish(x, HTTP_BAD_ENCODING);
    exchange_free(x);
    x = stream_from(c, "/gzip");
    x->undecoded = true;
    engine_submit(x);
    finish(x, HTTP_OK);
    assert_int_equal(stream_available(x->stream), 5);
    exchange_free(x);
    connections_close(c);
}

static void
test_read_timeout(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = stream_from(c, "/half");
    x->read_timeout = 0.1;
    engine_submit(x);
    wait_for_head(x);
    finish(x, HTTP_READ_TIMEOUT);
    assert_int_equal(x->code, 1);
    assert_next(x, "half");
    exchange_free(x);
    /* A reader that takes its time is no silence of the server's. */
    x = stream_from(c, "/flood");
    x->read_timeout = 0.1;
    engine_submit(x);
    wait_for_head(x);
    usleep(300000);
    int64_t at = read_flood(x, 0, 8 * 1024 * 1024);
    usleep(300000);
    assert_true(read_flood(x, at, 2 * at) >= 2 * at);
    assert_false(x->finished);
    cancel(x);
    WAIT_UNTIL(came_back == 2 && cancels_back == 1);
    exchange_free(x);
    assert_open(0);
    connections_close(c);
}

/* Freed right after its end, with letters to the I/O thread on their way. */
static void
test_many_ends(void **state)
{
    struct connections *c = connections_new();
    char piece[100000];
    for (int i = 1; i <= 100; i++) {
        struct exchange *x = submit_stream(c, "/megabyte");
        wait_for_head(x);
        int64_t until = clock_ns() + i % 20 * 100000;
        while (clock_ns() < until) {
            stream_take(x->stream, piece, sizeof(piece), true);
        }
        if (i % 2 == 0) {
            cancel(x);
        }
        WAIT_UNTIL((stream_take(x->stream, piece, sizeof(piece), true),
                    x->finished && cancels_back == i / 2));
        exchange_free(x);
    }
    connections_close(c);
}

/* The engine ends while the reader has not read. */
static void
test_stop(void **state)
{
    struct connections *c = connections_new();
    struct exchange *x = submit_stream(c, "/flood");
    wait_for_head(x);
    usleep(100000);
    engine_stop();
    char piece[STREAM_HIGH];
    assert_true(stream_take(x->stream, piece, sizeof(piece), true) > 0);
    finish(x, HTTP_CANCELLED);
    exchange_free(x);
    connections_close(c);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_flood),         T(test_two_at_once),
        T(test_pieces),        T(test_pieces_as_they_come),
        T(test_heads),         T(test_no_head),
        T(test_broken),        T(test_read_timeout),
        T(test_many_ends),     T(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
