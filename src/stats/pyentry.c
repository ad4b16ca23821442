/*
 * StatsEntry: one entry as Python sees it.
 *
 * Its numbers are read from C and written to C, its maps are views (see
 * pyview.c). get_response_time_percentile() and its like answer as Locust
 * does, from rounded buckets, and so can be above max_response_time;
 * get_exact_response_time_percentile() cannot. What reports show is Locust's
 * figure, but never above the greatest time.
 */
#include "config.h"
#include "stats/internal.h"

#include <math.h>
#include <stddef.h>
#include <structmember.h>

PyTypeObject *StatsEntry_Type;

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

/* An entry without a name, until __init__ gives it one. */
static PyObject *
py_entry_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static const struct stats_key nothing = {.method = "", .name = ""};
    StatsEntryObject *self = (StatsEntryObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->stats = Py_NewRef(Py_None);
    self->entry = entry_new(&nothing, 0, 0);
    if (self->entry == NULL) {
        PyErr_NoMemory();
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

/* Its entry, in the place of any that it had. 0, or -1 with an exception
   set. */
static int
begin(StatsEntryObject *self, PyObject *name, PyObject *method, int cache)
{
    double now;
    struct py_key k;
    int kept = cache ? snapshots_wanted(NULL) : 0;
    if (kept < 0 || stats_now(&now) < 0 || view_leave_all(self) < 0 ||
        key_from(&k, method, name) < 0) {
        return -1;
    }
    struct stats_entry *e = entry_new(&k.key, (uint32_t)kept, now);
    key_release(&k);
    if (e == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    struct stats_entry *old = self->entry;
    if (old->tag == self) {
        old->tag = NULL;
    }
    self->entry = e;
    e->tag = self;
    entry_unref(old);
    names_give(&self->given, method, name);
    return 0;
}

static int
py_entry_init(StatsEntryObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"stats", "name", "method",
                               "use_response_times_cache", NULL};
    PyObject *stats, *name, *method;
    int cache = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO|p", keywords, &stats,
                                     &name, &method, &cache) ||
        begin(self, name, method, cache) < 0) {
        return -1;
    }
    Py_SETREF(self->stats, Py_NewRef(stats));
    return 0;
}

static int
py_entry_traverse(StatsEntryObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->stats);
    Py_VISIT(self->given.method);
    Py_VISIT(self->given.name);
    Py_VISIT(self->dict);
    return 0;
}

