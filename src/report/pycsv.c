/*
 * CSV for Python: the rows of each table, for any object with writerow(), and
 * CsvFile, a file to which C writes them without making a Python object.
 *
 * Rows that a CsvFile is given are kept until they are written as one block
 * (see rowfile.h): by replace(), append() or again().
 */
#include "config.h"
#include "report/pyreport.h"

#include <errno.h>
#include <stddef.h>
#include <structmember.h>

#include "report/csv.h"
#include "report/rowfile.h"
#include "stats/pystats.h"

typedef struct {
    PyObject_HEAD
    PyObject *name;             /* the path, as it was given */
    struct rowfile file;
    struct buf rows;            /* not written yet */
} CsvFileObject;

static PyTypeObject *CsvFile_Type;

/* --- Rows for any writer. */

static PyObject *
cell_object(const struct cell *cell)
{
    const char *text = cell->text != NULL ? cell->text : cell->own;
    switch (cell->kind) {
    case CELL_WHOLE:
        return PyLong_FromLongLong(cell->whole);
    case CELL_NUMBER:
        return PyFloat_FromDouble(cell->number);
    default:
        return PyUnicode_FromString(text);
    }
}

/* A row_sink whose sink is an object with writerow(). */
static int
python_sink(void *sink, const struct row *row)
{
    PyObject *list = PyList_New((Py_ssize_t)row->used);
    for (size_t i = 0; list != NULL && i < row->used; i++) {
        PyObject *object = cell_object(&row->cells[i]);
        if (object == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, object);
    }
    PyObject *r = list == NULL
                      ? NULL
                      : PyObject_CallMethod(sink, "writerow", "O", list);
    Py_XDECREF(list);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

/* Where the rows for a writer go. */
static row_sink
sink_of(PyObject *writer, void **sink)
{
    if (Py_IS_TYPE(writer, CsvFile_Type)) {
        *sink = &((CsvFileObject *)writer)->rows;
        return csv_sink;
    }
    *sink = writer;
    return python_sink;
}

/* None, or NULL with an exception set. */
static PyObject *
outcome(int result)
{
    if (result < 0) {
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(csv_requests_doc,
             "csv_requests(writer, stats, percentiles)\n\n"
             "Writes a row for every entry, and one for all.");

static PyObject *
csv_requests(PyObject *module, PyObject *args)
{
    PyObject *writer, *object, *sequence;
    struct percentiles percentiles;
    void *sink;
    if (!PyArg_ParseTuple(args, "OOO", &writer, &object, &sequence)) {
        return NULL;
    }
    struct stats *s = stats_of(object);
    double *items =
        s == NULL ? NULL : numbers_from(sequence, &percentiles.count);
    if (items == NULL) {
        return NULL;
    }
    percentiles.items = items;
    row_sink put = sink_of(writer, &sink);
    int r = rows_of_requests(s, &percentiles, put, sink);
    PyMem_Free(items);
    return outcome(r);
}

PyDoc_STRVAR(csv_failures_doc,
             "csv_failures(writer, stats)\n\nWrites a row for every error.");

static PyObject *
csv_failures(PyObject *module, PyObject *args)
{
    PyObject *writer, *object;
    void *sink;
    if (!PyArg_ParseTuple(args, "OO", &writer, &object)) {
        return NULL;
    }
    struct stats *s = stats_of(object);
    if (s == NULL) {
        return NULL;
    }
    row_sink put = sink_of(writer, &sink);
    return outcome(rows_of_failures(s, put, sink));
}

PyDoc_STRVAR(csv_history_doc,
             "csv_history(writer, stats, percentiles, now, users, full)\n\n"
             "Writes a sample: a row for all requests, and if it is to be "
             "full one for every entry.");

static PyObject *
csv_history(PyObject *module, PyObject *args)
{
    PyObject *writer, *object, *sequence;
    struct percentiles percentiles;
    struct history_moment moment;
    long long users;
    int full;
    void *sink;
    if (!PyArg_ParseTuple(args, "OOOdLp", &writer, &object, &sequence,
                          &moment.now, &users, &full) ||
        snapshots_wanted(&moment.window) < 0) {
        return NULL;
    }
    moment.users = users;
    moment.full = full;
    struct stats *s = stats_of(object);
    double *items =
        s == NULL ? NULL : numbers_from(sequence, &percentiles.count);
    if (items == NULL) {
        return NULL;
    }
    percentiles.items = items;
    row_sink put = sink_of(writer, &sink);
    int r = rows_of_history(s, &percentiles, &moment, put, sink);
    PyMem_Free(items);
    return outcome(r);
}

/* --- The file. */

static PyObject *
csv_file_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"path", NULL};
    PyObject *name, *path = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", keywords, &name) ||
        !PyUnicode_FSConverter(name, &path)) {
        return NULL;
    }
    CsvFileObject *self = (CsvFileObject *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->name = Py_NewRef(name);
        if (rowfile_open(&self->file, PyBytes_AS_STRING(path)) < 0) {
            PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, name);
            Py_CLEAR(self);
        }
    }
    Py_DECREF(path);
    return (PyObject *)self;
}

