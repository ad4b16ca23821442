/* JSON for HTML pages; see json.h. */
#include "report/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "report/row.h"

static void
put(struct json *j, const char *bytes, size_t length)
{
    if (!j->failed && !buf_append(j->out, bytes, length)) {
        j->failed = true;
    }
}

static void
put_string(struct json *j, const char *text)
{
    put(j, text, strlen(text));
}

void
json_begin(struct json *j, struct buf *out)
{
    *j = (struct json){.out = out};
}

int
json_end(struct json *j)
{
    return j->failed ? -1 : 0;
}

/* Before every key and every value that has none. */
static void
next_item(struct json *j)
{
    if (j->comma) {
        put(j, ",", 1);
    }
    j->comma = true;
}

void
json_open(struct json *j, char bracket)
{
    next_item(j);
    put(j, &bracket, 1);
    j->comma = false;
}

void
json_close(struct json *j, char bracket)
{
    put(j, &bracket, 1);
    j->comma = true;
}

/* --- Text. */

static bool
is_plain(unsigned char c)
{
    return c >= ' ' && c < 0x7f && strchr("\"\\<>&'", c) == NULL;
}

static void
put_unit(struct json *j, unsigned unit)
{
    char escape[8];
    snprintf(escape, sizeof(escape), "\\u%04x", unit & 0xffff);
    put(j, escape, 6);
}

static void
put_character(struct json *j, uint32_t c)
{
    if (c == '"' || c == '\\') {
        const char escape[2] = {'\\', (char)c};
        put(j, escape, 2);
    }
    else if (c == '\n') {
        put(j, "\\n", 2);
    }
    else if (c < 0x10000) {
        put_unit(j, c);
    }
    else {
        put_unit(j, 0xd800 + ((c - 0x10000) >> 10));
        put_unit(j, 0xdc00 + ((c - 0x10000) & 0x3ff));
    }
}

static void
put_escaped(struct json *j, const char *utf8, size_t length)
{
    size_t i = 0;
    while (i < length && !j->failed) {
        size_t begin = i;
        while (i < length && is_plain((unsigned char)utf8[i])) {
            i++;
        }
        put(j, utf8 + begin, i - begin);
        if (i < length) {
            uint32_t c;
            i += utf8_decode(utf8 + i, length - i, &c);
            put_character(j, c);
        }
    }
}

void
json_text(struct json *j, const char *utf8, size_t length)
{
    next_item(j);
    put(j, "\"", 1);
    put_escaped(j, utf8, length);
    put(j, "\"", 1);
}

void
json_key(struct json *j, const char *key)
{
    json_text(j, key, strlen(key));
    put(j, ":", 1);
    j->comma = false;
}

void
json_raw(struct json *j, const char *json, size_t length)
{
    next_item(j);
    size_t begin = 0;
    for (size_t i = 0; i < length; i++) {
        if (strchr("<>&'", json[i]) != NULL) {
            put(j, json + begin, i - begin);
            put_unit(j, (unsigned char)json[i]);
            begin = i + 1;
        }
    }
    put(j, json + begin, length - begin);
}

/* --- Numbers and null. */

void
json_null(struct json *j)
{
    next_item(j);
    put_string(j, "null");
}

void
json_int(struct json *j, int64_t x)
{
    char digits[32];
    snprintf(digits, sizeof(digits), "%" PRId64, x);
    next_item(j);
    put_string(j, digits);
}

void
json_double(struct json *j, double x)
{
    char digits[40];
    if (!isfinite(x)) {
        json_null(j);
        return;
    }
    number_text(digits, sizeof(digits), x);
    next_item(j);
    put_string(j, digits);
}

void
json_number(struct json *j, double x)
{
    if (x == floor(x) && fabs(x) < 0x1p53) {
        json_int(j, (int64_t)x);
    }
    else {
        json_double(j, x);
    }
}