static int
py_entry_clear(StatsEntryObject *self)
{
    Py_CLEAR(self->stats);
    names_drop(&self->given);
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

static int
not_deletable(void)
{
    PyErr_SetString(PyExc_TypeError, "cannot be deleted");
    return -1;
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
    self->entry->generation++;
    unlock_stats(self->stats);
    return 0;
}

/* A number of milliseconds: a float, but an int if all times came as such. */
static PyObject *
time_number(const struct stats_entry *e, double ms)
{
    return e->fractions ? PyFloat_FromDouble(ms) : number_from(ms);
}

static PyObject *
get_sum(StatsEntryObject *self, void *offset)
{
    return time_number(self->entry,
                       *(double *)((char *)self->entry + (size_t)offset));
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
               : time_number(self->entry, self->entry->min_time);
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

/* A time that is shown as it was given: as an int, or as a float. */
static int
put_time(StatsEntryObject *self, PyObject *value, double none, void *offset)
{
    if (put_double(self, value, none, offset) < 0) {
        return -1;
    }
    self->entry->fractions |= value != NULL && PyFloat_Check(value);
    return 0;
}

static int
set_sum(StatsEntryObject *self, PyObject *value, void *offset)
{
    return put_time(self, value, 0, offset);
}

static int
set_min(StatsEntryObject *self, PyObject *value, void *unused)
{
    return put_time(self, value, INFINITY,
                    (void *)offsetof(struct stats_entry, min_time));
}

PyObject *
entry_name(StatsEntryObject *self, void *unused)
{
    return name_shown(self->given.name, self->entry->name,
                      self->entry->name_len);
}

PyObject *
entry_method(StatsEntryObject *self, void *unused)
{
    return name_shown(self->given.method, self->entry->method,
                      self->entry->method_len);
}

static int
rename_entry(StatsEntryObject *self, PyObject *method, PyObject *name)
{
    struct py_key k;
    if (key_from(&k, method, name) < 0) {
        return -1;
    }
    lock_stats(self->stats);
    int r = entry_rename(self->entry, &k.key);
    unlock_stats(self->stats);
    key_release(&k);
    if (r < 0) {
        PyErr_NoMemory();
        return -1;
    }
    names_give(&self->given, method, name);
    return 0;
}

static int
set_name(StatsEntryObject *self, PyObject *value, void *unused)
{
    PyObject *method = value != NULL ? entry_method(self, NULL) : NULL;
    if (method == NULL) {
        return value == NULL ? not_deletable() : -1;
    }
    int r = rename_entry(self, method, value);
    Py_DECREF(method);
    return r;
}

static int
set_method(StatsEntryObject *self, PyObject *value, void *unused)
{
    PyObject *name = value != NULL ? entry_name(self, NULL) : NULL;
    if (name == NULL) {
        return value == NULL ? not_deletable() : -1;
    }
    int r = rename_entry(self, value, name);
    Py_DECREF(name);
    return r;
}

static PyObject *
get_stats(StatsEntryObject *self, void *unused)
{
    return Py_NewRef(self->stats != NULL ? self->stats : Py_None);
}

static int
set_stats(StatsEntryObject *self, PyObject *value, void *unused)
{
    if (value == NULL) {
        return not_deletable();
    }
    Py_XSETREF(self->stats, Py_NewRef(value));
    return 0;
}

/* --- Maps. */

static PyObject *
get_map(StatsEntryObject *self, void *kind)
{
    return view_get(self, (enum map_kind)(uintptr_t)kind);
}

static int
set_map(StatsEntryObject *self, PyObject *value, void *kind)
{
    if (value == NULL) {
        return not_deletable();
    }
    enum map_kind which = (enum map_kind)(uintptr_t)kind;
    if (value == self->views[which]) {
        return 0;
    }
    return view_leave(self, which) < 0
               ? -1
               : map_apply(self->entry, value, self->stats, which);
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
    int kept = use > 0 ? snapshots_wanted(NULL) : 0;
    if (use < 0 || kept < 0) {
        return -1;
    }
    lock_stats(self->stats);
    self->entry->snapshots_kept = (uint32_t)kept;
    unlock_stats(self->stats);
    return 0;
}

/* None: there never was a cache. */
static PyObject *
get_cache(StatsEntryObject *self, void *unused)
{
    const struct stats_entry *e = self->entry;
    if (e->snapshots_kept == 0 && e->snapshots.used == 0) {
        Py_RETURN_NONE;
    }
    return view_get(self, MAP_CACHE);
}

static int
set_cache(StatsEntryObject *self, PyObject *value, void *unused)
{
    if (value != Py_None) {
        return set_map(self, value, (void *)MAP_CACHE);
    }
    if (view_leave(self, MAP_CACHE) < 0) {
        return -1;
    }
    lock_stats(self->stats);
    snapshots_clear(&self->entry->snapshots);
    unlock_stats(self->stats);
    return 0;
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
    if (self->stats == NULL) {
        *span = (struct stats_span){0};
        return 0;
    }
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
    bool current;
};

static const struct rate current_rps = {entry_current_rps, true};
static const struct rate current_fail_rate = {entry_current_fail_rate, true};
static const struct rate total_rps = {entry_total_rps, false};
static const struct rate total_fail_rate = {entry_total_fail_rate, false};

/* A float; the int 0 for a current rate before the first request. */
static PyObject *
rate_number(const struct stats_entry *e, const struct stats_span *span,
            const struct rate *rate)
{
    return rate->current && span->last == 0
               ? PyLong_FromLong(0)
               : PyFloat_FromDouble(rate->of(e, span));
}

static PyObject *
get_rate(StatsEntryObject *self, void *rate)
{
    struct stats_span span;
    if (span_of(self, &span) < 0) {
        return NULL;
    }
    return rate_number(self->entry, &span, rate);
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
    const struct stats_entry *e = self->entry;
    double ms = entry_median(e);
    return entry_median_is_bucket(e) ? number_from(ms) : time_number(e, ms);
}

/* --- Methods. */

PyDoc_STRVAR(py_entry_reset_doc, "reset($self)\n--\n\nZeroes it.");

static PyObject *
py_entry_reset(StatsEntryObject *self, PyObject *unused)
{
    return entry_strip(self) < 0 ? NULL : Py_NewRef(Py_None);
}

int
entry_strip(StatsEntryObject *self)
{
    double now;
    if (stats_now(&now) < 0 || view_leave_all(self) < 0) {
        return -1;
    }
    lock_stats(self->stats);
    int r = entry_reset(self->entry, now);
    unlock_stats(self->stats);
    if (r < 0) {
        PyErr_NoMemory();
    }
    return r;
}

PyDoc_STRVAR(py_entry_log_doc,
             "log($self, response_time, content_length)\n--\n\n"
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

PyDoc_STRVAR(py_entry_log_error_doc,
             "log_error($self, error)\n--\n\nCounts a failure.");

static PyObject *
py_entry_log_error(StatsEntryObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"error", NULL};
    PyObject *error;
    double now;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", keywords, &error) ||
        stats_now(&now) < 0) {
        return NULL;
    }
    lock_stats(self->stats);
    int r = entry_log_failure(self->entry, now);
    unlock_stats(self->stats);
    return r < 0 ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

PyDoc_STRVAR(py_entry_extend_doc,
             "extend($self, other)\n--\n\nAdds what another StatsEntry has.");

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
             "get_response_time_percentile($self, percent)\n--\n\n"
             "The response time (ms) below which this part (0 to 1) of the "
             "requests lies, as Locust rounds it: it can be above "
             "max_response_time.");

static PyObject *
py_entry_percentile(StatsEntryObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"percent", NULL};
    double p;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "d", keywords, &p)) {
        return NULL;
    }
    return number_from(entry_bucket_percentile(self->entry, p));
}

