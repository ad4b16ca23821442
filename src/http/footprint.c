/*
 * What a connection consists of, found without knowing how libcurl and OpenSSL
 * are made: every word that could be a pointer to a block is taken for one, as
 * conservative garbage collectors do. Something taken for one by mistake is
 * loaded in vain. What is read may also be another thread's, which only changes
 * what is found.
 */
#include "config.h"
#include "http/footprint.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* Of larger blocks only the beginning is loaded, and where pointers lie that
   lead on: most of a hash table or of OpenSSL's SSL is not looked at. */
#define WHOLE_BYTES ((size_t)1536)

/* Blocks to be found, at most; two of their ranges may be where pointers lie.
   The nearest are libcurl's connection and its filters; farther off is what
   only handshakes need. */
#define BLOCKS (FOOTPRINT_RANGES - 2)

static_assert(WHOLE_BYTES / CACHE_LINE < CACHE_LINE,
              "a range has the number of its lines in the low bits");

struct search {
    size_t (*block_bytes)(const void *p);
    const void *blocks[BLOCKS];
    int count;
    const void *left_out;
    struct footprint *footprint;
    int ranges;
};

static void
add_range(struct search *s, const void *from, size_t bytes)
{
    uintptr_t first = (uintptr_t)from / CACHE_LINE;
    uintptr_t last = ((uintptr_t)from + bytes - 1) / CACHE_LINE;
    uintptr_t range = first * CACHE_LINE + (last - first);
    uintptr_t *ranges = s->footprint->ranges;
    bool again = s->ranges > 0 && ranges[s->ranges - 1] == range;
    if (s->ranges < FOOTPRINT_RANGES && !again) {
        ranges[s->ranges++] = range;
    }
}

static bool
is_known(const struct search *s, const void *block)
{
    for (int i = 0; i < s->count; i++) {
        if (s->blocks[i] == block) {
            return true;
        }
    }
    return block == s->left_out;
}

/* Whether it is a block that was not known before, and there was room. */
static bool
add_block(struct search *s, const void *p)
{
    if (s->count == BLOCKS || s->block_bytes(p) == 0 || is_known(s, p)) {
        return false;
    }
    s->blocks[s->count++] = p;
    return true;
}

static void
follow(struct search *s, const void *block)
{
    size_t bytes = s->block_bytes(block);
    bool whole = bytes <= WHOLE_BYTES;
    add_range(s, block, whole ? bytes : 1);
    for (size_t i = 0; i + sizeof(void *) <= bytes; i += sizeof(void *)) {
        const char *word = (const char *)block + i;
        const void *p;
        memcpy(&p, word, sizeof(p));
        if (add_block(s, p) && !whole) {
            add_range(s, word, sizeof(p));
        }
    }
}

void
footprint_find(struct footprint *f, const void *from, const void *left_out,
               size_t (*block_bytes)(const void *p))
{
    struct search s = {
        .block_bytes = block_bytes, .left_out = left_out, .footprint = f};
    memset(f, 0, sizeof(*f));
    add_block(&s, from);
    for (int i = 0; i < s.count && s.ranges < FOOTPRINT_RANGES; i++) {
        follow(&s, s.blocks[i]);
    }
}
