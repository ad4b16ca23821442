/* Bodies that flow, from green threads: generators as requests, replies that
   are read while they arrive, and green threads that die over them. */
#include "config.h"
#include <Python.h>

#include "caller.h"
#include "embed.h"
#include "green/green.h"
#include "http/client.h"
#include "http/flow.h"

/* --- The server. */

static bool
serve(struct visit *v)
{
    static const char head[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    if (servlet_is(v, "/early")) {
        /* The reply begins before the request has ended. */
        bool ok = servlet_say(v, head) && servlet_say(v, "5\r\nfirst\r\n");
        servlet_take_body(v);
        return ok && servlet_say(v, "4\r\nlast\r\n0\r\n\r\n");
    }
    if (strstr(v->head, "chunked") != NULL) {
        servlet_take_body(v);
    }
    if (servlet_is(v, "/again")) {
        return servlet_say(v, "HTTP/1.1 307 Go\r\nLocation: /ok\r\n"
                              "Content-Length: 0\r\n\r\n");
    }
    if (servlet_is(v, "/wait")) {
        bool ok = servlet_say(v, head) && servlet_say(v, "5\r\nfirst\r\n");
        servlet_hold();
        return ok && servlet_say(v, "4\r\nlast\r\n0\r\n\r\n");
    }
    if (servlet_is(v, "/cut")) {
        servlet_say(v, head);
        servlet_say(v, "5\r\nfirst\r\n9\r\nla");
        return false;
    }
    return servlet_say(v, head) &&
           servlet_say(v, "5\r\nfirst\r\n6\r\nsecond\r\n5\r\nthird\r\n"
                          "0\r\n\r\n");
}

/* --- The client. */

static struct connections *session;
static PyObject *globals;

static struct exchange *
request(const char *path)
{
    assert_non_null(connections_get(&session));
    return exchange_to(session, "GET", path);
}

/* A POST of what an expression gives. */
static struct exchange *
post(const char *path, const char *iterable, const char *rewind)
{
    struct exchange *x = request(path);
    x->method = x->reply->method = "POST";
    add_line(x, "Transfer-Encoding: chunked");
    add_line(x, "Expect:");
    PyObject *items = PyRun_String(iterable, Py_eval_input, globals, globals);
    PyObject *again = PyRun_String(rewind, Py_eval_input, globals, globals);
    assert_non_null(items);
    assert_non_null(again);
    assert_int_equal(exchange_feed_from(x, items, -1, again), 0);
    Py_DECREF(items);
    Py_DECREF(again);
    return x;
}

static struct exchange *
stream(const char *path)
{
    struct exchange *x = request(path);
    assert_int_equal(exchange_stream(x), 0);
    assert_int_equal(exchange_perform(x), 0);
    return x;
}

static void
assert_reads(struct exchange *x, Py_ssize_t most, bool fill,
             const char *expected)
{
    PyObject *bytes = exchange_read(x, most, fill);
    assert_non_null(bytes);
    assert_string_equal(PyBytes_AS_STRING(bytes), expected);
    Py_DECREF(bytes);
}

static void
assert_raised(PyObject *type)
{
    assert_true(PyErr_ExceptionMatches(type));
    PyErr_Clear();
}

/* --- Requests. */

static void
test_generator(void **state)
{
    struct exchange *x =
        post("/ok", "(a for a in ['one', b'', b'two', bytearray(b'x')])",
             "None");
    assert_int_equal(exchange_perform(x), 0);
    assert_int_equal(x->error, HTTP_OK);
    assert_body("3\r\none\r\n3\r\ntwo\r\n1\r\nx\r\n0\r\n\r\n");
    exchange_release(x);
}

/* A generator may wait, and others run meanwhile. */
static void
test_generator_that_parks(void **state)
{
    struct exchange *x = post("/ok", "slowly()", "None");
    assert_int_equal(exchange_perform(x), 0);
    assert_body("1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n0\r\n\r\n");
    exchange_release(x);
}

static void
test_generator_that_fails(void **state)
{
    static const char *const bad[] = {
        "failing()", "[1]", "['\\udc80']",
    };
    PyObject *const types[] = {PyExc_ZeroDivisionError, PyExc_TypeError,
                               PyExc_UnicodeEncodeError};
    for (int i = 0; i < 3; i++) {
        struct exchange *x = post("/ok", bad[i], "None");
        assert_int_equal(exchange_perform(x), -1);
        assert_raised(types[i]);
    }
    PyObject *number = PyLong_FromLong(1);
    struct exchange *x = request("/ok");
    assert_int_equal(exchange_feed_from(x, number, -1, NULL), -1);
    assert_raised(PyExc_TypeError);
    Py_DECREF(number);
    exchange_free(x);
}

static void
test_redirects(void **state)
{
    struct exchange *x = post("/again", "iter(['a', 'b'])", "None");
    assert_int_equal(exchange_perform(x), 0);
    assert_int_equal(x->error, HTTP_OK);
    assert_body("0\r\n\r\n");   /* nothing was left */
    exchange_release(x);
    x = post("/again", "iter(['a', 'b'])", "lambda: ['c']");
    assert_int_equal(exchange_perform(x), 0);
    assert_body("1\r\nc\r\n0\r\n\r\n");
    exchange_release(x);
    x = post("/again", "iter(['a', 'b'])", "lambda: 1 / 0");
    assert_int_equal(exchange_perform(x), -1);
    assert_raised(PyExc_ZeroDivisionError);
}

/* --- Replies. */

static void
test_reading(void **state)
{
    struct exchange *x = stream("/ok");
    assert_int_equal(x->reply->status, 200);
    assert_reads(x, 100, false, "first");
    assert_reads(x, 3, false, "sec");
    assert_reads(x, 100, false, "ond");
    assert_false(exchange_is_read(x));
    assert_reads(x, -1, false, "third");
    assert_reads(x, 100, false, "");
    assert_reads(x, 100, true, "");
    assert_true(exchange_is_read(x));
    exchange_release(x);
    x = stream("/ok");
    assert_reads(x, 0, true, "");
    assert_reads(x, 7, true, "firstse");
    assert_reads(x, -1, true, "condthird");
    assert_int_equal(x->error, HTTP_OK);
    exchange_release(x);
    x = stream("/cut");
    assert_reads(x, 100, true, "firstla");
    assert_reads(x, 100, true, "");
    assert_int_equal(x->error, HTTP_TRUNCATED);
    exchange_release(x);
    exchange_release(NULL);
}

/* The rest of the request is made while the reply is read. */
static void
test_early_reply(void **state)
{
    struct exchange *x = post("/early", "slowly()", "None");
    assert_int_equal(exchange_stream(x), 0);
    assert_int_equal(exchange_perform(x), 0);
    assert_reads(x, -1, true, "firstlast");
    assert_body("1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n0\r\n\r\n");
    exchange_release(x);
}

static struct exchange *shared;
static PyObject *last_read;
static int ended;

static PyObject *
read_to_end(struct green *self)
{
    PyObject *bytes = exchange_read(shared, -1, true);
    ended++;
    Py_XSETREF(last_read, bytes);
    return Py_XNewRef(bytes);
}

static struct green *
spawn_reader(void)
{
    struct green *g = green_new(NULL, read_to_end, NULL, NULL);
    assert_non_null(g);
    assert_int_equal(green_start(g), 0);
    assert_int_equal(green_sleep(0.05), 0);
    return g;
}

static void
test_one_reader_at_a_time(void **state)
{
    ended = 0;
    shared = stream("/wait");
    struct green *g = spawn_reader();
    assert_int_equal(ended, 0);
    assert_null(exchange_read(shared, 1, false));
    assert_raised(PyExc_RuntimeError);
    atomic_store(&servlet.go, true);
    assert_int_equal(green_join(g, 10), 1);
    assert_string_equal(PyBytes_AS_STRING(last_read), "firstlast");
    Py_DECREF(g);
    exchange_release(shared);
}

/* Closed while somebody reads: he gets what had come. */
static void
test_close(void **state)
{
    shared = stream("/wait");
    struct green *g = spawn_reader();
    exchange_close(shared);
    exchange_close(shared);
    assert_int_equal(green_join(g, 10), 1);
    assert_string_equal(PyBytes_AS_STRING(last_read), "first");
    assert_int_equal(shared->error, HTTP_CANCELLED);
    Py_DECREF(g);
    exchange_release(shared);
    atomic_store(&servlet.go, true);
    assert_open(0);
}

/* Killed while reading, and while feeding; given up without reading. Nothing
   may be left behind. */
static void
test_deaths(void **state)
{
    shared = stream("/wait");
    struct green *g = spawn_reader();
    assert_int_equal(green_kill(g, NULL), 0);
    Py_DECREF(g);
    exchange_release(shared);
    exchange_release(stream("/wait"));
    atomic_store(&servlet.go, true);
    exchange_release(stream("/ok"));
    /* They are freed when they are back. */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(green_sleep(0.001), 0);
    }
}

