/*
 * Rows as text, as Python's csv module writes them: commas, line ends of two
 * characters, quotes only around what needs them.
 */
#ifndef LOCUST_REPORT_CSV_H
#define LOCUST_REPORT_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "report/row.h"

/* Appends a row. False without memory, and then a part may be there. */
bool csv_append(struct buf *out, const struct row *row);

/* Appends one field; first says whether it begins a row. */
bool csv_append_field(struct buf *out, const char *text, size_t n,
                      bool first);
bool csv_end_row(struct buf *out);

/* A row_sink that appends to the struct buf that is its sink. */
int csv_sink(void *sink, const struct row *row);

/* Where the last whole row within the first n bytes ends. */
size_t csv_whole_rows(const char *text, size_t n);

#endif
