/* src/http/parsed.c: parsed URLs and who uses them. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "http/internal.h"

static void
the_same_url_is_parsed_once(void **state)
{
    struct io_thread io = {0};
    struct parsed *a = parsed_take(&io, "http://h.test:81/a?b=c");
    assert_non_null(a);
    struct parsed *b = parsed_take(&io, "http://h.test:81/a?b=c");
    assert_ptr_equal(a, b);
    char *path = NULL;
    assert_int_equal(
        curl_url_get(parsed_handle(a), CURLUPART_PATH, &path, 0), CURLUE_OK);
    assert_string_equal(path, "/a");
    curl_free(path);
    parsed_give_back(a);
    parsed_give_back(b);
    parsed_free_all(&io);
}

/* With more URLs than places, some want the place of another. */
static void
one_in_use_keeps_its_place(void **state)
{
    enum { N = 2000 };
    static struct parsed *taken[N];
    struct io_thread io = {0};
    int without = 0;
    char url[64];
    for (int i = 0; i < N; i++) {
        snprintf(url, sizeof(url), "http://h.test/%d", i);
        taken[i] = parsed_take(&io, url);
        without += taken[i] == NULL;
    }
    assert_in_range(without, N - 512, N - 1);
    for (int i = 0; i < N; i++) {
        if (taken[i] == NULL) {
            continue;
        }
        char *path = NULL;
        assert_int_equal(curl_url_get(parsed_handle(taken[i]),
                                      CURLUPART_PATH, &path, 0), CURLUE_OK);
        snprintf(url, sizeof(url), "/%d", i);
        assert_string_equal(path, url);
        curl_free(path);
        parsed_give_back(taken[i]);
    }
    for (int i = 0; i < N; i++) {   /* now each finds a place */
        snprintf(url, sizeof(url), "http://h.test/%d", i);
        struct parsed *p = parsed_take(&io, url);
        assert_non_null(p);
        parsed_give_back(p);
    }
    parsed_free_all(&io);
}

static void
what_is_no_url_has_no_place(void **state)
{
    struct io_thread io = {0};
    assert_null(parsed_take(&io, "http://[::1/"));
    assert_null(parsed_handle(NULL));
    parsed_give_back(NULL);
    parsed_free_all(&io);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_url_is_parsed_once),
        cmocka_unit_test(one_in_use_keeps_its_place),
        cmocka_unit_test(what_is_no_url_has_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
