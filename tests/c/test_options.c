/* Options, and what the engine itself can be told: local addresses, names that
   are not looked up, limits, lines, times. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "http/internal.h"

/* --- The server. */

static struct {
    atomic_int now, most;       /* requests that are being served */
    _Atomic uint32_t peer;      /* the last one's address */
} seen;

static bool
serve(struct visit *v)
{
    static const char zeros[] =   /* 1,000 of them */
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x63\x60\x18\x05\xa3\x60"
        "\x14\x0c\x77\x00\x00\x80\x17\x0b\x06\xe8\x03\x00\x00";
    char head[200];
    atomic_store(&seen.peer, ntohl(v->peer.sin_addr.s_addr));
    int now = atomic_fetch_add(&seen.now, 1) + 1;
    if (now > atomic_load(&seen.most)) {
        atomic_store(&seen.most, now);
    }
    if (servlet_is(v, "/wait")) {
        servlet_hold();
    }
    usleep(2000);
    atomic_fetch_sub(&seen.now, 1);
    if (servlet_is(v, "/zip")) {
        snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Encoding: "
                 "gzip\r\nContent-Length: %zu\r\n\r\n", sizeof(zeros) - 1);
        return servlet_say(v, head) &&
               servlet_write(v, zeros, sizeof(zeros) - 1);
    }
    if (servlet_is(v, "/hop")) {
        snprintf(head, sizeof(head), "HTTP/1.1 302 Go\r\nLocation: "
                 "http://localhost:%d/ok\r\nContent-Length: 0\r\n\r\n",
                 servlet.port);
        return servlet_say(v, head);
    }
    return servlet_say(v, SERVLET_OK);
}

/* --- The hub's side. */

static struct connections *session;

static void
begin(const struct engine_settings *settings)
{
    atomic_store(&seen.now, 0);
    atomic_store(&seen.most, 0);
    start(settings, serve);
    session = connections_new();
}

static int
set_up(void **state)
{
    struct engine_settings settings = {.threads = 1};
    begin(&settings);
    return 0;
}

static int
tear_down(void **state)
{
    connections_close(session);
    stop();
    return 0;
}

static struct exchange *
get(const char *path)
{
    return submit(session, path);
}

static void
get_ok(const char *path)
{
    struct exchange *x = get(path);
    finish(x, HTTP_OK);
    exchange_free(x);
}

static struct exchange *
get_with(const struct option_values *values, const char *path)
{
    struct exchange *x = exchange_to(session, "GET", path);
    assert_true(options_get(values, &x->options));
    engine_submit(x);
    return x;
}

/* --- Options as such. */

static void
test_equal_ones_are_one(void **state)
{
    const struct http_options *a, *b, *c;
    struct option_values v = {0};
    assert_true(options_get(&v, &a));
    assert_null(a);
    v.http_version = 11;
    assert_true(options_get(&v, &a));
    assert_null(a);
    options_unref(a);
    assert_null(options_ref(NULL));
    char file[] = "ca.pem";
    v.ca_file = file;
    assert_true(options_get(&v, &a));
    v.ca_file = "ca.pem";
    assert_true(options_get(&v, &b));
    assert_ptr_equal(a, b);
    file[0] = 'X';
    assert_string_equal(options_values(a)->ca_file, "ca.pem");
    v.min_tls = 12;
    assert_true(options_get(&v, &c));
    assert_ptr_not_equal(a, c);
    options_unref(a);
    options_unref(b);
    options_unref(options_ref(c));
    assert_int_equal(options_values(c)->min_tls, 12);
    options_unref(c);
}