static void
csv_file_dealloc(CsvFileObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    rowfile_close(&self->file);
    buf_free(&self->rows);
    Py_XDECREF(self->name);
    type->tp_free(self);
    Py_DECREF(type);
}

/* 0, or -1 with ValueError set: as Python's files. */
static int
check_open(CsvFileObject *self)
{
    if (self->file.fd >= 0) {
        return 0;
    }
    PyErr_Format(PyExc_ValueError, "%S is closed", self->name);
    return -1;
}

/* Writes what is kept by one of the functions of rowfile.h. What cannot be
   written is dropped: it would only grow. */
static PyObject *
write_rows(CsvFileObject *self, int (*put)(struct rowfile *, struct buf *))
{
    if (check_open(self) < 0) {
        return NULL;
    }
    int r = put(&self->file, &self->rows);
    self->rows.length = 0;
    return r < 0 ? PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError,
                                                        self->name)
                 : Py_NewRef(Py_None);
}

PyDoc_STRVAR(csv_file_replace_doc,
             "replace($self)\n--\n\n"
             "Writes the rows that were added in the place of all others.");

static PyObject *
csv_file_replace(CsvFileObject *self, PyObject *unused)
{
    return write_rows(self, rowfile_replace);
}

PyDoc_STRVAR(csv_file_append_doc,
             "append($self)\n--\n\nWrites the rows that were added.");

static PyObject *
csv_file_append(CsvFileObject *self, PyObject *unused)
{
    return write_rows(self, rowfile_append);
}

PyDoc_STRVAR(csv_file_again_doc,
             "again($self)\n--\n\n"
             "Writes the rows that were added in the place of those that "
             "were written last.");

static PyObject *
csv_file_again(CsvFileObject *self, PyObject *unused)
{
    return write_rows(self, rowfile_again);
}

PyDoc_STRVAR(csv_file_close_doc,
             "close($self)\n--\n\nWrites the rows that were added, and "
             "closes the file.");

static PyObject *
csv_file_close(CsvFileObject *self, PyObject *unused)
{
    if (self->file.fd < 0) {
        Py_RETURN_NONE;
    }
    PyObject *r = write_rows(self, rowfile_append);
    if (rowfile_close(&self->file) < 0 && r != NULL) {
        Py_DECREF(r);
        r = PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, self->name);
    }
    return r;
}

/* Appends a field as csv.writer shows it. 0, or -1 with an exception set. */
static int
add_field(CsvFileObject *self, PyObject *value, bool first)
{
    PyObject *text = value == Py_None ? PyUnicode_FromString("")
                                      : PyObject_Str(value);
    PyObject *bytes =
        text == NULL ? NULL
                     : PyUnicode_AsEncodedString(text, "utf-8",
                                                 "backslashreplace");
    int r = -1;
    if (bytes != NULL) {
        r = csv_append_field(&self->rows, PyBytes_AS_STRING(bytes),
                             (size_t)PyBytes_GET_SIZE(bytes), first)
                ? 0
                : -1;
        if (r < 0) {
            PyErr_NoMemory();
        }
    }
    Py_XDECREF(text);
    Py_XDECREF(bytes);
    return r;
}

