/*
 * The console tables for Python. Their layout is made of constants in
 * locust.stats, which pass them on.
 */
#include "config.h"
#include "stats/internal.h"

#include "report/table.h"

/* The lines as a list of str, or NULL. Frees them. */
static PyObject *
take_lines(struct lines *out, int result)
{
    PyObject *list = NULL;
    if (result < 0 || out->failed) {
        PyErr_NoMemory();
    }
    else {
        list = PyList_New((Py_ssize_t)out->count);
    }
    for (size_t i = 0; list != NULL && i < out->count; i++) {
        PyObject *line = PyUnicode_FromString(out->items[i]);
        if (line == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, line);
    }
    lines_clear(out);
    return list;
}

PyDoc_STRVAR(py_stats_table_doc,
             "stats_table(stats, type_width, name_width, current)\n\n"
             "The lines of the statistics table.");

static PyObject *
py_stats_table(PyObject *module, PyObject *args)
{
    PyObject *stats;
    struct table_layout layout;
    int current;
    if (!PyArg_ParseTuple(args, "Oiip", &stats, &layout.type_width,
                          &layout.name_width, &current)) {
        return NULL;
    }
    struct stats *s = stats_of(stats);
    if (s == NULL) {
        return NULL;
    }
    struct lines out = {0};
    int result = table_stats(&out, s, &layout, current);
    return take_lines(&out, result);
}

PyDoc_STRVAR(py_percentile_table_doc,
             "percentile_table(stats, type_width, name_width, percentiles)\n\n"
             "The lines of the percentile table.");

static PyObject *
py_percentile_table(PyObject *module, PyObject *args)
{
    PyObject *stats, *sequence;
    struct table_layout layout;
    size_t n;
    if (!PyArg_ParseTuple(args, "OiiO", &stats, &layout.type_width,
                          &layout.name_width, &sequence)) {
        return NULL;
    }
    struct stats *s = stats_of(stats);
    double *percentiles = s == NULL ? NULL : numbers_from(sequence, &n);
    if (percentiles == NULL) {
        return NULL;
    }
    struct lines out = {0};
    int result = table_percentiles(&out, s, &layout, percentiles, n);
    PyMem_Free(percentiles);
    return take_lines(&out, result);
}

PyDoc_STRVAR(py_error_table_doc,
             "error_table(stats, type_width, name_width)\n\n"
             "The lines of the error report.");

static PyObject *
py_error_table(PyObject *module, PyObject *args)
{
    PyObject *stats;
    struct table_layout layout;
    if (!PyArg_ParseTuple(args, "Oii", &stats, &layout.type_width,
                          &layout.name_width)) {
        return NULL;
    }
    struct stats *s = stats_of(stats);
    if (s == NULL) {
        return NULL;
    }
    struct lines out = {0};
    int result = table_errors(&out, s, &layout);
    return take_lines(&out, result);
}

PyDoc_STRVAR(py_entry_row_doc,
             "entry_row(entry, type_width, name_width, what)\n\n"
             "One line of a table: what is True for current rates, False for "
             "total ones, or a list of percentiles.");

static PyObject *
py_entry_row(PyObject *module, PyObject *args)
{
    StatsEntryObject *entry;
    struct table_layout layout;
    PyObject *what;
    if (!PyArg_ParseTuple(args, "O!iiO", StatsEntry_Type, &entry,
                          &layout.type_width, &layout.name_width, &what)) {
        return NULL;
    }
    struct lines out = {0};
    if (PyBool_Check(what)) {
        struct stats_span span = {0};
        struct stats *s = stats_of(entry->stats);
        if (s == NULL) {
            return NULL;
        }
        span = stats_span(s);
        table_stats_row(&out, entry->entry, &span, &layout, what == Py_True);
    }
    else {
        size_t n;
        double *percentiles = numbers_from(what, &n);
        if (percentiles == NULL) {
            return NULL;
        }
        table_percentile_row(&out, entry->entry, &layout, percentiles, n,
                             true);
        PyMem_Free(percentiles);
    }
    PyObject *list = take_lines(&out, 0);
    PyObject *line = list == NULL ? NULL : PySequence_GetItem(list, 0);
    Py_XDECREF(list);
    return line;
}

static PyMethodDef functions[] = {
    METHOD("stats_table", py_stats_table, METH_VARARGS),
    METHOD("percentile_table", py_percentile_table, METH_VARARGS),
    METHOD("error_table", py_error_table, METH_VARARGS),
    METHOD("entry_row", py_entry_row, METH_VARARGS),
    {NULL},
};

int
pytables_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
