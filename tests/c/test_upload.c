/* Request bodies in pieces, from files, and from feeds. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "http/upload.h"

/* --- The server: keeps what it was sent. */

static bool
serve(struct visit *v)
{
    if (servlet_is(v, "/wait")) {
        servlet_hold();
    }
    else if (servlet_is(v, "/refuse")) {
        servlet_say(v, "HTTP/1.1 413 No\r\nContent-Length: 0\r\n"
                       "Connection: close\r\n\r\n");
        return false;
    }
    else if (servlet_is(v, "/vanish")) {
        return false;
    }
    servlet_take_body(v);
    if (servlet_is(v, "/again")) {
        return servlet_say(v, "HTTP/1.1 307 Go\r\nLocation: /ok\r\n"
                              "Content-Length: 0\r\n\r\n");
    }
    if (servlet_is(v, "/other")) {
        return servlet_say(v, "HTTP/1.1 303 Go\r\nLocation: /ok\r\n"
                              "Content-Length: 0\r\n\r\n");
    }
    return servlet_say(v, SERVLET_OK);
}

/* --- The hub's side. */

static struct connections *session;
static int asked;

static void
on_asked(struct feed *feed, void *argument)
{
    asked++;
    *(int *)argument = asked;
}

static struct feed *
new_feed(void)
{
    static int seen;
    struct feed *feed = feed_new(&inbox, on_asked, &seen);
    assert_non_null(feed);
    return feed;
}

static struct exchange *
post(const char *path, struct upload *u)
{
    struct exchange *x = exchange_to(session, "POST", path);
    char line[60] = "Transfer-Encoding: chunked";
    if (upload_length(u) >= 0) {
        snprintf(line, sizeof(line), "Content-Length: %lld",
                 (long long)upload_length(u));
    }
    add_line(x, line);
    add_line(x, "Expect:");
    x->upload = u;
    return x;
}

static struct exchange *
post_feed(const char *path, struct feed *feed, int64_t length)
{
    struct upload *u = upload_new();
    assert_true(upload_add_feed(u, feed, length));
    struct exchange *x = post(path, u);
    x->feed = feed;
    engine_submit(x);
    return x;
}

static void
wait_for_wish(struct feed *feed, enum feed_wish wish)
{
    WAIT_UNTIL(feed_wish(feed) != FEED_NOTHING);
    assert_int_equal(feed_wish(feed), wish);
}

/* A file without a name that holds a text. */
static int
file_of(const char *text)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fflush(f), 0);
    int fd = dup(fileno(f));
    fclose(f);
    return fd;
}

static int
set_up(void **state)
{
    struct engine_settings settings = {.threads = 1};
    asked = 0;
    start(&settings, serve);
    session = connections_new();
    return 0;
}

static int
tear_down(void **state)
{
    connections_close(session);
    stop();
    return 0;
}

/* --- Pieces. */

static struct upload *
three_parts(void)
{
    struct upload *u = upload_new();
    int fd = file_of("..from the file..");
    assert_true(upload_add_bytes(u, "before ", 7));
    assert_true(upload_add_file(u, fd, 2, 13));
    close(fd);
    assert_true(upload_add_bytes(u, "", 0));
    assert_true(upload_add_bytes(u, " after", 6));
    assert_int_equal(upload_length(u), 26);
    return u;
}

static void
test_pieces(void **state)
{
    struct exchange *x = post("/ok", three_parts());
    engine_submit(x);
    finish(x, HTTP_OK);
    assert_body("before from the file after");
    exchange_free(x);
    /* The handle sends other bodies as ever. */
    x = exchange_to(session, "POST", "/ok");
    x->body = strdup("plain");
    x->body_length = 5;
    engine_submit(x);
    finish(x, HTTP_OK);
    assert_body("plain");
    exchange_free(x);
    x = exchange_to(session, "GET", "/vanish");
    engine_submit(x);
    finish(x, HTTP_CLOSED);
    exchange_free(x);
}

/* A connection that breaks when it is used again is not replaced behind the
   user's back, though the body could be sent once more. */
static void
test_no_second_attempt(void **state)
{
    struct exchange *x = post("/ok", three_parts());
    engine_submit(x);
    finish(x, HTTP_OK);
    exchange_free(x);
    x = post("/vanish", three_parts());
    engine_submit(x);
    WAIT_UNTIL(x->finished);
    assert_true(x->error == HTTP_CLOSED || x->error == HTTP_RESET);
    assert_int_equal(atomic_load(&servlet.requests), 2);
    assert_int_equal(atomic_load(&servlet.accepted), 1);
    exchange_free(x);
}

