/*
 * Statistics that travel between processes: what a worker reports, and how a
 * master adds it up.
 *
 * A report is read as a whole before anything of it is counted, so that one
 * that is damaged changes nothing.
 */
#include "config.h"
#include "stats/internal.h"

/* --- The worker. */

static int
set_item(PyObject *dict, const char *key, PyObject *value)
{
    int r = -1;
    if (value != NULL) {
        PyObject *name = PyUnicode_FromString(key);
        r = name == NULL ? -1 : PyObject_SetItem(dict, name, value);
        Py_XDECREF(name);
    }
    Py_XDECREF(value);
    return r;
}

PyDoc_STRVAR(py_stats_fill_report_doc,
             "stats_fill_report(stats, data)\n\n"
             "Puts what was counted since the last report into data, and "
             "begins anew.");

static PyObject *
py_stats_fill_report(PyObject *module, PyObject *args)
{
    PyObject *stats, *data;
    if (!PyArg_ParseTuple(args, "OO", &stats, &data)) {
        return NULL;
    }
    PyObject *total = NULL, *none = PyDict_New();
    if (none != NULL &&
        set_item(data, "stats",
                 PyObject_CallMethod(stats, "serialize_stats", NULL)) == 0) {
        total = PyObject_GetAttrString(stats, "total");
    }
    int r = -1;
    if (total != NULL &&
        set_item(data, "stats_total",
                 PyObject_CallMethod(total, "get_stripped_report", NULL)) ==
            0 &&
        set_item(data, "errors",
                 PyObject_CallMethod(stats, "serialize_errors", NULL)) == 0) {
        r = PyObject_SetAttrString(stats, "errors", none);
    }
    Py_XDECREF(total);
    Py_XDECREF(none);
    return r < 0 ? NULL : Py_NewRef(Py_None);
}

/* --- The master. */

static PyObject *
item(PyObject *mapping, const char *key)
{
    return PyMapping_GetItemString(mapping, key);
}

/* A StatsEntry or StatsError out of its serialized form. */
static PyObject *
unserialize(PyTypeObject *type, PyObject *data, PyObject *stats)
{
    return PyObject_CallMethod((PyObject *)type, "unserialize",
                               stats == NULL ? "(O)" : "OO", data, stats);
}

