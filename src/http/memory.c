/*
 * An allocator for what libcurl and OpenSSL ask for on I/O threads.
 *
 * What a connection keeps is used at each of its requests, so with thousands of
 * them it matters on how many pages it lies. malloc() puts it wherever there is
 * room: among what a handshake leaves and nobody looks at again. Here each size
 * has address space of its own, where blocks lie side by side. It also tells a
 * block's size from its address, so that freeing one touches nothing but it.
 *
 * Free blocks are in lists, one per size and thread. Threads that have none
 * allocate with malloc(); but they may free any block, and put it where the I/O
 * threads find it. Sanitized builds leave everything to malloc(), so that every
 * wrong use of a block is seen; so does a system that has not got the address
 * space.
 */
#include "config.h"
#include "http/memory.h"

#include <assert.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/prefetch.h"

#ifdef WITH_SANITIZERS
#define SERVES false
#else
#define SERVES true
#endif

/* Sizes: to 1 KB by 16 bytes, to 8 KB by 128, and to 17 KB by 1,024, which is
   more than the buffers of libcurl (16 KB and a byte) and OpenSSL (a record of
   16 KB and what encryption adds). */
enum {
    SMALL = 64,
    MIDDLE = SMALL + 56,
    SIZES = MIDDLE + 9,
};
#define SMALL_MOST ((size_t)1024)
#define MIDDLE_MOST ((size_t)8192)
#define MOST ((size_t)17408)

/* Address space of one size. Memory is what of it was touched. */
#define REGION_BYTES ((size_t)1 << 30)

static_assert(SIZE_MAX / REGION_BYTES > SIZES, "addresses have 64 bits");

/* How much of it a thread takes at a time; at least one block. */
#define REFILL_BYTES ((size_t)4096)

/* Less of a size is not given back. */
#define WORTH_BYTES ((size_t)8192)

struct block {
    struct block *next;
};

/* The address space of one size, cut into blocks from the beginning. */
struct region {
    char *base;
    pthread_mutex_t lock;       /* guards what follows, but for strays */
    size_t cut;                 /* blocks, so far */
    uint32_t *blank;            /* free ones whose memory was given back, by
                                   their numbers */
    size_t blank_count;
    _Atomic(struct block *) strays;     /* freed on threads without lists */
};

static struct {
    pthread_once_t once;
    _Atomic(char *) base;       /* of all regions; NULL: there are none */
    struct region regions[SIZES];
} space = {.once = PTHREAD_ONCE_INIT};

static _Thread_local struct {
    bool on;
    struct block *lists[SIZES];

    /* When memory was last given back: the blocks in each list, on pages that
       others were on, and those that were in use (or another thread's). */
    size_t left[SIZES], live[SIZES];
} kept;

/* --- Sizes and addresses. */

/* The smallest size that has room for so many bytes, or -1. */
static int
size_for(size_t bytes)
{
    if (bytes <= SMALL_MOST) {
        return bytes > 0 ? (int)((bytes - 1) / 16) : 0;
    }
    if (bytes <= MIDDLE_MOST) {
        return SMALL + (int)((bytes - SMALL_MOST - 1) / 128);
    }
    return bytes <= MOST ? MIDDLE + (int)((bytes - MIDDLE_MOST - 1) / 1024)
                         : -1;
}

static size_t
bytes_of(int size)
{
    size_t i = (size_t)size;
    return size < SMALL    ? (i + 1) * 16
           : size < MIDDLE ? SMALL_MOST + (i - SMALL + 1) * 128
                           : MIDDLE_MOST + (i - MIDDLE + 1) * 1024;
}

/* The size of a block, or -1: it is malloc()'s. */
static int
size_of(const void *p)
{
    char *base = atomic_load_explicit(&space.base, memory_order_relaxed);
    size_t offset = (size_t)((uintptr_t)p - (uintptr_t)base);
    return base != NULL && offset < SIZES * REGION_BYTES
               ? (int)(offset / REGION_BYTES)
               : -1;
}

size_t
memory_bytes(void *p)
{
    int size = size_of(p);
    return size >= 0 ? bytes_of(size) : malloc_usable_size(p);
}

size_t
memory_block(const void *p)
{
    char *base = atomic_load_explicit(&space.base, memory_order_relaxed);
    int size = size_of(p);
    if (size < 0) {
        return 0;
    }
    size_t bytes = bytes_of(size);
    size_t offset = (size_t)((uintptr_t)p - (uintptr_t)base) % REGION_BYTES;
    /* What is left at the end of a region is too small for a block. */
    return offset % bytes == 0 && offset + bytes <= REGION_BYTES ? bytes : 0;
}

/* Huge pages are refused: the first block of a size would commit 2 MB. */
static void
reserve(void)
{
    char *base = mmap(NULL, SIZES * REGION_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return;
    }
    (void)madvise(base, SIZES * REGION_BYTES, MADV_NOHUGEPAGE);
    for (int i = 0; i < SIZES; i++) {
        space.regions[i].base = base + (size_t)i * REGION_BYTES;
        pthread_mutex_init(&space.regions[i].lock, NULL);
    }
    atomic_store(&space.base, base);
}

