/*
 * The request event, fired once per request: the hottest one.
 *
 * A RequestListener is a listener written in C that can stand among Python
 * functions in a hook's list. When a request is reported as a struct it gets
 * the struct itself; when Python code fires the hook it is called with
 * keyword arguments and turns them into a struct.
 *
 * Python listeners are called with one array of values, made when the first
 * of them is met. The tuples of keyword names are few and kept for ever.
 */
#include "event/event.h"

#include <math.h>
#include <stddef.h>
#include <structmember.h>

#include "base/names.h"
#include "base/pycompat.h"
#include "event/internal.h"

typedef struct {
    PyObject_HEAD
    PyObject *owner;
    request_listener listener;
    vectorcallfunc vectorcall;
} ListenerObject;

static PyTypeObject *Listener_Type;

/* --- From the struct to keyword arguments. */

#define FIXED 6                 /* arguments that are always there */
#define OPTIONAL 4

/* One request on its way to the listeners. */
struct firing {
    const struct request_report *report;
    PyObject *kwnames;          /* borrowed; NULL until a listener needs it */
    PyObject *values[FIXED + OPTIONAL];
    Py_ssize_t n;
};

/* The keyword names, when bit i of present stands for the i-th optional. */
static PyObject *
keyword_names(unsigned present)
{
    static PyObject *known[1 << OPTIONAL];
    if (known[present] != NULL) {
        return known[present];
    }
    PyObject *all[FIXED + OPTIONAL] = {
        names.request_type, names.name,    names.response_time,
        names.response_length, names.exception, names.context};
    PyObject *optional[OPTIONAL] = {names.response, names.url,
                                    names.start_time, names.timings};
    Py_ssize_t n = FIXED;
    for (unsigned i = 0; i < OPTIONAL; i++) {
        if (present & (1u << i)) {
            all[n++] = optional[i];
        }
    }
    known[present] = PyTuple_New(n);
    for (Py_ssize_t i = 0; known[present] != NULL && i < n; i++) {
        PyTuple_SET_ITEM(known[present], i, Py_NewRef(all[i]));
    }
    return known[present];
}

/* Fills in values and kwnames. On failure what is there stays in values. */
static int
build_arguments(struct firing *f)
{
    const struct request_report *r = f->report;
    PyObject **v = f->values;
    v[f->n++] = Py_NewRef(r->request_type);
    v[f->n++] = Py_NewRef(r->name);
    v[f->n++] = r->timed ? PyFloat_FromDouble(r->response_time)
                         : Py_NewRef(Py_None);
    v[f->n++] = PyLong_FromLongLong(r->response_length);
    v[f->n++] = Py_NewRef(r->exception != NULL ? r->exception : Py_None);
    v[f->n++] = r->context != NULL ? Py_NewRef(r->context) : PyDict_New();
    if (r->response != NULL) {
        v[f->n++] = Py_NewRef(r->response);
    }
    if (r->url != NULL) {
        v[f->n++] = PyUnicode_FromString(r->url);
    }
    if (r->start_time != 0) {
        v[f->n++] = PyFloat_FromDouble(r->start_time);
    }
    if (r->timings != NULL) {
        v[f->n++] = Py_NewRef(r->timings);
    }
    for (Py_ssize_t i = 0; i < f->n; i++) {
        if (v[i] == NULL) {
            return -1;
        }
    }
    f->kwnames = keyword_names((unsigned)(r->response != NULL) |
                               (unsigned)(r->url != NULL) << 1 |
                               (unsigned)(r->start_time != 0) << 2 |
                               (unsigned)(r->timings != NULL) << 3);
    return f->kwnames == NULL ? -1 : 0;
}

static void
drop_arguments(struct firing *f)
{
    for (Py_ssize_t i = 0; i < f->n; i++) {
        Py_XDECREF(f->values[i]);
    }
}

static int
call_python(PyObject *callable, struct firing *f)
{
    if (f->kwnames == NULL && (f->n != 0 || build_arguments(f) < 0)) {
        return -1;
    }
    return drop_result(
        PyObject_Vectorcall(callable, f->values, 0, f->kwnames));
}

static int
call_handler(PyObject *handler, void *what)
{
    struct firing *f = what;
    if (Py_IS_TYPE(handler, Listener_Type)) {
        ListenerObject *l = (ListenerObject *)handler;
        return l->listener(l->owner, f->report);
    }
    return call_python(handler, f);
}

int
event_fire_request(PyObject *hook, const struct request_report *report)
{
    struct firing f = {.report = report};
    int result = hook_is_native(hook);
    if (result > 0) {
        result = hook_each((HookObject *)hook, false, call_handler, &f);
    }
    else if (result == 0) {
        PyObject *fire = PyObject_GetAttr(hook, names.fire);
        result = fire == NULL ? -1 : call_python(fire, &f);
        Py_XDECREF(fire);
    }
    drop_arguments(&f);
    return result;
}

/* --- From keyword arguments to the struct. */

/* What a listener in C wants to know, as Python gave it. All borrowed. */
struct arguments {
    PyObject *request_type, *name, *response_time, *response_length;
    PyObject *exception, *context, *response, *start_time;
};

