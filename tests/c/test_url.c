/* URLs: what counts as plain, and how one is split. */
#include <stdio.h>
#include <string.h>

#include "http/url.h"
#include "unit.h"

static bool
is_plain(const char *url)
{
    return url_is_plain(url, strlen(url));
}

static void
plain_ones(void **state)
{
    static const char *const urls[] = {
        "http://h/", "https://h/", "http://h:80/", "http://1.2.3.4:65535/a/b",
        "http://h/a?b", "http://h/a?b=c&d=e", "http://h/?a?b", "http://h/??",
        "http://h/%2F", "http://h/a;b,c", "http://h/a./b.c",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        if (!is_plain(urls[i])) {
            fail_msg("%s is not plain", urls[i]);
        }
    }
}

static void
others(void **state)
{
    static const char *const urls[] = {
        "", "h", "/a", "http:", "http://", "http:///", "http://h", "HTTP://h/",
        "ftp://h/", "http://H/", "http://.h/", "http://u@h/", "http://[::1]/",
        "http://h:/", "http://h:080/", "http://h:123456/", "http://h/a b",
        "http://h/a#b", "http://h/#", "http://h/?", "http://h/a?",
        "http://h/a?#b", "http://h/%2f", "http://h/%7E", "http://h/%",
        "http://h/%4", "http://h/./a", "http://h/a/../b", "http://h/\xc3\xa4",
        "http://h/a\"b",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        if (is_plain(urls[i])) {
            fail_msg("%s is plain", urls[i]);
        }
    }
}

static void
assert_split(const char *url, const char *expected)
{
    struct url_parts p;
    char told[200] = "none";
    if (url_split(url, strlen(url), &p)) {
        snprintf(told, sizeof(told), "%s%s%.*s%s %.*s %.*s%s",
                 p.secure ? "secure " : "", p.bracketed ? "[" : "",
                 (int)p.host_length, p.host, p.bracketed ? "]" : "",
                 (int)p.port_length, p.port, (int)p.path_length, p.path,
                 p.has_credentials ? " credentials" : "");
    }
    assert_string_equal(told, expected);
}

static void
splitting(void **state)
{
    assert_split("http://h", "h  ");
    assert_split("HTTPS://Host:443/a/b?c/d#e", "secure Host 443 /a/b");
    assert_split("http://h:1?a@b:2", "h 1 ");
    assert_split("http://h#a@b", "h  ");
    assert_split("http://h:/", "h  /");
    assert_split("http://[::1]:80/x", "[::1] 80 /x");
    assert_split("http://[::1]", "[::1]  ");
    assert_split("http://[::1", "[::1]  ");
    assert_split("http://u:p@h:1/", "h 1 / credentials");
    assert_split("http://a@b@h/@", "h  /@ credentials");
    assert_split("http://u@[::1]:1/", "[::1] 1 / credentials");
    assert_split("http://", "  ");
    assert_split("http://@", "   credentials");
    assert_split("http:///x", "  /x");
    assert_split("ftp://h/", "none");
    assert_split("/x", "none");
    assert_split("", "none");
}

static void
within_its_length(void **state)
{
    struct url_parts p;
    assert_true(url_split("http://host:80/path", 11, &p));
    assert_int_equal(p.host_length, 4);
    assert_int_equal(p.port_length, 0);
    assert_int_equal(p.path_length, 0);
    assert_true(url_split("http://h/path", 10, &p));
    assert_int_equal(p.path_length, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_ones),
        cmocka_unit_test(others),
        cmocka_unit_test(splitting),
        cmocka_unit_test(within_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