static void
test_empty(void **state)
{
    struct exchange *x = post("/ok", upload_new());
    engine_submit(x);
    finish(x, HTTP_OK);
    assert_body("");
    exchange_free(x);
}

static void
test_redirects(void **state)
{
    struct exchange *x = post("/again", three_parts());
    engine_submit(x);
    finish(x, HTTP_OK);
    assert_body("before from the file after");
    assert_int_equal(atomic_load(&servlet.requests), 2);
    exchange_free(x);
    x = post("/other", three_parts());
    engine_submit(x);
    finish(x, HTTP_OK);
    assert_null(x->upload);
    assert_string_equal(x->method, "GET");
    exchange_free(x);
}

static void
test_bad_files(void **state)
{
    struct upload *u = upload_new();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_false(upload_add_file(u, ends[0], 0, 1));
    assert_false(upload_add_file(u, -1, 0, 1));
    close(ends[0]);
    close(ends[1]);
    int fd = file_of("short");
    assert_true(upload_add_file(u, fd, 0, 10));
    close(fd);
    struct exchange *x = post("/ok", u);
    engine_submit(x);
    finish(x, HTTP_BAD_UPLOAD);
    assert_non_null(strstr(x->message, "shorter"));
    exchange_free(x);
}

/* A large file is sent without ever being in memory. */
static void
test_large_file(void **state)
{
    int fd = file_of("");
    assert_int_equal(ftruncate(fd, LARGE), 0);
    struct upload *u = upload_new();
    assert_true(upload_add_file(u, fd, 0, LARGE));
    close(fd);
    size_t before = resident();
    struct exchange *x = post("/ok", u);
    engine_submit(x);
    finish(x, HTTP_OK);
    assert_int_equal(servlet_body_length(), LARGE);
    assert_small(before);
    exchange_free(x);
}

/* --- Feeds. */

static void
test_chunks(void **state)
{
    struct feed *feed = new_feed();
    struct exchange *x = post_feed("/ok", feed, -1);
    wait_for_wish(feed, FEED_MORE);
    assert_true(feed_give(feed, "one", 3));
    wait_for_wish(feed, FEED_MORE);
    assert_true(feed_give(feed, "seventeen letters", 17));
    wait_for_wish(feed, FEED_MORE);
    feed_end(feed);
    finish(x, HTTP_OK);
    assert_body("3\r\none\r\n11\r\nseventeen letters\r\n0\r\n\r\n");
    assert_int_equal(asked, 3);
    exchange_free(x);
}

/* Between other parts, of a known length; more than that is cut off. */
static void
test_known_length(void **state)
{
    struct feed *feed = new_feed();
    struct upload *u = upload_new();
    assert_true(upload_add_bytes(u, "<", 1));
    assert_true(upload_add_feed(u, feed, 6));
    assert_true(upload_add_bytes(u, ">", 1));
    struct exchange *x = post("/ok", u);
    x->feed = feed;
    engine_submit(x);
    wait_for_wish(feed, FEED_MORE);
    assert_true(feed_give(feed, "abc", 3));
    wait_for_wish(feed, FEED_MORE);
    assert_true(feed_give(feed, "defgh", 5));
    finish(x, HTTP_OK);
    assert_body("<abcdef>");
    exchange_free(x);
}

static void
test_feed_too_short_or_failing(void **state)
{
    struct feed *feed = new_feed();
    struct exchange *x = post_feed("/ok", feed, 10);
    wait_for_wish(feed, FEED_MORE);
    assert_true(feed_give(feed, "abc", 3));
    wait_for_wish(feed, FEED_MORE);
    feed_end(feed);
    finish(x, HTTP_BAD_UPLOAD);
    assert_non_null(strstr(x->message, "shorter"));
    exchange_free(x);
    feed = new_feed();
    x = post_feed("/ok", feed, -1);
    wait_for_wish(feed, FEED_MORE);
    feed_fail(feed);
    finish(x, HTTP_BAD_UPLOAD);
    exchange_free(x);
    assert_open(0);
}

