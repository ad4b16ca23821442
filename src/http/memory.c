/*
 * An allocator for libcurl and OpenSSL: malloc() behind lists of free blocks,
 * one list per size and thread.
 *
 * malloc() itself keeps no more than seven free blocks of a size at hand, and
 * none above 1 KB; a hundred requests that are sent and answered in bursts, each
 * with a read buffer of 16 KB, go far beyond that.
 *
 * Blocks are malloc()'s own, so any thread may free them, and what is left in
 * no list is found by leak checkers. A list's blocks are alike: their usable
 * size is that of the list or more. Sanitized builds keep nothing, so that
 * every wrong use of a block is seen.
 */
#include "config.h"
#include "http/memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* List i has blocks of at least i * GRAIN + ODD usable bytes: malloc()'s own
   sizes are such. */
#define GRAIN 16
#define ODD 8
#define SMALL_LISTS 160         /* up to 2.5 KB */
#define KEPT_BYTES ((size_t)8 * 1024 * 1024)    /* per thread, at the most */

/* libcurl's read buffer: CURL_MAX_WRITE_SIZE and a byte. */
#define BUFFER_BYTES (CURL_MAX_WRITE_SIZE + 1)
#define BUFFER_LIST SMALL_LISTS

/* OpenSSL's buffers for a record, which it has only while it reads or writes:
   16 KB and what encryption adds, which depends on the version. */
#define RECORD_BYTES ((size_t)17 * 1024)
#define RECORD_LIST (SMALL_LISTS + 1)
#define LISTS (SMALL_LISTS + 2)

struct block {
    struct block *next;
};

static _Thread_local struct {
    bool on;
    size_t bytes;               /* in all lists, as list_bytes() counts */
    struct block *lists[LISTS];
} kept;

/* The list from which a request of so many bytes is served, or -1. */
static int
list_for_request(size_t size)
{
    if (size <= GRAIN + ODD) {
        return 1;
    }
    if (size <= (SMALL_LISTS - 1) * GRAIN + ODD) {
        return (int)((size - ODD + GRAIN - 1) / GRAIN);
    }
    if (size == BUFFER_BYTES) {
        return BUFFER_LIST;
    }
    return size > BUFFER_BYTES && size <= RECORD_BYTES ? RECORD_LIST : -1;
}

/* The list that a block of so many usable bytes belongs to, or -1. */
static int
list_for_block(size_t usable)
{
    if (usable < GRAIN + ODD) {
        return -1;
    }
    if (usable < SMALL_LISTS * GRAIN + ODD) {
        return (int)((usable - ODD) / GRAIN);
    }
    if (usable >= BUFFER_BYTES && usable < BUFFER_BYTES + 4 * GRAIN) {
        return BUFFER_LIST;
    }
    return usable >= RECORD_BYTES && usable < RECORD_BYTES + 4 * GRAIN
               ? RECORD_LIST
               : -1;
}

/* What a block of a list has at least, by which all of it is counted. */
static size_t
list_bytes(int i)
{
    return i == BUFFER_LIST   ? BUFFER_BYTES
           : i == RECORD_LIST ? RECORD_BYTES
                              : (size_t)i * GRAIN + ODD;
}

static void *
take(size_t size)
{
    int i = kept.on ? list_for_request(size) : -1;
    struct block *b = i >= 0 ? kept.lists[i] : NULL;
    if (b != NULL) {
        kept.lists[i] = b->next;
        kept.bytes -= list_bytes(i);
    }
    return b;
}

/* What to ask malloc() for, so that the block fits its list. */
static size_t
whole(size_t size)
{
    return size > BUFFER_BYTES && size <= RECORD_BYTES ? RECORD_BYTES : size;
}

static void *
memory_malloc(size_t size)
{
    void *p = take(size);
    return p != NULL ? p : malloc(whole(size));
}

static void *
memory_calloc(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        return NULL;
    }
    void *p = take(bytes);
    return p != NULL ? memset(p, 0, bytes) : calloc(1, whole(bytes));
}

static void
memory_free(void *p)
{
    if (p == NULL) {
        return;
    }
    int i = kept.on ? list_for_block(malloc_usable_size(p)) : -1;
    if (i >= 0 && kept.bytes + list_bytes(i) <= KEPT_BYTES) {
        struct block *b = p;
        b->next = kept.lists[i];
        kept.lists[i] = b;
        kept.bytes += list_bytes(i);
        return;
    }
    free(p);
}

static void *
memory_realloc(void *p, size_t size)
{
    if (p == NULL) {
        return memory_malloc(size);
    }
    size = size > 0 ? size : 1; /* what 0 means, C leaves open */
    size_t usable = kept.on ? malloc_usable_size(p) : 0;
    if (size <= usable) {
        return p;
    }
    void *larger = take(size);
    if (larger == NULL) {
        return realloc(p, whole(size));
    }
    memcpy(larger, p, usable);
    memory_free(p);
    return larger;
}

static char *
memory_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = memory_malloc(size);
    return copy != NULL ? memcpy(copy, s, size) : NULL;
}

/* OpenSSL's way to ask: 0 bytes are no block. */

static void *
openssl_malloc(size_t size, const char *file, int line)
{
    return size > 0 ? memory_malloc(size) : NULL;
}

static void
openssl_free(void *p, const char *file, int line)
{
    memory_free(p);
}

static void *
openssl_realloc(void *p, size_t size, const char *file, int line)
{
    if (size == 0) {
        memory_free(p);
        return NULL;
    }
    return memory_realloc(p, size);
}

void
memory_serve_openssl(void)
{
    (void)CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc,
                                   openssl_free);
}

CURLcode
memory_init(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_malloc,
                                memory_free, memory_realloc, memory_strdup,
                                memory_calloc);
}

void
memory_keep(void)
{
#ifndef WITH_SANITIZERS
    kept.on = true;
#endif
}

void
memory_give_back(void)
{
    for (int i = 0; i < LISTS; i++) {
        while (kept.lists[i] != NULL) {
            struct block *b = kept.lists[i];
            kept.lists[i] = b->next;
            free(b);
        }
    }
    kept.bytes = 0;
}

void
memory_keep_no_more(void)
{
    kept.on = false;
    memory_give_back();
}
