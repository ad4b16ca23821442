/* src/http/footprint.c: what pointers lead to is found. */
#include "config.h"
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/footprint.h"
#include "http/memory.h"
#include "servlet.h"

/* The blocks of a test. */
static struct {
    void *block;
    size_t bytes;
} known[200];
static int known_count;

static size_t
bytes_at(const void *p)
{
    for (int i = 0; i < known_count; i++) {
        if (known[i].block == p) {
            return known[i].bytes;
        }
    }
    return 0;
}

static void **
block(size_t bytes)
{
    void **p = calloc(1, bytes);
    assert_non_null(p);
    known[known_count].block = p;
    known[known_count++].bytes = bytes;
    return p;
}

static int
free_blocks(void **state)
{
    while (known_count > 0) {
        free(known[--known_count].block);
    }
    return 0;
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
    footprint_find(&f, first, NULL, bytes_at);
    footprint_load(&f);
    assert_int_equal(count(&f), 3);
    assert_true(covers(&f, first) && covers(&f, (char *)first + 99));
    for (size_t i = 0; i < 1536; i++) {
        assert_true(covers(&f, (char *)second + i));
    }
    assert_true(covers(&f, third));
}

/* Of a large block the beginning, and where its pointers are. */
static void
a_large_block(void **state)
{
    void **large = block(5000), **small = block(40), **other = block(40);
    large[300] = small;
    large[301] = other;
    large[302] = small;
    struct footprint f;
    footprint_find(&f, large, NULL, bytes_at);
    bool one_line = (uintptr_t)&large[301] % CACHE_LINE != 0;
    assert_int_equal(count(&f), one_line ? 4 : 5);
    assert_true(covers(&f, large) && covers(&f, &large[300]));
    assert_false(covers(&f, &large[200]));
    assert_true(covers(&f, small) && covers(&f, other));
}

static void
what_is_left_out(void **state)
{
    void **first = block(64), **second = block(1000), **third = block(1000);
    first[0] = second;
    second[0] = third;
    struct footprint f;
    footprint_find(&f, first, second, bytes_at);
    assert_int_equal(count(&f), 1);
    assert_true(covers(&f, first));
}

/* Of a large block's pointers each one is on a line of its own. */
static void
more_than_there_is_room_for(void **state)
{
    enum { N = 60 };
    void **blocks[N], **root = block(N * CACHE_LINE);
    for (int i = 0; i < N; i++) {
        blocks[i] = block(2000);
        root[i * CACHE_LINE / (int)sizeof(void *)] = blocks[i];
    }
    struct {
        struct footprint f;
        uintptr_t beyond[4];
    } s = {.beyond = {1, 2, 3, 4}};
    footprint_find(&s.f, root, NULL, bytes_at);
    footprint_load(&s.f);
    assert_int_equal(count(&s.f), FOOTPRINT_RANGES);
    assert_true(covers(&s.f, root));
    assert_false(covers(&s.f, blocks[N - 1]));
    for (uintptr_t i = 0; i < 4; i++) {
        assert_int_equal(s.beyond[i], i + 1);
    }
}

/* Each of them has two ranges, and the first one has made their number odd. */
static void
a_chain_of_large_blocks(void **state)
{
    struct {
        struct footprint f;
        uintptr_t beyond[4];
    } s = {.beyond = {1, 2, 3, 4}};
    void **root = block(CACHE_LINE), **end = root;
    for (int i = 0; i < 20; i++) {
        void **next = block(2000);
        *(end == root ? end : end + 100) = next;
        end = next;
    }
    footprint_find(&s.f, root, NULL, bytes_at);
    assert_int_equal(count(&s.f), FOOTPRINT_RANGES);
    for (uintptr_t i = 0; i < 4; i++) {
        assert_int_equal(s.beyond[i], i + 1);
    }
}

static void
nothing(void **state)
{
    struct footprint f = {{1}};
    footprint_find(&f, NULL, NULL, bytes_at);
    assert_int_equal(count(&f), 0);
    footprint_find(&f, &f, NULL, bytes_at);
    assert_int_equal(count(&f), 0);
    footprint_load(&f);
}

static size_t
ignore(char *data, size_t size, size_t n, void *userp)
{
    return size * n;
}

static size_t
lines(const struct footprint *f)
{
    size_t n = 0;
    for (int i = 0; i < count(f); i++) {
        n += f->ranges[i] % CACHE_LINE + 1;
    }
    return n;
}

/* A connection cache of libcurl's leads to what a connection consists of. */
static void
a_connection_of_libcurl(void **state)
{
#ifdef WITH_SANITIZERS
    skip();                     /* nothing is in blocks of ours */
#endif
    CURLSH *share = curl_share_init();
    CURL *easy = curl_easy_init();
    assert_non_null(share);
    assert_non_null(easy);
    char url[100];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", servlet.port);
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
    curl_easy_setopt(easy, CURLOPT_SHARE, share);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    struct footprint before, after;
    footprint_find(&before, share, easy, memory_block);
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    footprint_find(&after, share, easy, memory_block);
    assert_true(count(&before) > 0);
    assert_true(count(&after) > count(&before));
    assert_true(lines(&after) > lines(&before) + 10);
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

#define T(name) cmocka_unit_test_teardown(name, free_blocks)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(blocks_behind_blocks),
        T(a_large_block),
        T(what_is_left_out),
        T(more_than_there_is_room_for),
        T(a_chain_of_large_blocks),
        T(nothing),
        T(a_connection_of_libcurl),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
