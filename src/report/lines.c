/* A list of lines; see lines.h. */
#include "report/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for n more bytes and a zero in the open line. */
static bool
make_room(struct lines *out, size_t n)
{
    size_t need = out->open_len + n + 1;
    if (out->failed || need <= out->open_size) {
        return !out->failed;
    }
    size_t size = need + need / 2;
    char *p = realloc(out->open, size);
    if (p == NULL) {
        out->failed = true;
        return false;
    }
    out->open = p;
    out->open_size = size;
    return true;
}

void
lines_printf(struct lines *out, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n < 0) {
        out->failed = true;
    }
    else if (make_room(out, (size_t)n)) {
        vsnprintf(out->open + out->open_len, (size_t)n + 1, format, again);
        out->open_len += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void
lines_fill(struct lines *out, char c, size_t n)
{
    if (make_room(out, n)) {
        memset(out->open + out->open_len, c, n);
        out->open_len += n;
        out->open[out->open_len] = '\0';
    }
}

size_t
lines_width(const char *utf8)
{
    size_t n = 0;
    for (; *utf8 != '\0'; utf8++) {
        n += ((unsigned char)*utf8 & 0xc0) != 0x80;
    }
    return n;
}

void
lines_pad(struct lines *out, const char *utf8, int width)
{
    lines_printf(out, "%s", utf8);
    size_t n = lines_width(utf8);
    if (width > 0 && n < (size_t)width) {
        lines_fill(out, ' ', (size_t)width - n);
    }
}

void
lines_end(struct lines *out)
{
    if (!make_room(out, 0)) {
        return;
    }
    if (out->count == out->size) {
        size_t size = out->size ? out->size * 2 : 16;
        char **items = realloc(out->items, size * sizeof(*items));
        if (items == NULL) {
            out->failed = true;
            return;
        }
        out->items = items;
        out->size = size;
    }
    out->open[out->open_len] = '\0';
    out->items[out->count++] = out->open;
    out->open = NULL;
    out->open_len = out->open_size = 0;
}

void
lines_clear(struct lines *out)
{
    for (size_t i = 0; i < out->count; i++) {
        free(out->items[i]);
    }
    free(out->items);
    free(out->open);
    *out = (struct lines){0};
}
