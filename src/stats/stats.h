/*
 * The statistics of a test: entries by (method, name), their sum, and errors
 * by (method, name, text).
 *
 * Entries and errors keep the order of first appearance. There is one mutex.
 * Writers hold the GIL and the mutex, so a reader needs one of the two: Python
 * reads without the mutex, threads of the web server and the like read with
 * it and without the GIL. Nothing here needs Python.
 *
 * Distinct errors are bounded: those beyond the limit are added up in one
 * last group that says so.
 */
#ifndef LOCUST_STATS_STATS_H
#define LOCUST_STATS_STATS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/entry.h"
#include "stats/index.h"

#define STATS_ERRORS_MAX 10000

/* Locust files errors by a SHA-256 in hexadecimal, and sorts them by it. */
#define STATS_ERROR_KEY 64

/* All failures with the same method, name and text. Counted as entries are. */
struct stats_error {
    atomic_uint refs;
    uint32_t hash;
    void *tag;                  /* the Python layer's; borrowed */
    const char *method;         /* as shown; behind the struct, or in names */
    const char *name;
    const char *text;           /* addresses masked; behind the struct */
    struct stats_names *names;  /* NULL: the first ones. Owned */
    uint32_t method_len;
    uint32_t name_len;
    uint32_t text_len;
    char *label;                /* the text in reports; NULL: the same. Owned */
    char key[STATS_ERROR_KEY + 1];  /* Locust's; "": not known */
    int64_t occurrences;
    double first;               /* seconds since the epoch; 0: never */
    double last;
};

struct stats {
    pthread_mutex_t lock;
    uint32_t snapshots_kept;    /* for new entries; 0: none */
    uint32_t errors_max;
    struct stats_entry *total;  /* "Aggregated" */
    struct stats_entry **entries;
    uint32_t entry_count;
    uint32_t entry_size;
    struct index entry_index;
    struct stats_error **errors;
    uint32_t error_count;
    uint32_t error_size;
    struct index error_index;
    struct stats_error *overflow;   /* among errors; NULL: not needed yet */
};

/* An empty collection that begins now and keeps this many snapshots of every
   entry. NULL without memory. */
struct stats *stats_new(uint32_t snapshots_kept, double now);
void stats_free(struct stats *s);

/* A total by itself, with one reference. NULL without memory. */
struct stats_entry *stats_new_total(uint32_t snapshots_kept, double now);

static inline void
stats_lock(struct stats *s)
{
    pthread_mutex_lock(&s->lock);
}

static inline void
stats_unlock(struct stats *s)
{
    pthread_mutex_unlock(&s->lock);
}

static inline struct stats_span
stats_span(const struct stats *s)
{
    return (struct stats_span){.start = s->total->start,
                               .last = s->total->last};
}

/* The entry of this key (borrowed), or NULL. The caller holds the lock. */
const struct stats_entry *stats_find(const struct stats *s,
                                     const struct stats_key *key);

/* --- Each of these takes the lock. */

/* Logs a request. Returns its entry (borrowed), made if need be; NULL without
   memory. */
struct stats_entry *stats_log(struct stats *s, const struct stats_key *key,
                              const struct stats_sample *sample);

/* Logs a failure. *error is its group (borrowed): occurrences is 1 when it is
   new. Returns its entry (borrowed), NULL without memory. */
struct stats_entry *stats_log_error(struct stats *s,
                                    const struct stats_key *key,
                                    const char *text, size_t text_len,
                                    double now, struct stats_error **error);

/* The entry (borrowed), made if need be; NULL without memory. */
struct stats_entry *stats_get(struct stats *s, const struct stats_key *key,
                              double now);

/* Adds another process's entry to the one of that name, which is made if need
   be, with so many snapshots. Returns it (borrowed); NULL without memory. */
struct stats_entry *stats_merge(struct stats *s,
                                const struct stats_entry *other,
                                uint32_t snapshots_kept, double now);

/* The group of these failures (borrowed), made if need be, with nothing
   counted; the group of all others if there are too many. NULL without
   memory. */
struct stats_error *stats_get_error(struct stats *s,
                                    const struct stats_key *key,
                                    const char *text, size_t text_len);

/* Zeroes the total and all entries where they are, and drops the errors. 0,
   or -1 without memory. */
int stats_reset_all(struct stats *s, double now);

/* Drops entries, errors and the total, whose place this one takes (not
   stolen). */
void stats_clear_all(struct stats *s, struct stats_entry *total);

/* Replaces all entries, or all errors, by these (not stolen). 0, or -1 without
   memory, and then nothing is changed. */
int stats_set_entries(struct stats *s, struct stats_entry **entries,
                      size_t n);
int stats_set_errors(struct stats *s, struct stats_error **errors, size_t n);

/* Replaces the total (not stolen), which others may hold. */
void stats_set_total(struct stats *s, struct stats_entry *total);

/* The entries in an array of their own, each with a reference, sorted by
   (name, method). 0, or -1 without memory. stats_list_free() ends it. */
int stats_list_entries(struct stats *s, struct stats_entry ***list,
                       size_t *n);
void stats_list_free(struct stats_entry **list, size_t n);

/* The same for errors, in their order. One can sort them by their keys. */
void stats_sort_errors(struct stats_error **list, size_t n);
int stats_list_errors(struct stats *s, struct stats_error ***list, size_t *n);
void stats_list_free_errors(struct stats_error **list, size_t n);

/* --- Errors. */

/* A group by itself, with one reference. NULL without memory. */
struct stats_error *error_new(const struct stats_key *key, const char *text,
                              size_t text_len);
struct stats_error *error_ref(struct stats_error *error);
void error_unref(struct stats_error *error);

/* The key by which, with its text, a collection finds it. Points into it. */
static inline struct stats_key
error_key_of(const struct stats_error *error)
{
    return error->names != NULL
               ? error->names->key
               : (struct stats_key){.method = error->method,
                                    .name = error->name,
                                    .method_len = error->method_len,
                                    .name_len = error->name_len};
}

/* Changes the names it is shown by. The collection's lock is the caller's
   business. 0, or -1 without memory. */
int error_rename(struct stats_error *error, const struct stats_key *shown);

/* Counts one more. */
void error_occurred(struct stats_error *error, double now);

/* Counts so many more, the first and last of them then (0: not known). */
void error_merge(struct stats_error *error, int64_t occurrences, double first,
                 double last);

/* Sets the text for reports. The collection's lock is the caller's business.
   0, or -1 without memory. */
int error_set_label(struct stats_error *error, const char *label, size_t n);

#endif