/* --- Taking. */

static void
put(int size, void *p)
{
    struct block *b = p;
    b->next = kept.lists[size];
    kept.lists[size] = b;
}

/* The next free block is loaded: with many requests out, nobody has touched it
   for long. */
static struct block *
pop(int size)
{
    struct block *b = kept.lists[size];
    if (b != NULL) {
        kept.lists[size] = b->next;
        prefetch(b->next, sizeof(struct block));
    }
    return b;
}

/* One that was given back, or was never used; NULL at the end of the region.
   The lock is held. */
static void *
cut(struct region *r, size_t bytes)
{
    if (r->blank_count > 0) {
        return r->base + r->blank[--r->blank_count] * bytes;
    }
    if ((r->cut + 1) * bytes > REGION_BYTES) {
        return NULL;
    }
    return r->base + r->cut++ * bytes;
}

static struct block *
refill(int size)
{
    struct region *r = &space.regions[size];
    size_t bytes = bytes_of(size);
    kept.lists[size] = atomic_exchange(&r->strays, NULL);
    if (kept.lists[size] == NULL) {
        size_t n = bytes < REFILL_BYTES ? REFILL_BYTES / bytes : 1;
        pthread_mutex_lock(&r->lock);
        for (void *p; n > 0 && (p = cut(r, bytes)) != NULL; n--) {
            put(size, p);
        }
        pthread_mutex_unlock(&r->lock);
    }
    return pop(size);
}

static void *
memory_malloc(size_t bytes)
{
    int size = kept.on ? size_for(bytes) : -1;
    if (size < 0) {
        return malloc(bytes);
    }
    struct block *b = pop(size);
    if (b == NULL) {
        b = refill(size);
    }
    return b != NULL ? b : malloc(bytes);
}

static void *
memory_calloc(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        return NULL;
    }
    if (!kept.on || bytes > MOST) {
        return calloc(1, bytes);
    }
    void *p = memory_malloc(bytes);
    return p != NULL ? memset(p, 0, bytes) : NULL;
}

/* --- Freeing. */

/* Blocks from first to last, for whoever needs them. */
static void
leave(int size, struct block *first, struct block *last)
{
    _Atomic(struct block *) *strays = &space.regions[size].strays;
    last->next = atomic_load_explicit(strays, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(strays, &last->next, first)) {
    }
}

static void
memory_free(void *p)
{
    int size = size_of(p);
    if (size < 0) {
        free(p);
    }
    else if (kept.on) {
        put(size, p);
    }
    else {
        leave(size, p, p);
    }
}

static void *
memory_realloc(void *p, size_t bytes)
{
    int size = size_of(p);
    bytes = bytes > 0 ? bytes : 1;      /* what 0 means, C leaves open */
    if (p == NULL) {
        return memory_malloc(bytes);
    }
    if (size < 0) {
        return realloc(p, bytes);
    }
    if (bytes <= bytes_of(size)) {
        return p;
    }
    void *larger = memory_malloc(bytes);
    if (larger != NULL) {
        memcpy(larger, p, bytes_of(size));
        memory_free(p);
    }
    return larger;
}

static char *
memory_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = memory_malloc(size);
    return copy != NULL ? memcpy(copy, s, size) : NULL;
}

/* --- Giving back. */

/* A set of blocks of one region, by their numbers. */

static bool
has(const uint8_t *set, size_t i)
{
    return set[i / 8] >> i % 8 & 1;
}

static void
add(uint8_t *set, size_t i)
{
    set[i / 8] |= (uint8_t)(1 << i % 8);
}

/* Whether all blocks that lie on a page, also in part, are in the set. */
static bool
has_all(const uint8_t *set, size_t count, size_t bytes, size_t page,
        size_t page_bytes)
{
    size_t i = page * page_bytes / bytes;
    size_t end = ((page + 1) * page_bytes + bytes - 1) / bytes;
    end = end < count ? end : count;
    while (i < end && has(set, i)) {
        i++;
    }
    return i == end;
}

/* Gives the memory of unused pages back. A block that lies on one of them has
   lost what is written in it and cannot be in a list: it is blank. */
static void
drop_pages(const struct region *r, const uint8_t *unused, uint8_t *blank,
           size_t count, size_t bytes)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = count * bytes / page_bytes;
    for (size_t page = 0; page < pages; page++) {
        if (!has_all(unused, count, bytes, page, page_bytes)) {
            continue;
        }
        size_t first = page;
        while (page < pages &&
               has_all(unused, count, bytes, page, page_bytes)) {
            page++;
        }
        if (madvise(r->base + first * page_bytes, (page - first) * page_bytes,
                    MADV_DONTNEED) != 0) {
            continue;
        }
        size_t last = (page * page_bytes + bytes - 1) / bytes;
        for (size_t i = first * page_bytes / bytes; i < last; i++) {
            add(blank, i);
        }
    }
}

/* The list anew, the lowest address first, without the blank ones, whose
   numbers go to numbers. Returns how many they are. */
