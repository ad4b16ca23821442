/*
 * The functions behind locust.html: Python hands over what it alone knows, as
 * JSON, and gets the report's text back.
 */
#include "config.h"
#include "report/pyreport.h"

#include <errno.h>
#include <string.h>

#include "report/html.h"
#include "report/json.h"
#include "report/savefile.h"
#include "stats/pystats.h"

/* --- What Python gives, as C needs it. */

/* The percentiles of a sequence of (number, key), each key borrowed from its
   str: the sequence must live as long. PyMem_Free() it. NULL with an exception
   set. */
static struct html_percentile *
percentiles_from(PyObject *tuple, size_t *n)
{
    *n = (size_t)PyTuple_GET_SIZE(tuple);
    struct html_percentile *list = PyMem_New(struct html_percentile, *n + 1);
    if (list == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < *n; i++) {
        PyObject *pair = PyTuple_GET_ITEM(tuple, (Py_ssize_t)i);
        if (!PyTuple_Check(pair)) {
            PyErr_SetString(PyExc_TypeError, "percentiles: not (p, key)");
            goto error;
        }
        if (!PyArg_ParseTuple(pair, "ds", &list[i].p, &list[i].key)) {
            goto error;
        }
    }
    return list;
error:
    PyMem_Free(list);
    return NULL;
}

/* The members of a dict of str, borrowed from it. PyMem_Free() them. NULL with
   an exception set. */
static struct html_member *
members_from(PyObject *dict, size_t *n)
{
    *n = (size_t)PyDict_GET_SIZE(dict);
    struct html_member *list = PyMem_New(struct html_member, *n + 1);
    if (list == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    PyObject *key, *json;
    Py_ssize_t position = 0, length;
    for (size_t i = 0; PyDict_Next(dict, &position, &key, &json); i++) {
        list[i].key = PyUnicode_AsUTF8(key);
        list[i].json = list[i].key == NULL
                           ? NULL
                           : PyUnicode_AsUTF8AndSize(json, &length);
        if (list[i].json == NULL) {
            PyMem_Free(list);
            return NULL;
        }
        list[i].length = (size_t)length;
    }
    return list;
}

/* The page with this object as a str; result is how making it ended. Frees the
   object. NULL with an exception set. */
static PyObject *
page_with(struct buf *object, int result, const char *theme)
{
    struct buf page = {0};
    PyObject *text = NULL;
    if (result < 0 ||
        html_page(&page, object->data, object->length, theme) < 0) {
        PyErr_NoMemory();
    }
    else {
        text = PyUnicode_DecodeUTF8(page.data, (Py_ssize_t)page.length, NULL);
    }
    buf_free(&page);
    buf_free(object);
    return text;
}

/* --- Functions of the module. */

PyDoc_STRVAR(html_report_doc,
             "html_report(stats, statistics, times, members, theme)\n\n"
             "The HTML report. statistics and times are tuples of "
             "(percentile, key) for the two tables, members a dict of what "
             "else is in its templateArgs: key -> JSON in ASCII.");

static PyObject *
html_report(PyObject *module, PyObject *args)
{
    PyObject *stats, *statistics, *times, *members;
    const char *theme;
    if (!PyArg_ParseTuple(args, "OO!O!O!s", &stats, &PyTuple_Type,
                          &statistics, &PyTuple_Type, &times, &PyDict_Type,
                          &members, &theme)) {
        return NULL;
    }
    struct html_report report = {.stats = stats_of(stats)};
    if (report.stats == NULL) {
        return NULL;
    }
    PyObject *text = NULL;
    struct html_percentile *of_statistics, *of_times = NULL;
    struct html_member *list = NULL;
    of_statistics = percentiles_from(statistics, &report.statistics_count);
    if (of_statistics != NULL) {
        of_times = percentiles_from(times, &report.times_count);
    }
    if (of_times != NULL) {
        list = members_from(members, &report.member_count);
    }
    if (list != NULL) {
        struct buf object = {0};
        report.statistics = of_statistics;
        report.times = of_times;
        report.members = list;
        int result = html_args(&object, &report);
        text = page_with(&object, result, theme);
    }
    PyMem_Free(list);
    PyMem_Free(of_times);
    PyMem_Free(of_statistics);
    return text;
}

PyDoc_STRVAR(html_page_doc,
             "html_page(args, theme)\n\n"
             "The page of the HTML report with these templateArgs: JSON in "
             "ASCII.");

static PyObject *
html_page_py(PyObject *module, PyObject *args)
{
    const char *text, *theme;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "s#s", &text, &length, &theme)) {
        return NULL;
    }
    struct buf object = {0};
    struct json j;
    json_begin(&j, &object);
    json_raw(&j, text, (size_t)length);
    int result = json_end(&j);
    return page_with(&object, result, theme);
}

PyDoc_STRVAR(save_file_doc,
             "save_file(path, data)\n\n"
             "Writes bytes to a file: all of them, or none. OSError names the "
             "path.");

static PyObject *
save_file_py(PyObject *module, PyObject *args)
{
    PyObject *path, *name;
    Py_buffer data;
    if (!PyArg_ParseTuple(args, "Oy*", &path, &data)) {
        return NULL;
    }
    PyObject *result = NULL;
    if (PyUnicode_FSConverter(path, &name)) {
        int error;
        Py_BEGIN_ALLOW_THREADS
        error = save_file(PyBytes_AS_STRING(name), data.buf, (size_t)data.len);
        Py_END_ALLOW_THREADS
        if (error == 0) {
            result = Py_NewRef(Py_None);
        }
        else {
            errno = error;
            PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
        }
        Py_DECREF(name);
    }
    PyBuffer_Release(&data);
    return result;
}

static PyMethodDef functions[] = {
    {"html_report", html_report, METH_VARARGS, html_report_doc},
    {"html_page", html_page_py, METH_VARARGS, html_page_doc},
    {"save_file", save_file_py, METH_VARARGS, save_file_doc},
    {NULL},
};

int
html_module_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