static PyObject *
post_for_ever(struct green *self)
{
    struct exchange *x = post("/ok", "for_ever()", "None");
    assert_int_equal(exchange_perform(x), -1);
    ended++;
    return NULL;
}

static void
test_killed_while_feeding(void **state)
{
    ended = 0;
    struct green *g = green_new(NULL, post_for_ever, NULL, NULL);
    assert_int_equal(green_start(g), 0);
    assert_int_equal(green_sleep(0.05), 0);
    assert_int_equal(green_kill(g, NULL), 0);
    assert_int_equal(ended, 1);
    Py_DECREF(g);
    PyObject *closed = PyDict_GetItemString(globals, "closed");
    assert_int_equal(PyList_GET_SIZE(closed), 1);
    assert_open(0);
}

/* --- */

static const char code[] =
    "import _locust\n"
    "def slowly():\n"
    "    for i in range(3):\n"
    "        _locust.sleep(0.02)\n"
    "        yield str(i)\n"
    "def failing():\n"
    "    yield 'a'\n"
    "    1 / 0\n"
    "closed = []\n"
    "def for_ever():\n"
    "    try:\n"
    "        while True:\n"
    "            yield 'again'\n"
    "            _locust.sleep(0.001)\n"
    "    finally:\n"
    "        closed.append(1)\n";

static int
set_up(void **state)
{
    servlet_open(serve);
    return 0;
}

static int
tear_down(void **state)
{
    if (session != NULL) {
        connections_close(session);
        session = NULL;
    }
    servlet_close();
    return 0;
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_generator),          T(test_generator_that_parks),
        T(test_generator_that_fails), T(test_redirects),
        T(test_reading),            T(test_early_reply),
        T(test_one_reader_at_a_time), T(test_close),
        T(test_deaths),             T(test_killed_while_feeding),
    };
    if (embed_python() < 0 || PyImport_ImportModule("_locust") == NULL ||
        hub_init() < 0) {
        return 1;
    }
    globals = PyModule_GetDict(PyImport_AddModule("__main__"));
    PyObject *done = PyRun_String(code, Py_file_input, globals, globals);
    if (done == NULL) {
        PyErr_Print();
        return 1;
    }
    Py_DECREF(done);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    engine_stop();
    return failed;
}