PyDoc_STRVAR(py_entry_exact_percentile_doc,
             "get_exact_response_time_percentile($self, percent)\n--\n\n"
             "The same as a float, less than 0.8 % off, and never below "
             "min_response_time or above max_response_time. What came from "
             "other processes is as exact as their buckets.");

static PyObject *
py_entry_exact_percentile(StatsEntryObject *self, PyObject *args,
                          PyObject *kwargs)
{
    static char *keywords[] = {"percent", NULL};
    double p;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "d", keywords, &p)) {
        return NULL;
    }
    return PyFloat_FromDouble(entry_fine_percentile(self->entry, p));
}

PyDoc_STRVAR(py_entry_current_percentile_doc,
             "get_current_response_time_percentile($self, percent)\n--\n\n"
             "The same for the last seconds; None if it is not known.");

static PyObject *
py_entry_current_percentile(StatsEntryObject *self, PyObject *args,
                            PyObject *kwargs)
{
    static char *keywords[] = {"percent", NULL};
    double p, ms, now;
    int window;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "d", keywords, &p)) {
        return NULL;
    }
    if (self->entry->snapshots_kept == 0) {
        PyErr_SetString(PyExc_ValueError,
                        "only an entry with use_response_times_cache=True "
                        "knows its current percentiles");
        return NULL;
    }
    int kept = snapshots_wanted(&window);
    if (kept < 0 || stats_now(&now) < 0) {
        return NULL;
    }
    lock_stats(self->stats);
    self->entry->snapshots_kept = (uint32_t)kept;
    unlock_stats(self->stats);
    if (!entry_current_bucket_percentile(self->entry, p, now, window, &ms)) {
        Py_RETURN_NONE;
    }
    return number_from(ms);
}

PyDoc_STRVAR(py_entry_cache_doc,
             "_cache_response_times($self, t)\n--\n\n"
             "Takes a snapshot for second t.");

static PyObject *
py_entry_cache(StatsEntryObject *self, PyObject *t)
{
    long long at = PyLong_AsLongLong(t);
    int kept = snapshots_wanted(NULL);
    if (kept < 0 || PyErr_Occurred()) {
        return NULL;
    }
    struct stats_entry *e = self->entry;
    lock_stats(self->stats);
    int r = snapshots_take(&e->snapshots, (uint32_t)kept, at, e->requests,
                           e->none_requests, &e->buckets);
    e->generation++;
    unlock_stats(self->stats);
    return r < 0 ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

PyDoc_STRVAR(py_entry_serialize_doc,
             "serialize($self)\n--\n\nWhat unserialize() takes.");

static PyObject *
py_entry_serialize(StatsEntryObject *self, PyObject *unused)
{
    return entry_serialize(self);
}

PyDoc_STRVAR(py_entry_stripped_doc,
             "get_stripped_report($self)\n--\n\nserialize(), then reset().");

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
             "unserialize($type, data, stats)\n--\n\n"
             "A StatsEntry out of serialize().");

