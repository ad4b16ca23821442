/* src/http/memory.c: blocks are kept, and are as large as they must be. */
#include "config.h"
#include "unit.h"

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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(a_freed_block_is_used_again),
        cmocka_unit_test(another_thread_may_free),
        cmocka_unit_test(all_can_be_given_back),
    };
    return cmocka_run_group_tests(tests, keep, keep_no_more);
}
