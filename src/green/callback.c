/*
 * The green thread of the hub's calls, and lists of callbacks.
 *
 * The calls wait in a ring of Python objects; the GIL guards it. The green
 * thread is made when the first call is due. A forked child makes its own.
 */
#include "config.h"
#include "green/callback.h"

#include <stddef.h>

#include "base/pycompat.h"
#include "green/internal.h"

/* One call. In the list of those that are due, or done with. */
typedef struct call {
    PyObject_HEAD
    struct call *next;          /* owned while due */
    PyObject *callable, *args;  /* NULL: stopped or done */
} CallObject;

static PyTypeObject *Call_Type, *Hub_Type;

static CallObject *first, *last;
static struct green *caller;            /* owned */

/* --- The green thread. */

static CallObject *
take_call(void)
{
    CallObject *c = first;
    if (c != NULL) {
        first = c->next;
        c->next = NULL;
        if (first == NULL) {
            last = NULL;
        }
    }
    return c;
}

static void
make_call(CallObject *c)
{
    PyObject *callable = c->callable, *args = c->args;
    c->callable = c->args = NULL;
    if (callable != NULL) {
        PyObject *r = PyObject_Call(callable, args, NULL);
        if (r == NULL) {
            hub_report((PyObject *)c);
        }
        Py_XDECREF(r);
    }
    Py_XDECREF(callable);
    Py_XDECREF(args);
}

/* Makes the calls that are due now; those that come meanwhile wait. */
static void
make_calls(void)
{
    CallObject *c, *end = last;
    bool more = end != NULL;
    hub.in_callback = true;
    while (more && (c = take_call()) != NULL) {
        more = c != end;
        make_call(c);
        Py_DECREF(c);
    }
    hub.in_callback = false;
}

static PyObject *
run_calls(struct green *self)
{
    for (;;) {
        make_calls();
        if ((first != NULL ? green_sleep(0) : green_park()) < 0) {
            hub_report((PyObject *)self);
        }
    }
    return NULL;
}

static bool
caller_lives(void)
{
    return caller != NULL && caller->state != GREEN_DEAD;
}

struct green *
hub_caller(void)
{
    if (caller_lives()) {
        return caller;
    }
    struct green *g = green_new(Hub_Type, run_calls, NULL, NULL);
    if (g == NULL || green_start(g) < 0) {
        Py_XDECREF(g);
        return NULL;
    }
    Py_XDECREF(caller);
    caller = g;
    return g;
}

static void
on_request(struct letter *l)
{
    l->handle = NULL;
    if (first != NULL && hub_caller() == NULL) {
        PyErr_WriteUnraisable(NULL);
    }
}

/* Another OS thread cannot start a green one: it asks the hub to. */
static void
request_caller(void)
{
    static struct letter request;
    if (request.handle == NULL) {
        request.handle = on_request;
        mailbox_post(hub_inbox(), &request);
    }
}

/* Sees to it that what is due will be called. 0 or -1. */
static int
wake_caller(void)
{
    if (caller_lives()) {
        green_ready(caller);
    }
    else if (green_current() == NULL) {
        request_caller();
    }
    else {
        return hub_caller() == NULL ? -1 : 0;
    }
    return 0;
}

PyObject *
hub_call_soon(PyObject *callable, PyObject *args)
{
    CallObject *c = PyObject_New(CallObject, Call_Type);
    if (c == NULL) {
        return NULL;
    }
    c->next = NULL;
    c->callable = Py_NewRef(callable);
    c->args = args != NULL ? Py_NewRef(args) : PyTuple_New(0);
    if (c->args == NULL || wake_caller() < 0) {
        Py_DECREF(c);
        return NULL;
    }
    if (last != NULL) {
        last->next = c;
    }
    else {
        first = c;
    }
    last = c;
    return Py_NewRef((PyObject *)c);
}

/* --- Lists of callbacks. */

int
links_add(PyObject **links, PyObject *callback)
{
    if (!PyCallable_Check(callback)) {
        PyErr_Format(PyExc_TypeError, "Expected callable: %R", callback);
        return -1;
    }
    if (*links == NULL && (*links = PyList_New(0)) == NULL) {
        return -1;
    }
    return PyList_Append(*links, callback);
}

