/*
 * The maps of an entry as Python dicts, and dicts as maps of an entry:
 * response times by bucket, requests and failures by second, and the
 * snapshots of the buckets at the end of the last seconds.
 */
#include "config.h"
#include "stats/internal.h"

#include <math.h>
#include <stdlib.h>

/* --- To Python. */

/* Steals key. 0 or -1. */
static int
put_count(PyObject *dict, PyObject *key, uint64_t count)
{
    PyObject *value = PyLong_FromUnsignedLongLong(count);
    int r = key == NULL || value == NULL ? -1
                                         : PyDict_SetItem(dict, key, value);
    Py_XDECREF(key);
    Py_XDECREF(value);
    return r;
}

static Py_ssize_t
fill_times(PyObject *dict, const struct buckets *b)
{
    for (uint32_t i = 0; i < b->used; i++) {
        const struct bucket *bucket = &b->items[i];
        if (put_count(dict, number_from(bucket->value), bucket->count) < 0) {
            return -1;
        }
    }
    return b->used;
}

static Py_ssize_t
fill_seconds(PyObject *dict, const struct seconds *s, bool failures)
{
    Py_ssize_t filled = 0;
    for (uint32_t i = 0; i < s->used; i++) {
        const struct second *at = seconds_item(s, i);
        uint32_t n = failures ? at->failures : at->requests;
        if (n == 0) {
            continue;
        }
        if (put_count(dict, PyLong_FromLongLong(at->at), n) < 0) {
            return -1;
        }
        filled++;
    }
    return filled;
}

