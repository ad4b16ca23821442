/*
 * A hash index: finds the position of an item in an array that its owner
 * keeps in the order of first appearance.
 *
 * Open addressing, at most half full. It holds 32 bits of the item's hash
 * beside the position, so that a miss hardly ever touches the item. There is
 * no removal: who takes an item out of its array builds the index anew.
 */
#ifndef LOCUST_STATS_INDEX_H
#define LOCUST_STATS_INDEX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct index_slot {
    uint32_t hash;
    uint32_t item;              /* position + 1; 0: free */
};

/* All zero is an empty one. */
struct index {
    struct index_slot *slots;
    uint32_t size;              /* a power of two, or 0 */
    uint32_t used;
};

/* Enters an item that is not in it yet. 0, or -1 without memory. */
int index_add(struct index *ix, uint32_t hash, uint32_t position);

/* Forgets all items and frees the memory. */
void index_clear(struct index *ix);

/* The next item with this hash: position + 1, or 0 when there is no more.
   *at is where to look, at first the hash itself. */
static inline uint32_t
index_next(const struct index *ix, uint32_t hash, uint32_t *at)
{
    if (ix->slots == NULL) {
        return 0;
    }
    for (;;) {
        const struct index_slot *slot =
            &ix->slots[(*at)++ & (ix->size - 1)];
        if (slot->item == 0 || slot->hash == hash) {
            return slot->item;
        }
    }
}

/* Mixes one word into a hash. */
static inline uint64_t
hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9fb21c651e98df25u;
    return hash ^ (hash >> 32);
}

/* Mixes bytes into a hash, eight at a time, and their number. */
static inline uint64_t
hash_bytes(uint64_t hash, const char *bytes, size_t n)
{
    uint64_t word;
    size_t left = n;
    for (; left >= sizeof(word); left -= sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        hash = hash_word(hash, word);
        bytes += sizeof(word);
    }
    word = 0;
    memcpy(&word, bytes, left);
    return hash_word(hash_word(hash, word), n);
}

#endif
