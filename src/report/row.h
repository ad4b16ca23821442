/*
 * Rows of the statistics as data: what CSV files consist of, whoever writes
 * them.
 *
 * There is one function for each kind of table. It hands row after row to a
 * sink: the text of a file, or Python's csv.writer. Statistics are locked
 * while a row is filled in, not while the sink has it.
 */
#ifndef LOCUST_REPORT_ROW_H
#define LOCUST_REPORT_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/stats.h"

enum cell_kind { CELL_TEXT, CELL_WHOLE, CELL_NUMBER };

struct cell {
    enum cell_kind kind;
    int64_t whole;
    double number;
    const char *text;           /* borrowed; NULL: what is in own */
    char own[32];
};

/* All zero is an empty one. */
struct row {
    struct cell *cells;
    size_t used;
    size_t size;
    bool failed;                /* out of memory, once and for all */
};

/* Takes a row; it is good until the sink returns. 0, or -1 to end it all. */
typedef int (*row_sink)(void *sink, const struct row *row);

struct percentiles {
    const double *items;        /* each 0..1 */
    size_t count;
};

/* When a sample of the history is taken, and of what. */
struct history_moment {
    double now;                 /* seconds since the epoch */
    int64_t users;
    int window;                 /* of current percentiles, in seconds */
    bool full;                  /* all entries, and current percentiles */
};

/* Each hands all its rows to the sink, without a header: requests sorted by
   (name, method) with Aggregated at the end; failures sorted by their keys;
   a sample of the history. 0, or -1 when there is no memory or the sink has
   ended it. */
int rows_of_requests(struct stats *s, const struct percentiles *percentiles,
                     row_sink put, void *sink);
int rows_of_failures(struct stats *s, row_sink put, void *sink);
int rows_of_history(struct stats *s, const struct percentiles *percentiles,
                    const struct history_moment *moment, row_sink put,
                    void *sink);

/* Writes a number as Python's repr() does: the fewest digits that say which
   it is. size is 32 at least. */
void number_text(char *out, size_t size, double x);

#endif
