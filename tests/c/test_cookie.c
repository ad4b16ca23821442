/* Cookies: what is stored and what is sent where, by http.cookiejar's rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/cookie.h"
#include "http/exchange.h"
#include "unit.h"

/* Stores one Set-Cookie that came from url. */
static void
store(struct cookie_jar *jar, const char *url, const char *set_cookie)
{
    struct reply *r = reply_new();
    assert_non_null(r);
    r->url = strdup(url);
    char head[600];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 200 OK\r\nSET-cookie: %s\r\n\r\n", set_cookie);
    assert_true(buf_append(&r->raw, head, (size_t)n));
    r->body = r->raw.length;
    cookie_jar_store(jar, r);
    reply_free(r);
}

static void
assert_sent(struct cookie_jar *jar, const char *url, const char *expected)
{
    struct buf out = {0};
    assert_true(cookie_jar_header(jar, url, &out));
    assert_true(buf_append(&out, "", 1));
    assert_string_equal(out.data, expected);
    buf_free(&out);
}

static const struct {
    const char *from, *set_cookie, *to, *sent;
} cases[] = {
    {"http://a.example/x", "a=1", "http://a.example/", "a=1"},
    {"http://a.example/x", "a=1; Path=/y", "http://a.example/y/z", "a=1"},
    {"http://a.example/x", "a=1; Path=/y", "http://a.example/yz", ""},
    {"http://a.example/x", "a=1; Path=/y; Path=/", "http://a.example/", ""},
    {"http://a.example/x", "a=1; Path=/y/", "http://a.example/y", ""},
    {"http://a.example/x/y", "a=1", "http://a.example/x/z", "a=1"},
    {"http://a.example/x/y", "a=1", "http://a.example/", ""},
    {"http://a.example/x", "a=1", "http://b.example/", ""},
    {"http://a.example/", "a=1", "http://sub.a.example/", ""},
    {"http://a.example/", "a=1; Domain=a.example", "http://sub.a.example/",
     "a=1"},
    {"http://sub.a.example/", "a=1; Domain=.a.example", "http://a.example/",
     "a=1"},
    {"http://a.example/", "a=1; Domain=b.example", "http://b.example/", ""},
    {"http://a.example/", "a=1; Domain=example", "http://b.example/", ""},
    {"http://nota.example/", "a=1; Domain=a.example", "http://a.example/", ""},
    {"http://127.0.0.1:80/", "a=1", "http://127.0.0.1:8080/x", "a=1"},
    {"http://127.0.0.1/", "a=1; Domain=.0.0.1", "http://9.0.0.1/", ""},
    {"http://[::1]:80/", "a=1", "http://[::1]:9/", "a=1"},
    {"http://localhost/", "a=1", "http://LOCALHOST/", "a=1"},
    {"http://u:p@a.example/", "a=1", "http://a.example/", "a=1"},
    {"https://a.example/", "a=1; Secure", "http://a.example/", ""},
    {"https://a.example/", "a=1; secure", "https://a.example/", "a=1"},
    {"http://a.example/", "a=1; Max-Age=100", "http://a.example/", "a=1"},
    {"http://a.example/", "a=1; Max-Age=0", "http://a.example/", ""},
    {"http://a.example/", "a=1; Max-Age=soon", "http://a.example/", ""},
    {"http://a.example/", "a=1; Max-Age=", "http://a.example/", ""},
    {"http://a.example/", "a=1; Max-Age=-", "http://a.example/", ""},
    {"http://a.example/", "a=1; Max-Age=-5", "http://a.example/", ""},
    {"http://a.example/", "a=1; Max-Age=99999999999999999999",
     "http://a.example/", "a=1"},
    {"http://a.example/", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
     "http://a.example/", ""},
    {"http://a.example/", "a=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
     "http://a.example/", "a=1"},
    {"http://a.example/", "a=1; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00",
     "http://a.example/", "a=1"},
    {"http://a.example/", "a=\"x y\"", "http://a.example/", "a=\"x y\""},
    {"http://a.example/", "a=b=c", "http://a.example/", "a=b=c"},
    {"http://a.example/", "a=", "http://a.example/", "a="},
    {"http://a.example/", " a = 1 ; HttpOnly", "http://a.example/", "a=1"},
    {"http://a.example/", "=1", "http://a.example/", ""},
    {"http://a.example/", "", "http://a.example/", ""},
    {"http://a.example?q", "a=1", "http://a.example#f", "a=1"},
};