static int
sort_keywords(struct arguments *a, PyObject *const *values, PyObject *kwnames)
{
    const struct {
        PyObject *name, **value;
    } known[] = {
        {names.request_type, &a->request_type},
        {names.name, &a->name},
        {names.response_time, &a->response_time},
        {names.response_length, &a->response_length},
        {names.exception, &a->exception},
        {names.context, &a->context},
        {names.response, &a->response},
        {names.start_time, &a->start_time},
    };
    const size_t n_known = sizeof(known) / sizeof(known[0]), required = 4;
    Py_ssize_t n = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        for (size_t k = 0; k < n_known; k++) {
            if (PyUnicode_Compare(name, known[k].name) == 0) {
                *known[k].value = values[i];
            }
        }
    }
    for (size_t k = 0; k < required; k++) {
        if (*known[k].value == NULL) {
            PyErr_Format(PyExc_TypeError,
                         "the request event was fired without the argument %R",
                         known[k].name);
            return -1;
        }
    }
    return 0;
}

/* Keeps the first of several exceptions, and clears the pending one. Only an
   Exception is kept: -1 for what must end the call. */
static int
put_off(PyObject **first)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
    PyObject *error = error_take();
    if (*first == NULL) {
        *first = error;
    }
    else {
        Py_DECREF(error);
    }
    return 0;
}

/* A finite number. 0, or -1 with an exception set. */
static int
read_double(PyObject *number, double *value)
{
    double x = PyFloat_AsDouble(number);
    if (x == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (!isfinite(x)) {
        Py_XDECREF(PyLong_FromDouble(x));       /* says what is wrong */
        return -1;
    }
    *value = x;
    return 0;
}

int
event_length(PyObject *number, int64_t *value)
{
    int overflow;
    PyObject *length =
        PyNumber_Check(number) ? PyNumber_Long(number) : NULL;
    if (length == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError,
                         "response_length must be a number, not %.100s",
                         Py_TYPE(number)->tp_name);
        }
        return -1;
    }
    *value = PyLong_AsLongLongAndOverflow(length, &overflow);
    Py_DECREF(length);
    if (overflow != 0) {
        *value = overflow > 0 ? INT64_MAX : INT64_MIN;
    }
    return 0;
}

/* Fills in the numbers, and whether the request failed. What cannot be read
   counts as if it were not known, so that the request is not lost; the first
   exception is kept for afterwards. -1 for one that must not wait. */
static int
read_values(struct request_report *r, const struct arguments *a,
            PyObject **error)
{
    r->timed = a->response_time != Py_None;
    r->whole = PyLong_Check(a->response_time);
    if (r->timed && read_double(a->response_time, &r->response_time) < 0) {
        r->timed = false;
        if (put_off(error) < 0) {
            return -1;
        }
    }
    if (event_length(a->response_length, &r->response_length) < 0 &&
        put_off(error) < 0) {
        return -1;
    }
    int failed = a->exception != NULL ? PyObject_IsTrue(a->exception) : 0;
    if (failed < 0 && put_off(error) < 0) {
        return -1;
    }
    r->exception = failed > 0 ? a->exception : NULL;
    r->context = a->context;
    r->response = a->response;
    return a->start_time != NULL && a->start_time != Py_None &&
                   read_double(a->start_time, &r->start_time) < 0
               ? put_off(error)
               : 0;
}

static PyObject *
listener_call(ListenerObject *self, PyObject *const *args, size_t nargsf,
              PyObject *kwnames)
{
    struct arguments a = {NULL};
    if (PyVectorcall_NARGS(nargsf) != 0) {
        PyErr_SetString(PyExc_TypeError,
                        "a request listener takes keyword arguments only");
        return NULL;
    }
    if (sort_keywords(&a, args, kwnames) < 0) {
        return NULL;
    }
    struct request_report report = {.request_type = a.request_type,
                                    .name = a.name};
    PyObject *error = NULL, *result = NULL;
    if (read_values(&report, &a, &error) == 0 &&
        self->listener(self->owner, &report) == 0) {
        result = error == NULL ? Py_NewRef(Py_None) : NULL;
    }
    if (error != NULL && !PyErr_Occurred()) {
        error_give(Py_NewRef(error));
    }
    Py_XDECREF(error);
    return result;
}

/* --- The type. */

PyObject *
request_listener_new(PyObject *owner, request_listener listener)
{
    ListenerObject *self = PyObject_GC_New(ListenerObject, Listener_Type);
    if (self != NULL) {
        self->owner = Py_NewRef(owner);
        self->listener = listener;
        self->vectorcall = (vectorcallfunc)listener_call;
        PyObject_GC_Track(self);
    }
    return (PyObject *)self;
}

static int
listener_traverse(ListenerObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->owner);
    return 0;
}

static void
listener_dealloc(ListenerObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_DECREF(self->owner);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *
listener_repr(ListenerObject *self)
{
    return PyUnicode_FromFormat("<request listener of %R>", self->owner);
}

static PyMemberDef listener_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(ListenerObject, vectorcall),
     READONLY},
    {NULL},
};

static PyType_Slot listener_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_traverse, listener_traverse},
    {Py_tp_dealloc, listener_dealloc},
    {Py_tp_repr, listener_repr},
    {Py_tp_members, listener_members},
    {0, NULL},
};

/* No tp_clear: the owner, which holds the hook, breaks any cycle. */
static PyType_Spec listener_spec = {
    .name = "_locust.RequestListener",
    .basicsize = sizeof(ListenerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
             Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = listener_slots,
};

int
request_exec(PyObject *module)
{
    Listener_Type = (PyTypeObject *)PyType_FromSpec(&listener_spec);
    return Listener_Type == NULL ? -1
                                 : PyModule_AddType(module, Listener_Type);
}
