/*
 * RequestStats: the collection as Python sees it.
 *
 * Every entry and error that comes into being gets its Python object at once
 * and is put into the dicts (see pydict.c); from then on a request costs
 * Python nothing.
 */
#include "config.h"
#include "stats/internal.h"

#include <stddef.h>
#include <structmember.h>

PyTypeObject *RequestStats_Type;

/* --- Objects for what C has made.
 *
 * Whatever allocates may set off the collector, and with it Python code that
 * empties the collection. So what is introduced is held meanwhile, as is the
 * dict that it belongs to: a dict that has been dropped keeps it. */

/* The StatsEntry of an entry in the collection. New reference. */
static PyObject *
known_entry(RequestStatsObject *self, struct stats_entry *e,
            const struct py_names *names)
{
    if (e->tag != NULL) {
        return Py_NewRef((PyObject *)e->tag);
    }
    PyObject *entries = Py_NewRef(self->entries);
    PyObject *name = NULL, *method = NULL, *key = NULL;
    entry_ref(e);
    StatsEntryObject *entry =
        (StatsEntryObject *)entry_object(e, (PyObject *)self);
    if (entry != NULL) {
        names_give(&entry->given, names->method, names->name);
        name = entry_name(entry, NULL);
        method = entry_method(entry, NULL);
    }
    if (name != NULL && method != NULL) {
        key = PyTuple_Pack(2, name, method);
    }
    if (key == NULL || PyDict_SetItem(entries, key, (PyObject *)entry) < 0) {
        Py_CLEAR(entry);
    }
    Py_XDECREF(key);
    Py_XDECREF(name);
    Py_XDECREF(method);
    entry_unref(e);
    Py_DECREF(entries);
    return (PyObject *)entry;
}

int
introduce_entry(RequestStatsObject *self, struct stats_entry *e,
                const struct py_names *names)
{
    if (e != NULL && e->tag != NULL) {
        return 0;
    }
    PyObject *entry =
        e == NULL ? PyErr_NoMemory() : known_entry(self, e, names);
    Py_XDECREF(entry);
    return entry == NULL ? -1 : 0;
}

/* The object of an error, filed in the dict. */
static int
file_error(RequestStatsObject *self, struct stats_error *record,
           PyObject *errors, PyObject *error, PyObject *key,
           const struct py_names *names)
{
    PyObject *text = PyUnicode_FromStringAndSize(
        record->text, (Py_ssize_t)record->text_len);
    PyObject *filed =
        text ? error_file(record, names->method, names->name, text) : NULL;
    PyObject *object =
        filed ? error_object(record, error != NULL ? error : text,
                             (PyObject *)self)
              : NULL;
    int r = -1;
    if (object != NULL) {
        names_give(&((StatsErrorObject *)object)->given, names->method,
                   names->name);
        r = PyDict_SetItem(errors, key != NULL ? key : filed, object);
    }
    Py_XDECREF(text);
    Py_XDECREF(filed);
    Py_XDECREF(object);
    return r;
}

int
introduce_error(RequestStatsObject *self, struct stats_error *record,
                PyObject *errors, PyObject *error, PyObject *key,
                const struct py_names *names)
{
    if (record->tag != NULL) {
        return 0;
    }
    if (record != self->core->overflow) {
        return file_error(self, record, errors, error, key, names);
    }
    struct py_names own = {PyUnicode_FromString(record->method),
                           PyUnicode_FromString(record->name)};
    int r = own.method == NULL || own.name == NULL
                ? -1
                : file_error(self, record, errors, NULL, NULL, &own);
    names_drop(&own);
    return r;
}

int
request_stats_log(RequestStatsObject *self, PyObject *method, PyObject *name,
                  const struct stats_sample *sample)
{
    struct py_key k;
    int ours = entries_are_ours();
    if (ours <= 0) {
        return ours < 0 ? -1 : entries_log(self, method, name, sample);
    }
    if (key_from(&k, method, name) < 0) {
        return -1;
    }
    struct stats_entry *e = stats_log(self->core, &k.key, sample);
    key_release(&k);
    return introduce_entry(self, e, &(struct py_names){method, name});
}

