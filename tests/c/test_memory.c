/* src/http/memory.c: blocks are kept, and are as large as they must be. */
#include "config.h"
#include "unit.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "http/memory.h"

#ifdef WITH_SANITIZERS
#define SERVES false            /* nothing is kept there */
#else
#define SERVES true
#endif

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
    assert_int_equal(memory_bytes(first), 17408);
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

static void
blocks_are_large_enough(void **state)
{
    for (size_t size = 1; size < 20000; size += size < 1100 ? 1 : 37) {
        char *p = OPENSSL_malloc(size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_true(memory_bytes(p) >= size);
        memset(p, 1, memory_bytes(p));
        OPENSSL_free(p);
    }
}

static void
a_block_is_known_by_its_beginning(void **state)
{
    static const size_t sizes[] = {1, 16, 500, 5000, 17408};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *p = OPENSSL_malloc(sizes[i]);
        assert_non_null(p);
        assert_int_equal(memory_block(p), SERVES ? memory_bytes(p) : 0);
        assert_int_equal(memory_block(p + 1), 0);
        if (memory_bytes(p) > 16) {
            assert_int_equal(memory_block(p + 16), 0);
        }
        OPENSSL_free(p);
    }
    char *too_large = OPENSSL_malloc(20000);
    assert_non_null(too_large);
    assert_int_equal(memory_block(too_large), 0);
    OPENSSL_free(too_large);
    if (SERVES) {               /* the end of the last address space of all */
        char *last = OPENSSL_malloc(17408);
        assert_non_null(last);
        uintptr_t gigabyte = (uintptr_t)1 << 30;
        uintptr_t base = (uintptr_t)last;
        for (uintptr_t i = 0; i < gigabyte / 17408 + 2; i++) {
            uintptr_t p = (uintptr_t)last + i * 17408;
            size_t bytes = memory_block((void *)p);
            assert_true(bytes == 0 || bytes == 17408);
            base = bytes > 0 ? p : base;
        }
        *(volatile char *)(base + 17407);       /* can be read */
        OPENSSL_free(last);
    }
    assert_int_equal(memory_block(NULL), 0);
    assert_int_equal(memory_block(sizes), 0);
    assert_int_equal(memory_block((void *)UINTPTR_MAX), 0);
}

enum { MANY = 2000 };

struct many {
    unsigned char *blocks[MANY];
    size_t size;
};

static void
allocate(struct many *m, size_t size)
{
    m->size = size;
    for (int i = 0; i < MANY; i++) {
        m->blocks[i] = OPENSSL_malloc(size);
        assert_non_null(m->blocks[i]);
        memset(m->blocks[i], i % 251, size);
    }
}

static void
check(const struct many *m, int i)
{
    for (size_t k = 0; k < m->size; k++) {
        assert_int_equal(m->blocks[i][k], i % 251);
    }
}

static void *
free_many(void *many)
{
    struct many *m = many;
    for (int i = 0; i < MANY; i++) {
        OPENSSL_free(m->blocks[i]);
    }
    return NULL;
}

static void *
keep_and_free_many(void *many)
{
    memory_keep();
    free_many(many);
    memory_keep_no_more();
    return NULL;
}

static void
on_a_thread(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, argument), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* How many of the blocks of one are blocks of the other, too. */
static int
common(const struct many *a, const struct many *b)
{
    int n = 0;
    for (int i = 0; i < MANY; i++) {
        for (int k = 0; k < MANY; k++) {
            n += a->blocks[i] == b->blocks[k];
        }
    }
    return n;
}

static void
what_other_threads_free_is_used_again(void **state)
{
    void *(*const ways[])(void *) = {free_many, keep_and_free_many};
    for (int way = 0; way < 2; way++) {
        static struct many before, after;
        allocate(&before, way == 0 ? 200 : 1200);
        on_a_thread(ways[way], &before);
        allocate(&after, before.size);
        for (int i = 0; i < MANY; i++) {
            check(&after, i);
        }
        assert_true(!SERVES || common(&before, &after) > MANY * 9 / 10);
        free_many(&after);
    }
}

/* How many pages of the blocks are in memory. */
static int
resident(const struct many *m)
{
    int n = 0;
    size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < MANY; i++) {
        unsigned char in;
        uintptr_t page = (uintptr_t)m->blocks[i] & ~(bytes - 1);
        assert_int_equal(mincore((void *)page, bytes, &in), 0);
        n += in & 1;
    }
    return n;
}

/* Every 100th block stays; what lies on its pages does, too. */
static void
unused_pages_are_given_back(void **state)
{
    static const size_t sizes[] = {16, 48, 200, 1500, 5000, 17000};
    for (int s = 0; s < 6; s++) {
        static struct many m, again;
        allocate(&m, sizes[s]);
        for (int i = 0; i < MANY; i++) {
            if (i % 100 != 0) {
                OPENSSL_free(m.blocks[i]);
            }
        }
        if (SERVES) {
            int before = resident(&m);
            memory_give_back();
            assert_true(sizes[s] < 100 || resident(&m) < before / 2);
            assert_true(resident(&m) > 0);
        }
        for (int round = 0; round < 2; round++) {
            allocate(&again, sizes[s]);
            for (int i = 0; i < MANY; i++) {
                check(&again, i);
            }
            free_many(&again);
            memory_give_back();
        }
        for (int i = 0; i < MANY; i += 100) {
            check(&m, i);
            OPENSSL_free(m.blocks[i]);
        }
        memory_give_back();
        /* The last page is not whole, and 256 blocks of 16 bytes fit on it. */
        assert_true(!SERVES || resident(&m) < MANY / 4);
    }
}

/* They get what was used before, as they want it. */
static void
zeros_and_longer_blocks(void **state)
{
    static struct many m;
    allocate(&m, 100);
    free_many(&m);
    for (size_t size = 90; size < 20000; size += 331) {
        unsigned char *p = OPENSSL_zalloc(size);
        assert_non_null(p);
        for (size_t k = 0; k < size; k++) {
            assert_int_equal(p[k], 0);
            p[k] = (unsigned char)k;
        }
        size_t longer = size * 3 / 2;
        p = OPENSSL_realloc(p, longer);
        assert_non_null(p);
        for (size_t k = 0; k < size; k++) {
            assert_int_equal(p[k], (unsigned char)k);
        }
        memset(p + size, 255, longer - size);
        OPENSSL_free(p);
    }
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
        cmocka_unit_test(blocks_are_large_enough),
        cmocka_unit_test(a_block_is_known_by_its_beginning),
        cmocka_unit_test(what_other_threads_free_is_used_again),
        cmocka_unit_test(unused_pages_are_given_back),
        cmocka_unit_test(zeros_and_longer_blocks),
    };
    return cmocka_run_group_tests(tests, keep, keep_no_more);
}
