/*
 * StatsError: one group of failures as Python sees it.
 *
 * C tells errors apart by their text. The exception itself is kept by the
 * StatsError, as in Locust, and the text that reports show of it (the
 * record's label) is made once, when the group is new.
 */
#include "config.h"
#include "stats/internal.h"

#include <stddef.h>
#include <structmember.h>

#include "base/lookup.h"

PyTypeObject *StatsError_Type;

/* --- Texts. */

/* The address behind the first "object at 0x" and before the next ">". New
   reference; NULL when there is none, or with an exception set. */
static PyObject *
find_address(PyObject *text)
{
    static const char mark[] = "object at 0x";
    PyObject *before = PyUnicode_FromString(mark);
    if (before == NULL) {
        return NULL;
    }
    Py_ssize_t n = PyUnicode_GET_LENGTH(text), end = -1;
    Py_ssize_t start = PyUnicode_Find(text, before, 0, n, 1);
    if (start >= 0) {
        start += (Py_ssize_t)strlen(mark) - 2;      /* keeps the 0x */
        end = PyUnicode_FindChar(text, '>', start, n, 1);
    }
    Py_DECREF(before);
    return end < 0 ? NULL : PyUnicode_Substring(text, start, end);
}

/* repr(), or what there is to say if that fails: a failure must be counted
   also when its exception cannot be shown. */
static PyObject *
safe_repr(PyObject *error)
{
    PyObject *text = PyObject_Repr(error);
    if (text == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
        text = PyUnicode_FromFormat("<%s, whose repr() failed>",
                                    _PyType_Name(Py_TYPE(error)));
    }
    return text;
}

PyObject *
error_text(PyObject *error)
{
    PyObject *text = PyUnicode_Check(error) ? Py_NewRef(error)
                                            : safe_repr(error);
    PyObject *address = text == NULL ? NULL : find_address(text);
    if (address == NULL) {
        if (PyErr_Occurred()) {
            Py_CLEAR(text);
        }
        return text;
    }
    PyObject *masked = NULL;
    PyObject *mask = PyUnicode_FromString("0x....");
    if (mask != NULL) {
        masked = PyUnicode_Replace(text, address, mask, -1);
    }
    Py_XDECREF(mask);
    Py_DECREF(address);
    Py_DECREF(text);
    return masked;
}

/* The SHA-256 of method, name and text, in hexadecimal. New reference. */
static PyObject *
error_key(PyObject *method, PyObject *name, PyObject *text)
{
    PyObject *sha = NULL, *key = NULL;
    PyObject *sha256 = lookup("hashlib", "sha256");
    PyObject *bytes =
        utf8_of(PyUnicode_FromFormat("%S.%S.%R", method, name, text));
    if (bytes != NULL && sha256 != NULL) {
        sha = PyObject_CallOneArg(sha256, bytes);
    }
    if (sha != NULL) {
        key = PyObject_CallMethod(sha, "hexdigest", NULL);
    }
    Py_XDECREF(sha256);
    Py_XDECREF(bytes);
    Py_XDECREF(sha);
    return key;
}

/* Whether it is a CatchResponseError, the wrapper of an explicit failure().
   If that class was never imported, nothing is one. 1, 0 or -1. */
