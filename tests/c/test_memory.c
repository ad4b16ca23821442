/* src/http/memory.c: blocks are kept, and are as large as they must be. */
#include "config.h"
#include "unit.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "http/memory.h"

/* libcurl's own malloc() and realloc() are behind functions like these. */
static char *
block_of(size_t size)
{
    char text[5000];
    assert_true(size > 1 && size <= sizeof(text));
    memset(text, 'a', size - 1);
    char *block = curl_easy_escape(NULL, text, (int)size - 1);
    assert_non_null(block);
    assert_int_equal(strlen(block), size - 1);
    return block;
}

static void
blocks_do_not_overlap(void **state)
{
    enum { N = 300 };
    char *blocks[N];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            blocks[i] = block_of((size_t)i * 11 % 4000 + 2);
            memset(blocks[i], i & 0x7f, strlen(blocks[i]));
        }
        for (int i = 0; i < N; i++) {
            size_t n = (size_t)i * 11 % 4000 + 1;
            for (size_t k = 0; k < n && (i & 0x7f) != 0; k++) {
                assert_int_equal(blocks[i][k], i & 0x7f);
            }
        }
        for (int i = 0; i < N; i++) {
            curl_free(blocks[i]);
        }
    }
}

static void
a_freed_block_is_used_again(void **state)
{
#ifdef WITH_SANITIZERS
    skip();                     /* nothing is kept there */
#endif
    CURLU *first = curl_url();
    assert_non_null(first);
    uintptr_t where = (uintptr_t)first;
    curl_url_cleanup(first);
    CURLU *second = curl_url();
    assert_int_equal((uintptr_t)second, where);
    curl_url_cleanup(second);
}

/* A record's buffer, and what is longer and shorter. */
static void
openssl_gets_blocks_of_ours(void **state)
{
    static const size_t sizes[] = {24, 2500, 16384, 16385, 16704, 17408, 17409};
    enum { N = sizeof(sizes) / sizeof(sizes[0]) };
    unsigned char *blocks[N];
    for (int i = 0; i < N; i++) {
        blocks[i] = OPENSSL_malloc(sizes[i]);
        assert_non_null(blocks[i]);
        memset(blocks[i], i + 1, sizes[i]);
    }
    for (int i = 0; i < N; i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(blocks[i][k], i + 1);
        }
        OPENSSL_free(blocks[i]);
    }
#ifndef WITH_SANITIZERS
    void *first = OPENSSL_malloc(16704);
    assert_true(malloc_usable_size(first) >= 17408);
    uintptr_t where = (uintptr_t)first;
    OPENSSL_free(first);
    void *second = OPENSSL_malloc(17000);
    assert_int_equal((uintptr_t)second, where);
    OPENSSL_free(second);
#endif
}

static void
openssl_asks_in_its_own_way(void **state)
{
    assert_null(OPENSSL_malloc(0));
    char *p = OPENSSL_realloc(NULL, 10);
    assert_non_null(p);
    strcpy(p, "123456789");
    p = OPENSSL_realloc(p, 16700);
    assert_non_null(p);
    assert_string_equal(p, "123456789");
    assert_null(OPENSSL_realloc(p, 0));
}

static void *
free_it(void *block)
{
    memory_keep();
    curl_free(block);
    curl_free(block_of(100));
    memory_keep_no_more();
    return NULL;
}

static void
another_thread_may_free(void **state)
{
    pthread_t thread;
    assert_int_equal(
        pthread_create(&thread, NULL, free_it, block_of(100)), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
all_can_be_given_back(void **state)
{
    curl_free(block_of(200));
    memory_give_back();
    curl_free(block_of(200));
    memory_keep_no_more();      /* what is left now would be a leak */
    curl_free(block_of(200));
    memory_keep();
}

static int
keep(void **state)
{
    memory_keep();
    return memory_init() == CURLE_OK ? 0 : -1;
}

static int
keep_no_more(void **state)
{
    memory_keep_no_more();
    curl_global_cleanup();
    return 0;
}

int
main(void)
{
    memory_serve_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(a_freed_block_is_used_again),
        cmocka_unit_test(openssl_gets_blocks_of_ours),
        cmocka_unit_test(openssl_asks_in_its_own_way),
        cmocka_unit_test(another_thread_may_free),
        cmocka_unit_test(all_can_be_given_back),
    };
    return cmocka_run_group_tests(tests, keep, keep_no_more);
}