int
links_remove(PyObject **links, PyObject *callback)
{
    Py_ssize_t n = *links == NULL ? 0 : PyList_GET_SIZE(*links);
    for (Py_ssize_t i = 0; i < n; i++) {
        int same = PyObject_RichCompareBool(PyList_GET_ITEM(*links, i),
                                            callback, Py_EQ);
        if (same != 0) {
            return same < 0 ? -1 : PyList_SetSlice(*links, i, i + 1, NULL);
        }
    }
    return 0;
}

void
links_call(PyObject **links, PyObject *object)
{
    PyObject *list = *links;
    if (list == NULL || PyList_GET_SIZE(list) == 0) {
        return;
    }
    *links = NULL;
    PyObject *args = PyTuple_Pack(1, object);
    for (Py_ssize_t i = 0; args != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *call = hub_call_soon(PyList_GET_ITEM(list, i), args);
        if (call == NULL) {
            PyErr_WriteUnraisable(object);
        }
        Py_XDECREF(call);
    }
    if (args == NULL) {
        PyErr_WriteUnraisable(object);
    }
    Py_XDECREF(args);
    Py_DECREF(list);
}

/* --- The types. */

static void
call_dealloc(CallObject *c)
{
    PyTypeObject *type = Py_TYPE(c);
    Py_XDECREF(c->callable);
    Py_XDECREF(c->args);
    PyObject_Free(c);
    Py_DECREF(type);
}

static PyObject *
call_stop(CallObject *c, PyObject *unused)
{
    Py_CLEAR(c->callable);
    Py_CLEAR(c->args);
    Py_RETURN_NONE;
}

static PyObject *
call_pending(CallObject *c, void *unused)
{
    return PyBool_FromLong(c->callable != NULL);
}

static PyMethodDef call_methods[] = {
    {"stop", (PyCFunction)call_stop, METH_NOARGS, "Does not call it."},
    {"close", (PyCFunction)call_stop, METH_NOARGS, "The same."},
    {NULL},
};

static PyGetSetDef call_getset[] = {
    {"pending", (getter)call_pending, NULL, "Whether it will be called.",
     NULL},
    {NULL},
};

static PyType_Slot call_slots[] = {
    {Py_tp_doc, "A call that is due."},
    {Py_tp_dealloc, call_dealloc},
    {Py_tp_methods, call_methods},
    {Py_tp_getset, call_getset},
    {0, NULL},
};

static PyType_Spec call_spec = {
    .name = "_locust.Callback",
    .basicsize = sizeof(CallObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = call_slots,
};

static PyType_Slot hub_slots[] = {
    {Py_tp_doc, "The green thread in which callbacks run."},
    {0, NULL},
};

static PyType_Spec hub_spec = {
    .name = "_locust.Hub",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = hub_slots,
};

PyDoc_STRVAR(get_hub_doc,
             "get_hub()\n\nThe green thread in which callbacks run.");

static PyObject *
get_hub(PyObject *module, PyObject *unused)
{
    return hub_is_here() ? Py_XNewRef((PyObject *)hub_caller()) : NULL;
}

PyDoc_STRVAR(call_soon_doc,
             "call_soon(callable, *args)\n\n"
             "Has it called by the hub. From any OS thread.");

static PyObject *
call_soon(PyObject *module, PyObject *args)
{
    if (PyTuple_GET_SIZE(args) == 0 ||
        !PyCallable_Check(PyTuple_GET_ITEM(args, 0))) {
        PyErr_SetString(PyExc_TypeError, "call_soon() needs a callable");
        return NULL;
    }
    PyObject *rest = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
    PyObject *call = rest == NULL
                         ? NULL
                         : hub_call_soon(PyTuple_GET_ITEM(args, 0), rest);
    Py_XDECREF(rest);
    return call;
}

static PyMethodDef functions[] = {
    {"get_hub", get_hub, METH_NOARGS, get_hub_doc},
    {"call_soon", call_soon, METH_VARARGS, call_soon_doc},
    {NULL},
};

int
callback_module_exec(PyObject *module)
{
    Call_Type = (PyTypeObject *)PyType_FromSpec(&call_spec);
    Hub_Type = (PyTypeObject *)PyType_FromSpecWithBases(
        &hub_spec, (PyObject *)Green_Type);
    if (Call_Type == NULL || Hub_Type == NULL ||
        PyModule_AddType(module, Hub_Type) < 0) {
        return -1;
    }
    return PyModule_AddFunctions(module, functions);
}
