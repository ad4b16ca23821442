/*
 * Copies and pickles of statistics, for copy.copy(), copy.deepcopy() and
 * pickle.
 *
 * Each type is made empty by its __new__() and then given its state. What an
 * object belongs to is part of its state, not of what it is made with, so that
 * circles (an entry of statistics that hold the entry) end where they began.
 * A RequestStats gives the contents of its dicts, not the dicts, which are
 * filled only after all else is there.
 */
#include "config.h"
#include "stats/internal.h"

#include "base/lookup.h"

const char getstate_doc[] = "What __setstate__() takes.";
const char setstate_doc[] = "Takes what __getstate__() gave.";

/* A dict of its own with the attributes that users have added. */
static PyObject *
added(PyObject *dict)
{
    return dict == NULL ? PyDict_New() : PyDict_Copy(dict);
}

static int
add_back(PyObject **dict, PyObject *state)
{
    if (PyDict_Size(state) <= 0) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (*dict == NULL && (*dict = PyDict_New()) == NULL) {
        return -1;
    }
    return PyDict_Update(*dict, state);
}

/* --- StatsEntry. */

/* Its snapshots as an ordinary dict, or None. */
static PyObject *
cache_of(PyObject *entry)
{
    PyObject *cache = PyObject_GetAttrString(entry, "response_times_cache");
    if (cache != NULL && cache != Py_None) {
        Py_SETREF(cache, PyObject_CallOneArg((PyObject *)&PyDict_Type, cache));
    }
    return cache;
}

PyObject *
entry_getstate(PyObject *self, PyObject *unused)
{
    StatsEntryObject *entry = (StatsEntryObject *)self;
    PyObject *stats = entry->stats != NULL ? entry->stats : Py_None;
    PyObject *data = entry_serialize(entry);
    PyObject *cache = data != NULL ? cache_of(self) : NULL;
    PyObject *dict = cache != NULL ? added(entry->dict) : NULL;
    PyObject *state = NULL;
    if (dict != NULL) {
        state = Py_BuildValue(
            "(OOOONNO)", stats, data, cache,
            entry->entry->snapshots_kept ? Py_True : Py_False,
            entry_name(entry, NULL), entry_method(entry, NULL), dict);
    }
    Py_XDECREF(data);
    Py_XDECREF(cache);
    Py_XDECREF(dict);
    return state;
}

/* The snapshots last: the numbers do not take any. */
static int
fill_entry(PyObject *self, PyObject *data, PyObject *cache, int use_cache)
{
    if (entry_fill(self, data) < 0) {
        return -1;
    }
    return use_cache && cache != Py_None
               ? PyObject_SetAttrString(self, "response_times_cache", cache)
               : 0;
}

/* Statistics that were copied on the way to one of their entries hold it
   already, as it was before it had a state. */
static int
take_place(StatsEntryObject *self)
{
    if (!PyObject_TypeCheck(self->stats, RequestStats_Type)) {
        return 0;
    }
    RequestStatsObject *stats = (RequestStatsObject *)self->stats;
    if (stats->total == (PyObject *)self) {
        stats_set_total(stats->core, self->entry);
    }
    PyObject *value;
    for (Py_ssize_t at = 0; PyDict_Next(stats->entries, &at, NULL, &value);) {
        if (value == (PyObject *)self) {
            return view_apply(stats, stats->entries);
        }
    }
    return 0;
}

