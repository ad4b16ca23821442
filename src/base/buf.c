/* A growing byte buffer; see buf.h. */
#include "base/buf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool
buf_reserve(struct buf *b, size_t more)
{
    if (more <= b->capacity - b->length) {
        return true;
    }
    if (more > SIZE_MAX / 2 - b->length) {
        return false;
    }
    size_t capacity = b->capacity != 0 ? b->capacity : 512;
    while (capacity - b->length < more) {
        capacity *= 2;
    }
    char *data = realloc(b->data, capacity);
    if (data == NULL) {
        return false;
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

bool
buf_append(struct buf *b, const void *bytes, size_t length)
{
    if (!buf_reserve(b, length)) {
        return false;
    }
    if (length > 0) {
        memcpy(b->data + b->length, bytes, length);
    }
    b->length += length;
    return true;
}

void
buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}
