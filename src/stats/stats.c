/* The collection; see stats.h. */
#include "stats/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stats_entry *
stats_new_total(uint32_t snapshots_kept, double now)
{
    static const struct stats_key aggregated = {
        .method = "", .name = "Aggregated", .name_len = 10};
    return entry_new(&aggregated, snapshots_kept, now);
}

struct stats *
stats_new(uint32_t snapshots_kept, double now)
{
    struct stats *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->snapshots_kept = snapshots_kept;
    s->errors_max = STATS_ERRORS_MAX;
    s->total = stats_new_total(snapshots_kept, now);
    if (s->total == NULL || pthread_mutex_init(&s->lock, NULL) != 0) {
        entry_unref(s->total);
        free(s);
        return NULL;
    }
    return s;
}

static void
drop_entries(struct stats *s)
{
    stats_list_free(s->entries, s->entry_count);
    s->entries = NULL;
    s->entry_count = s->entry_size = 0;
    index_clear(&s->entry_index);
}

static void
drop_errors(struct stats *s)
{
    stats_list_free_errors(s->errors, s->error_count);
    s->errors = NULL;
    s->error_count = s->error_size = 0;
    s->overflow = NULL;
    index_clear(&s->error_index);
}

void
stats_free(struct stats *s)
{
    drop_entries(s);
    drop_errors(s);
    entry_unref(s->total);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* The array, with room for one more pointer; NULL without memory, and then
   the old one still stands. */
static void *
reserve(void *array, uint32_t used, uint32_t *size)
{
    if (used < *size) {
        return array;
    }
    uint32_t bigger = *size ? *size * 2 : 8;
    void *p = realloc(array, bigger * sizeof(void *));
    if (p != NULL) {
        *size = bigger;
    }
    return p;
}

/* --- Entries. */

static uint32_t
hash_key(const struct stats_key *key)
{
    uint64_t hash = hash_bytes(0, key->method, key->method_len);
    return (uint32_t)hash_bytes(hash, key->name, key->name_len);
}

static bool
has_key(const struct stats_entry *e, const struct stats_key *key)
{
    struct stats_key own = entry_key(e);
    return key_equal(&own, key);
}

/* Takes over the reference. 0, or -1 without memory. */
static int
add_entry(struct stats *s, struct stats_entry *e, uint32_t hash)
{
    void *entries = reserve(s->entries, s->entry_count, &s->entry_size);
    if (entries == NULL) {
        return -1;
    }
    s->entries = entries;
    if (index_add(&s->entry_index, hash, s->entry_count) < 0) {
        return -1;
    }
    s->entries[s->entry_count++] = e;
    return 0;
}

static struct stats_entry *
find_entry(const struct stats *s, const struct stats_key *key, uint32_t hash)
{
    uint32_t at = hash, item;
    while ((item = index_next(&s->entry_index, hash, &at)) != 0) {
        if (has_key(s->entries[item - 1], key)) {
            return s->entries[item - 1];
        }
    }
    return NULL;
}

const struct stats_entry *
stats_find(const struct stats *s, const struct stats_key *key)
{
    return find_entry(s, key, hash_key(key));
}

static struct stats_entry *
get_entry(struct stats *s, const struct stats_key *key,
          uint32_t snapshots_kept, double now)
{
    uint32_t hash = hash_key(key);
    struct stats_entry *e = find_entry(s, key, hash);
    if (e != NULL) {
        return e;
    }
    e = entry_new(key, snapshots_kept, now);
    if (e != NULL && add_entry(s, e, hash) < 0) {
        entry_unref(e);
        return NULL;
    }
    return e;
}

struct stats_entry *
stats_log(struct stats *s, const struct stats_key *key,
          const struct stats_sample *sample)
{
    stats_lock(s);
    int failed = entry_log(s->total, sample) < 0;
    struct stats_entry *e =
        get_entry(s, key, s->snapshots_kept, sample->now);
    if (e != NULL) {
        failed |= entry_log(e, sample) < 0;
    }
    stats_unlock(s);
    return failed ? NULL : e;
}

struct stats_entry *
stats_get(struct stats *s, const struct stats_key *key, double now)
{
    stats_lock(s);
    struct stats_entry *e = get_entry(s, key, s->snapshots_kept, now);
    stats_unlock(s);
    return e;
}

struct stats_entry *
stats_merge(struct stats *s, const struct stats_entry *other,
            uint32_t snapshots_kept, double now)
{
    struct stats_key key = {.method = other->method, .name = other->name,
                            .method_len = other->method_len,
                            .name_len = other->name_len};
    stats_lock(s);
    struct stats_entry *e = get_entry(s, &key, snapshots_kept, now);
    if (e != NULL && entry_merge(e, other) < 0) {
        e = NULL;
    }
    stats_unlock(s);
    return e;
}

/* --- Errors. */

static bool
is_error(const struct stats_error *error, const struct stats_key *key,
         const char *text, size_t text_len)
{
    struct stats_key own = error_key_of(error);
    return error->text_len == text_len && key_equal(&own, key) &&
           memcmp(error->text, text, text_len) == 0;
}

static struct stats_error *
find_error(const struct stats *s, const struct stats_key *key,
           const char *text, size_t text_len, uint32_t hash)
{
    uint32_t at = hash, item;
    while ((item = index_next(&s->error_index, hash, &at)) != 0) {
        if (is_error(s->errors[item - 1], key, text, text_len)) {
            return s->errors[item - 1];
        }
    }
    return NULL;
}

/* Takes over the reference, also when it fails. NULL without memory. */
static struct stats_error *
add_error(struct stats *s, struct stats_error *error)
{
    void *errors = reserve(s->errors, s->error_count, &s->error_size);
    if (errors != NULL) {
        s->errors = errors;
    }
    if (errors == NULL || error == NULL ||
        index_add(&s->error_index, error->hash, s->error_count) < 0) {
        error_unref(error);
        return NULL;
    }
    s->errors[s->error_count++] = error;
    return error;
}

static struct stats_error *
get_overflow(struct stats *s)
{
    if (s->overflow == NULL) {
        char text[100];
        int n = snprintf(text, sizeof(text),
                         "more than %u different errors; this is the number "
                         "of all others", s->errors_max);
        struct stats_key key = {
            .method = "", .name = "Other errors", .name_len = 12};
        s->overflow = add_error(s, error_new(&key, text, (size_t)n));
    }
    return s->overflow;
}

static struct stats_error *
get_error(struct stats *s, const struct stats_key *key, const char *text,
          size_t text_len)
{
    uint64_t hash = hash_bytes(0, key->method, key->method_len);
    hash = hash_bytes(hash, key->name, key->name_len);
    hash = hash_bytes(hash, text, text_len);
    struct stats_error *error =
        find_error(s, key, text, text_len, (uint32_t)hash);
    if (error != NULL) {
        return error;
    }
    if (s->error_count >= s->errors_max) {
        return get_overflow(s);
    }
    return add_error(s, error_new(key, text, text_len));
}

struct stats_entry *
stats_log_error(struct stats *s, const struct stats_key *key,
                const char *text, size_t text_len, double now,
                struct stats_error **error)
{
    stats_lock(s);
    int failed = entry_log_failure(s->total, now) < 0;
    struct stats_entry *e = get_entry(s, key, s->snapshots_kept, now);
    failed |= e == NULL || entry_log_failure(e, now) < 0;
    *error = get_error(s, key, text, text_len);
    if (*error != NULL) {
        error_occurred(*error, now);
    }
    failed |= *error == NULL;
    stats_unlock(s);
    return failed ? NULL : e;
}

struct stats_error *
stats_get_error(struct stats *s, const struct stats_key *key,
                const char *text, size_t text_len)
{
    stats_lock(s);
    struct stats_error *error = get_error(s, key, text, text_len);
    stats_unlock(s);
    return error;
}

/* --- All at once. */

int
stats_reset_all(struct stats *s, double now)
{
    stats_lock(s);
    int result = entry_reset(s->total, now);
    for (uint32_t i = 0; i < s->entry_count; i++) {
        if (entry_reset(s->entries[i], now) < 0) {
            result = -1;
        }
    }
    drop_errors(s);
    stats_unlock(s);
    return result;
}

void
stats_clear_all(struct stats *s, struct stats_entry *total)
{
    stats_lock(s);
    struct stats_entry *old = s->total;
    s->total = entry_ref(total);
    drop_entries(s);
    drop_errors(s);
    stats_unlock(s);
    entry_unref(old);
}

int
stats_set_entries(struct stats *s, struct stats_entry **entries, size_t n)
{
    struct stats new = {0};
    for (size_t i = 0; i < n; i++) {
        struct stats_entry *e = entry_ref(entries[i]);
        struct stats_key key = entry_key(e);
        if (add_entry(&new, e, hash_key(&key)) < 0) {
            entry_unref(e);
            drop_entries(&new);
            return -1;
        }
    }
    stats_lock(s);
    drop_entries(s);
    s->entries = new.entries;
    s->entry_count = new.entry_count;
    s->entry_size = new.entry_size;
    s->entry_index = new.entry_index;
    stats_unlock(s);
    return 0;
}

int
stats_set_errors(struct stats *s, struct stats_error **errors, size_t n)
{
    struct stats new = {0};
    for (size_t i = 0; i < n; i++) {
        if (add_error(&new, error_ref(errors[i])) == NULL) {
            drop_errors(&new);
            return -1;
        }
        if (errors[i] == s->overflow) {
            new.overflow = errors[i];
        }
    }
    stats_lock(s);
    drop_errors(s);
    s->errors = new.errors;
    s->error_count = new.error_count;
    s->error_size = new.error_size;
    s->error_index = new.error_index;
    s->overflow = new.overflow;
    stats_unlock(s);
    return 0;
}

void
stats_set_total(struct stats *s, struct stats_entry *total)
{
    stats_lock(s);
    struct stats_entry *old = s->total;
    s->total = entry_ref(total);
    stats_unlock(s);
    entry_unref(old);
}

/* --- Lists for readers. */

/* UTF-8 sorts as code points do, so this is Python's order too. */
static int
compare_entries(const void *a, const void *b)
{
    const struct stats_entry *x = *(struct stats_entry *const *)a;
    const struct stats_entry *y = *(struct stats_entry *const *)b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->method, y->method);
}

