/*
 * The test servers' reading of HTTP/1.1 requests (RFC 9112), in one pass over
 * the head and one over the body's chunks.
 */
#include "config.h"
#include "request.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool
slice_is(struct slice slice, const char *text)
{
    return slice.len == strlen(text) &&
           memcmp(slice.data, text, slice.len) == 0;
}

static bool
slice_is_nocase(struct slice slice, const char *text)
{
    return slice.len == strlen(text) &&
           strncasecmp(slice.data, text, slice.len) == 0;
}

/* Takes what stands before the separator, and both off rest. Without a
   separator it takes all. Returns whether there was one. */
static bool
split(struct slice *rest, const char *separator, struct slice *first)
{
    size_t n = strlen(separator);
    const char *at = memmem(rest->data, rest->len, separator, n);
    first->data = rest->data;
    if (at == NULL) {
        first->len = rest->len;
        rest->data += rest->len;
        rest->len = 0;
        return false;
    }
    first->len = (size_t)(at - rest->data);
    rest->data += first->len + n;
    rest->len -= first->len + n;
    return true;
}

bool
next_header(struct slice *rest, struct slice *name, struct slice *value)
{
    struct slice line;
    if (!split(rest, "\r\n", &line)) {
        return false;
    }
    split(&line, ":", name);
    while (line.len > 0 && (*line.data == ' ' || *line.data == '\t')) {
        line.data++;
        line.len--;
    }
    *value = line;
    return true;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The size in a chunk's first line; -1 if it is none. */
static long
chunk_size(struct slice line)
{
    long size = 0;
    size_t i = 0;
    for (; i < line.len && i < 8 && hex_digit(line.data[i]) >= 0; i++) {
        size = size * 16 + hex_digit(line.data[i]);
    }
    bool ended = i == line.len || line.data[i] == ';' || line.data[i] == ' ';
    return i > 0 && ended ? size : -1;
}

/* The bytes a chunked body takes, with its trailers; 0: more must come; -1: it
   is none. */
static long
chunked_length(const char *data, size_t len)
{
    struct slice rest = {data, len}, line;
    long size;
    do {
        if (!split(&rest, "\r\n", &line)) {
            return 0;
        }
        size = chunk_size(line);
        if (size < 0) {
            return -1;
        }
        if (size > 0) {
            if (rest.len < (size_t)size + 2) {
                return 0;
            }
            rest.data += size + 2;
            rest.len -= (size_t)size + 2;
        }
    } while (size > 0);
    do {
        if (!split(&rest, "\r\n", &line)) {
            return 0;
        }
    } while (line.len > 0);
    return (long)(rest.data - data);
}

bool
next_chunk(struct slice *rest, struct slice *data)
{
    struct slice line;
    if (!split(rest, "\r\n", &line)) {
        return false;
    }
    long size = chunk_size(line);
    if (size <= 0 || rest->len < (size_t)size + 2) {
        return false;
    }
    *data = (struct slice){rest->data, (size_t)size};
    rest->data += size + 2;
    rest->len -= (size_t)size + 2;
    return true;
}

/* A non-negative decimal number; -1 if it is none. */
static long
decimal(struct slice text)
{
    long number = 0;
    if (text.len == 0 || text.len > 12) {
        return -1;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit((unsigned char)text.data[i])) {
            return -1;
        }
        number = number * 10 + (text.data[i] - '0');
    }
    return number;
}

/* Returns the body's length by Content-Length, or -1. */
static long
read_headers(struct request *r)
{
    long length = 0;
    struct slice rest = r->headers, name, value;
    while (next_header(&rest, &name, &value)) {
        if (slice_is_nocase(name, "content-length")) {
            length = decimal(value);
            if (length < 0) {
                return -1;
            }
        }
        else if (slice_is_nocase(name, "transfer-encoding")) {
            r->chunked = slice_is_nocase(value, "chunked");
        }
        else if (slice_is_nocase(name, "connection")) {
            r->close = slice_is_nocase(value, "close");
        }
        else if (slice_is_nocase(name, "expect")) {
            r->expects_continue = slice_is_nocase(value, "100-continue");
        }
    }
    return length;
}

/* Returns whether the request line is one. */
static bool
read_line(struct request *r)
{
    struct slice rest = r->line, target;
    if (!split(&rest, " ", &r->method) || r->method.len == 0 ||
        !split(&rest, " ", &target) || target.len == 0 || rest.len != 8 ||
        memcmp(rest.data, "HTTP/1.", 7) != 0) {
        return false;
    }
    r->close = rest.data[7] == '0';
    split(&target, "?", &r->path);
    r->query = target;
    return true;
}

int
request_parse(struct request *r, const char *data, size_t len)
{
    *r = (struct request){0};
    const char *end = memmem(data, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return len > 1 << 20 ? -1 : 0;
    }
    r->headers = (struct slice){data, (size_t)(end - data) + 2};
    split(&r->headers, "\r\n", &r->line);
    if (!read_line(r)) {
        return -1;
    }
    long length = read_headers(r);
    size_t head = (size_t)(end - data) + 4;
    r->has_head = true;
    if (r->chunked) {
        length = chunked_length(data + head, len - head);
        if (length == 0) {
            return 0;
        }
    }
    if (length < 0) {
        return -1;
    }
    if (len - head < (size_t)length) {
        return 0;
    }
    r->body = (struct slice){data + head, (size_t)length};
    r->size = head + (size_t)length;
    return 1;
}

/* Undoes %XX and '+'. */
static void
decode(struct slice text, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len && n + 1 < size; i++) {
        char c = text.data[i] == '+' ? ' ' : text.data[i];
        if (c == '%' && i + 2 < text.len && hex_digit(text.data[i + 1]) >= 0 &&
            hex_digit(text.data[i + 2]) >= 0) {
            c = (char)(hex_digit(text.data[i + 1]) * 16 +
                       hex_digit(text.data[i + 2]));
            i += 2;
        }
        out[n++] = c;
    }
    out[n] = '\0';
}

bool
next_parameter(struct slice *rest, char *name, size_t name_size, char *value,
               size_t value_size)
{
    if (rest->len == 0) {
        return false;
    }
    struct slice pair, key;
    split(rest, "&", &pair);
    split(&pair, "=", &key);
    decode(key, name, name_size);
    decode(pair, value, value_size);
    return true;
}

void
query_text(const struct request *r, const char *name, char *value, size_t size)
{
    struct slice rest = r->query;
    char key[64];
    while (next_parameter(&rest, key, sizeof(key), value, size)) {
        if (strcmp(key, name) == 0) {
            return;
        }
    }
    value[0] = '\0';
}

double
query_number(const struct request *r, const char *name, double otherwise)
{
    char text[64];
    query_text(r, name, text, sizeof(text));
    char *end;
    double number = strtod(text, &end);
    return end != text && *end == '\0' ? number : otherwise;
}
