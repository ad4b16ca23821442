/* Bucket counts of the last seconds; see snapshots.h. */
#include "stats/snapshots.h"

#include <stdlib.h>

#define FARTHEST 8

static struct snapshot *
find(const struct snapshots *s, int64_t at)
{
    for (uint32_t i = s->used; i > 0; i--) {
        struct snapshot *snapshot = snapshots_item(s, i - 1);
        if (snapshot->at == at) {
            return snapshot;
        }
    }
    return NULL;
}

static void
free_counts(struct snapshot *snapshot)
{
    free(snapshot->counts);
    free(snapshot->values);
}

static void
drop_oldest(struct snapshots *s)
{
    free_counts(snapshots_item(s, 0));
    s->first = (s->first + 1) % s->size;
    s->used--;
}

static int
resize(struct snapshots *s, uint32_t keep)
{
    struct snapshot *ring = calloc(keep, sizeof(*ring));
    if (ring == NULL) {
        return -1;
    }
    while (s->used > keep) {
        drop_oldest(s);
    }
    for (uint32_t i = 0; i < s->used; i++) {
        ring[i] = *snapshots_item(s, i);
    }
    free(s->ring);
    s->ring = ring;
    s->size = keep;
    s->first = 0;
    return 0;
}

/* The place for the snapshot of this second; its counts are NULL. */
static struct snapshot *
make_room(struct snapshots *s, int64_t at)
{
    struct snapshot *snapshot = find(s, at);
    if (snapshot != NULL) {
        free_counts(snapshot);
    }
    else {
        if (s->used == s->size) {
            drop_oldest(s);
        }
        snapshot = snapshots_item(s, s->used++);
    }
    *snapshot = (struct snapshot){.at = at};
    return snapshot;
}

int
snapshots_take(struct snapshots *s, uint32_t keep, int64_t at,
               int64_t requests, int64_t none_requests,
               const struct buckets *buckets)
{
    if (keep == 0 || (s->size != keep && resize(s, keep) < 0)) {
        return keep == 0 ? 0 : -1;
    }
    uint64_t *counts = NULL;
    if (buckets->used != 0) {
        counts = malloc(buckets->used * sizeof(*counts));
        if (counts == NULL) {
            return -1;
        }
    }
    for (uint32_t i = 0; i < buckets->used; i++) {
        counts[i] = buckets->items[i].count;
    }
    struct snapshot *snapshot = make_room(s, at);
    snapshot->requests = requests;
    snapshot->none_requests = none_requests;
    snapshot->counts = counts;
    snapshot->used = buckets->used;
    return 0;
}

const struct snapshot *
snapshots_near(const struct snapshots *s, int64_t at)
{
    const struct snapshot *found = find(s, at);
    for (int64_t d = 1; found == NULL && d <= FARTHEST; d++) {
        found = find(s, at - d);
        if (found == NULL) {
            found = find(s, at + d);
        }
    }
    return found;
}

int
snapshots_detach(struct snapshots *s, const struct buckets *buckets)
{
    for (uint32_t i = 0; i < s->used; i++) {
        struct snapshot *snapshot = snapshots_item(s, i);
        if (snapshot->values != NULL || snapshot->used == 0) {
            continue;
        }
        double *values = malloc(snapshot->used * sizeof(*values));
        if (values == NULL) {
            return -1;
        }
        for (uint32_t k = 0; k < snapshot->used; k++) {
            values[k] = buckets->items[k].value;
        }
        snapshot->values = values;
    }
    return 0;
}

void
snapshots_replace(struct snapshots *s, struct snapshot *ring, uint32_t n)
{
    snapshots_clear(s);
    *s = (struct snapshots){.ring = ring, .size = n, .used = n};
}

void
snapshots_clear(struct snapshots *s)
{
    while (s->used > 0) {
        drop_oldest(s);
    }
    free(s->ring);
    *s = (struct snapshots){0};
}