/* Only the record; the entries have been told. */
static struct stats_entry *
record_error(RequestStatsObject *self, const struct stats_key *key,
             PyObject *text, double now, struct stats_error **record)
{
    struct stats_entry *e = stats_get(self->core, key, now);
    if (e != NULL) {
        *record = stats_get_error(self->core, key, PyBytes_AS_STRING(text),
                                  (size_t)PyBytes_GET_SIZE(text));
    }
    if (*record == NULL) {
        return NULL;
    }
    stats_lock(self->core);
    error_occurred(*record, now);
    stats_unlock(self->core);
    return e;
}

/* Fills in the record, or leaves it NULL. */
static struct stats_entry *
log_error_text(RequestStatsObject *self, PyObject *method, PyObject *name,
               PyObject *text, double now, bool ours,
               struct stats_error **record)
{
    struct py_key k;
    struct stats_entry *e = NULL;
    PyObject *bytes = utf8_of(Py_NewRef(text));
    *record = NULL;
    if (bytes == NULL || key_from(&k, method, name) < 0) {
        Py_XDECREF(bytes);
        return NULL;
    }
    e = ours ? stats_log_error(self->core, &k.key, PyBytes_AS_STRING(bytes),
                               (size_t)PyBytes_GET_SIZE(bytes), now, record)
             : record_error(self, &k.key, bytes, now, record);
    if (e == NULL) {
        PyErr_NoMemory();
    }
    key_release(&k);
    Py_DECREF(bytes);
    return e;
}

int
request_stats_log_error(RequestStatsObject *self, PyObject *method,
                        PyObject *name, PyObject *error)
{
    struct stats_error *record;
    double now;
    int ours = entries_are_ours();
    if (ours < 0 ||
        (ours == 0 && entries_log_error(self, method, name, error) < 0)) {
        return -1;
    }
    PyObject *text = error_text(error);
    if (text == NULL || stats_now(&now) < 0) {
        Py_XDECREF(text);
        return -1;
    }
    struct stats_entry *e =
        log_error_text(self, method, name, text, now, ours, &record);
    Py_DECREF(text);
    if (e == NULL) {
        return -1;
    }
    if (e->tag != NULL && record->tag != NULL) {
        return 0;
    }
    PyObject *errors = Py_NewRef(self->errors);
    error_ref(record);
    struct py_names names = {method, name};
    int result = introduce_entry(self, e, &names);
    if (result == 0) {
        result = introduce_error(self, record, errors, error, NULL, &names);
    }
    error_unref(record);
    Py_DECREF(errors);
    return result;
}

/* --- Life. */

static PyObject *
stats_py_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    RequestStatsObject *self =
        (RequestStatsObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    double now;
    int kept = snapshots_wanted(NULL);
    if (kept >= 0 && stats_now(&now) == 0) {
        self->core = stats_new((uint32_t)kept, now);
    }
    if (self->core == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_NoMemory();
        }
        Py_DECREF(self);
        return NULL;
    }
    self->entries = view_new(EntriesDict_Type, (PyObject *)self);
    self->errors = view_new(ErrorsDict_Type, (PyObject *)self);
    self->total = entry_object(self->core->total, (PyObject *)self);
    self->history = PyList_New(0);
    if (self->entries == NULL || self->errors == NULL ||
        self->total == NULL || self->history == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int
stats_py_init(RequestStatsObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"use_response_times_cache", NULL};
    int use = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|p", keywords, &use)) {
        return -1;
    }
    int kept = use ? snapshots_wanted(NULL) : 0;
    if (kept < 0) {
        return -1;
    }
    stats_lock(self->core);
    self->core->snapshots_kept = (uint32_t)kept;
    self->core->total->snapshots_kept = (uint32_t)kept;
    if (!use) {
        snapshots_clear(&self->core->total->snapshots);
    }
    stats_unlock(self->core);
    return 0;
}

static int
stats_py_traverse(RequestStatsObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->entries);
    Py_VISIT(self->errors);
    Py_VISIT(self->total);
    Py_VISIT(self->history);
    Py_VISIT(self->dict);
    return 0;
}