PyDoc_STRVAR(csv_file_writerow_doc,
             "writerow($self, row)\n--\n\nAdds a row of any values.");

static PyObject *
csv_file_writerow(CsvFileObject *self, PyObject *row)
{
    PyObject *fields =
        PySequence_Fast(row, "writerow() needs something to iterate over");
    if (fields == NULL || check_open(self) < 0) {
        Py_XDECREF(fields);
        return NULL;
    }
    size_t before = self->rows.length;
    int r = 0;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fields) && r == 0;
         i++) {
        r = add_field(self, PySequence_Fast_GET_ITEM(fields, i), i == 0);
    }
    if (r == 0 && !csv_end_row(&self->rows)) {
        PyErr_NoMemory();
        r = -1;
    }
    if (r < 0) {
        self->rows.length = before;
    }
    Py_DECREF(fields);
    return r < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(csv_file_writerows_doc,
             "writerows($self, rows)\n--\n\nAdds rows of any values.");

static PyObject *
csv_file_writerows(CsvFileObject *self, PyObject *rows)
{
    PyObject *iterator = PyObject_GetIter(rows), *row;
    PyObject *r = Py_None;
    while (iterator != NULL && r != NULL &&
           (row = PyIter_Next(iterator)) != NULL) {
        r = csv_file_writerow(self, row);
        Py_XDECREF(r);
        Py_DECREF(row);
    }
    Py_XDECREF(iterator);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(csv_file_fileno_doc,
             "fileno($self)\n--\n\nIts file descriptor.");

static PyObject *
csv_file_fileno(CsvFileObject *self, PyObject *unused)
{
    return check_open(self) < 0 ? NULL : PyLong_FromLong(self->file.fd);
}

static PyObject *
csv_file_closed(CsvFileObject *self, void *unused)
{
    return PyBool_FromLong(self->file.fd < 0);
}

#define METHOD(name, flags) \
    {#name, (PyCFunction)(void (*)(void))csv_file_##name, flags, \
     csv_file_##name##_doc}

static PyMethodDef csv_file_methods[] = {
    METHOD(replace, METH_NOARGS),
    METHOD(append, METH_NOARGS),
    METHOD(again, METH_NOARGS),
    METHOD(close, METH_NOARGS),
    METHOD(writerow, METH_O),
    METHOD(writerows, METH_O),
    METHOD(fileno, METH_NOARGS),
    {"flush", (PyCFunction)csv_file_append, METH_NOARGS,
     "flush($self)\n--\n\nAs append()."},
    {NULL},
};

static PyGetSetDef csv_file_getset[] = {
    {"closed", (getter)csv_file_closed, NULL, "Whether it is closed.", NULL},
    {NULL},
};

static PyMemberDef csv_file_members[] = {
    {"name", T_OBJECT, offsetof(CsvFileObject, name), READONLY, "Its path."},
    {NULL},
};

PyDoc_STRVAR(csv_file_doc,
             "CsvFile(path)\n--\n\n"
             "A CSV file that is written in blocks of whole rows.");

static PyType_Slot csv_file_slots[] = {
    {Py_tp_doc, (void *)csv_file_doc},
    {Py_tp_new, csv_file_new},
    {Py_tp_dealloc, csv_file_dealloc},
    {Py_tp_methods, csv_file_methods},
    {Py_tp_getset, csv_file_getset},
    {Py_tp_members, csv_file_members},
    {0, NULL},
};

static PyType_Spec csv_file_spec = {
    .name = "_locust.CsvFile",
    .basicsize = sizeof(CsvFileObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = csv_file_slots,
};

static PyMethodDef functions[] = {
    {"csv_requests", csv_requests, METH_VARARGS, csv_requests_doc},
    {"csv_failures", csv_failures, METH_VARARGS, csv_failures_doc},
    {"csv_history", csv_history, METH_VARARGS, csv_history_doc},
    {NULL},
};

int
report_module_exec(PyObject *module)
{
    CsvFile_Type = (PyTypeObject *)PyType_FromSpec(&csv_file_spec);
    if (CsvFile_Type == NULL) {
        return -1;
    }
    return PyModule_AddType(module, CsvFile_Type) < 0
               ? -1
               : PyModule_AddFunctions(module, functions);
}
