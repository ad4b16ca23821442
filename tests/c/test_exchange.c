/* Replies' header lines, redirects, URLs and buffers. */
#include "http/exchange.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"
#include "http/url.h"
#include "unit.h"

/* --- Buffers. */

static void
test_buf(void **state)
{
    struct buf b = {0};
    assert_true(buf_append(&b, NULL, 0));
    for (int i = 0; i < 10000; i++) {
        assert_true(buf_append(&b, "0123456789", 10));
    }
    assert_int_equal(b.length, 100000);
    assert_true(b.capacity >= b.length);
    assert_memory_equal(b.data + 99990, "0123456789", 10);
    assert_false(buf_reserve(&b, SIZE_MAX));
    assert_false(buf_reserve(&b, SIZE_MAX / 2));
    assert_int_equal(b.length, 100000);
    char *data = b.data;
    assert_true(buf_reserve(&b, b.capacity - b.length));
    assert_ptr_equal(b.data, data);
    buf_free(&b);
    assert_null(b.data);
    assert_int_equal(b.capacity, 0);
}

/* --- Header lines. */

static struct reply *
reply_of(const char *head)
{
    struct reply *r = reply_new();
    assert_non_null(r);
    assert_true(buf_append(&r->raw, head, strlen(head)));
    r->body = r->raw.length;
    return r;
}

static void
assert_header(const struct reply *r, size_t *at, const char *name,
              const char *value)
{
    struct header h;
    assert_true(reply_next_header(r, at, &h));
    assert_int_equal(h.name_length, strlen(name));
    assert_memory_equal(h.name, name, h.name_length);
    assert_int_equal(h.value_length, strlen(value));
    assert_memory_equal(h.value, value, h.value_length);
}

static void
test_headers(void **state)
{
    struct reply *r = reply_of("HTTP/1.1 200 O:K\r\nA: 1\r\nb:2\nC:  3 \t\r\n"
                               "no colon\r\nD:\r\nE: x:y\r\n\r\n");
    size_t at = 0;
    struct header h;
    assert_true(buf_append(&r->raw, "F: body", 7));
    assert_header(r, &at, "A", "1");
    assert_header(r, &at, "b", "2");
    assert_header(r, &at, "C", "3");
    assert_header(r, &at, "D", "");
    assert_header(r, &at, "E", "x:y");
    assert_false(reply_next_header(r, &at, &h));
    assert_true(reply_find_header(r, "c", &h));
    assert_memory_equal(h.value, "3", h.value_length);
    assert_false(reply_find_header(r, "F", &h));
    assert_false(reply_find_header(r, "", &h));
    reply_free(r);
    r = reply_of("HTTP/1.1 200 OK");
    at = 0;
    assert_false(reply_next_header(r, &at, &h));
    reply_free(r);
}

static void
test_failing(void **state)
{
    struct exchange *x = exchange_new();
    exchange_fail(x, HTTP_CONNECT, 111, "first");
    exchange_fail_with(x, HTTP_BAD_STATUS_LINE, "a\0b", 3);
    assert_int_equal(x->message_length, 3);
    assert_memory_equal(x->message, "a\0b", 4);
    assert_int_equal(x->code, 0);
    exchange_fail(x, HTTP_CANCELLED, 0, NULL);
    assert_null(x->message);
    assert_int_equal(x->message_length, 0);
    exchange_free(x);
    exchange_free(NULL);
}

/* --- URLs. */