static int
stats_py_clear(RequestStatsObject *self)
{
    Py_CLEAR(self->entries);
    Py_CLEAR(self->errors);
    Py_CLEAR(self->total);
    Py_CLEAR(self->history);
    Py_CLEAR(self->dict);
    return 0;
}

static void
stats_py_dealloc(RequestStatsObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    stats_py_clear(self);
    if (self->core != NULL) {
        stats_free(self->core);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

/* --- Methods. */

PyDoc_STRVAR(stats_log_request_doc,
             "log_request($self, method, name, response_time, "
             "content_length)\n--\n\n"
             "Counts a request; response_time (ms) may be None.");

static PyObject *
stats_log_request(RequestStatsObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"method", "name", "response_time",
                               "content_length", NULL};
    PyObject *method, *name, *response_time, *length;
    struct stats_sample sample;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOO", keywords, &method,
                                     &name, &response_time, &length) ||
        sample_from(&sample, response_time, length) < 0 ||
        request_stats_log(self, method, name, &sample) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stats_py_log_error_doc,
             "log_error($self, method, name, error)\n--\n\nCounts a failure.");

static PyObject *
stats_py_log_error(RequestStatsObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"method", "name", "error", NULL};
    PyObject *method, *name, *error;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO", keywords, &method,
                                     &name, &error) ||
        request_stats_log_error(self, method, name, error) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stats_py_get_doc,
             "get($self, name, method)\n--\n\nThe entry, made if need be.");

static PyObject *
stats_py_get(RequestStatsObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"name", "method", NULL};
    PyObject *name, *method;
    struct py_key k;
    double now;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO", keywords, &name,
                                     &method) ||
        stats_now(&now) < 0 || key_from(&k, method, name) < 0) {
        return NULL;
    }
    struct stats_entry *e = stats_get(self->core, &k.key, now);
    key_release(&k);
    return e == NULL
               ? PyErr_NoMemory()
               : known_entry(self, e, &(struct py_names){method, name});
}

/* Puts empty dicts in the place of those whose contents C has dropped. */
static int
renew(RequestStatsObject *self, bool entries)
{
    PyObject *errors = view_new(ErrorsDict_Type, (PyObject *)self);
    PyObject *history = PyList_New(0);
    PyObject *dict = entries ? view_new(EntriesDict_Type, (PyObject *)self)
                             : Py_NewRef(self->entries);
    if (errors == NULL || history == NULL || dict == NULL) {
        Py_XDECREF(errors);
        Py_XDECREF(history);
        Py_XDECREF(dict);
        return -1;
    }
    Py_SETREF(self->errors, errors);
    Py_SETREF(self->history, history);
    Py_SETREF(self->entries, dict);
    return 0;
}

/* Cuts the views of all entries off, which are about to be zeroed. */
static int
leave_views(RequestStatsObject *self)
{
    PyObject *entries = view_entries(self->entries);
    int r = entries == NULL
                ? -1
                : view_leave_all((StatsEntryObject *)self->total);
    for (Py_ssize_t i = 0; r == 0 && i < PyList_GET_SIZE(entries); i++) {
        r = view_leave_all((StatsEntryObject *)PyList_GET_ITEM(entries, i));
    }
    Py_XDECREF(entries);
    return r;
}

PyDoc_STRVAR(stats_py_reset_all_doc,
             "reset_all($self)\n--\n\n"
             "Zeroes all entries; drops errors and history.");

