/*
 * A growing byte buffer.
 */
#ifndef LOCUST_BASE_BUF_H
#define LOCUST_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-filled is an empty buffer without memory. */
struct buf {
    char *data;
    size_t length;
    size_t capacity;
};

/* Makes room for so many more bytes. False without memory. */
bool buf_reserve(struct buf *b, size_t more);

/* Appends bytes. False without memory, with the buffer as it was. */
bool buf_append(struct buf *b, const void *bytes, size_t length);

void buf_free(struct buf *b);

#endif
