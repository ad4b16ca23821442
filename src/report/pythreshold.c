/*
 * Thresholds and JUnit's XML for Python, which hands over texts: a threshold
 * is read anew each time, so that environment.thresholds is an ordinary list
 * that may change while a test runs.
 */
#include "config.h"
#include "report/pyreport.h"

#include <string.h>

#include "report/junit.h"
#include "report/lines.h"
#include "report/threshold.h"
#include "stats/pystats.h"

/* Which character stands at this byte, from 1. */
static size_t
character_at(const char *utf8, size_t byte)
{
    size_t n = 1;
    for (size_t i = 0; i < byte; i++) {
        n += ((unsigned char)utf8[i] & 0xc0) != 0x80;
    }
    return n;
}

/* ValueError, if the text is no threshold. */
static int
parse(struct threshold *t, PyObject *text)
{
    struct threshold_error error;
    Py_ssize_t length;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &length);
    if (utf8 == NULL) {
        return -1;
    }
    size_t end = strlen(utf8);
    int result = threshold_parse(t, utf8, &error);
    if (result == 0 && end != (size_t)length) {
        error = (struct threshold_error){end, "the end"};
        result = -1;
    }
    if (result < 0) {
        PyErr_Format(PyExc_ValueError, "%R, position %zu: expected %s", text,
                     character_at(utf8, error.position), error.expected);
    }
    return result;
}

PyDoc_STRVAR(threshold_syntax_doc,
             "threshold_syntax(text)\n\n"
             "ValueError says what is wrong with a threshold, and where.");

static PyObject *
threshold_syntax(PyObject *module, PyObject *text)
{
    struct threshold t;
    return parse(&t, text) < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(check_threshold_doc,
             "check_threshold(stats, text)\n\n"
             "(threshold, kept, exceeded, measured value as text); ValueError "
             "if it is malformed.");

static PyObject *
check_threshold(PyObject *module, PyObject *args)
{
    PyObject *stats, *text;
    struct threshold t;
    if (!PyArg_ParseTuple(args, "OO", &stats, &text)) {
        return NULL;
    }
    struct stats *s = stats_of(stats);
    if (s == NULL || parse(&t, text) < 0) {
        return NULL;
    }
    struct threshold_result result;
    char value[64];
    threshold_check(&t, s, &result);
    threshold_value_text(value, sizeof(value), &t, &result);
    return Py_BuildValue("(ONNs)", text, PyBool_FromLong(result.kept),
                         PyBool_FromLong(result.exceeded), value);
}

/* --- What Python gives, as C needs it. */

/* Fills in the item of a list from a tuple. 0, or -1 with an exception set. */
typedef int (*item_reader)(void *item, PyObject *tuple);

/* An array of items out of a sequence of tuples, from which they borrow: *held
   must live as long. PyMem_Free() the array. NULL with an exception set. */
static void *
items_from(PyObject *sequence, size_t size, item_reader read, size_t *n,
           PyObject **held)
{
    *held = PySequence_Tuple(sequence);
    if (*held == NULL) {
        return NULL;
    }
    *n = (size_t)PyTuple_GET_SIZE(*held);
    char *list = PyMem_Calloc(*n + 1, size);
    if (list == NULL) {
        PyErr_NoMemory();
    }
    for (size_t i = 0; list != NULL && i < *n; i++) {
        PyObject *item = PyTuple_GET_ITEM(*held, (Py_ssize_t)i);
        if (!PyTuple_Check(item)) {
            PyErr_SetString(PyExc_TypeError, "not a tuple");
        }
        if (PyErr_Occurred() || read(list + i * size, item) < 0) {
            PyMem_Free(list);
            list = NULL;
        }
    }
    if (list == NULL) {
        Py_CLEAR(*held);
    }
    return list;
}

static int
read_row(void *item, PyObject *tuple)
{
    struct threshold_row *row = item;
    int kept, exceeded;
    if (!PyArg_ParseTuple(tuple, "spps", &row->text, &kept, &exceeded,
                          &row->measured)) {
        return -1;
    }
    row->kept = kept;
    return 0;
}

static int
read_exception(void *item, PyObject *tuple)
{
    struct junit_exception *exception = item;
    long long count;
    if (!PyArg_ParseTuple(tuple, "ssL", &exception->message,
                          &exception->traceback, &count)) {
        return -1;
    }
    exception->count = count;
    return 0;
}

/* --- Reports. */

static PyObject *
lines_list(const struct lines *lines)
{
    PyObject *list = PyList_New((Py_ssize_t)lines->count);
    for (size_t i = 0; list != NULL && i < lines->count; i++) {
        PyObject *line = PyUnicode_FromString(lines->items[i]);
        if (line == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, line);
    }
    return list;
}

PyDoc_STRVAR(threshold_table_doc,
             "threshold_table(checks)\n\n"
             "The lines of the table of thresholds, each as "
             "check_threshold() gives it.");

static PyObject *
threshold_table_py(PyObject *module, PyObject *checks)
{
    size_t n;
    PyObject *held, *list = NULL;
    struct threshold_row *rows =
        items_from(checks, sizeof(*rows), read_row, &n, &held);
    if (rows == NULL) {
        return NULL;
    }
    struct lines lines = {0};
    if (threshold_table(&lines, rows, n) < 0) {
        PyErr_NoMemory();
    }
    else {
        list = lines_list(&lines);
    }
    lines_clear(&lines);
    PyMem_Free(rows);
    Py_DECREF(held);
    return list;
}

static PyObject *
junit_bytes(const struct junit_report *report)
{
    struct buf out = {0};
    PyObject *bytes = NULL;
    if (junit_xml(&out, report) < 0) {
        PyErr_NoMemory();
    }
    else {
        bytes = PyBytes_FromStringAndSize(out.data, (Py_ssize_t)out.length);
    }
    buf_free(&out);
    return bytes;
}

PyDoc_STRVAR(junit_xml_doc,
             "junit_xml(stats, checks, exceptions, tolerant)\n\n"
             "The test in JUnit's XML, as bytes. checks are as "
             "check_threshold() gives them, exceptions (message, traceback, "
             "count).");

static PyObject *
junit_xml_py(PyObject *module, PyObject *args)
{
    PyObject *stats, *checks, *exceptions, *held[2], *bytes = NULL;
    int tolerant;
    if (!PyArg_ParseTuple(args, "OOOp", &stats, &checks, &exceptions,
                          &tolerant)) {
        return NULL;
    }
    struct junit_report report = {.stats = stats_of(stats),
                                  .tolerant = tolerant};
    if (report.stats == NULL) {
        return NULL;
    }
    struct threshold_row *rows =
        items_from(checks, sizeof(*rows), read_row, &report.threshold_count,
                   &held[0]);
    if (rows == NULL) {
        return NULL;
    }
    struct junit_exception *list =
        items_from(exceptions, sizeof(*list), read_exception,
                   &report.exception_count, &held[1]);
    if (list != NULL) {
        report.thresholds = rows;
        report.exceptions = list;
        bytes = junit_bytes(&report);
        PyMem_Free(list);
        Py_DECREF(held[1]);
    }
    PyMem_Free(rows);
    Py_DECREF(held[0]);
    return bytes;
}

static PyMethodDef functions[] = {
    {"threshold_syntax", threshold_syntax, METH_O, threshold_syntax_doc},
    {"check_threshold", check_threshold, METH_VARARGS, check_threshold_doc},
    {"threshold_table", threshold_table_py, METH_O, threshold_table_doc},
    {"junit_xml", junit_xml_py, METH_VARARGS, junit_xml_doc},
    {NULL},
};

int
threshold_module_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
