/* Growing and clearing a hash index; see index.h. */
#include "stats/index.h"

#include <stdlib.h>

#define FIRST_SIZE 16

static void
put(struct index *ix, struct index_slot new)
{
    uint32_t at = new.hash;
    while (ix->slots[at & (ix->size - 1)].item != 0) {
        at++;
    }
    ix->slots[at & (ix->size - 1)] = new;
}

static int
grow(struct index *ix)
{
    struct index bigger = {.size = ix->size ? ix->size * 2 : FIRST_SIZE,
                           .used = ix->used};
    bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
    if (bigger.slots == NULL) {
        return -1;
    }
    for (uint32_t i = 0; i < ix->size; i++) {
        if (ix->slots[i].item != 0) {
            put(&bigger, ix->slots[i]);
        }
    }
    free(ix->slots);
    *ix = bigger;
    return 0;
}

int
index_add(struct index *ix, uint32_t hash, uint32_t position)
{
    if (ix->used >= ix->size / 2 && grow(ix) < 0) {
        return -1;
    }
    put(ix, (struct index_slot){.hash = hash, .item = position + 1});
    ix->used++;
    return 0;
}

void
index_clear(struct index *ix)
{
    free(ix->slots);
    *ix = (struct index){0};
}
