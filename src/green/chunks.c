/*
 * Memory for the Python frames of green threads, kept for the next one.
 *
 * A PyThreadState has its frames in chunks, and CPython maps the first one for
 * the first call and unmaps it at the end. A greenlet that lives for one call
 * would spend most of its time on that. CPython asks the allocator of arenas
 * for chunks; ours stands before it and keeps those of the smallest size, with
 * what is resident of them.
 *
 * Runs with the GIL held, as all allocators of objects do.
 */
#include "green/chunks.h"

#include <Python.h>

/* The smallest chunk of CPython 3.11 to 3.14; arenas are far greater. */
#define CHUNK_BYTES ((size_t)16 * 1024)

#define KEPT 1024               /* at the most */

struct chunk {
    struct chunk *next;
};

static PyObjectArenaAllocator below;
static struct chunk *kept;
static int kept_count;

static void *
chunks_alloc(void *unused, size_t size)
{
    struct chunk *c = kept;
    if (size != CHUNK_BYTES || c == NULL) {
        return below.alloc(below.ctx, size);
    }
    kept = c->next;
    kept_count--;
    return c;
}

static void
chunks_free(void *unused, void *memory, size_t size)
{
    if (size != CHUNK_BYTES || kept_count == KEPT) {
        below.free(below.ctx, memory, size);
        return;
    }
    struct chunk *c = memory;
    c->next = kept;
    kept = c;
    kept_count++;
}

void
chunks_init(void)
{
    if (below.alloc == NULL) {
        PyObjectArenaAllocator ours = {NULL, chunks_alloc, chunks_free};
        PyObject_GetArenaAllocator(&below);
        PyObject_SetArenaAllocator(&ours);
    }
}