static PyObject *
py_entry_unserialize(PyObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"data", "stats", NULL};
    PyObject *data, *stats, *self = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO", keywords, &data,
                                     &stats)) {
        return NULL;
    }
    PyObject *name = PyMapping_GetItemString(data, "name");
    PyObject *method = name ? PyMapping_GetItemString(data, "method") : NULL;
    if (method != NULL) {
        self = PyObject_CallFunctionObjArgs(type, stats, name, method, NULL);
    }
    if (self != NULL && entry_fill(self, data) < 0) {
        Py_CLEAR(self);
    }
    Py_XDECREF(name);
    Py_XDECREF(method);
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
             "to_string($self, current=True)\n--\n\n"
             "Its row of the statistics table.");

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
             "percentile($self)\n--\n\nIts row of the percentile table.");

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
        double part = PyFloat_AsDouble(p);
        PyObject *value =
            part == -1 && PyErr_Occurred()
                ? NULL
                : number_from(entry_percentile(self->entry, part));
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
             "to_dict($self, escape_string_values=False)\n--\n\n"
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
        "{sN sN sL sL sN sd sN sN sd sN sd sd}", "method",
        entry_method(self, NULL), "name", entry_name(self, NULL),
        "num_requests", (long long)e->requests, "num_failures",
        (long long)e->failures, "min_response_time",
        isinf(e->min_time) ? PyLong_FromLong(0) : PyFloat_FromDouble(min),
        "max_response_time", round_half_up(e->max_time), "current_rps",
        rate_number(e, &span, &current_rps), "current_fail_per_sec",
        rate_number(e, &span, &current_fail_rate), "avg_response_time",
        entry_average(e), "median_response_time", get_median(self, NULL),
        "total_rps", entry_total_rps(e, &span),
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
    METHOD("log_error", py_entry_log_error, METH_VARARGS | METH_KEYWORDS),
    METHOD("extend", py_entry_extend, METH_O),
    METHOD("serialize", py_entry_serialize, METH_NOARGS),
    METHOD("get_stripped_report", py_entry_stripped, METH_NOARGS),
    METHOD("unserialize", py_entry_unserialize,
           METH_VARARGS | METH_KEYWORDS | METH_CLASS),
    METHOD("to_string", py_entry_to_string, METH_VARARGS | METH_KEYWORDS),
    METHOD("percentile", py_entry_percentile_row, METH_NOARGS),
    METHOD("to_dict", py_entry_to_dict, METH_VARARGS | METH_KEYWORDS),
    METHOD("get_response_time_percentile", py_entry_percentile,
           METH_VARARGS | METH_KEYWORDS),
    METHOD("get_exact_response_time_percentile", py_entry_exact_percentile,
           METH_VARARGS | METH_KEYWORDS),
    METHOD("get_current_response_time_percentile",
           py_entry_current_percentile, METH_VARARGS | METH_KEYWORDS),
    METHOD("_cache_response_times", py_entry_cache, METH_O),
    COPYING(entry),
    {NULL},
};

#define AT(field) ((void *)offsetof(struct stats_entry, field))
#define COUNT(name, field, doc) \
    {name, (getter)get_count, (setter)set_count, doc, AT(field)}
#define MAP(name, kind, doc) \
    {name, (getter)get_map, (setter)set_map, doc, (void *)kind}
#define RATE(name, rate, doc) \
    {name, (getter)get_rate, NULL, doc, (void *)&rate}

static PyGetSetDef entry_getset[] = {
    {"name", (getter)entry_name, (setter)set_name, "The request's name.",
     NULL},
    {"method", (getter)entry_method, (setter)set_method,
     "The request's method.", NULL},
    {"stats", (getter)get_stats, (setter)set_stats,
     "The RequestStats it belongs to.", NULL},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict},
    COUNT("num_requests", requests, "Requests."),
    COUNT("num_none_requests", none_requests,
          "Requests without a response time."),
    COUNT("num_failures", failures, "Failures."),
    COUNT("total_content_length", total_length, "Bytes received."),
    {"total_response_time", (getter)get_sum, (setter)set_sum,
     "The sum of all response times (ms).", AT(total_time)},
    {"max_response_time", (getter)get_sum, (setter)set_sum,
     "The greatest response time (ms).", AT(max_time)},
    {"min_response_time", (getter)get_min, (setter)set_min,
     "The least response time (ms), or None.", NULL},
    {"start_time", (getter)get_optional, (setter)set_double,
     "Time of creation or of the last reset.", AT(start)},
    {"last_request_timestamp", (getter)get_optional, (setter)set_double,
     "Time of the last request, or None.", AT(last)},
    MAP("response_times", MAP_TIMES, "Requests by bucket (ms)."),
    MAP("num_reqs_per_sec", MAP_REQUESTS,
        "Requests by second, of the last 4,096 with any."),
    MAP("num_fail_per_sec", MAP_FAILURES,
        "Failures by second, of the last 4,096 with any."),
    {"use_response_times_cache", (getter)get_use_cache,
     (setter)set_use_cache, "Whether it knows current percentiles.", NULL},
    {"response_times_cache", (getter)get_cache, (setter)set_cache,
     "response_times at the end of the last seconds, or None.", NULL},
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
    {"__dictoffset__", T_PYSSIZET, offsetof(StatsEntryObject, dict),
     READONLY},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(StatsEntryObject, weakrefs),
     READONLY},
    {NULL},
};

PyDoc_STRVAR(entry_doc,
             "StatsEntry(stats, name, method, "
             "use_response_times_cache=False)\n--\n\n"
             "The statistics of one name and method.");

static PyType_Slot entry_slots[] = {
    {Py_tp_doc, (void *)entry_doc},
    {Py_tp_new, py_entry_new},
    {Py_tp_init, py_entry_init},
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
    .name = "locust.stats.StatsEntry",
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