static void
test_proxy_urls(void **state)
{
    static const struct {
        const char *text, *url, *host, *port;
    } cases[] = {
        {"proxy", "http://proxy:80/", "proxy", "80"},
        {"http://u:p@proxy:3128", "http://u:p@proxy:3128/", "proxy", "3128"},
        {"https://proxy", "https://proxy:443/", "proxy", "443"},
        {"socks5h://[::1]", "socks5h://[::1]:1080/", "[::1]", "1080"},
        {"socks4://127.0.0.1:9", "socks4://127.0.0.1:9/", "127.0.0.1", "9"},
        {"http://", "http://", NULL, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct http_options *o;
        struct option_values v = {.https_proxy = cases[i].text};
        assert_true(options_get(&v, &o));
        assert_null(options_proxy(o, false));
        const struct option_proxy *p = options_proxy(o, true);
        assert_string_equal(p->url, cases[i].url);
        if (cases[i].host == NULL) {
            assert_null(p->host);
        }
        else {
            assert_string_equal(p->host, cases[i].host);
        }
        assert_string_equal(p->port, cases[i].port);
        options_unref(o);
    }
}

static void
test_trust(void **state)
{
    static const struct option_values bad[] = {
        {.ca_file = "/nowhere/ca.pem"},
        {.ca_file = "/dev/null"},
        {.ca_pem = "no certificate"},
        {.ca_pem = ""},
    };
    char why[OPTION_ERROR];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct http_options *o;
        assert_true(options_get(&bad[i], &o));
        assert_true(options_have_trust(o));
        assert_null(options_trust(o, why));
        assert_non_null(strstr(why, "cannot be read"));
        assert_null(options_trust(o, why));
        assert_non_null(strstr(why, "cannot be read"));
        options_unref(o);
    }
}

/* Connections made with options are never used for others, and handles forget
   what they were set to. */
static void
test_connections_are_kept_apart(void **state)
{
    struct option_values ten = {.http_version = 10}, any = {.min_tls = 12};
    for (int round = 0; round < 3; round++) {
        get_ok("/ok");
        struct exchange *x = get_with(&ten, "/ok");
        finish(x, HTTP_OK);
        exchange_free(x);
        x = get_with(&any, "/ok");
        finish(x, HTTP_OK);
        exchange_free(x);
    }
    assert_int_equal(atomic_load(&servlet.accepted), 3);
    assert_true(connections_drop_idle(session));
    assert_open(0);
}

static void
test_unix_socket(void **state)
{
    struct option_values v = {.unix_socket = "/nowhere/socket"};
    struct exchange *x = get_with(&v, "http://nobody.invalid/ok");
    finish(x, HTTP_CONNECT);
    assert_int_equal(x->code, ENOENT);
    exchange_free(x);
}

static void
test_unreachable_proxies(void **state)
{
    struct option_values refuses = {.http_proxy = "127.0.0.1:1"};
    struct exchange *x = get_with(&refuses, "/ok");
    finish(x, HTTP_PROXY);
    assert_int_equal(x->code, ECONNREFUSED);
    assert_null(x->message);
    exchange_free(x);
    struct option_values unknown = {.http_proxy = "nobody.invalid:1"};
    x = get_with(&unknown, "/ok");
    finish(x, HTTP_PROXY);
    assert_non_null(x->message);
    exchange_free(x);
    refuses.no_proxy = "127.0.0.1";
    x = get_with(&refuses, "/ok");
    finish(x, HTTP_OK);
    exchange_free(x);
}

/* --- Limits on bodies. */

static void
test_body_limits(void **state)
{
    struct option_values v = {.max_decoded = 999};
    struct exchange *x = get_with(&v, "/zip");
    finish(x, HTTP_TOO_BIG);
    assert_int_equal(x->code, 2);
    assert_string_equal(x->message, "the body unpacks to more than 999 bytes");
    exchange_free(x);
    v.max_decoded = 1000;
    x = get_with(&v, "/zip");
    finish(x, HTTP_OK);
    assert_int_equal(x->reply->raw.length - x->reply->body, 1000);
    exchange_free(x);
    /* As it came, it is small. */
    v.max_decoded = 10;
    x = exchange_to(session, "GET", "/zip");
    assert_true(options_get(&v, &x->options));
    x->undecoded = true;
    engine_submit(x);
    finish(x, HTTP_OK);
    exchange_free(x);
    v.max_body = 1;
    x = get_with(&v, "/ok");
    finish(x, HTTP_TOO_BIG);
    assert_string_equal(x->message, "the body has more than 1 bytes");
    exchange_free(x);
}

