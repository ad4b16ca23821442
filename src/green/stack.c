/*
 * Slabs of guarded stacks.
 *
 * A slab is one mapping, reserved without commit (MAP_NORESERVE), never given
 * back: a test that once had 100,000 users may have them again. Huge pages
 * are refused, or the first touch of a stack would commit 2 MB.
 *
 * Guards: MADV_GUARD_INSTALL (Linux 6.13) marks page table entries and leaves
 * the mapping in one piece. Older kernels need mprotect, which splits it and
 * runs into vm.max_map_count at some 32,000 stacks; the stacks beyond are
 * used without a guard, and stack_guard_kind() says so. Emulators (qemu-user)
 * accept advice that they do not know and do nothing: so each guard is tried.
 *
 * Only the hub's thread calls this.
 */
#include "config.h"
#include "green/stack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef WITH_SANITIZERS
#include <sanitizer/asan_interface.h>
#else
#define __asan_unpoison_memory_region(low, bytes) ((void)(low), (void)(bytes))
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum {
    STACKS_PER_SLAB = 64,
    GUARD_BYTES = 64 * 1024,    /* wider than any frame that skips over it */
    KEEP_BYTES = 8 * 1024,      /* of a free stack, left resident ... */
    KEEP_STACKS = 1024,         /* ... for this many of them */
};

#define STACK_MIN ((size_t)64 * 1024)
#define STACK_MAX ((size_t)1 << 30)
#ifdef WITH_SANITIZERS
#define STACK_DEFAULT ((size_t)64 << 20)    /* instrumented frames are wide */
#else
#define STACK_DEFAULT ((size_t)8 << 20)
#endif

struct slab {
    struct slab *next;
    char *base;
    size_t stride;          /* guard and stack together */
    struct stack stacks[STACKS_PER_SLAB];
};

enum guard_kind { GUARD_REGION, GUARD_MPROTECT, GUARD_NONE };

static struct {
    size_t size;
    struct slab *slabs;
    struct stack *free;
    size_t free_count;
    enum guard_kind guard;
} pool = {.size = STACK_DEFAULT};

int
stack_set_size(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (bytes < STACK_MIN || bytes > STACK_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (pool.slabs != NULL) {
        errno = EBUSY;
        return -1;
    }
    pool.size = (bytes + page - 1) / page * page;
    return 0;
}

size_t
stack_size(void)
{
    return pool.size;
}

const char *
stack_guard_kind(void)
{
    static const char *const names[] = {"guard regions", "mprotect", "none"};
    return names[pool.guard];
}

/* Whether the kernel refuses to read there, and so does the processor. */
static bool
is_guarded(const char *at)
{
    return access(at, F_OK) != 0 && errno == EFAULT;
}

static void
install_guard(char *at)
{
    if (pool.guard == GUARD_REGION &&
        (madvise(at, GUARD_BYTES, MADV_GUARD_INSTALL) != 0 ||
         !is_guarded(at))) {
        pool.guard = GUARD_MPROTECT;
    }
    if (pool.guard == GUARD_MPROTECT &&
        mprotect(at, GUARD_BYTES, PROT_NONE) != 0) {
        pool.guard = GUARD_NONE;
    }
}

static int
add_slab(void)
{
    struct slab *slab = malloc(sizeof(*slab));
    if (slab == NULL) {
        return -1;
    }
    slab->stride = pool.size + GUARD_BYTES;
    size_t bytes = slab->stride * STACKS_PER_SLAB;
    slab->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
                      -1, 0);
    if (slab->base == MAP_FAILED) {
        free(slab);
        errno = ENOMEM;
        return -1;
    }
    /* Fails only where huge pages do not exist, which is as good. */
    (void)madvise(slab->base, bytes, MADV_NOHUGEPAGE);
    for (int i = STACKS_PER_SLAB - 1; i >= 0; i--) {
        struct stack *stack = &slab->stacks[i];
        char *guard = slab->base + (size_t)i * slab->stride;
        install_guard(guard);
        stack->low = guard + GUARD_BYTES;
        stack->top = stack->low + pool.size;
        stack->next = pool.free;
        pool.free = stack;
        pool.free_count++;
    }
    slab->next = pool.slabs;
    pool.slabs = slab;
    return 0;
}

struct stack *
stack_alloc(void)
{
    if (pool.free == NULL && add_slab() < 0) {
        return NULL;
    }
    struct stack *stack = pool.free;
    pool.free = stack->next;
    pool.free_count--;
    stack->next = NULL;
    return stack;
}

/* Whether a page has something other than zeros. One that was never written to
   is the kernel's page of zeros, here as in every other stack. */
__attribute__((no_sanitize_address)) static bool
is_used(const char *page, size_t bytes)
{
    const uint64_t *at = (const uint64_t *)page;
    const uint64_t *end = (const uint64_t *)(page + bytes);
    while (at < end && *at == 0) {
        at++;
    }
    return at < end;
}

/* The page below what is in use tells whether there is anything to give back:
   looking is cheaper than a system call. What skipped a whole page stays
   resident. */
void
stack_trim(struct stack *stack, void *sp)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    /* The red zone and what the caller is about to push stay. */
    char *end = (char *)(((uintptr_t)sp - 512) & ~(uintptr_t)(page - 1));
    if (end - page >= stack->low && is_used(end - page, page)) {
        (void)madvise(stack->low, (size_t)(end - stack->low), MADV_DONTNEED);
    }
}

/* Whether more than what a free stack keeps was used. */
static bool
was_deep(const struct stack *stack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return is_used(stack->top - KEEP_BYTES - page, page);
}

void
stack_free(struct stack *stack, void *sp)
{
    bool keep = pool.free_count < KEEP_STACKS;
    if (!keep || was_deep(stack)) {
        (void)madvise(stack->low, pool.size - (keep ? KEEP_BYTES : 0),
                      MADV_DONTNEED);
    }
    __asan_unpoison_memory_region(sp, (size_t)(stack->top - (char *)sp));
    stack->next = pool.free;
    pool.free = stack;
    pool.free_count++;
}

const struct stack *
stack_of_guard(const void *address)
{
    const char *a = address;
    for (const struct slab *s = pool.slabs; s != NULL; s = s->next) {
        if (a < s->base || a >= s->base + s->stride * STACKS_PER_SLAB) {
            continue;
        }
        size_t i = (size_t)(a - s->base) / s->stride;
        return a < s->stacks[i].low ? &s->stacks[i] : NULL;
    }
    return NULL;
}
