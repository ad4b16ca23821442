/* src/http/footprint.c: what pointers lead to is found. */
#include "config.h"
#include "unit.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "http/footprint.h"
#include "http/memory.h"
#include "servlet.h"

static void **
block(size_t bytes)
{
    void **p = OPENSSL_malloc(bytes);
    assert_non_null(p);
    memset(p, 0, memory_bytes(p));
    return p;
}

static bool
covers(const struct footprint *f, const void *p)
{
    uintptr_t line = (uintptr_t)p / CACHE_LINE;
    for (int i = 0; i < FOOTPRINT_RANGES && f->ranges[i] != 0; i++) {
        uintptr_t first = f->ranges[i] / CACHE_LINE;
        if (line >= first && line <= first + f->ranges[i] % CACHE_LINE) {
            return true;
        }
    }
    return false;
}

static int
count(const struct footprint *f)
{
    int n = 0;
    while (n < FOOTPRINT_RANGES && f->ranges[n] != 0) {
        n++;
    }
    return n;
}

static void
blocks_behind_blocks(void **state)
{
    void **first = block(100), **second = block(1536), **third = block(16);
    void **other = block(300);
    first[3] = second;
    first[4] = (char *)other + 8;       /* no block begins there */
    first[5] = "a string that is no block";
    second[191] = third;
    second[0] = first;                  /* back again */
    struct footprint f;
    footprint_find(&f, first, NULL);
    footprint_load(&f);
    assert_int_equal(count(&f), 3);
    assert_true(covers(&f, first) && covers(&f, (char *)first + 99));
    for (size_t i = 0; i < 1536; i++) {
        assert_true(covers(&f, (char *)second + i));
    }
    assert_true(covers(&f, third));
    assert_false(covers(&f, other));
    OPENSSL_free(first);
    OPENSSL_free(second);
    OPENSSL_free(third);
    OPENSSL_free(other);
}

/* Of a large block the beginning, and where its pointers are. */
static void
a_large_block(void **state)
{
    void **large = block(5000), **small = block(40);
    large[300] = small;
    struct footprint f;
    footprint_find(&f, large, NULL);
    assert_int_equal(count(&f), 3);
    assert_true(covers(&f, large) && covers(&f, &large[300]));
    assert_false(covers(&f, &large[200]));
    assert_true(covers(&f, small));
    OPENSSL_free(large);
    OPENSSL_free(small);
}

static void
what_is_left_out(void **state)
{
    void **first = block(64), **second = block(64), **third = block(64);
    first[0] = second;
    second[0] = third;
    struct footprint f;
    footprint_find(&f, first, second);
    assert_int_equal(count(&f), 1);
    assert_true(covers(&f, first));
    OPENSSL_free(first);
    OPENSSL_free(second);
    OPENSSL_free(third);
}

static void
more_than_there_is_room_for(void **state)
{
    enum { N = 100 };
    void **blocks[N], **root = block(sizeof(blocks));
    for (int i = 0; i < N; i++) {
        blocks[i] = block(2000);
        root[i] = blocks[i];
    }
    struct footprint f;
    footprint_find(&f, root, NULL);
    assert_int_equal(count(&f), FOOTPRINT_RANGES - 2);
    assert_true(covers(&f, root) && covers(&f, blocks[0]));
    assert_false(covers(&f, blocks[N - 1]));
    footprint_load(&f);
    for (int i = 0; i < N; i++) {
        OPENSSL_free(blocks[i]);
    }
    OPENSSL_free(root);
}

static void
nothing(void **state)
{
    struct footprint f = {{1}};
    footprint_find(&f, NULL, NULL);
    assert_int_equal(count(&f), 0);
    footprint_find(&f, &f, NULL);
    assert_int_equal(count(&f), 0);
    footprint_load(&f);
}

static size_t
ignore(char *data, size_t size, size_t n, void *userp)
{
    return size * n;
}

/* A connection cache of libcurl's leads to its connection, which is the only
   block of more than a kilobyte in it. */
static void
a_connection_of_libcurl(void **state)
{
    CURLSH *share = curl_share_init();
    CURL *easy = curl_easy_init();
    assert_non_null(share);
    assert_non_null(easy);
    char url[100];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", servlet.port);
    struct footprint empty, f;
    footprint_find(&empty, share, easy);
    assert_true(count(&empty) > 0);
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
    curl_easy_setopt(easy, CURLOPT_SHARE, share);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    footprint_find(&f, share, easy);
    assert_true(count(&f) >= count(&empty) + 4);
    bool connection = false;
    for (int i = 0; i < count(&f); i++) {
        connection = connection || f.ranges[i] % CACHE_LINE >= 16;
    }
    assert_true(connection);
    curl_easy_cleanup(easy);
    curl_share_cleanup(share);
}

static bool
serve(struct visit *v)
{
    return servlet_say(v, SERVLET_OK);
}

static int
start(void **state)
{
    memory_keep();
    if (memory_init() != CURLE_OK) {
        return -1;
    }
    servlet_open(serve);
    return 0;
}

static int
stop(void **state)
{
    servlet_close();
    memory_keep_no_more();
    curl_global_cleanup();
    return 0;
}

int
main(void)
{
#ifdef WITH_SANITIZERS
    return 77;                  /* there are no blocks to be found */
#endif
    memory_serve_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_behind_blocks),
        cmocka_unit_test(a_large_block),
        cmocka_unit_test(what_is_left_out),
        cmocka_unit_test(more_than_there_is_room_for),
        cmocka_unit_test(nothing),
        cmocka_unit_test(a_connection_of_libcurl),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