static size_t
sort_list(int size, const uint8_t *unused, const uint8_t *blank, size_t count,
          uint32_t *numbers)
{
    size_t bytes = bytes_of(size), n = 0;
    kept.lists[size] = NULL;
    kept.left[size] = 0;
    for (size_t i = count; i-- > 0;) {
        if (has(blank, i)) {
            numbers[n++] = (uint32_t)i;
        }
        else if (has(unused, i)) {
            put(size, space.regions[size].base + i * bytes);
            kept.left[size]++;
        }
    }
    return n;
}

/* The numbers of a region's blank blocks. */
struct blanks {
    uint32_t *numbers;          /* owned */
    size_t count;
};

static struct blanks
take_blanks(struct region *r, size_t *cut_so_far)
{
    pthread_mutex_lock(&r->lock);
    struct blanks b = {r->blank, r->blank_count};
    r->blank = NULL;
    r->blank_count = 0;
    *cut_so_far = r->cut;
    pthread_mutex_unlock(&r->lock);
    return b;
}

/* Another thread may have left some meanwhile. Those for which there is no
   memory to note them are put into the list. */
static void
leave_blanks(int size, struct blanks b)
{
    struct region *r = &space.regions[size];
    pthread_mutex_lock(&r->lock);
    if (r->blank == NULL) {
        r->blank = b.numbers;
        r->blank_count = b.count;
        pthread_mutex_unlock(&r->lock);
        return;
    }
    size_t total = r->blank_count + b.count;
    uint32_t *all = realloc(r->blank, total * sizeof(*all));
    if (all != NULL) {
        memcpy(all + r->blank_count, b.numbers, b.count * sizeof(*all));
        r->blank = all;
        r->blank_count = total;
        b.count = 0;
    }
    pthread_mutex_unlock(&r->lock);
    while (b.count > 0) {
        put(size, r->base + b.numbers[--b.count] * bytes_of(size));
    }
    free(b.numbers);
}

/* For one size, whose list has n blocks. Without memory nothing is given
   back. */
static void
give_back(int size, size_t n)
{
    struct region *r = &space.regions[size];
    size_t count, bytes = bytes_of(size);
    struct blanks blanks = take_blanks(r, &count);
    uint8_t *unused = calloc(2, count / 8 + 1);
    uint32_t *numbers = realloc(blanks.numbers,
                                (blanks.count + n) * sizeof(*numbers));
    blanks.numbers = numbers != NULL ? numbers : blanks.numbers;
    if (unused != NULL && numbers != NULL) {
        uint8_t *blank = unused + count / 8 + 1;
        for (struct block *b = kept.lists[size]; b != NULL; b = b->next) {
            add(unused, (size_t)((char *)b - r->base) / bytes);
        }
        while (blanks.count > 0) {
            add(unused, numbers[--blanks.count]);
        }
        drop_pages(r, unused, blank, count, bytes);
        blanks.count = sort_list(size, unused, blank, count, numbers);
        kept.live[size] = count - blanks.count - kept.left[size];
    }
    free(unused);
    leave_blanks(size, blanks);
}

/* All that other threads have freed comes to this one. Returns how many blocks
   its list has. */
static size_t
collect(int size)
{
    struct block *b = atomic_exchange(&space.regions[size].strays, NULL);
    while (b != NULL) {
        struct block *next = b->next;
        put(size, b);
        b = next;
    }
    size_t n = 0;
    for (b = kept.lists[size]; b != NULL; b = b->next) {
        n++;
    }
    return n;
}

/* Whether it is worth to look for unused pages: much more is free than when it
   was done last, or what kept pages in use then has become far less. */
static bool
is_worth_it(int size, size_t n)
{
    struct region *r = &space.regions[size];
    pthread_mutex_lock(&r->lock);
    size_t live = r->cut - r->blank_count - n;
    pthread_mutex_unlock(&r->lock);
    size_t left = kept.left[size], before = kept.live[size];
    return n * bytes_of(size) >= WORTH_BYTES &&
           (n > left + left / 4 || live < before - before / 4);
}

static void
give_all_back(bool whatever)
{
    for (int size = 0; size < SIZES; size++) {
        size_t n = collect(size);
        if (n > 0 && (whatever || is_worth_it(size, n))) {
            give_back(size, n);
        }
    }
}

void
memory_give_back(void)
{
    if (kept.on) {
        give_all_back(false);
    }
}

void
memory_keep(void)
{
    if (SERVES) {
        pthread_once(&space.once, reserve);
        kept.on = atomic_load(&space.base) != NULL;
    }
}

void
memory_keep_no_more(void)
{
    if (!kept.on) {
        return;
    }
    give_all_back(true);
    kept.on = false;
    for (int size = 0; size < SIZES; size++) {
        struct block *first = kept.lists[size], *last = first;
        if (first == NULL) {
            continue;
        }
        while (last->next != NULL) {
            last = last->next;
        }
        leave(size, first, last);
        kept.lists[size] = NULL;
    }
}

/* --- Whom it serves. */

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