static void
test_plain_urls(void **state)
{
    static const char *const plain[] = {
        "http://a/", "https://a.example:8443/x/y?z=1&a=%20",
        "http://127.0.0.1:1/%2F",
        "http://a/x?y=/.?", "http://a/a.b", "http://a/~x!$&'()*+,;=:@",
    };
    static const char *const others[] = {
        "http://a", "HTTP://a/", "http://A/", "http://a/%2f", "http://a/%7E",
        "http://a/%zz", "http://a/%2", "http://a/ ", "http://a/#f", "ftp://a/",
        "http://u@a/", "http://[::1]/", "http://a:/", "http://a:080/",
        "http://a:123456/", "http://.a/", "http://a/./b", "http://a/..",
        "http://a/\xc3\xa4", "http://", "", "http://a/{", "http:///x",
    };
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        print_message("%s\n", plain[i]);
        assert_true(url_is_plain(plain[i], strlen(plain[i])));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        print_message("%s\n", others[i]);
        assert_false(url_is_plain(others[i], strlen(others[i])));
    }
}

static void
test_path_offset(void **state)
{
    assert_int_equal(url_path_offset("http://a/x", 10), 8);
    assert_int_equal(url_path_offset("HTTPS://a?x", 11), 9);
    assert_int_equal(url_path_offset("http://a", 8), 8);
    assert_int_equal(url_path_offset("http://a#x", 10), 8);
    assert_int_equal(url_path_offset("/x", 2), 0);
    assert_true(url_is_absolute("hTTp://", 7));
    assert_false(url_is_absolute("http:/", 6));
    assert_false(url_is_absolute("https:/", 7));
}

/* --- Redirects. */

static struct exchange *
redirected(const char *method, int status, const char *location)
{
    struct exchange *x = exchange_new();
    char head[500];
    snprintf(head, sizeof(head),
             "HTTP/1.1 %d x\r\nLocation: %s\r\n\r\n", status, location);
    x->reply = reply_of(head);
    x->reply->status = status;
    x->reply->url = strdup("http://h/a/b?c#d");
    x->url = strdup("http://h/a/b?c");
    x->method = method;
    x->follow = true;
    x->max_redirects = 1;
    return x;
}

static const struct {
    const char *location, *url, *wire;
} places[] = {
    {"/x", "http://h/x#d", "http://h/x"},
    {"x", "http://h/a/x#d", "http://h/a/x"},
    {"?x", "http://h/a/b?x#d", "http://h/a/b?x"},
    {"../x#y", "http://h/x#y", "http://h/x"},
    {"//g/x", "http://g/x#d", "http://g/x"},
    {"HTTPS://g/x", "https://g/x#d", "https://g/x"},
    {"http://g", "http://g#d", "http://g/"},
    {"http://g?x", "http://g?x#d", "http://g/?x"},
    {"http:///x", "http://h/x#d", "http://h/x"},
    {"/a b", "http://h/a%20b#d", "http://h/a%20b"},
    {"/\xc3\xa4", "http://h/%C3%A4#d", "http://h/%C3%A4"},
    {"/%7ex%2f", "http://h/~x%2f#d", "http://h/~x%2F"},
    {"/%zz", "http://h/%25zz#d", "http://h/%25zz"},
    {"/?100%", "http://h/?100%#d", "http://h/?100%25"},
    {"/?a[]=|", "http://h/?a[]=%7C#d", "http://h/?a%5B%5D=%7C"},
};

static void
test_places(void **state)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct exchange *x = redirected("GET", 302, places[i].location);
        print_message("%s\n", places[i].location);
        assert_true(redirect_follow(x));
        assert_string_equal(x->reply->url, places[i].url);
        assert_string_equal(x->url, places[i].wire);
        assert_int_equal(x->redirects, 1);
        exchange_free(x);
    }
}

static void
test_bad_places(void **state)
{
    static const char *const bad[] = {"ftp://h/", "mailto:joe", "javascript:",
                                      "http://h:99999999/", "http://[::1/"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct exchange *x = redirected("GET", 302, bad[i]);
        assert_false(redirect_follow(x));
        assert_int_equal(x->error, HTTP_BAD_REDIRECT);
        assert_memory_equal(x->message, bad[i], strlen(bad[i]));
        exchange_free(x);
    }
}

