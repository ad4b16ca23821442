/*
 * StatsEntry: one entry as Python sees it.
 *
 * Its numbers are read from C and written to C. Its maps (response_times and
 * the like) are snapshots: to change one, assign a whole map. Percentiles are
 * those that are reported: Locust's, but never above the greatest time.
 */
#include "config.h"
#include "stats/internal.h"

#include <math.h>
#include <stddef.h>
#include <structmember.h>

#include "base/clock.h"
#include "base/lookup.h"

PyTypeObject *StatsEntry_Type;

/* What Locust keeps beyond the window of current percentiles. */
#define SNAPSHOTS_BEYOND 10

/* --- Life. */

PyObject *
entry_object(struct stats_entry *e, PyObject *stats)
{
    StatsEntryObject *self =
        (StatsEntryObject *)StatsEntry_Type->tp_alloc(StatsEntry_Type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->entry = entry_ref(e);
    self->stats = Py_NewRef(stats);
    e->tag = self;
    return (PyObject *)self;
}

static PyObject *
py_entry_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"stats", "name", "method",
                               "use_response_times_cache", NULL};
    PyObject *stats, *name, *method;
    int cache = 0;
    struct py_key k;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO|p", keywords, &stats,
                                     &name, &method, &cache) ||
        key_from(&k, method, name) < 0) {
        return NULL;
    }
    StatsEntryObject *self = (StatsEntryObject *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->stats = Py_NewRef(stats);
        self->entry =
            entry_new(&k.key, cache ? STATS_SNAPSHOTS : 0, clock_wall());
        if (self->entry == NULL) {
            PyErr_NoMemory();
            Py_CLEAR(self);
        }
        else {
            self->entry->tag = self;
        }
    }
    key_release(&k);
    return (PyObject *)self;
}

static int
py_entry_traverse(StatsEntryObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->stats);
    Py_VISIT(self->dict);
    return 0;
}

static int
py_entry_clear(StatsEntryObject *self)
{
    Py_CLEAR(self->stats);
    Py_CLEAR(self->dict);
    return 0;
}