static void
test_feed_again(void **state)
{
    struct feed *feed = new_feed();
    struct exchange *x = post_feed("/again", feed, -1);
    wait_for_wish(feed, FEED_MORE);
    assert_true(feed_give(feed, "body", 4));
    wait_for_wish(feed, FEED_MORE);
    feed_end(feed);
    wait_for_wish(feed, FEED_REWIND);
    feed_rewound(feed);
    wait_for_wish(feed, FEED_MORE);
    assert_true(feed_give(feed, "BODY", 4));
    wait_for_wish(feed, FEED_MORE);
    feed_end(feed);
    finish(x, HTTP_OK);
    assert_body("4\r\nBODY\r\n0\r\n\r\n");
    exchange_free(x);
}

/* Servers that answer, or go, before they have the whole body: what is given
   then may be refused, but the exchange ends. */
static void
test_early_ends(void **state)
{
    static const struct {
        const char *path;
        enum http_error error;
    } cases[] = {{"/refuse", HTTP_OK}, {"/vanish", HTTP_RESET}};
    for (int i = 0; i < 2; i++) {
        struct feed *feed = new_feed();
        struct exchange *x = post_feed(cases[i].path, feed, -1);
        wait_for_wish(feed, FEED_MORE);
        while (!x->finished) {
            if (feed_wish(feed) == FEED_MORE) {
                assert_true(feed_give(feed, "more", 4));
            }
            take_letters();
        }
        assert_int_equal(x->error, cases[i].error);
        assert_int_equal(x->reply->status, i == 0 ? 413 : 0);
        exchange_free(x);
    }
    assert_open(0);
}

/* The exchange ends, and is freed, while the hub has the feed. */
static void
test_feed_outlives(void **state)
{
    struct feed *feed = new_feed();
    struct exchange *x = post_feed("/wait", feed, -1);
    wait_for_wish(feed, FEED_MORE);
    cancel(x);
    WAIT_UNTIL(cancels_back == 1 && x->finished);
    assert_int_equal(x->error, HTTP_CANCELLED);
    x->feed = NULL;             /* we keep ours */
    exchange_free(x);
    assert_true(feed_give(feed, "late", 4));
    feed_unref(feed);
    atomic_store(&servlet.go, true);
    assert_open(0);
}

/* A server that does not read stops the feed. */
static void
test_back_pressure(void **state)
{
    static char chunk[50000];
    struct feed *feed = new_feed();
    struct exchange *x = post_feed("/wait", feed, -1);
    int64_t end = clock_ns() + 500 * (int64_t)MS;
    while (clock_ns() < end) {
        take_letters();
        if (feed_wish(feed) == FEED_MORE) {
            assert_true(feed_give(feed, chunk, sizeof(chunk)));
            end = clock_ns() + 500 * (int64_t)MS;
        }
        assert_true(asked < 1000);
        usleep(100);
    }
    int stuck = asked;
    usleep(50000);
    take_letters();
    assert_int_equal(asked, stuck);
    atomic_store(&servlet.go, true);
    wait_for_wish(feed, FEED_MORE);
    feed_end(feed);
    finish(x, HTTP_OK);
    exchange_free(x);
}

/* A generator that takes its time is no silence of the server's. */
static void
test_slow_feed(void **state)
{
    struct feed *feed = new_feed();
    struct upload *u = upload_new();
    assert_true(upload_add_feed(u, feed, -1));
    struct exchange *x = post("/ok", u);
    x->feed = feed;
    x->read_timeout = 0.1;
    engine_submit(x);
    for (int i = 0; i < 2; i++) {
        wait_for_wish(feed, FEED_MORE);
        usleep(250000);
        take_letters();
        assert_false(x->finished);
        assert_true(feed_give(feed, "x", 1));
    }
    wait_for_wish(feed, FEED_MORE);
    feed_end(feed);
    finish(x, HTTP_OK);
    exchange_free(x);
    feed = new_feed();
    u = upload_new();
    assert_true(upload_add_feed(u, feed, -1));
    x = post("/wait", u);
    x->feed = feed;
    x->read_timeout = 0.1;
    engine_submit(x);
    wait_for_wish(feed, FEED_MORE);
    feed_end(feed);
    finish(x, HTTP_READ_TIMEOUT);
    atomic_store(&servlet.go, true);
    exchange_free(x);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_pieces),        T(test_no_second_attempt),
        T(test_empty),
        T(test_redirects),     T(test_bad_files),
        T(test_large_file),    T(test_chunks),
        T(test_known_length),  T(test_feed_too_short_or_failing),
        T(test_feed_again),    T(test_early_ends),
        T(test_feed_outlives), T(test_back_pressure),
        T(test_slow_feed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