/* What a snapshot counted, as a dict. */
static PyObject *
snapshot_times(const struct snapshot *s, const struct buckets *b)
{
    PyObject *dict = PyDict_New();
    for (uint32_t i = 0; dict != NULL && i < s->used; i++) {
        double value = s->values != NULL ? s->values[i] : b->items[i].value;
        if (put_count(dict, number_from(value), s->counts[i]) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

static int
put_snapshot(PyObject *cache, PyObject *type, const struct buckets *b,
             const struct snapshot *s)
{
    PyObject *times = snapshot_times(s, b);
    PyObject *item =
        times == NULL ? NULL
                      : PyObject_CallFunction(type, "OLL", times,
                                              (long long)s->requests,
                                              (long long)s->none_requests);
    PyObject *key = PyLong_FromLongLong(s->at);
    int r = item == NULL || key == NULL ? -1
                                        : PyODict_SetItem(cache, key, item);
    Py_XDECREF(times);
    Py_XDECREF(item);
    Py_XDECREF(key);
    return r;
}

static Py_ssize_t
fill_cache(PyObject *cache, const struct stats_entry *e)
{
    PyObject *type = stats_global("CachedResponseTimes");
    int r = type == NULL ? -1 : 0;
    for (uint32_t i = 0; r == 0 && i < e->snapshots.used; i++) {
        r = put_snapshot(cache, type, &e->buckets,
                         snapshots_item(&e->snapshots, i));
    }
    Py_XDECREF(type);
    return r < 0 ? -1 : (Py_ssize_t)e->snapshots.used;
}

Py_ssize_t
map_fill(PyObject *dict, const struct stats_entry *e, enum map_kind kind)
{
    switch (kind) {
    case MAP_TIMES:
        return fill_times(dict, &e->buckets);
    case MAP_REQUESTS:
        return fill_seconds(dict, &e->seconds, false);
    case MAP_FAILURES:
        return fill_seconds(dict, &e->seconds, true);
    default:
        return fill_cache(dict, e);
    }
}

/* --- From Python. */

/* Hands every item of a mapping to put(into, key, value). 0 or -1. */
static int
read_map(PyObject *map, void *into,
         int (*put)(void *into, PyObject *key, PyObject *value))
{
    PyObject *items = PyMapping_Items(map);
    int r = items == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; r == 0 && i < PyList_GET_SIZE(items); i++) {
        PyObject *key, *value;
        r = PyArg_ParseTuple(PyList_GET_ITEM(items, i), "OO", &key, &value)
                ? put(into, key, value)
                : -1;
    }
    Py_XDECREF(items);
    return r;
}

/* 0 or -1. */
static int
count_from(PyObject *value, uint64_t *count)
{
    *count = PyLong_AsUnsignedLongLong(value);
    return *count == (uint64_t)-1 && PyErr_Occurred() ? -1 : 0;
}

static int
bucket_from(PyObject *key, double *value)
{
    *value = PyFloat_AsDouble(key);
    if (*value == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (!isfinite(*value)) {
        PyErr_SetString(PyExc_ValueError, "a bucket must be finite");
        return -1;
    }
    return 0;
}

static int
put_bucket(void *into, PyObject *key, PyObject *value)
{
    double bucket;
    uint64_t count;
    if (bucket_from(key, &bucket) < 0 || count_from(value, &count) < 0) {
        return -1;
    }
    if (buckets_add(into, bucket, count) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static int
set_times(struct stats_entry *e, PyObject *dict, PyObject *stats)
{
    struct buckets new = {0};
    int r = read_map(dict, &new, put_bucket);
    if (r == 0) {
        lock_stats(stats);
        r = entry_set_buckets(e, &new);
        unlock_stats(stats);
        if (r < 0) {
            PyErr_NoMemory();
        }
    }
    buckets_clear(&new);
    return r;
}

struct new_seconds {
    struct seconds seconds;
    bool failures;
};

static int
put_second(void *into, PyObject *key, PyObject *value)
{
    struct new_seconds *new = into;
    long long at = PyLong_AsLongLong(key);
    uint64_t count;
    if ((at == -1 && PyErr_Occurred()) || count_from(value, &count) < 0) {
        return -1;
    }
    uint32_t n = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    if (seconds_add(&new->seconds, at, new->failures ? 0 : n,
                    new->failures ? n : 0) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* Adds what the map of the other kind holds, which stays. */
static int
keep_others(struct new_seconds *new, const struct seconds *old)
{
    for (uint32_t i = 0; i < old->used; i++) {
        const struct second *at = seconds_item(old, i);
        uint32_t requests = new->failures ? at->requests : 0;
        uint32_t failures = new->failures ? 0 : at->failures;
        if ((requests != 0 || failures != 0) &&
            seconds_add(&new->seconds, at->at, requests, failures) < 0) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return 0;
}

static int
set_seconds(struct stats_entry *e, PyObject *dict, PyObject *stats,
            bool failures)
{
    struct new_seconds new = {.failures = failures};
    if (read_map(dict, &new, put_second) < 0 ||
        keep_others(&new, &e->seconds) < 0) {
        seconds_clear(&new.seconds);
        return -1;
    }
    lock_stats(stats);
    seconds_clear(&e->seconds);
    e->seconds = new.seconds;
    e->generation++;
    unlock_stats(stats);
    return 0;
}

struct new_snapshots {
    struct snapshot *items;
    uint32_t used;
    uint32_t size;
};

static void
free_snapshots(struct new_snapshots *new)
{
    for (uint32_t i = 0; i < new->used; i++) {
        free(new->items[i].counts);
        free(new->items[i].values);
    }
    free(new->items);
}

static int
count_attribute(PyObject *object, const char *name, int64_t *count)
{
    PyObject *value = PyObject_GetAttrString(object, name);
    *count = value == NULL ? -1 : PyLong_AsLongLong(value);
    Py_XDECREF(value);
    return *count == -1 && PyErr_Occurred() ? -1 : 0;
}

/* The next of the new ones, all zero; NULL with an exception set. */
static struct snapshot *
add_snapshot(struct new_snapshots *new)
{
    if (new->used == new->size) {
        uint32_t size = new->size == 0 ? STATS_SNAPSHOTS : new->size * 2;
        struct snapshot *items = realloc(new->items, size * sizeof(*items));
        if (items == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        new->items = items;
        new->size = size;
    }
    struct snapshot *s = &new->items[new->used++];
    *s = (struct snapshot){0};
    return s;
}

static int
put_time(void *into, PyObject *key, PyObject *value)
{
    struct snapshot *s = into;
    if (bucket_from(key, &s->values[s->used]) < 0 ||
        count_from(value, &s->counts[s->used]) < 0) {
        return -1;
    }
    s->used++;
    return 0;
}

/* From a copy, whose size cannot change while Python code runs. */
static int
read_times(struct snapshot *s, PyObject *times)
{
    PyObject *fixed = PyDict_New();
    int r = fixed == NULL ? -1 : PyDict_Update(fixed, times);
    if (r == 0) {
        size_t n = (size_t)PyDict_Size(fixed) + 1;
        s->counts = malloc(n * sizeof(*s->counts));
        s->values = malloc(n * sizeof(*s->values));
        if (s->counts == NULL || s->values == NULL) {
            PyErr_NoMemory();
            r = -1;
        }
    }
    r = r == 0 ? read_map(fixed, s, put_time) : -1;
    Py_XDECREF(fixed);
    return r;
}

static int
put_cached(void *into, PyObject *key, PyObject *value)
{
    struct snapshot *s = add_snapshot(into);
    if (s == NULL) {
        return -1;
    }
    s->at = PyLong_AsLongLong(key);
    if ((s->at == -1 && PyErr_Occurred()) ||
        count_attribute(value, "num_requests", &s->requests) < 0 ||
        count_attribute(value, "num_none_requests", &s->none_requests) < 0) {
        return -1;
    }
    PyObject *times = PyObject_GetAttrString(value, "response_times");
    int r = times == NULL ? -1 : read_times(s, times);
    Py_XDECREF(times);
    return r;
}

static int
set_cache(struct stats_entry *e, PyObject *dict, PyObject *stats)
{
    struct new_snapshots new = {NULL};
    if (read_map(dict, &new, put_cached) < 0) {
        free_snapshots(&new);
        return -1;
    }
    lock_stats(stats);
    if (new.used == 0) {
        snapshots_clear(&e->snapshots);
    }
    else {
        snapshots_replace(&e->snapshots, new.items, new.used);
    }
    e->generation++;
    unlock_stats(stats);
    return 0;
}

int
map_apply(struct stats_entry *e, PyObject *dict, PyObject *stats,
          enum map_kind kind)
{
    switch (kind) {
    case MAP_TIMES:
        return set_times(e, dict, stats);
    case MAP_REQUESTS:
        return set_seconds(e, dict, stats, false);
    case MAP_FAILURES:
        return set_seconds(e, dict, stats, true);
    default:
        return set_cache(e, dict, stats);
    }
}