static void
py_entry_dealloc(StatsEntryObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    if (self->entry != NULL && self->entry->tag == self) {
        self->entry->tag = NULL;
    }
    entry_unref(self->entry);
    py_entry_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* --- Numbers. */

static PyObject *
get_count(StatsEntryObject *self, void *offset)
{
    return PyLong_FromLongLong(
        *(int64_t *)((char *)self->entry + (size_t)offset));
}

static int
set_count(StatsEntryObject *self, PyObject *value, void *offset)
{
    long long n = value == NULL ? 0 : PyLong_AsLongLong(value);
    if (n == -1 && PyErr_Occurred()) {
        return -1;
    }
    lock_stats(self->stats);
    *(int64_t *)((char *)self->entry + (size_t)offset) = n;
    unlock_stats(self->stats);
    return 0;
}

/* A float; the int 0 as long as nothing was added up. */
static PyObject *
get_sum(StatsEntryObject *self, void *offset)
{
    double x = *(double *)((char *)self->entry + (size_t)offset);
    return x == 0 ? PyLong_FromLong(0) : PyFloat_FromDouble(x);
}

/* A float; None for what stands for nothing: 0, or INFINITY. */
static PyObject *
get_optional(StatsEntryObject *self, void *offset)
{
    double x = *(double *)((char *)self->entry + (size_t)offset);
    return x == 0 ? Py_NewRef(Py_None) : PyFloat_FromDouble(x);
}

static PyObject *
get_min(StatsEntryObject *self, void *unused)
{
    return isinf(self->entry->min_time)
               ? Py_NewRef(Py_None)
               : PyFloat_FromDouble(self->entry->min_time);
}

static int
put_double(StatsEntryObject *self, PyObject *value, double none, void *offset)
{
    double x = value == NULL || value == Py_None ? none
                                                 : PyFloat_AsDouble(value);
    if (x == -1 && PyErr_Occurred()) {
        return -1;
    }
    lock_stats(self->stats);
    *(double *)((char *)self->entry + (size_t)offset) = x;
    unlock_stats(self->stats);
    return 0;
}

static int
set_double(StatsEntryObject *self, PyObject *value, void *offset)
{
    return put_double(self, value, 0, offset);
}

static int
set_min(StatsEntryObject *self, PyObject *value, void *unused)
{
    return put_double(self, value, INFINITY,
                      (void *)offsetof(struct stats_entry, min_time));
}

static PyObject *
get_name(StatsEntryObject *self, void *unused)
{
    return PyUnicode_FromString(self->entry->name);
}

static PyObject *
get_method(StatsEntryObject *self, void *unused)
{
    return PyUnicode_FromString(self->entry->method);
}

/* --- Maps. */

static PyObject *
new_defaultdict(void)
{
    PyObject *type = lookup("collections", "defaultdict");
    PyObject *d =
        type ? PyObject_CallOneArg(type, (PyObject *)&PyLong_Type) : NULL;
    Py_XDECREF(type);
    return d;
}

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

/* Bucket counts as a defaultdict; counts of the first n, or all. */
static PyObject *
buckets_dict(const struct buckets *b, const uint64_t *counts, uint32_t n)
{
    PyObject *dict = new_defaultdict();
    for (uint32_t i = 0; dict != NULL && i < n; i++) {
        uint64_t count = counts != NULL ? counts[i] : b->items[i].count;
        if (put_count(dict, number_from(b->items[i].value), count) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

static PyObject *
get_response_times(StatsEntryObject *self, void *unused)
{
    const struct buckets *b = &self->entry->buckets;
    return buckets_dict(b, NULL, b->used);
}

/* Adds every item of a Python map through add(into, key, count). 0 or -1. */
static int
read_map(PyObject *map, void *into,
         int (*add)(void *into, PyObject *key, uint64_t count))
{
    PyObject *items = PyMapping_Items(map);
    if (items == NULL) {
        return -1;
    }
    int r = 0;
    for (Py_ssize_t i = 0; r == 0 && i < PyList_GET_SIZE(items); i++) {
        PyObject *key, *value;
        r = -1;
        if (PyArg_ParseTuple(PyList_GET_ITEM(items, i), "OO", &key, &value)) {
            unsigned long long n = PyLong_AsUnsignedLongLong(value);
            if (n != (unsigned long long)-1 || !PyErr_Occurred()) {
                r = add(into, key, n);
            }
        }
    }
    Py_DECREF(items);
    return r;
}

static int
add_bucket(void *into, PyObject *key, uint64_t count)
{
    double value = PyFloat_AsDouble(key);
    if (value == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (!isfinite(value)) {
        PyErr_SetString(PyExc_ValueError, "a bucket must be finite");
        return -1;
    }
    if (buckets_add(into, value, count) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* Snapshots count by position in the buckets, so they end with them. */
static int
set_response_times(StatsEntryObject *self, PyObject *value, void *unused)
{
    struct buckets new = {0};
    if (value == NULL || read_map(value, &new, add_bucket) < 0) {
        if (value == NULL) {
            PyErr_SetString(PyExc_TypeError, "cannot be deleted");
        }
        buckets_clear(&new);
        return -1;
    }
    lock_stats(self->stats);
    snapshots_clear(&self->entry->snapshots);
    buckets_clear(&self->entry->buckets);
    self->entry->buckets = new;
    unlock_stats(self->stats);
    return 0;
}

static bool
is_failures(void *which)
{
    return which != NULL;
}

/* which: NULL for requests, anything for failures. */
static PyObject *
get_seconds(StatsEntryObject *self, void *which)
{
    const struct seconds *s = &self->entry->seconds;
    PyObject *dict = new_defaultdict();
    for (uint32_t i = 0; dict != NULL && i < s->used; i++) {
        const struct second *at = seconds_item(s, i);
        uint32_t n = is_failures(which) ? at->failures : at->requests;
        if (n != 0 && put_count(dict, PyLong_FromLongLong(at->at), n) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

static int
add_second(void *into, PyObject *key, uint64_t count, bool failures)
{
    long long at = PyLong_AsLongLong(key);
    if (at == -1 && PyErr_Occurred()) {
        return -1;
    }
    uint32_t n = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    if (seconds_add(into, at, failures ? 0 : n, failures ? n : 0) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static int
add_requests(void *into, PyObject *key, uint64_t count)
{
    return add_second(into, key, count, false);
}

static int
add_failures(void *into, PyObject *key, uint64_t count)
{
    return add_second(into, key, count, true);
}

/* Replaces one of the two maps and keeps the other. */
static int
set_seconds(StatsEntryObject *self, PyObject *value, void *which)
{
    struct seconds new = {0};
    const struct seconds *old = &self->entry->seconds;
    bool failures = is_failures(which);
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "cannot be deleted");
        return -1;
    }
    int r = read_map(value, &new, failures ? add_failures : add_requests);
    for (uint32_t i = 0; r == 0 && i < old->used; i++) {
        const struct second *at = seconds_item(old, i);
        r = seconds_add(&new, at->at, failures ? at->requests : 0,
                        failures ? 0 : at->failures);
        if (r < 0) {
            PyErr_NoMemory();
        }
    }
    if (r < 0) {
        seconds_clear(&new);
        return -1;
    }
    lock_stats(self->stats);
    seconds_clear(&self->entry->seconds);
    self->entry->seconds = new;
    unlock_stats(self->stats);
    return 0;
}

static PyObject *
get_use_cache(StatsEntryObject *self, void *unused)
{
    return PyBool_FromLong(self->entry->snapshots_kept != 0);
}

static int
set_use_cache(StatsEntryObject *self, PyObject *value, void *unused)
{
    int use = value == NULL ? 0 : PyObject_IsTrue(value);
    if (use < 0) {
        return -1;
    }
    lock_stats(self->stats);
    self->entry->snapshots_kept = use ? STATS_SNAPSHOTS : 0;
    if (!use) {
        snapshots_clear(&self->entry->snapshots);
    }
    unlock_stats(self->stats);
    return 0;
}

static int
put_snapshot(PyObject *cache, PyObject *type, const struct buckets *b,
             const struct snapshot *s)
{
    PyObject *times = buckets_dict(b, s->counts, s->used);
    PyObject *item =
        times == NULL ? NULL
                      : PyObject_CallFunction(type, "OLL", times,
                                              (long long)s->requests,
                                              (long long)s->none_requests);
    PyObject *key = PyLong_FromLongLong(s->at);
    int r = item == NULL || key == NULL ? -1
                                        : PyObject_SetItem(cache, key, item);
    Py_XDECREF(times);
    Py_XDECREF(item);
    Py_XDECREF(key);
    return r;
}

/* Seconds and the CachedResponseTimes of each, or None without a cache. */
static PyObject *
get_cache(StatsEntryObject *self, void *unused)
{
    const struct stats_entry *e = self->entry;
    if (e->snapshots_kept == 0) {
        Py_RETURN_NONE;
    }
    PyObject *type = stats_global("CachedResponseTimes");
    PyObject *ordered = lookup("collections", "OrderedDict");
    PyObject *cache = NULL;
    if (type != NULL && ordered != NULL) {
        cache = PyObject_CallNoArgs(ordered);
    }
    for (uint32_t i = 0; cache != NULL && i < e->snapshots.used; i++) {
        if (put_snapshot(cache, type, &e->buckets,
                         snapshots_item(&e->snapshots, i)) < 0) {
            Py_CLEAR(cache);
        }
    }
    Py_XDECREF(type);
    Py_XDECREF(ordered);
    return cache;
}

/* --- What is calculated. */

/* An attribute as a float, 0 for None. */
static double
double_attribute(PyObject *object, const char *name)
{
    PyObject *value = PyObject_GetAttrString(object, name);
    if (value == NULL) {
        return -1;
    }
    double x = value == Py_None ? 0 : PyFloat_AsDouble(value);
    Py_DECREF(value);
    return x;
}

/* The span of the statistics it belongs to, whatever those are. 0 or -1. */
static int
span_of(StatsEntryObject *self, struct stats_span *span)
{
    if (PyObject_TypeCheck(self->stats, RequestStats_Type)) {
        *span = stats_span(((RequestStatsObject *)self->stats)->core);
        return 0;
    }
    span->start = double_attribute(self->stats, "start_time");
    if (span->start == -1 && PyErr_Occurred()) {
        return -1;
    }
    span->last = double_attribute(self->stats, "last_request_timestamp");
    return span->last == -1 && PyErr_Occurred() ? -1 : 0;
}

struct rate {
    double (*of)(const struct stats_entry *e, const struct stats_span *span);
};

static const struct rate current_rps = {entry_current_rps};
static const struct rate current_fail_rate = {entry_current_fail_rate};
static const struct rate total_rps = {entry_total_rps};
static const struct rate total_fail_rate = {entry_total_fail_rate};

static PyObject *
get_rate(StatsEntryObject *self, void *rate)
{
    struct stats_span span;
    if (span_of(self, &span) < 0) {
        return NULL;
    }
    return PyFloat_FromDouble(
        ((const struct rate *)rate)->of(self->entry, &span));
}

static PyObject *
get_fail_ratio(StatsEntryObject *self, void *unused)
{
    return PyFloat_FromDouble(entry_fail_ratio(self->entry));
}

static PyObject *
get_average(StatsEntryObject *self, void *unused)
{
    return PyFloat_FromDouble(entry_average(self->entry));
}

static PyObject *
get_average_length(StatsEntryObject *self, void *unused)
{
    return self->entry->requests == 0
               ? PyLong_FromLong(0)
               : PyFloat_FromDouble(entry_average_length(self->entry));
}

static PyObject *
get_median(StatsEntryObject *self, void *unused)
{
    return number_from(entry_median(self->entry));
}

/* --- Methods. */

PyDoc_STRVAR(py_entry_reset_doc, "Zeroes it.");

static PyObject *
py_entry_reset(StatsEntryObject *self, PyObject *unused)
{
    return entry_strip(self) < 0 ? NULL : Py_NewRef(Py_None);
}

int
entry_strip(StatsEntryObject *self)
{
    lock_stats(self->stats);
    int r = entry_reset(self->entry, clock_wall());
    unlock_stats(self->stats);
    if (r < 0) {
        PyErr_NoMemory();
    }
    return r;
}

PyDoc_STRVAR(py_entry_log_doc,
             "log(response_time, content_length)\n\n"
             "Counts a request; response_time (ms) may be None.");

static PyObject *
py_entry_log(StatsEntryObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"response_time", "content_length", NULL};
    PyObject *response_time, *length;
    struct stats_sample sample;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO", keywords,
                                     &response_time, &length) ||
        sample_from(&sample, response_time, length) < 0) {
        return NULL;
    }
    lock_stats(self->stats);
    int r = entry_log(self->entry, &sample);
    unlock_stats(self->stats);
    return r < 0 ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

PyDoc_STRVAR(py_entry_log_error_doc, "log_error(error)\n\nCounts a failure.");

static PyObject *
py_entry_log_error(StatsEntryObject *self, PyObject *error)
{
    lock_stats(self->stats);
    int r = entry_log_failure(self->entry, clock_wall());
    unlock_stats(self->stats);
    return r < 0 ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

PyDoc_STRVAR(py_entry_extend_doc,
             "extend(other)\n\nAdds what another StatsEntry has.");

static PyObject *
py_entry_extend(StatsEntryObject *self, PyObject *other)
{
    if (!PyObject_TypeCheck(other, StatsEntry_Type)) {
        PyErr_SetString(PyExc_TypeError, "extend() needs a StatsEntry");
        return NULL;
    }
    if (((StatsEntryObject *)other)->entry == self->entry) {
        PyErr_SetString(PyExc_ValueError, "cannot extend an entry by itself");
        return NULL;
    }
    lock_stats(self->stats);
    int r = entry_merge(self->entry, ((StatsEntryObject *)other)->entry);
    unlock_stats(self->stats);
    return r < 0 ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

PyDoc_STRVAR(py_entry_percentile_doc,
             "get_response_time_percentile(percent)\n\n"
             "The response time (ms) below which this part (0 to 1) of the "
             "requests lies.");

static PyObject *
py_entry_percentile(StatsEntryObject *self, PyObject *percent)
{
    double p = PyFloat_AsDouble(percent);
    if (p == -1 && PyErr_Occurred()) {
        return NULL;
    }
    return number_from(entry_percentile(self->entry, p));
}

/* locust.stats.CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW, or -1. */
static int
window_seconds(void)
{
    PyObject *value = stats_global("CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW");
    long n = value == NULL ? -1 : PyLong_AsLong(value);
    Py_XDECREF(value);
    if (n < 0 || n > 3600) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError,
                            "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW must be "
                            "between 0 and 3600");
        }
        return -1;
    }
    return (int)n;
}

PyDoc_STRVAR(py_entry_current_percentile_doc,
             "get_current_response_time_percentile(percent)\n\n"
             "The same for the last seconds; None if it is not known.");

static PyObject *
py_entry_current_percentile(StatsEntryObject *self, PyObject *percent)
{
    double p = PyFloat_AsDouble(percent), ms;
    if (p == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (self->entry->snapshots_kept == 0) {
        PyErr_SetString(PyExc_ValueError,
                        "only an entry with use_response_times_cache=True "
                        "knows its current percentiles");
        return NULL;
    }
    int window = window_seconds();
    if (window < 0) {
        return NULL;
    }
    lock_stats(self->stats);
    self->entry->snapshots_kept = (uint32_t)window + SNAPSHOTS_BEYOND;
    unlock_stats(self->stats);
    if (!entry_current_percentile(self->entry, p, clock_wall(), window, &ms)) {
        Py_RETURN_NONE;
    }
    return number_from(ms);
}

static const char *const serialized[] = {
    "name", "method", "last_request_timestamp", "start_time", "num_requests",
    "num_none_requests", "num_failures", "total_response_time",
    "max_response_time", "min_response_time", "total_content_length",
    "response_times", "num_reqs_per_sec", "num_fail_per_sec"};

#define SERIALIZED (sizeof(serialized) / sizeof(serialized[0]))

PyDoc_STRVAR(py_entry_serialize_doc, "What unserialize() takes.");

PyObject *
entry_serialize(StatsEntryObject *self)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < SERIALIZED; i++) {
        PyObject *value = PyObject_GetAttrString((PyObject *)self,
                                                 serialized[i]);
        if (value == NULL ||
            PyDict_SetItemString(dict, serialized[i], value) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *
py_entry_serialize(StatsEntryObject *self, PyObject *unused)
{
    return entry_serialize(self);
}

PyDoc_STRVAR(py_entry_stripped_doc, "serialize(), then reset().");

static PyObject *
py_entry_stripped(StatsEntryObject *self, PyObject *unused)
{
    PyObject *data = entry_serialize(self);
    if (data != NULL && entry_strip(self) < 0) {
        Py_CLEAR(data);
    }
    return data;
}

PyDoc_STRVAR(py_entry_unserialize_doc,
             "unserialize(data, stats)\n\nA StatsEntry out of serialize().");

static PyObject *
py_entry_unserialize(PyObject *type, PyObject *args)
{
    PyObject *data, *stats, *self = NULL;
    if (!PyArg_ParseTuple(args, "OO", &data, &stats)) {
        return NULL;
    }
    PyObject *name = PyMapping_GetItemString(data, "name");
    PyObject *method = name ? PyMapping_GetItemString(data, "method") : NULL;
    if (method != NULL) {
        self = PyObject_CallFunctionObjArgs(type, stats, name, method, NULL);
    }
    Py_XDECREF(name);
    Py_XDECREF(method);
    for (size_t i = 2; self != NULL && i < SERIALIZED; i++) {
        PyObject *value = PyMapping_GetItemString(data, serialized[i]);
        if (value == NULL ||
            PyObject_SetAttrString(self, serialized[i], value) < 0) {
            Py_CLEAR(self);
        }
        Py_XDECREF(value);
    }
    return self;
}

/* Calls a function of locust.stats with the entry: the layout of tables is
   made of constants there. */
static PyObject *
row(StatsEntryObject *self, const char *function, PyObject *argument)
{
    PyObject *f = stats_global(function);
    PyObject *r = f == NULL ? NULL
                            : PyObject_CallFunctionObjArgs(
                                  f, (PyObject *)self, argument, NULL);
    Py_XDECREF(f);
    return r;
}

PyDoc_STRVAR(py_entry_to_string_doc,
             "to_string(current=True)\n\nIts row of the statistics table.");

static PyObject *
py_entry_to_string(StatsEntryObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"current", NULL};
    int current = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|p", keywords,
                                     &current)) {
        return NULL;
    }
    return row(self, "_stats_row", current ? Py_True : Py_False);
}

static PyObject *
py_entry_str(StatsEntryObject *self)
{
    return row(self, "_stats_row", Py_True);
}

PyDoc_STRVAR(py_entry_percentile_row_doc,
             "percentile()\n\nIts row of the percentile table.");

static PyObject *
py_entry_percentile_row(StatsEntryObject *self, PyObject *unused)
{
    if (self->entry->requests == 0) {
        PyErr_SetString(PyExc_ValueError,
                        "there are no percentiles without requests");
        return NULL;
    }
    return row(self, "_percentile_row", NULL);
}

/* Half up, as rows of the web page show it. */
static double
round_half_up(double x)
{
    return floor(x + 0.5);
}

static int
add_percentiles(StatsEntryObject *self, PyObject *dict)
{
    PyObject *wanted = stats_global("PERCENTILES_TO_STATISTICS");
    PyObject *fast =
        wanted == NULL
            ? NULL
            : PySequence_Fast(wanted,
                              "PERCENTILES_TO_STATISTICS: not a sequence");
    Py_ssize_t n = fast == NULL ? -1 : PySequence_Fast_GET_SIZE(fast);
    int r = fast == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; r == 0 && i < n; i++) {
        PyObject *p = PySequence_Fast_GET_ITEM(fast, i);
        PyObject *key =
            PyUnicode_FromFormat("response_time_percentile_%S", p);
        PyObject *value = py_entry_percentile(self, p);
        r = key == NULL || value == NULL ? -1
                                         : PyDict_SetItem(dict, key, value);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    Py_XDECREF(wanted);
    Py_XDECREF(fast);
    return r;
}

PyDoc_STRVAR(py_entry_to_dict_doc,
             "to_dict(escape_string_values=False)\n\n"
             "Its row for the web page.");

static PyObject *
py_entry_to_dict(StatsEntryObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"escape_string_values", NULL};
    int unused;
    const struct stats_entry *e = self->entry;
    struct stats_span span;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|p", keywords, &unused) ||
        span_of(self, &span) < 0) {
        return NULL;
    }
    double min = isinf(e->min_time) ? 0 : round_half_up(e->min_time);
    PyObject *dict = Py_BuildValue(
        "{ss ss sL sL sN sd sd sd sd sN sd sd}", "method", e->method, "name",
        e->name, "num_requests", (long long)e->requests, "num_failures",
        (long long)e->failures, "min_response_time",
        isinf(e->min_time) ? PyLong_FromLong(0) : PyFloat_FromDouble(min),
        "max_response_time", round_half_up(e->max_time), "current_rps",
        entry_current_rps(e, &span), "current_fail_per_sec",
        entry_current_fail_rate(e, &span), "avg_response_time",
        entry_average(e), "median_response_time",
        number_from(entry_median(e)), "total_rps", entry_total_rps(e, &span),
        "total_fail_per_sec", entry_total_fail_rate(e, &span));
    PyObject *length = dict == NULL ? NULL : get_average_length(self, NULL);
    if (length == NULL || add_percentiles(self, dict) < 0 ||
        PyDict_SetItemString(dict, "avg_content_length", length) < 0) {
        Py_CLEAR(dict);
    }
    Py_XDECREF(length);
    return dict;
}

static PyMethodDef entry_methods[] = {
    METHOD("reset", py_entry_reset, METH_NOARGS),
    METHOD("log", py_entry_log, METH_VARARGS | METH_KEYWORDS),
    METHOD("log_error", py_entry_log_error, METH_O),
    METHOD("extend", py_entry_extend, METH_O),
    METHOD("serialize", py_entry_serialize, METH_NOARGS),
    METHOD("get_stripped_report", py_entry_stripped, METH_NOARGS),
    METHOD("unserialize", py_entry_unserialize, METH_VARARGS | METH_CLASS),
    METHOD("to_string", py_entry_to_string, METH_VARARGS | METH_KEYWORDS),
    METHOD("percentile", py_entry_percentile_row, METH_NOARGS),
    METHOD("to_dict", py_entry_to_dict, METH_VARARGS | METH_KEYWORDS),
    METHOD("get_response_time_percentile", py_entry_percentile, METH_O),
    METHOD("get_current_response_time_percentile",
           py_entry_current_percentile, METH_O),
    {NULL},
};

#define AT(field) ((void *)offsetof(struct stats_entry, field))
#define COUNT(name, field, doc) \
    {name, (getter)get_count, (setter)set_count, doc, AT(field)}
#define RATE(name, rate, doc) \
    {name, (getter)get_rate, NULL, doc, (void *)&rate}

static PyGetSetDef entry_getset[] = {
    {"name", (getter)get_name, NULL, "The request's name.", NULL},
    {"method", (getter)get_method, NULL, "The request's method.", NULL},
    COUNT("num_requests", requests, "Requests."),
    COUNT("num_none_requests", none_requests,
          "Requests without a response time."),
    COUNT("num_failures", failures, "Failures."),
    COUNT("total_content_length", total_length, "Bytes received."),
    {"total_response_time", (getter)get_sum, (setter)set_double,
     "The sum of all response times (ms).", AT(total_time)},
    {"max_response_time", (getter)get_sum, (setter)set_double,
     "The greatest response time (ms).", AT(max_time)},
    {"min_response_time", (getter)get_min, (setter)set_min,
     "The least response time (ms), or None.", NULL},
    {"start_time", (getter)get_optional, (setter)set_double,
     "Time of creation or of the last reset.", AT(start)},
    {"last_request_timestamp", (getter)get_optional, (setter)set_double,
     "Time of the last request, or None.", AT(last)},
    {"response_times", (getter)get_response_times,
     (setter)set_response_times, "Requests by bucket (ms): a snapshot.",
     NULL},
    {"num_reqs_per_sec", (getter)get_seconds, (setter)set_seconds,
     "Requests by second: a snapshot.", NULL},
    {"num_fail_per_sec", (getter)get_seconds, (setter)set_seconds,
     "Failures by second: a snapshot.", "failures"},
    {"use_response_times_cache", (getter)get_use_cache,
     (setter)set_use_cache, "Whether it knows current percentiles.", NULL},
    {"response_times_cache", (getter)get_cache, NULL,
     "response_times at the end of the last seconds: a snapshot.", NULL},
    {"fail_ratio", (getter)get_fail_ratio, NULL, "Failures per request.",
     NULL},
    {"avg_response_time", (getter)get_average, NULL,
     "The mean response time (ms).", NULL},
    {"median_response_time", (getter)get_median, NULL,
     "The median response time (ms).", NULL},
    {"avg_content_length", (getter)get_average_length, NULL,
     "Bytes per request.", NULL},
    RATE("current_rps", current_rps, "Requests a second, lately."),
    RATE("current_fail_per_sec", current_fail_rate,
         "Failures a second, lately."),
    RATE("total_rps", total_rps, "Requests a second, in all."),
    RATE("total_fail_per_sec", total_fail_rate,
         "Failures a second, in all."),
    {NULL},
};

static PyMemberDef entry_members[] = {
    {"stats", T_OBJECT, offsetof(StatsEntryObject, stats), READONLY,
     "The RequestStats it belongs to."},
    {"__dictoffset__", T_PYSSIZET, offsetof(StatsEntryObject, dict),
     READONLY},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(StatsEntryObject, weakrefs),
     READONLY},
    {NULL},
};

PyDoc_STRVAR(entry_doc,
             "StatsEntry(stats, name, method, "
             "use_response_times_cache=False)\n\n"
             "The statistics of one name and method.");

static PyType_Slot entry_slots[] = {
    {Py_tp_doc, (void *)entry_doc},
    {Py_tp_new, py_entry_new},
    {Py_tp_traverse, py_entry_traverse},
    {Py_tp_clear, py_entry_clear},
    {Py_tp_dealloc, py_entry_dealloc},
    {Py_tp_str, py_entry_str},
    {Py_tp_methods, entry_methods},
    {Py_tp_getset, entry_getset},
    {Py_tp_members, entry_members},
    {0, NULL},
};

static PyType_Spec entry_spec = {
    .name = "_locust.StatsEntry",
    .basicsize = sizeof(StatsEntryObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = entry_slots,
};

int
pyentry_exec(PyObject *module)
{
    StatsEntry_Type = (PyTypeObject *)PyType_FromSpec(&entry_spec);
    return StatsEntry_Type == NULL ? -1
                                   : PyModule_AddType(module, StatsEntry_Type);
}