static void
test_limits_of_the_engine(void **state)
{
    struct engine_settings settings = {.threads = 1, .max_body = 1,
                                       .max_decoded = 0};
    struct option_values none = {.max_body = -1};
    begin(&settings);
    struct exchange *x = get("/ok");
    finish(x, HTTP_TOO_BIG);
    exchange_free(x);
    x = get_with(&none, "/ok");
    finish(x, HTTP_OK);
    exchange_free(x);
}

/* --- Names and addresses. */

static void
test_resolve(void **state)
{
    char one[60], two[60], url[60], why[300];
    connections_close(session);
    engine_stop();
    snprintf(one, sizeof(one), "nobody.invalid:%d:127.0.0.1", servlet.port);
    snprintf(two, sizeof(two), "Other.invalid:%d:[::1],127.0.0.1",
             servlet.port);
    const char *entries[] = {one, two, NULL};
    assert_true(engine_is_resolve(one, why, sizeof(why)));
    assert_true(engine_is_resolve(two, why, sizeof(why)));
    struct engine_settings settings = {.threads = 1, .resolve = entries};
    assert_int_equal(engine_start(&settings, &inbox), 0);
    session = connections_new();
    for (int i = 0; i < 4; i++) {
        snprintf(url, sizeof(url), "http://%s.invalid:%d/ok",
                 i % 2 == 0 ? "NOBODY" : "other", servlet.port);
        get_ok(url);
    }
    struct exchange *x = get("http://nobody.invalid:1/");
    finish(x, HTTP_RESOLVE);
    exchange_free(x);
}

static void
test_bad_entries(void **state)
{
    static const char *const bad[] = {
        "", "host", "host:80", "host:80:", "host:x:127.0.0.1", ":80:127.0.0.1",
        "host:80:name", "host:80:127.0.0.1,", "host:80:::1", "host:80:[::1",
        "host:99999:127.0.0.1", "host:123456:127.0.0.1",
    };
    static const char *const bad_sources[] = {"", "name", "127.0.0.1:80",
                                              "[::1]", "300.1.1.1"};
    char why[300];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(engine_is_resolve(bad[i], why, sizeof(why)));
        assert_non_null(strchr(why, '\''));
    }
    for (size_t i = 0; i < sizeof(bad_sources) / sizeof(bad_sources[0]); i++) {
        assert_false(engine_is_source(bad_sources[i], why, sizeof(why)));
    }
    assert_true(engine_is_source("127.0.0.2", why, sizeof(why)));
    assert_true(engine_is_source("::1", why, sizeof(why)));
}

static void
test_sources(void **state)
{
    const char *sources[] = {"127.0.0.2", "::1", "127.0.0.3", NULL};
    struct engine_settings settings = {.threads = 1, .sources = sources};
    uint32_t peers[4];
    begin(&settings);
    for (int i = 0; i < 4; i++) {
        for (int again = 0; again < 2; again++) {
            get_ok("/ok");
            peers[i] = atomic_load(&seen.peer);
            assert_in_range(peers[i], 0x7f000002, 0x7f000003);
        }
        connections_close(session);
        session = connections_new();
    }
    assert_true(peers[0] != peers[1] && peers[0] == peers[2] &&
                peers[1] == peers[3]);
}

static void
test_bad_source(void **state)
{
    const char *sources[] = {"192.0.2.1", NULL};    /* of nobody */
    struct engine_settings settings = {.threads = 1, .sources = sources};
    begin(&settings);
    struct exchange *x = get("/ok");
    finish(x, HTTP_CONNECT);
    assert_int_equal(x->code, EADDRNOTAVAIL);
    exchange_free(x);
}

/* --- Lines. */

enum { MANY = 20 };

