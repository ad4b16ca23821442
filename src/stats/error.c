/* One group of errors; see stats.h. */
#include <stdlib.h>
#include <string.h>

#include "stats/stats.h"

static char *
copy_text(char *to, const char *from, size_t n)
{
    memcpy(to, from, n);
    to[n] = '\0';
    return to;
}

static void
show_as(struct stats_error *error, const struct stats_key *copy)
{
    error->method = copy->method;
    error->name = copy->name;
    error->method_len = (uint32_t)copy->method_len;
    error->name_len = (uint32_t)copy->name_len;
}

struct stats_error *
error_new(const struct stats_key *key, const char *text, size_t text_len)
{
    struct stats_error *error =
        calloc(1, sizeof(*error) + key->method_len + key->name_len +
                      text_len + 3);
    if (error == NULL) {
        return NULL;
    }
    struct stats_key copy = names_copy((char *)(error + 1), key);
    show_as(error, &copy);
    char *end = (char *)(error + 1) + key->method_len + key->name_len + 2;
    error->text = copy_text(end, text, text_len);
    error->text_len = (uint32_t)text_len;
    uint64_t hash = hash_bytes(0, key->method, key->method_len);
    hash = hash_bytes(hash, key->name, key->name_len);
    error->hash = (uint32_t)hash_bytes(hash, text, text_len);
    atomic_init(&error->refs, 1);
    return error;
}

struct stats_error *
error_ref(struct stats_error *error)
{
    atomic_fetch_add_explicit(&error->refs, 1, memory_order_relaxed);
    return error;
}

void
error_unref(struct stats_error *error)
{
    if (error != NULL && atomic_fetch_sub_explicit(
                             &error->refs, 1, memory_order_acq_rel) == 1) {
        free(error->label);
        names_free(error->names);
        free(error);
    }
}

int
error_rename(struct stats_error *error, const struct stats_key *shown)
{
    struct stats_names *names = names_new(error->names, shown);
    if (names == NULL) {
        return -1;
    }
    struct stats_key copy = names->key;
    names->key = error_key_of(error);
    error->names = names;
    show_as(error, &copy);
    return 0;
}

void
error_occurred(struct stats_error *error, double now)
{
    error->occurrences++;
    error->last = now;
    if (error->first == 0) {
        error->first = now;
    }
}

void
error_merge(struct stats_error *error, int64_t occurrences, double first,
            double last)
{
    if (__builtin_add_overflow(error->occurrences, occurrences,
                               &error->occurrences)) {
        error->occurrences = INT64_MAX;
    }
    if (first != 0 && (error->first == 0 || first < error->first)) {
        error->first = first;
    }
    if (last != 0 && (error->last == 0 || last > error->last)) {
        error->last = last;
    }
}

int
error_set_label(struct stats_error *error, const char *label, size_t n)
{
    char *copy = malloc(n + 1);
    if (copy == NULL) {
        return -1;
    }
    free(error->label);
    error->label = copy_text(copy, label, n);
    return 0;
}