static void
test_what_is_no_redirect(void **state)
{
    static const int statuses[] = {200, 300, 304, 305, 306, 399};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct exchange *x = redirected("GET", statuses[i], "/x");
        assert_false(redirect_follow(x));
        assert_int_equal(x->error, HTTP_OK);
        exchange_free(x);
    }
    struct exchange *x = redirected("GET", 302, "/x");
    x->follow = false;
    assert_false(redirect_follow(x));
    x->follow = true;
    x->max_redirects = 0;
    assert_false(redirect_follow(x));
    assert_int_equal(x->error, HTTP_TOO_MANY_REDIRECTS);
    exchange_free(x);
}

static const struct {
    const char *method;
    int status;
    const char *next;
    bool keeps_body;
} methods[] = {
    {"POST", 301, "GET", false},   {"POST", 302, "GET", false},
    {"POST", 303, "GET", false},   {"POST", 307, "POST", true},
    {"POST", 308, "POST", true},   {"PUT", 301, "PUT", false},
    {"PUT", 302, "GET", false},    {"DELETE", 301, "DELETE", false},
    {"HEAD", 302, "HEAD", false},  {"HEAD", 303, "HEAD", false},
    {"DELETE", 308, "DELETE", true},
};

static bool
sends(const struct curl_slist *lines, const char *line)
{
    while (lines != NULL && strcmp(lines->data, line) != 0) {
        lines = lines->next;
    }
    return lines != NULL;
}

static void
test_methods_and_bodies(void **state)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct exchange *x = redirected(methods[i].method, methods[i].status,
                                        "/x");
        const struct reply *first = x->reply;
        bool keeps = methods[i].keeps_body;
        size_t length;
        x->body = strdup("body");
        x->body_length = 4;
        x->lines = curl_slist_append(NULL, "A: 1");
        curl_slist_append(x->lines, "content-length: 4");
        curl_slist_append(x->lines, "Cookie: own=1");
        curl_slist_append(x->lines, "Authorization: x");
        x->headers = x->lines;
        assert_true(redirect_follow(x));
        assert_string_equal(x->method, methods[i].next);
        assert_int_equal(x->body_length, keeps ? 4 : 0);
        assert_true(sends(x->headers, "A: 1"));
        assert_true(sends(x->headers, "Authorization: x"));
        assert_false(sends(x->headers, "Cookie: own=1"));
        assert_int_equal(sends(x->headers, "content-length: 4"), keeps);
        assert_true(sends(exchange_sent_lines(x, first), "Cookie: own=1"));
        assert_memory_equal(exchange_sent_body(x, first, &length), "body", 4);
        assert_int_equal(length, 4);
        exchange_sent_body(x, x->reply, &length);
        assert_int_equal(length, keeps ? 4 : 0);
        exchange_free(x);
    }
}

/* --- The same as FastHttpUser does it. */

static const struct {
    const char *location, *url, *wire;
} fast_places[] = {
    {"/x", "http://h/x", "http://h/x"},
    {"x", "http://h/a/b/x", "http://h/a/b/x"},
    {"../x", "http://h/a/b/../x", "http://h/a/b/../x"},
    {"?x", "http://h/a/b?x", "http://h/a/b?x"},
    {"#y", "http://h/a/b#y", "http://h/a/b"},
    {"//g/x", "http://g/x", "http://g/x"},
    {"https://g", "https://g", "https://g/"},
    {"http://g?x", "http://g?x", "http://g/?x"},
    {"/a b#c", "http://h/a b#c", "http://h/a%20b"},
    {"/%7ex%2f", "http://h/%7ex%2f", "http://h/~x%2f"},
};

