/*
 * A growing list of lines of text: what a report is made of before it is
 * logged.
 */
#ifndef LOCUST_REPORT_LINES_H
#define LOCUST_REPORT_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is an empty one. */
struct lines {
    char **items;               /* each ends with a zero, has no newline */
    size_t count;
    size_t size;
    char *open;                 /* the line that is being written */
    size_t open_len;
    size_t open_size;
    bool failed;                /* out of memory, once and for all */
};

/* Writes on at the end of the open line. */
void lines_printf(struct lines *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for n times one character. */
void lines_fill(struct lines *out, char c, size_t n);

/* The same for text, padded with blanks to so many characters (not bytes). */
void lines_pad(struct lines *out, const char *utf8, int width);

/* How many characters (not bytes) a text has. */
size_t lines_width(const char *utf8);

/* Ends the open line and begins another. */
void lines_end(struct lines *out);

/* Frees everything. */
void lines_clear(struct lines *out);

#endif