PyObject *
entry_setstate(PyObject *self, PyObject *state)
{
    PyObject *stats, *data, *cache, *name, *method, *dict;
    int use_cache;
    if (!PyArg_ParseTuple(state, "OOOpOOO!;not a state of a StatsEntry",
                          &stats, &data, &cache, &use_cache, &name, &method,
                          &PyDict_Type, &dict)) {
        return NULL;
    }
    PyObject *args = Py_BuildValue("(OOOi)", stats, name, method, use_cache);
    int r = args == NULL ? -1 : StatsEntry_Type->tp_init(self, args, NULL);
    Py_XDECREF(args);
    if (r < 0 || take_place((StatsEntryObject *)self) < 0 ||
        fill_entry(self, data, cache, use_cache) < 0 ||
        add_back(&((StatsEntryObject *)self)->dict, dict) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* --- StatsError. */

PyObject *
error_getstate(PyObject *self, PyObject *unused)
{
    StatsErrorObject *error = (StatsErrorObject *)self;
    const struct stats_error *r = error->record;
    PyObject *dict = added(error->dict);
    return dict == NULL
               ? NULL
               : Py_BuildValue("(NNOLddN)", error_method(error, NULL),
                               error_name(error, NULL),
                               error->error != NULL ? error->error : Py_None,
                               (long long)r->occurrences, r->first, r->last,
                               dict);
}

PyObject *
error_setstate(PyObject *self, PyObject *state)
{
    PyObject *method, *name, *error, *dict;
    long long occurrences;
    double first, last;
    if (!PyArg_ParseTuple(state, "OOOLddO!;not a state of a StatsError",
                          &method, &name, &error, &occurrences, &first, &last,
                          &PyDict_Type, &dict)) {
        return NULL;
    }
    PyObject *args = Py_BuildValue("(OOOLdd)", method, name, error,
                                   occurrences, first, last);
    int r = args == NULL ? -1 : StatsError_Type->tp_init(self, args, NULL);
    Py_XDECREF(args);
    if (r < 0 || add_back(&((StatsErrorObject *)self)->dict, dict) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* --- RequestStats. */

PyObject *
collection_getstate(PyObject *self, PyObject *unused)
{
    RequestStatsObject *stats = (RequestStatsObject *)self;
    PyObject *entries = PyDict_Items(stats->entries);
    PyObject *errors = entries != NULL ? PyDict_Items(stats->errors) : NULL;
    PyObject *dict = errors != NULL ? added(stats->dict) : NULL;
    PyObject *state = NULL;
    if (dict != NULL) {
        state = Py_BuildValue(
            "(OOOOOO)", stats->core->snapshots_kept ? Py_True : Py_False,
            entries, errors, stats->total,
            stats->history != NULL ? stats->history : Py_None, dict);
    }
    Py_XDECREF(entries);
    Py_XDECREF(errors);
    Py_XDECREF(dict);
    return state;
}

/* Sets an attribute to a dict of these items. */
static int
set_items(PyObject *self, const char *name, PyObject *items)
{
    PyObject *dict = PyDict_New();
    int r = dict == NULL || PyDict_MergeFromSeq2(dict, items, 1) < 0
                ? -1
                : PyObject_SetAttrString(self, name, dict);
    Py_XDECREF(dict);
    return r;
}

PyObject *
collection_setstate(PyObject *self, PyObject *state)
{
    PyObject *cache, *entries, *errors, *total, *history, *dict;
    if (!PyArg_ParseTuple(state, "OOOOOO!;not a state of a RequestStats",
                          &cache, &entries, &errors, &total, &history,
                          &PyDict_Type, &dict) ||
        PyObject_SetAttrString(self, "use_response_times_cache", cache) < 0 ||
        set_items(self, "entries", entries) < 0 ||
        set_items(self, "errors", errors) < 0 ||
        PyObject_SetAttrString(self, "total", total) < 0 ||
        PyObject_SetAttrString(self, "history", history) < 0 ||
        add_back(&((RequestStatsObject *)self)->dict, dict) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* Two collections cannot share entries, which are guarded by the lock of
   one. */
PyObject *
collection_copy(PyObject *self, PyObject *unused)
{
    PyObject *deepcopy = lookup("copy", "deepcopy");
    PyObject *copy =
        deepcopy == NULL ? NULL : PyObject_CallOneArg(deepcopy, self);
    Py_XDECREF(deepcopy);
    return copy;
}
