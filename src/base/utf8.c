/* Reading UTF-8; see utf8.h. */
#include "base/utf8.h"

#include <stdbool.h>

/* How many bytes the character at s has by its first one; 0: it begins none.
   *least is the smallest character that needs so many (RFC 3629). */
static size_t
sequence_length(unsigned char first, uint32_t *c, uint32_t *least)
{
    if (first < 0x80) {
        *c = first;
        *least = 0;
        return 1;
    }
    static const struct {
        unsigned char mask, mark;
        uint32_t least;
    } kinds[] = {{0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t i = 0; i < 3; i++) {
        if ((first & kinds[i].mask) == kinds[i].mark) {
            *c = first & (unsigned char)~kinds[i].mask;
            *least = kinds[i].least;
            return i + 2;
        }
    }
    return 0;
}

size_t
utf8_decode(const char *s, size_t n, uint32_t *c)
{
    uint32_t least;
    size_t length = sequence_length((unsigned char)s[0], c, &least);
    bool good = length != 0 && length <= n;
    for (size_t i = 1; good && i < length; i++) {
        good = ((unsigned char)s[i] & 0xc0) == 0x80;
        *c = *c << 6 | ((unsigned char)s[i] & 0x3f);
    }
    if (!good || *c < least || *c > 0x10ffff || (*c >> 11) == 0x1b) {
        *c = UTF8_REPLACEMENT;
        return 1;
    }
    return length;
}