static void
test_fast_places(void **state)
{
    const size_t n = sizeof(fast_places) / sizeof(fast_places[0]);
    for (size_t i = 0; i < n; i++) {
        struct exchange *x = redirected("GET", 302, fast_places[i].location);
        x->rules = REDIRECTS_OF_FAST_HTTP;
        print_message("%s\n", fast_places[i].location);
        assert_true(redirect_follow(x));
        assert_string_equal(x->reply->url, fast_places[i].url);
        assert_string_equal(x->url, fast_places[i].wire);
        exchange_free(x);
    }
    struct exchange *x = redirected("GET", 302, "");
    x->rules = REDIRECTS_OF_FAST_HTTP;
    assert_false(redirect_follow(x));
    assert_int_equal(x->error, HTTP_OK);
    exchange_free(x);
    x = redirected("GET", 302, "ftp://h/");
    x->rules = REDIRECTS_OF_FAST_HTTP;
    assert_false(redirect_follow(x));
    assert_int_equal(x->error, HTTP_BAD_REDIRECT);
    exchange_free(x);
}

static void
test_fast_methods_and_bodies(void **state)
{
    static const struct {
        const char *method;
        int status;
        const char *next;
    } cases[] = {
        {"POST", 301, "POST"}, {"POST", 302, "GET"}, {"PUT", 303, "GET"},
        {"PUT", 307, "PUT"},   {"PUT", 308, "PUT"},  {"HEAD", 302, "HEAD"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct exchange *x = redirected(cases[i].method, cases[i].status,
                                        "/x");
        bool keeps = strcmp(cases[i].next, cases[i].method) == 0 &&
                     cases[i].status != 302;
        x->rules = REDIRECTS_OF_FAST_HTTP;
        x->body = strdup("body");
        x->body_length = 4;
        x->lines = curl_slist_append(NULL, "Content-Encoding: x");
        x->headers = x->lines;
        assert_true(redirect_follow(x));
        assert_string_equal(x->method, cases[i].next);
        assert_int_equal(x->body_length, keeps ? 4 : 0);
        assert_int_equal(sends(x->headers, "Content-Encoding: x"), keeps);
        exchange_free(x);
    }
}

static void
test_statuses_not_followed(void **state)
{
    struct exchange *x = redirected("GET", 307, "/x");
    x->not_followed = redirect_bit(302) | redirect_bit(307);
    assert_false(redirect_follow(x));
    assert_int_equal(x->error, HTTP_OK);
    x->not_followed = redirect_bit(302) | redirect_bit(200);
    assert_true(redirect_follow(x));
    exchange_free(x);
}

static void
test_once_more(void **state)
{
    struct exchange *x = redirected("GET", 302, "/x");
    assert_true(redirect_follow(x));
    exchange_fail(x, HTTP_READ_TIMEOUT, 0, "late");
    x->finished = true;
    assert_true(exchange_again(x));
    assert_int_equal(x->error, HTTP_OK);
    assert_null(x->message);
    assert_false(x->finished);
    assert_int_equal(x->redirects, 0);
    assert_string_equal(x->reply->url, "http://h/x#d");
    assert_string_equal(x->reply->previous->url, "http://h/a/b?c#d");
    assert_int_equal(x->reply->raw.length, 0);
    exchange_free(x);
}

static void
test_credentials(void **state)
{
    static const struct {
        const char *to;
        bool kept;
    } hosts[] = {
        {"http://h/x", true},    {"https://h/x", true},
        {"http://g/x", false},   {"http://h:8080/x", false},
        {"https://h:444/", false},
    };
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct exchange *x = redirected("GET", 302, hosts[i].to);
        x->headers = x->lines = curl_slist_append(NULL, "authorization: x");
        assert_true(redirect_follow(x));
        assert_int_equal(sends(x->headers, "authorization: x"), hosts[i].kept);
        exchange_free(x);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_failing),
        cmocka_unit_test(test_plain_urls),
        cmocka_unit_test(test_path_offset),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_bad_places),
        cmocka_unit_test(test_what_is_no_redirect),
        cmocka_unit_test(test_methods_and_bodies),
        cmocka_unit_test(test_fast_places),
        cmocka_unit_test(test_fast_methods_and_bodies),
        cmocka_unit_test(test_statuses_not_followed),
        cmocka_unit_test(test_once_more),
        cmocka_unit_test(test_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