int
stats_list_entries(struct stats *s, struct stats_entry ***list, size_t *n)
{
    stats_lock(s);
    *n = s->entry_count;
    *list = malloc((*n + 1) * sizeof(**list));
    for (size_t i = 0; *list != NULL && i < *n; i++) {
        (*list)[i] = entry_ref(s->entries[i]);
    }
    stats_unlock(s);
    if (*list == NULL) {
        return -1;
    }
    qsort(*list, *n, sizeof(**list), compare_entries);
    return 0;
}

void
stats_list_free(struct stats_entry **list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        entry_unref(list[i]);
    }
    free(list);
}

static int
compare_errors(const void *a, const void *b)
{
    const struct stats_error *x = *(struct stats_error *const *)a;
    const struct stats_error *y = *(struct stats_error *const *)b;
    return strcmp(x->key, y->key);
}

void
stats_sort_errors(struct stats_error **list, size_t n)
{
    qsort(list, n, sizeof(*list), compare_errors);
}

int
stats_list_errors(struct stats *s, struct stats_error ***list, size_t *n)
{
    stats_lock(s);
    *n = s->error_count;
    *list = malloc((*n + 1) * sizeof(**list));
    for (size_t i = 0; *list != NULL && i < *n; i++) {
        (*list)[i] = error_ref(s->errors[i]);
    }
    stats_unlock(s);
    return *list == NULL ? -1 : 0;
}

void
stats_list_free_errors(struct stats_error **list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        error_unref(list[i]);
    }
    free(list);
}