static int
is_marked_failure(PyObject *error)
{
    PyObject *name = PyUnicode_FromString("locust.exception");
    PyObject *module = name == NULL ? NULL : PyImport_GetModule(name);
    Py_XDECREF(name);
    if (module == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *type = PyObject_GetAttrString(module, "CatchResponseError");
    int r = type == NULL ? -1 : PyObject_IsInstance(error, type);
    Py_XDECREF(type);
    Py_DECREF(module);
    return r;
}

/* The text of an error in reports: an explicit failure's message alone. From
   its string form the quotes stay, because only the text is left then. */
static PyObject *
report_text(PyObject *error)
{
    static const char wrapper[] = "CatchResponseError(";
    if (PyUnicode_Check(error)) {
        Py_ssize_t n = (Py_ssize_t)strlen(wrapper);
        PyObject *start = PyUnicode_FromString(wrapper);
        Py_ssize_t len = PyUnicode_GET_LENGTH(error);
        Py_ssize_t is =
            start == NULL ? -1
                          : PyUnicode_Tailmatch(error, start, 0, len, -1);
        Py_XDECREF(start);
        return is < 0 ? NULL
               : is   ? PyUnicode_Substring(error, n, len - 1)
                      : Py_NewRef(error);
    }
    int marked = is_marked_failure(error);
    if (marked <= 0) {
        return marked < 0 ? NULL : safe_repr(error);
    }
    PyObject *args = PyObject_GetAttrString(error, "args");
    PyObject *text = NULL;
    if (args != NULL && PyTuple_Check(args) && PyTuple_GET_SIZE(args) > 0) {
        text = PyObject_Str(PyTuple_GET_ITEM(args, 0));
    }
    else if (args != NULL) {
        text = safe_repr(error);
    }
    Py_XDECREF(args);
    return text;
}

static int
set_label(struct stats_error *record, PyObject *error, PyObject *stats)
{
    PyObject *bytes = utf8_of(report_text(error));
    if (bytes == NULL) {
        return -1;
    }
    lock_stats(stats);
    int r = error_set_label(record, PyBytes_AS_STRING(bytes),
                            (size_t)PyBytes_GET_SIZE(bytes));
    unlock_stats(stats);
    Py_DECREF(bytes);
    if (r < 0) {
        PyErr_NoMemory();
    }
    return r;
}

PyObject *
error_file(struct stats_error *record, PyObject *method, PyObject *name,
           PyObject *text)
{
    PyObject *key = error_key(method, name, text);
    const char *hex = key == NULL ? NULL : PyUnicode_AsUTF8(key);
    if (hex == NULL) {
        Py_CLEAR(key);
        return NULL;
    }
    snprintf(record->key, sizeof(record->key), "%s", hex);
    return key;
}

/* --- Life. */

PyObject *
error_object(struct stats_error *record, PyObject *error, PyObject *stats)
{
    StatsErrorObject *self =
        (StatsErrorObject *)StatsError_Type->tp_alloc(StatsError_Type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->record = error_ref(record);
    self->error = Py_NewRef(error);
    self->stats = Py_NewRef(stats);
    record->tag = self;
    if (set_label(record, error, stats) < 0) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static double
optional_time(PyObject *value)
{
    return value == NULL || value == Py_None ? 0 : PyFloat_AsDouble(value);
}

/* A record of its own for StatsError(method, name, error). */
static struct stats_error *
new_record(PyObject *method, PyObject *name, PyObject *error)
{
    struct py_key k;
    struct stats_error *record = NULL;
    PyObject *text = error_text(error);
    PyObject *bytes = utf8_of(Py_XNewRef(text));
    if (bytes != NULL && key_from(&k, method, name) == 0) {
        record = error_new(&k.key, PyBytes_AS_STRING(bytes),
                           (size_t)PyBytes_GET_SIZE(bytes));
        key_release(&k);
        if (record == NULL) {
            PyErr_NoMemory();
        }
    }
    PyObject *filed =
        record == NULL ? NULL : error_file(record, method, name, text);
    if (record != NULL &&
        (filed == NULL || set_label(record, error, NULL) < 0)) {
        error_unref(record);
        record = NULL;
    }
    Py_XDECREF(filed);
    Py_XDECREF(text);
    Py_XDECREF(bytes);
    return record;
}

/* An error that says nothing, until __init__ makes it one. */
static PyObject *
statserror_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static const struct stats_key nothing = {.method = "", .name = ""};
    StatsErrorObject *self = (StatsErrorObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->error = Py_NewRef(Py_None);
    self->record = error_new(&nothing, "", 0);
    if (self->record == NULL) {
        PyErr_NoMemory();
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int
statserror_init(StatsErrorObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"method", "name", "error", "occurrences",
                               "first_seen", "last_seen", NULL};
    PyObject *method, *name, *error, *first = NULL, *last = NULL;
    long long occurrences = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO|LOO", keywords,
                                     &method, &name, &error, &occurrences,
                                     &first, &last)) {
        return -1;
    }
    double first_seen = optional_time(first), last_seen = optional_time(last);
    struct stats_error *record =
        PyErr_Occurred() ? NULL : new_record(method, name, error);
    if (record == NULL) {
        return -1;
    }
    record->tag = self;
    record->occurrences = occurrences;
    record->first = first_seen;
    record->last = last_seen;
    if (self->record->tag == self) {
        self->record->tag = NULL;
    }
    error_unref(self->record);
    self->record = record;
    Py_SETREF(self->error, Py_NewRef(error));
    Py_CLEAR(self->stats);
    names_give(&self->given, method, name);
    return 0;
}

static int
statserror_traverse(StatsErrorObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->error);
    Py_VISIT(self->stats);
    Py_VISIT(self->given.method);
    Py_VISIT(self->given.name);
    Py_VISIT(self->dict);
    return 0;
}

static int
statserror_clear(StatsErrorObject *self)
{
    Py_CLEAR(self->error);
    Py_CLEAR(self->stats);
    names_drop(&self->given);
    Py_CLEAR(self->dict);
    return 0;
}

static void
statserror_dealloc(StatsErrorObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    if (self->record != NULL && self->record->tag == self) {
        self->record->tag = NULL;
    }
    error_unref(self->record);
    statserror_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* --- Attributes. */

PyObject *
error_method(StatsErrorObject *self, void *unused)
{
    return name_shown(self->given.method, self->record->method,
                      self->record->method_len);
}

PyObject *
error_name(StatsErrorObject *self, void *unused)
{
    return name_shown(self->given.name, self->record->name,
                      self->record->name_len);
}

static int
not_deletable(void)
{
    PyErr_SetString(PyExc_TypeError, "cannot be deleted");
    return -1;
}

static int
rename_error(StatsErrorObject *self, PyObject *method, PyObject *name)
{
    struct py_key k;
    if (key_from(&k, method, name) < 0) {
        return -1;
    }
    lock_stats(self->stats);
    int r = error_rename(self->record, &k.key);
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
set_method(StatsErrorObject *self, PyObject *value, void *unused)
{
    PyObject *name = value != NULL ? error_name(self, NULL) : NULL;
    if (name == NULL) {
        return value == NULL ? not_deletable() : -1;
    }
    int r = rename_error(self, value, name);
    Py_DECREF(name);
    return r;
}

static int
set_name(StatsErrorObject *self, PyObject *value, void *unused)
{
    PyObject *method = value != NULL ? error_method(self, NULL) : NULL;
    if (method == NULL) {
        return value == NULL ? not_deletable() : -1;
    }
    int r = rename_error(self, method, value);
    Py_DECREF(method);
    return r;
}

static PyObject *
get_occurrences(StatsErrorObject *self, void *unused)
{
    return PyLong_FromLongLong(self->record->occurrences);
}

static int
set_occurrences(StatsErrorObject *self, PyObject *value, void *unused)
{
    long long n = value == NULL ? 0 : PyLong_AsLongLong(value);
    if (n == -1 && PyErr_Occurred()) {
        return -1;
    }
    lock_stats(self->stats);
    self->record->occurrences = n;
    unlock_stats(self->stats);
    return 0;
}

static double *
time_at(StatsErrorObject *self, void *offset)
{
    return (double *)((char *)self->record + (size_t)offset);
}

static PyObject *
get_time(StatsErrorObject *self, void *offset)
{
    double t = *time_at(self, offset);
    return t == 0 ? Py_NewRef(Py_None) : PyFloat_FromDouble(t);
}

static int
set_time(StatsErrorObject *self, PyObject *value, void *offset)
{
    double t = optional_time(value);
    if (t == -1 && PyErr_Occurred()) {
        return -1;
    }
    lock_stats(self->stats);
    *time_at(self, offset) = t;
    unlock_stats(self->stats);
    return 0;
}

static PyGetSetDef statserror_getset[] = {
    {"method", (getter)error_method, (setter)set_method,
     "The request's method.", NULL},
    {"name", (getter)error_name, (setter)set_name, "The request's name.",
     NULL},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict},
    {"occurrences", (getter)get_occurrences, (setter)set_occurrences,
     "How often it happened.", NULL},
    {"first_seen", (getter)get_time, (setter)set_time,
     "When it happened first, or None.",
     (void *)offsetof(struct stats_error, first)},
    {"last_seen", (getter)get_time, (setter)set_time,
     "When it happened last, or None.",
     (void *)offsetof(struct stats_error, last)},
    {NULL},
};

static PyMemberDef statserror_members[] = {
    {"error", T_OBJECT, offsetof(StatsErrorObject, error), 0,
     "The exception, or a str."},
    {"__dictoffset__", T_PYSSIZET, offsetof(StatsErrorObject, dict),
     READONLY},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(StatsErrorObject, weakrefs),
     READONLY},
    {NULL},
};

/* --- Methods. */

PyDoc_STRVAR(statserror_parse_error_doc,
             "parse_error($type, error)\n--\n\n"
             "Its text, without what differs from one to the next.");

static PyObject *
statserror_parse_error(PyObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"error", NULL};
    PyObject *error;
    return PyArg_ParseTupleAndKeywords(args, kwargs, "O", keywords, &error)
               ? error_text(error)
               : NULL;
}