static void
test_one_cookie(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cookie_jar *jar = cookie_jar_new();
        assert_non_null(jar);
        print_message("%s from %s\n", cases[i].set_cookie, cases[i].from);
        store(jar, cases[i].from, cases[i].set_cookie);
        assert_sent(jar, cases[i].to, cases[i].sent);
        cookie_jar_free(jar);
    }
}

static void
test_order_and_replacing(void **state)
{
    struct cookie_jar *jar = cookie_jar_new();
    store(jar, "http://a.example/", "a=1");
    store(jar, "http://a.example/", "b=2; Path=/x/y");
    store(jar, "http://a.example/", "c=3; Path=/x");
    store(jar, "http://a.example/", "d=4");
    store(jar, "http://a.example/", "a=5");
    assert_sent(jar, "http://a.example/x/y", "b=2; c=3; a=5; d=4");
    store(jar, "http://a.example/", "a=; Max-Age=0");
    assert_sent(jar, "http://a.example/x/y", "b=2; c=3; d=4");
    cookie_jar_free(jar);
}

static void
test_secure_everywhere(void **state)
{
    struct cookie_jar *jar = cookie_jar_new();
    store(jar, "https://a.example/", "a=1; Secure");
    assert_sent(jar, "http://a.example/", "");
    cookie_jar_send_secure(jar);
    assert_sent(jar, "http://a.example/", "a=1");
    cookie_jar_free(jar);
}

static void
test_set_and_delete(void **state)
{
    struct cookie_jar *jar = cookie_jar_new();
    assert_int_equal(cookie_jar_version(jar), 0);
    struct cookie c = {.name = "a", .value = "1", .domain = "", .path = "/"};
    assert_true(cookie_jar_set(jar, &c));
    c.domain = "b.example";
    c.value = NULL;
    assert_true(cookie_jar_set(jar, &c));
    unsigned version = cookie_jar_version(jar);
    assert_true(version > 0);
    assert_sent(jar, "http://b.example/", "a=1; a");
    assert_sent(jar, "http://c.example/", "a=1");
    assert_int_equal(cookie_jar_delete(jar, "b.example", "/", "x"), 0);
    assert_int_equal(cookie_jar_version(jar), version);
    assert_int_equal(cookie_jar_delete(jar, "b.example", NULL, NULL), 1);
    assert_int_not_equal(cookie_jar_version(jar), version);
    assert_int_equal(cookie_jar_delete(jar, NULL, NULL, NULL), 1);
    assert_sent(jar, "http://c.example/", "");
    cookie_jar_free(jar);
    cookie_jar_free(NULL);
}

static void
test_one_jar_over_another(void **state)
{
    struct cookie_jar *jar = cookie_jar_new(), *over = cookie_jar_new();
    struct cookie c = {.name = "a", .value = "1", .domain = "", .path = "/"};
    assert_true(cookie_jar_set(jar, &c));
    c.name = "b";
    assert_true(cookie_jar_set(jar, &c));
    c = (struct cookie){.name = "a", .value = "2", .domain = "", .path = "/"};
    assert_true(cookie_jar_set(over, &c));
    struct buf out = {0};
    assert_true(cookie_jar_header_of_both(jar, over, "http://x/", &out));
    assert_int_equal(out.length, strlen("a=2; b=1"));
    assert_memory_equal(out.data, "a=2; b=1", out.length);
    buf_free(&out);
    assert_sent(jar, "http://x/", "a=1; b=1");
    cookie_jar_free(jar);
    cookie_jar_free(over);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_cookie),
        cmocka_unit_test(test_order_and_replacing),
        cmocka_unit_test(test_secure_everywhere),
        cmocka_unit_test(test_set_and_delete),
        cmocka_unit_test(test_one_jar_over_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
