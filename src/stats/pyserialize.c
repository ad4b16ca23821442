/*
 * The serialized form of a StatsEntry: a dict that other processes can read,
 * with Locust's keys.
 */
#include "config.h"
#include "stats/internal.h"

/* Beside name and method. */
static const char *const serialized[] = {
    "last_request_timestamp", "start_time", "num_requests",
    "num_none_requests", "num_failures", "total_response_time",
    "max_response_time", "min_response_time", "total_content_length",
    "response_times", "num_reqs_per_sec", "num_fail_per_sec"};

#define SERIALIZED (sizeof(serialized) / sizeof(serialized[0]))

/* What the entry holds under a serialized name; a map as a dict of its own.
   New reference. */
static PyObject *
serialized_value(StatsEntryObject *self, const char *name)
{
    PyObject *value = PyObject_GetAttrString((PyObject *)self, name);
    for (int kind = 0; value != NULL && kind < MAP_KINDS; kind++) {
        if (value == self->views[kind]) {
            PyObject *dict = PyDict_New();
            if (dict != NULL &&
                map_fill(dict, self->entry, (enum map_kind)kind) < 0) {
                Py_CLEAR(dict);
            }
            Py_SETREF(value, dict);
            break;
        }
    }
    return value;
}

PyObject *
entry_serialize(StatsEntryObject *self)
{
    const struct stats_entry *e = self->entry;
    PyObject *dict = Py_BuildValue(
        "{sNsN}", "name",
        name_portable(self->given.name, e->name, e->name_len), "method",
        name_portable(self->given.method, e->method, e->method_len));
    for (size_t i = 0; dict != NULL && i < SERIALIZED; i++) {
        PyObject *value = serialized_value(self, serialized[i]);
        if (value == NULL ||
            PyDict_SetItemString(dict, serialized[i], value) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(value);
    }
    return dict;
}

/* An item of any mapping: 1, 0 if there is none, -1 with an exception set. */
static int
find_item(PyObject *mapping, const char *key, PyObject **value)
{
    *value = PyMapping_GetItemString(mapping, key);
    if (*value != NULL) {
        return 1;
    }
    if (!PyErr_ExceptionMatches(PyExc_KeyError)) {
        return -1;
    }
    PyErr_Clear();
    return 0;
}

int
entry_fill(PyObject *self, PyObject *data)
{
    for (size_t i = 0; i < SERIALIZED; i++) {
        PyObject *value;
        int found = find_item(data, serialized[i], &value);
        int r = found <= 0 ? found
                           : PyObject_SetAttrString(self, serialized[i],
                                                    value);
        Py_XDECREF(value);
        if (r < 0) {
            return -1;
        }
    }
    return 0;
}