static void
test_line(void **state)
{
    struct exchange *x[MANY];
    connections_limit(session, 3);
    for (int i = 0; i < MANY; i++) {
        x[i] = get(i % 2 == 0 ? "/ok" : "/hop");
    }
    for (int i = 0; i < MANY; i++) {
        finish(x[i], HTTP_OK);
        exchange_free(x[i]);
    }
    /* Three by address, three by name. */
    assert_in_range(atomic_load(&seen.most), 3, 6);
    assert_in_range(atomic_load(&servlet.accepted), 3, 6);
}

static void
test_line_in_order(void **state)
{
    struct exchange *x[MANY];
    connections_limit(session, 1);
    for (int i = 0; i < MANY; i++) {
        x[i] = get("/ok");
    }
    for (int i = 0; i < MANY; i++) {
        finish(x[i], HTTP_OK);
        assert_true(i == 0 || x[i - 1]->ended <= x[i]->reply->sent);
    }
    for (int i = 0; i < MANY; i++) {
        exchange_free(x[i]);
    }
    assert_int_equal(atomic_load(&seen.most), 1);
}

/* Cancelled at the front, in the middle and at the end of the line, and while
   running; the others go on. */
static void
test_line_with_cancels(void **state)
{
    struct exchange *x[6];
    connections_limit(session, 1);
    for (int i = 0; i < 6; i++) {
        x[i] = get("/wait");
    }
    cancel(x[1]);
    cancel(x[3]);
    cancel(x[5]);
    WAIT_UNTIL(cancels_back == 3 && came_back == 3);
    cancel(x[0]);
    WAIT_UNTIL(cancels_back == 4 && came_back == 4);
    atomic_store(&servlet.go, true);
    for (int i = 0; i < 6; i++) {
        finish(x[i], i == 2 || i == 4 ? HTTP_OK : HTTP_CANCELLED);
        exchange_free(x[i]);
    }
}

static void
test_line_at_the_end(void **state)
{
    struct exchange *x[MANY];
    connections_limit(session, 2);
    for (int i = 0; i < MANY; i++) {
        x[i] = get("/wait");
    }
    usleep(20000);
    engine_stop();
    atomic_store(&servlet.go, true);
    for (int i = 0; i < MANY; i++) {
        finish(x[i], HTTP_CANCELLED);
        exchange_free(x[i]);
    }
}

/* --- Times. */

static void
test_times(void **state)
{
    char peer[30];
    snprintf(peer, sizeof(peer), "127.0.0.1:%d", servlet.port);
    for (int i = 0; i < 2; i++) {
        struct exchange *x = exchange_to(session, "GET", "/ok");
        x->timed = true;
        engine_submit(x);
        finish(x, HTTP_OK);
        const struct reply_times *t = x->reply->times;
        assert_int_equal(t->reused, i == 1);
        assert_int_equal(t->connect > 0, i == 0);
        assert_int_equal(t->tls, 0);
        assert_in_range(t->first_byte, 2 * MS, t->total);
        assert_in_range(t->total, 2 * MS, x->ended - x->taken);
        assert_true(t->lookup + t->connect <= t->first_byte);
        assert_string_equal(t->peer, peer);
        assert_non_null(strstr(t->local, "127.0.0.1:"));
        exchange_free(x);
    }
    struct exchange *x = exchange_to(session, "GET", "/hop");
    x->timed = true;
    engine_submit(x);
    finish(x, HTTP_OK);
    assert_true(x->reply->previous->times->reused);
    assert_false(x->reply->times->reused);
    assert_true(x->reply->times->lookup > 0);
    exchange_free(x);
    x = get("/ok");
    finish(x, HTTP_OK);
    assert_null(x->reply->times);
    exchange_free(x);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define OWN(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_ones_are_one),
        cmocka_unit_test(test_proxy_urls),
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_bad_entries),
        T(test_connections_are_kept_apart),
        T(test_unix_socket),
        T(test_unreachable_proxies),
        T(test_body_limits),
        OWN(test_limits_of_the_engine),
        T(test_resolve),
        OWN(test_sources),
        OWN(test_bad_source),
        T(test_line),
        T(test_line_in_order),
        T(test_line_with_cancels),
        T(test_line_at_the_end),
        T(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