PyDoc_STRVAR(statserror_create_key_doc,
             "create_key($type, method, name, error)\n--\n\n"
             "The key under which it is found in RequestStats.errors.");

static PyObject *
statserror_create_key(PyObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"method", "name", "error", NULL};
    PyObject *method, *name, *error;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO", keywords, &method,
                                     &name, &error)) {
        return NULL;
    }
    PyObject *text = error_text(error);
    PyObject *key = text == NULL ? NULL : error_key(method, name, text);
    Py_XDECREF(text);
    return key;
}

PyDoc_STRVAR(statserror_occurred_doc,
             "occurred($self)\n--\n\nCounts one more, now.");

static PyObject *
statserror_occurred(StatsErrorObject *self, PyObject *unused)
{
    double now;
    if (stats_now(&now) < 0) {
        return NULL;
    }
    lock_stats(self->stats);
    error_occurred(self->record, now);
    unlock_stats(self->stats);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(statserror_to_name_doc,
             "to_name($self)\n--\n\nIts line in reports.");

static PyObject *
statserror_to_name(StatsErrorObject *self, PyObject *unused)
{
    PyObject *text = report_text(self->error);
    if (text == NULL) {
        return NULL;
    }
    PyObject *method = error_method(self, NULL);
    PyObject *name = method != NULL ? error_name(self, NULL) : NULL;
    PyObject *line =
        name != NULL ? PyUnicode_FromFormat("%S %S: %U", method, name, text)
                     : NULL;
    Py_XDECREF(method);
    Py_XDECREF(name);
    Py_DECREF(text);
    return line;
}

/* A dict with these two first. Takes the references to them. */
static PyObject *
as_dict(StatsErrorObject *self, const char *key1, PyObject *value1,
        const char *key2, PyObject *value2)
{
    /* Py_BuildValue takes what comes behind a NULL as well. */
    return Py_BuildValue(
        "{sN sN sN sL sN sN}", key1, value1, key2, value2, "error",
        error_text(self->error), "occurrences",
        (long long)self->record->occurrences, "first_seen",
        get_time(self, (void *)offsetof(struct stats_error, first)),
        "last_seen",
        get_time(self, (void *)offsetof(struct stats_error, last)));
}

PyDoc_STRVAR(statserror_serialize_doc,
             "serialize($self)\n--\n\nWhat unserialize() takes.");

static PyObject *
statserror_serialize(StatsErrorObject *self, PyObject *unused)
{
    const struct stats_error *r = self->record;
    return as_dict(
        self, "name", name_portable(self->given.name, r->name, r->name_len),
        "method",
        name_portable(self->given.method, r->method, r->method_len));
}

PyDoc_STRVAR(statserror_to_dict_doc,
             "to_dict($self)\n--\n\nIts row for the web page.");

static PyObject *
statserror_to_dict(StatsErrorObject *self, PyObject *unused)
{
    return as_dict(self, "method", error_method(self, NULL), "name",
                   error_name(self, NULL));
}

PyDoc_STRVAR(statserror_unserialize_doc,
             "unserialize($type, data)\n--\n\n"
             "A StatsError out of serialize().");

static PyObject *
statserror_unserialize(PyObject *type, PyObject *data)
{
    static const char *const keys[] = {"method", "name", "error",
                                       "occurrences", "first_seen",
                                       "last_seen"};
    const Py_ssize_t required = 4;
    PyObject *args = PyTuple_New(6);
    for (Py_ssize_t i = 0; args != NULL && i < 6; i++) {
        PyObject *value = PyMapping_GetItemString(data, keys[i]);
        if (value == NULL && i >= required &&
            PyErr_ExceptionMatches(PyExc_KeyError)) {
            PyErr_Clear();
            value = Py_NewRef(Py_None);
        }
        if (value == NULL) {
            Py_CLEAR(args);
            break;
        }
        PyTuple_SET_ITEM(args, i, value);
    }
    PyObject *self = args == NULL ? NULL : PyObject_CallObject(type, args);
    Py_XDECREF(args);
    return self;
}

static PyMethodDef statserror_methods[] = {
    METHOD("parse_error", statserror_parse_error,
           METH_VARARGS | METH_KEYWORDS | METH_CLASS),
    METHOD("create_key", statserror_create_key,
           METH_VARARGS | METH_KEYWORDS | METH_CLASS),
    METHOD("occurred", statserror_occurred, METH_NOARGS),
    METHOD("to_name", statserror_to_name, METH_NOARGS),
    METHOD("serialize", statserror_serialize, METH_NOARGS),
    METHOD("to_dict", statserror_to_dict, METH_NOARGS),
    METHOD("unserialize", statserror_unserialize, METH_O | METH_CLASS),
    COPYING(error),
    {NULL},
};

PyDoc_STRVAR(statserror_doc,
             "StatsError(method, name, error, occurrences=0, "
             "first_seen=None, last_seen=None)\n--\n\n"
             "All failures of one kind.");

static PyType_Slot statserror_slots[] = {
    {Py_tp_doc, (void *)statserror_doc},
    {Py_tp_new, statserror_new},
    {Py_tp_init, statserror_init},
    {Py_tp_traverse, statserror_traverse},
    {Py_tp_clear, statserror_clear},
    {Py_tp_dealloc, statserror_dealloc},
    {Py_tp_methods, statserror_methods},
    {Py_tp_getset, statserror_getset},
    {Py_tp_members, statserror_members},
    {0, NULL},
};

static PyType_Spec statserror_spec = {
    .name = "locust.stats.StatsError",
    .basicsize = sizeof(StatsErrorObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = statserror_slots,
};

int
pyerror_exec(PyObject *module)
{
    StatsError_Type = (PyTypeObject *)PyType_FromSpec(&statserror_spec);
    return StatsError_Type == NULL ? -1
                                   : PyModule_AddType(module, StatsError_Type);
}