static PyObject *
stats_py_reset_all(RequestStatsObject *self, PyObject *unused)
{
    double now;
    if (stats_now(&now) < 0 || leave_views(self) < 0 ||
        renew(self, false) < 0) {
        return NULL;
    }
    if (stats_reset_all(self->core, now) < 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stats_py_clear_all_doc,
             "clear_all($self)\n--\n\n"
             "Drops all entries, errors, history.");

static PyObject *
stats_py_clear_all(RequestStatsObject *self, PyObject *unused)
{
    double now;
    if (stats_now(&now) < 0) {
        return NULL;
    }
    struct stats_entry *e = stats_new_total(self->core->snapshots_kept, now);
    PyObject *total =
        e == NULL ? PyErr_NoMemory() : entry_object(e, (PyObject *)self);
    int r = total == NULL ? -1 : renew(self, true);
    if (r == 0) {
        stats_clear_all(self->core, e);
        Py_SETREF(self->total, Py_NewRef(total));
    }
    entry_unref(e);
    Py_XDECREF(total);
    return r < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(stats_py_serialize_stats_doc,
             "serialize_stats($self)\n--\n\n"
             "All entries that saw a request or a failure, as dicts. Each is "
             "reset.");

static PyObject *
stats_py_serialize_stats(RequestStatsObject *self, PyObject *unused)
{
    PyObject *entries = view_entries(self->entries);
    PyObject *list = entries == NULL ? NULL : PyList_New(0);
    Py_ssize_t n = list == NULL ? 0 : PyList_GET_SIZE(entries);
    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        StatsEntryObject *entry =
            (StatsEntryObject *)PyList_GET_ITEM(entries, i);
        if (entry->entry->requests == 0 && entry->entry->failures == 0) {
            continue;
        }
        PyObject *data = entry_serialize(entry);
        if (data == NULL || PyList_Append(list, data) < 0 ||
            entry_strip(entry) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(data);
    }
    Py_XDECREF(entries);
    return list;
}

PyDoc_STRVAR(stats_py_serialize_errors_doc,
             "serialize_errors($self)\n--\n\nAll errors by key, as dicts.");

static PyObject *
stats_py_serialize_errors(RequestStatsObject *self, PyObject *unused)
{
    PyObject *keys = PyDict_Keys(self->errors);
    PyObject *all = keys == NULL ? NULL : PyDict_New();
    Py_ssize_t n = all == NULL ? 0 : PyList_GET_SIZE(keys);
    for (Py_ssize_t i = 0; all != NULL && i < n; i++) {
        PyObject *key = PyList_GET_ITEM(keys, i);
        PyObject *error = PyObject_GetItem(self->errors, key);
        PyObject *data =
            error == NULL ? NULL
                          : PyObject_CallMethod(error, "serialize", NULL);
        if (data == NULL || PyDict_SetItem(all, key, data) < 0) {
            Py_CLEAR(all);
        }
        Py_XDECREF(error);
        Py_XDECREF(data);
    }
    Py_XDECREF(keys);
    return all;
}

static PyMethodDef stats_methods[] = {
    METHOD("log_request", stats_log_request, METH_VARARGS | METH_KEYWORDS),
    METHOD("log_error", stats_py_log_error, METH_VARARGS | METH_KEYWORDS),
    METHOD("get", stats_py_get, METH_VARARGS | METH_KEYWORDS),
    METHOD("reset_all", stats_py_reset_all, METH_NOARGS),
    METHOD("clear_all", stats_py_clear_all, METH_NOARGS),
    METHOD("serialize_stats", stats_py_serialize_stats, METH_NOARGS),
    METHOD("serialize_errors", stats_py_serialize_errors, METH_NOARGS),
    {"__copy__", collection_copy, METH_NOARGS, "A copy that shares nothing."},
    COPYING(collection),
    {NULL},
};

/* --- Attributes. */

/* Any attribute of the total. */
static PyObject *
get_of_total(RequestStatsObject *self, void *name)
{
    return PyObject_GetAttrString(self->total, name);
}

static PyObject *
get_total(RequestStatsObject *self, void *unused)
{
    return Py_NewRef(self->total);
}

static int
set_total(RequestStatsObject *self, PyObject *value, void *unused)
{
    if (value == NULL || !PyObject_TypeCheck(value, StatsEntry_Type)) {
        PyErr_SetString(PyExc_TypeError, "total must be a StatsEntry");
        return -1;
    }
    stats_set_total(self->core, ((StatsEntryObject *)value)->entry);
    Py_SETREF(self->total, Py_NewRef(value));
    return 0;
}

static PyObject *
get_entries(RequestStatsObject *self, void *unused)
{
    return Py_NewRef(self->entries);
}

static PyObject *
get_errors(RequestStatsObject *self, void *unused)
{
    return Py_NewRef(self->errors);
}

/* A dict of our kind with the contents of value, known to C. NULL with an
   exception set. */
static PyObject *
adopt(RequestStatsObject *self, PyTypeObject *type, PyObject *value)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "cannot be deleted");
        return NULL;
    }
    PyObject *dict = view_new(type, (PyObject *)self);
    if (dict != NULL && (PyDict_Update(dict, value) < 0 ||
                         view_apply(self, dict) < 0)) {
        Py_CLEAR(dict);
    }
    return dict;
}

