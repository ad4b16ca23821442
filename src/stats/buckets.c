/* Locust's buckets; see buckets.h. */
#include "stats/buckets.h"

#include <math.h>
#include <stdlib.h>

#define FIRST_SIZE 8

/* To a multiple of unit, half to even. The rest is exact below 2^53, so that
   114.99999999999999 does not become 115 on the way. */
static double
round_to(double ms, double unit)
{
    double whole = floor(ms / unit);
    double rest = ms - whole * unit;
    if (rest > unit / 2 ||
        (rest == unit / 2 && fmod(whole, 2) != 0)) {
        whole++;
    }
    return whole * unit;
}

double
bucket_round(double ms)
{
    if (ms < 100) {
        return rint(ms) + 0.0;  /* not -0 */
    }
    return round_to(ms, ms < 1000 ? 10 : ms < 10000 ? 100 : 1000);
}

/* Mixed twice: small whole numbers differ in their highest bits alone, which
   once would leave far from the lowest ones, where the index looks. */
static uint32_t
hash_value(double value)
{
    uint64_t bits;
    value += 0.0;               /* -0 is 0 */
    memcpy(&bits, &value, sizeof(bits));
    return (uint32_t)hash_word(hash_word(0, bits), sizeof(bits));
}

/* Its position + 1, or 0. */
static uint32_t
find(const struct buckets *b, double value, uint32_t hash)
{
    uint32_t at = hash, item;
    while ((item = index_next(&b->index, hash, &at)) != 0) {
        if (b->items[item - 1].value == value) {
            return item;
        }
    }
    return 0;
}

static int
grow(struct buckets *b)
{
    uint32_t size = b->size ? b->size * 2 : FIRST_SIZE;
    struct bucket *items = realloc(b->items, size * sizeof(*items));
    if (items == NULL) {
        return -1;
    }
    b->items = items;
    uint32_t *order = realloc(b->order, size * sizeof(*order));
    if (order == NULL) {
        return -1;
    }
    b->order = order;
    b->size = size;
    return 0;
}

/* Where in order a new value belongs. */
static uint32_t
place_of(const struct buckets *b, double value)
{
    uint32_t low = 0, high = b->used;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (b->items[b->order[middle]].value < value) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low;
}

static int
append(struct buckets *b, double value, uint32_t hash, uint64_t n)
{
    if ((b->used == b->size && grow(b) < 0) ||
        index_add(&b->index, hash, b->used) < 0) {
        return -1;
    }
    uint32_t place = place_of(b, value);
    memmove(b->order + place + 1, b->order + place,
            (b->used - place) * sizeof(*b->order));
    b->order[place] = b->used;
    b->items[b->used++] = (struct bucket){.value = value, .count = n};
    return 0;
}

int
buckets_add(struct buckets *b, double value, uint64_t n)
{
    uint32_t hash = hash_value(value);
    uint32_t item = find(b, value, hash);
    if (item == 0) {
        return append(b, value, hash, n);
    }
    b->items[item - 1].count += n;
    return 0;
}

uint64_t
buckets_count(const struct buckets *b, double value)
{
    uint32_t item = find(b, value, hash_value(value));
    return item == 0 ? 0 : b->items[item - 1].count;
}

/* What an earlier time counted in the bucket at this position. */
static uint64_t
earlier(const struct bucket_base *base, const struct buckets *b, uint32_t item)
{
    if (base == NULL) {
        return 0;
    }
    if (base->values == NULL) {
        return item < base->used ? base->counts[item] : 0;
    }
    for (uint32_t i = 0; i < base->used; i++) {
        if (base->values[i] == b->items[item].value) {
            return base->counts[i];
        }
    }
    return 0;
}

double
buckets_percentile(const struct buckets *b, const struct bucket_base *base,
                   int64_t n, double p)
{
    int64_t most_below = (int64_t)((double)n * fmin(fmax(p, 0), 1));
    int64_t seen = 0;
    for (uint32_t i = b->used; i > 0; i--) {
        uint32_t item = b->order[i - 1];
        uint64_t count = b->items[item].count - earlier(base, b, item);
        seen += (int64_t)count;
        if (count != 0 && n - seen <= most_below) {
            return b->items[item].value;
        }
    }
    return 0;
}

double
buckets_median(const struct buckets *b, int64_t n)
{
    double place = (double)(n - 1) / 2;
    for (uint32_t i = 0; i < b->used; i++) {
        const struct bucket *bucket = &b->items[b->order[i]];
        if (place < (double)bucket->count) {
            return bucket->value;
        }
        place -= (double)bucket->count;
    }
    return 0;
}

int
buckets_merge(struct buckets *b, const struct buckets *other)
{
    for (uint32_t i = 0; i < other->used; i++) {
        const struct bucket *from = &other->items[i];
        if (buckets_add(b, from->value, from->count) < 0) {
            return -1;
        }
    }
    return 0;
}

size_t
buckets_memory(const struct buckets *b)
{
    return b->size * (sizeof(*b->items) + sizeof(*b->order)) +
           b->index.size * sizeof(*b->index.slots);
}

void
buckets_clear(struct buckets *b)
{
    free(b->items);
    free(b->order);
    index_clear(&b->index);
    *b = (struct buckets){0};
}
