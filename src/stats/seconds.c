/* Per-second counts; see seconds.h. */
#include "stats/seconds.h"

#include <stdlib.h>

#define FIRST_SIZE 8

static int
grow(struct seconds *s)
{
    uint32_t size = s->size ? s->size * 2 : FIRST_SIZE;
    struct second *ring = malloc(size * sizeof(*ring));
    if (ring == NULL) {
        return -1;
    }
    for (uint32_t i = 0; i < s->used; i++) {
        ring[i] = *seconds_item(s, i);
    }
    free(s->ring);
    s->ring = ring;
    s->size = size;
    s->first = 0;
    return 0;
}

/* How many of those kept are older than `at`. Usually all of them, so it is
   looked for from the new end. */
static uint32_t
older_than(const struct seconds *s, int64_t at)
{
    uint32_t i = s->used;
    while (i > 0 && seconds_item(s, i - 1)->at >= at) {
        i--;
    }
    return i;
}

/* Makes room for a new one behind i others. Returns NULL without memory. */
static struct second *
insert(struct seconds *s, uint32_t i)
{
    if (s->used == s->size && s->size < SECONDS_MAX && grow(s) < 0) {
        return NULL;
    }
    if (s->used == s->size) {   /* the oldest leaves */
        s->first++;
        s->used--;
        i--;
    }
    for (uint32_t k = s->used; k > i; k--) {
        *seconds_item(s, k) = *seconds_item(s, k - 1);
    }
    s->used++;
    return seconds_item(s, i);
}

int
seconds_add(struct seconds *s, int64_t at, uint32_t requests,
            uint32_t failures)
{
    uint32_t i = older_than(s, at);
    struct second *second;
    if (i < s->used && seconds_item(s, i)->at == at) {
        second = seconds_item(s, i);
    }
    else if (i == 0 && s->used == SECONDS_MAX) {
        return 0;
    }
    else if ((second = insert(s, i)) == NULL) {
        return -1;
    }
    else {
        *second = (struct second){.at = at};
    }
    second->requests += requests;
    second->failures += failures;
    return 0;
}

void
seconds_sum(const struct seconds *s, int64_t from, int64_t to,
            uint64_t *requests, uint64_t *failures)
{
    *requests = *failures = 0;
    for (uint32_t i = s->used; i > 0; i--) {
        const struct second *second = seconds_item(s, i - 1);
        if (second->at < from) {
            return;
        }
        if (second->at < to) {
            *requests += second->requests;
            *failures += second->failures;
        }
    }
}

int
seconds_merge(struct seconds *s, const struct seconds *other)
{
    for (uint32_t i = 0; i < other->used; i++) {
        const struct second *from = seconds_item(other, i);
        if (seconds_add(s, from->at, from->requests, from->failures) < 0) {
            return -1;
        }
    }
    return 0;
}

void
seconds_clear(struct seconds *s)
{
    free(s->ring);
    *s = (struct seconds){0};
}