static int
set_entries(RequestStatsObject *self, PyObject *value, void *unused)
{
    PyObject *dict = adopt(self, EntriesDict_Type, value);
    if (dict == NULL) {
        return -1;
    }
    Py_SETREF(self->entries, dict);
    return 0;
}

static int
set_errors(RequestStatsObject *self, PyObject *value, void *unused)
{
    PyObject *dict = adopt(self, ErrorsDict_Type, value);
    if (dict == NULL) {
        return -1;
    }
    Py_SETREF(self->errors, dict);
    return 0;
}

static PyObject *
get_use_cache(RequestStatsObject *self, void *unused)
{
    return PyBool_FromLong(self->core->snapshots_kept != 0);
}

static int
set_use_cache(RequestStatsObject *self, PyObject *value, void *unused)
{
    int use = value == NULL ? 0 : PyObject_IsTrue(value);
    int kept = use > 0 ? snapshots_wanted(NULL) : 0;
    if (use < 0 || kept < 0) {
        return -1;
    }
    stats_lock(self->core);
    self->core->snapshots_kept = (uint32_t)kept;
    stats_unlock(self->core);
    return 0;
}

#define OF_TOTAL(name, doc) {name, (getter)get_of_total, NULL, doc, name}

static PyGetSetDef stats_getset[] = {
    {"entries", (getter)get_entries, (setter)set_entries,
     "Entries by (name, method).", NULL},
    {"errors", (getter)get_errors, (setter)set_errors, "Errors by key.",
     NULL},
    {"total", (getter)get_total, (setter)set_total,
     "The sum of all entries.", NULL},
    {"use_response_times_cache", (getter)get_use_cache,
     (setter)set_use_cache,
     "Whether new entries know current percentiles.", NULL},
    OF_TOTAL("num_requests", "Requests in total."),
    OF_TOTAL("num_none_requests", "Requests without a response time."),
    OF_TOTAL("num_failures", "Failures in total."),
    OF_TOTAL("last_request_timestamp", "Time of the last request, or None."),
    OF_TOTAL("start_time", "Time of creation or of the last reset."),
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict},
    {NULL},
};

static PyMemberDef stats_members[] = {
    {"history", T_OBJECT, offsetof(RequestStatsObject, history), 0,
     "Samples for charts."},
    {"__dictoffset__", T_PYSSIZET, offsetof(RequestStatsObject, dict),
     READONLY},
    {"__weaklistoffset__", T_PYSSIZET,
     offsetof(RequestStatsObject, weakrefs), READONLY},
    {NULL},
};

PyDoc_STRVAR(stats_doc,
             "RequestStats(use_response_times_cache=True)\n--\n\n"
             "The statistics of a test.");

static PyType_Slot stats_slots[] = {
    {Py_tp_doc, (void *)stats_doc},
    {Py_tp_new, stats_py_new},
    {Py_tp_init, stats_py_init},
    {Py_tp_traverse, stats_py_traverse},
    {Py_tp_clear, stats_py_clear},
    {Py_tp_dealloc, stats_py_dealloc},
    {Py_tp_methods, stats_methods},
    {Py_tp_getset, stats_getset},
    {Py_tp_members, stats_members},
    {0, NULL},
};

static PyType_Spec stats_spec = {
    .name = "locust.stats.RequestStats",
    .basicsize = sizeof(RequestStatsObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = stats_slots,
};

int
pycollection_exec(PyObject *module)
{
    RequestStats_Type = (PyTypeObject *)PyType_FromSpec(&stats_spec);
    return RequestStats_Type == NULL
               ? -1
               : PyModule_AddType(module, RequestStats_Type);
}
