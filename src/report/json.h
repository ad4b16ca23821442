/*
 * Writes JSON that may stand inside a <script> of an HTML page.
 *
 * Besides what JSON demands, it escapes < > & ' and everything that is not
 * printable ASCII, so that no text can end the script, open a comment or a
 * tag, or depend on the page's encoding. Any JSON reader gives the same text
 * back. Bytes that are not UTF-8 become U+FFFD.
 *
 * Commas are its own business. A call out of order (a value without a key in
 * an object) is the caller's mistake and is not looked for. Out of memory
 * once, it stays failed and writes nothing more: ask at the end.
 */
#ifndef LOCUST_REPORT_JSON_H
#define LOCUST_REPORT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct json {
    struct buf *out;            /* borrowed */
    bool comma;                 /* one is due before the next item */
    bool failed;
};

/* Writes at the end of out. json_end() must follow. */
void json_begin(struct json *j, struct buf *out);

/* 0, or -1 when memory ran out somewhere. */
int json_end(struct json *j);

/* Bracket is one of { } [ ]. */
void json_open(struct json *j, char bracket);
void json_close(struct json *j, char bracket);

/* The key of the next item, ended by a zero. */
void json_key(struct json *j, const char *key);

void json_text(struct json *j, const char *utf8, size_t length);
void json_null(struct json *j);
void json_int(struct json *j, int64_t x);

/* The shortest number that reads back as x, and always one that other
   languages take for a float (1.0); null for what is not finite. */
void json_double(struct json *j, double x);

/* The same, but a whole number is written as one (1). */
void json_number(struct json *j, double x);

/* What is JSON already. It must be ASCII; < > & ' are escaped, which can
   stand in its strings only. */
void json_raw(struct json *j, const char *json, size_t length);

#endif
