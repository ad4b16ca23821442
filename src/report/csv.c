/* Rows as text; see csv.h. */
#include "report/csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool
needs_quotes(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == ',' || c == '"' || c == '\r' || c == '\n') {
            return true;
        }
    }
    return false;
}

static bool
append_quoted(struct buf *out, const char *text, size_t n)
{
    bool done = buf_append(out, "\"", 1);
    while (done && n > 0) {
        const char *quote = memchr(text, '"', n);
        size_t part = quote == NULL ? n : (size_t)(quote - text) + 1;
        done = buf_append(out, text, part) &&
               (quote == NULL || buf_append(out, "\"", 1));
        text += part;
        n -= part;
    }
    return done && buf_append(out, "\"", 1);
}

bool
csv_append_field(struct buf *out, const char *text, size_t n, bool first)
{
    if (!first && !buf_append(out, ",", 1)) {
        return false;
    }
    return needs_quotes(text, n) ? append_quoted(out, text, n)
                                 : buf_append(out, text, n);
}

bool
csv_end_row(struct buf *out)
{
    return buf_append(out, "\r\n", 2);
}

static bool
append_cell(struct buf *out, const struct cell *cell, bool first)
{
    char number[32];
    const char *text = number;
    if (cell->kind == CELL_TEXT) {
        text = cell->text != NULL ? cell->text : cell->own;
    }
    else if (cell->kind == CELL_WHOLE) {
        snprintf(number, sizeof(number), "%" PRId64, cell->whole);
    }
    else {
        number_text(number, sizeof(number), cell->number);
    }
    return csv_append_field(out, text, strlen(text), first);
}

bool
csv_append(struct buf *out, const struct row *row)
{
    for (size_t i = 0; i < row->used; i++) {
        if (!append_cell(out, &row->cells[i], i == 0)) {
            return false;
        }
    }
    return csv_end_row(out);
}

int
csv_sink(void *sink, const struct row *row)
{
    return csv_append(sink, row) ? 0 : -1;
}

size_t
csv_whole_rows(const char *text, size_t n)
{
    size_t end = 0;
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '"') {
            quoted = !quoted;
        }
        else if (text[i] == '\n' && !quoted) {
            end = i + 1;
        }
    }
    return end;
}