/* The entries of a report as a list of StatsEntry. */
static PyObject *
read_entries(PyObject *data, PyObject *stats)
{
    PyObject *rows = item(data, "stats");
    PyObject *fast =
        rows == NULL ? NULL : PySequence_Fast(rows, "stats: not a list");
    PyObject *list = fast == NULL ? NULL : PyList_New(0);
    for (Py_ssize_t i = 0;
         list != NULL && i < PySequence_Fast_GET_SIZE(fast); i++) {
        PyObject *entry = unserialize(
            StatsEntry_Type, PySequence_Fast_GET_ITEM(fast, i), stats);
        if (entry == NULL || PyList_Append(list, entry) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(entry);
    }
    Py_XDECREF(rows);
    Py_XDECREF(fast);
    return list;
}

/* Its errors as a list of (key, StatsError). */
static PyObject *
read_errors(PyObject *data)
{
    PyObject *errors = item(data, "errors");
    PyObject *items = errors == NULL ? NULL : PyMapping_Items(errors);
    PyObject *list = items == NULL ? NULL : PyList_New(0);
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(items); i++) {
        PyObject *key, *row, *error = NULL, *pair = NULL;
        if (PyArg_ParseTuple(PyList_GET_ITEM(items, i), "OO", &key, &row)) {
            error = unserialize(StatsError_Type, row, NULL);
        }
        if (error != NULL) {
            pair = PyTuple_Pack(2, key, error);
        }
        if (pair == NULL || PyList_Append(list, pair) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(error);
        Py_XDECREF(pair);
    }
    Py_XDECREF(errors);
    Py_XDECREF(items);
    return list;
}

static int
merge_entry(RequestStatsObject *stats, StatsEntryObject *other)
{
    double now;
    int kept = snapshots_wanted(NULL);
    if (kept < 0 || stats_now(&now) < 0) {
        return -1;
    }
    struct py_names names = {entry_method(other, NULL),
                             entry_name(other, NULL)};
    int r = -1;
    if (names.method != NULL && names.name != NULL) {
        r = introduce_entry(
            stats,
            stats_merge(stats->core, other->entry, (uint32_t)kept, now),
            &names);
    }
    names_drop(&names);
    return r;
}

static int
merge_total(RequestStatsObject *stats, StatsEntryObject *other)
{
    stats_lock(stats->core);
    int r = entry_merge(stats->core->total, other->entry);
    stats_unlock(stats->core);
    if (r < 0) {
        PyErr_NoMemory();
    }
    return r;
}

/* The record to which a master adds these failures: by their key, or by what
   they are. A reference; NULL with an exception set. */
static struct stats_error *
known_error(RequestStatsObject *stats, PyObject *key,
            const struct stats_error *other)
{
    PyObject *known = PyDict_GetItemWithError(stats->errors, key);
    if (known != NULL && PyObject_TypeCheck(known, StatsError_Type)) {
        return error_ref(((StatsErrorObject *)known)->record);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    struct stats_key k = {.method = other->method, .name = other->name,
                          .method_len = other->method_len,
                          .name_len = other->name_len};
    struct stats_error *record =
        stats_get_error(stats->core, &k, other->text, other->text_len);
    if (record == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    return error_ref(record);
}

static int
merge_error(RequestStatsObject *stats, PyObject *pair)
{
    PyObject *key = PyTuple_GET_ITEM(pair, 0);
    StatsErrorObject *other = (StatsErrorObject *)PyTuple_GET_ITEM(pair, 1);
    PyObject *errors = Py_NewRef(stats->errors);
    struct stats_error *record = known_error(stats, key, other->record);
    struct py_names names = {error_method(other, NULL),
                             error_name(other, NULL)};
    int r = record == NULL || names.method == NULL || names.name == NULL
                ? -1
                : introduce_error(stats, record, errors, other->error, key,
                                  &names);
    names_drop(&names);
    if (r == 0) {
        const struct stats_error *from = other->record;
        stats_lock(stats->core);
        error_merge(record, from->occurrences, from->first, from->last);
        stats_unlock(stats->core);
    }
    error_unref(record);
    Py_DECREF(errors);
    return r;
}

static int
merge_all(RequestStatsObject *stats, PyObject *entries, PyObject *errors,
          PyObject *total)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(entries); i++) {
        PyObject *entry = PyList_GET_ITEM(entries, i);
        if (merge_entry(stats, (StatsEntryObject *)entry) < 0) {
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(errors); i++) {
        if (merge_error(stats, PyList_GET_ITEM(errors, i)) < 0) {
            return -1;
        }
    }
    return merge_total(stats, (StatsEntryObject *)total);
}

PyDoc_STRVAR(py_stats_merge_report_doc,
             "stats_merge_report(stats, data)\n\n"
             "Adds what a worker has reported.");

static PyObject *
py_stats_merge_report(PyObject *module, PyObject *args)
{
    PyObject *stats, *data, *errors = NULL, *row = NULL, *total = NULL;
    if (!PyArg_ParseTuple(args, "O!O", RequestStats_Type, &stats, &data)) {
        return NULL;
    }
    int r = -1;
    PyObject *entries = read_entries(data, stats);
    if (entries != NULL) {
        errors = read_errors(data);
    }
    if (errors != NULL) {
        row = item(data, "stats_total");
    }
    if (row != NULL) {
        total = unserialize(StatsEntry_Type, row, stats);
    }
    if (total != NULL) {
        r = merge_all((RequestStatsObject *)stats, entries, errors, total);
    }
    Py_XDECREF(entries);
    Py_XDECREF(errors);
    Py_XDECREF(row);
    Py_XDECREF(total);
    return r < 0 ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    METHOD("stats_fill_report", py_stats_fill_report, METH_VARARGS),
    METHOD("stats_merge_report", py_stats_merge_report, METH_VARARGS),
    {NULL},
};

int
pymerge_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
