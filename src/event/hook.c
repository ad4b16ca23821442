/*
 * EventHook: a list of handlers and the rules by which they are called.
 *
 * The list is a Python list that users read, change and replace, also while
 * the hook fires; so it is walked by index, as Python's own iterators do.
 *
 * A handler's ordinary exception is logged and remembered for the exit code,
 * and the others are still called. One that steers a user (StopUser and kin),
 * and one that is no Exception at all (GreenletExit, Timeout), ends the
 * firing.
 */
#include "event/event.h"

#include <stddef.h>
#include <structmember.h>

#include "base/lookup.h"
#include "base/names.h"
#include "base/pycompat.h"
#include "event/exceptions.h"
#include "event/internal.h"
#include "event/log.h"

PyTypeObject *EventHook_Type;

static PyObject *native_fire;   /* the method descriptor EventHook.fire */

/* --- Calling handlers. */

/* Tells the program that its exit code is not to be 0. */
static int
remember_failure(void)
{
    PyObject *module = PyImport_ImportModule("locust.log");
    if (module == NULL) {
        return -1;
    }
    int result = PyObject_SetAttrString(
        module, "unhandled_greenlet_exception", Py_True);
    Py_DECREF(module);
    return result;
}

/* After a handler failed: 0 if the firing goes on, else -1. */
static int
tolerate_failure(void)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
    PyObject *error = error_take();
    if (exceptions_load() < 0) {
        Py_DECREF(error);
        return -1;
    }
    if (exceptions_is_control_flow(error)) {
        error_give(error);
        return -1;
    }
    int result = log_exception(
        NULL, "Uncaught exception in event handler: ", error);
    Py_DECREF(error);
    return result < 0 ? -1 : remember_failure();
}

int
hook_each(HookObject *hook, bool reverse, handler_call call, void *what)
{
    PyObject *handlers = hook->handlers;
    if (handlers == NULL) {
        PyErr_SetString(PyExc_AttributeError,
                        "the event hook's _handlers have been deleted");
        return -1;
    }
    handlers = PyList_Check(handlers) ? Py_NewRef(handlers)
                                      : PySequence_List(handlers);
    if (handlers == NULL) {
        return -1;
    }
    int result = 0;
    Py_ssize_t i = reverse ? PyList_GET_SIZE(handlers) - 1 : 0;
    while (result == 0 && i >= 0 && i < PyList_GET_SIZE(handlers)) {
        PyObject *handler = Py_NewRef(PyList_GET_ITEM(handlers, i));
        if (call(handler, what) < 0) {
            result = tolerate_failure();
        }
        Py_DECREF(handler);
        i += reverse ? -1 : 1;
    }
    Py_DECREF(handlers);
    return result;
}

int
hook_is_native(PyObject *hook)
{
    if (!PyObject_TypeCheck(hook, EventHook_Type)) {
        return 0;
    }
    struct method fire;
    if (method_find(hook, names.fire, &fire) < 0) {
        return -1;
    }
    int native = fire.function == native_fire;
    Py_DECREF(fire.function);
    return native;
}

static int
call_with_dict(PyObject *handler, void *kwargs)
{
    return drop_result(PyObject_VectorcallDict(handler, NULL, 0, kwargs));
}

static int
fire_foreign(PyObject *hook, PyObject *kwargs, bool reverse)
{
    PyObject *all = kwargs != NULL ? PyDict_Copy(kwargs) : PyDict_New();
    PyObject *fire = all ? PyObject_GetAttr(hook, names.fire) : NULL;
    int result = -1;
    if (fire != NULL &&
        (!reverse || PyDict_SetItem(all, names.reverse, Py_True) == 0)) {
        result = drop_result(PyObject_VectorcallDict(fire, NULL, 0, all));
    }
    Py_XDECREF(fire);
    Py_XDECREF(all);
    return result;
}

int
event_fire(PyObject *hook, PyObject *kwargs, bool reverse)
{
    int native = hook_is_native(hook);
    if (native < 0) {
        return -1;
    }
    return native ? hook_each((HookObject *)hook, reverse, call_with_dict,
                              kwargs)
                  : fire_foreign(hook, kwargs, reverse);
}

int
event_fire_of(PyObject *environment, PyObject *event, PyObject *kwargs)
{
    PyObject *events = PyObject_GetAttr(environment, names.events);
    PyObject *hook = events != NULL ? PyObject_GetAttr(events, event) : NULL;
    int result = hook != NULL ? event_fire(hook, kwargs, false) : -1;
    Py_XDECREF(hook);
    Py_XDECREF(events);
    return result;
}

/* Keyword arguments as the vectorcall protocol has them. */
struct keywords {
    PyObject *const *values;
    PyObject *names;            /* tuple, or NULL for none */
};

static int
call_with_keywords(PyObject *handler, void *what)
{
    const struct keywords *kw = what;
    return drop_result(PyObject_Vectorcall(handler, kw->values, 0, kw->names));
}

static Py_ssize_t
find_keyword(const struct keywords *kw, PyObject *name)
{
    Py_ssize_t n = kw->names == NULL ? 0 : PyTuple_GET_SIZE(kw->names);
    Py_ssize_t i = 0;
    while (i < n && PyUnicode_Compare(PyTuple_GET_ITEM(kw->names, i), name)) {
        i++;
    }
    return i < n ? i : -1;
}

/* The same keywords without the one at index. The values are borrowed, the
   array and the tuple are new. */
static int
leave_out(struct keywords *kw, Py_ssize_t index, PyObject ***array)
{
    Py_ssize_t n = PyTuple_GET_SIZE(kw->names);
    PyObject *rest = PyTuple_New(n - 1);
    *array = PyMem_New(PyObject *, n);
    if (rest == NULL || *array == NULL) {
        Py_XDECREF(rest);
        PyMem_Free(*array);
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0, to = 0; i < n; i++) {
        if (i != index) {
            (*array)[to] = kw->values[i];
            PyTuple_SET_ITEM(rest, to++,
                             Py_NewRef(PyTuple_GET_ITEM(kw->names, i)));
        }
    }
    kw->values = *array;
    kw->names = rest;
    return 0;
}

static PyObject *
hook_fire(HookObject *self, PyObject *const *args, Py_ssize_t nargs,
          PyObject *kwnames)
{
    if (nargs != 0) {
        PyErr_Format(PyExc_TypeError,
                     "fire() takes keyword arguments only, but %zd positional "
                     "ones were given",
                     nargs);
        return NULL;
    }
    struct keywords kw = {.values = args, .names = kwnames};
    Py_ssize_t index = find_keyword(&kw, names.reverse);
    int reverse = index >= 0 ? PyObject_IsTrue(args[index]) : 0;
    PyObject **array = NULL;
    if (reverse < 0 || (index >= 0 && leave_out(&kw, index, &array) < 0)) {
        return NULL;
    }
    int result = hook_each(self, reverse, call_with_keywords, &kw);
    if (array != NULL) {
        Py_DECREF(kw.names);
        PyMem_Free(array);
    }
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

/* --- The type. */

static PyObject *
hook_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    HookObject *self = (HookObject *)type->tp_alloc(type, 0);
    if (self != NULL && (self->handlers = PyList_New(0)) == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int
hook_init(HookObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {NULL};
    return PyArg_ParseTupleAndKeywords(args, kwargs, ":EventHook", keywords)
               ? 0
               : -1;
}

static int
hook_traverse(HookObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->handlers);
    Py_VISIT(self->dict);
    return 0;
}

static int
hook_clear(HookObject *self)
{
    Py_CLEAR(self->handlers);
    Py_CLEAR(self->dict);
    return 0;
}

static void
hook_dealloc(HookObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    hook_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* Calls _handlers.append or .remove, whatever the list is. */
static int
change_handlers(HookObject *self, const char *method, PyObject *handler)
{
    PyObject *list = PyObject_GetAttrString((PyObject *)self, "_handlers");
    PyObject *r =
        list ? PyObject_CallMethod(list, method, "(O)", handler) : NULL;
    Py_XDECREF(list);
    return drop_result(r);
}

static char *handler_keyword[] = {"handler", NULL};

static PyObject *
hook_add_listener(HookObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *handler;
    return PyArg_ParseTupleAndKeywords(args, kwargs, "O:add_listener",
                                       handler_keyword, &handler) &&
                   change_handlers(self, "append", handler) == 0
               ? Py_NewRef(handler)
               : NULL;
}

static PyObject *
hook_remove_listener(HookObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *handler;
    return PyArg_ParseTupleAndKeywords(args, kwargs, "O:remove_listener",
                                       handler_keyword, &handler) &&
                   change_handlers(self, "remove", handler) == 0
               ? Py_NewRef(Py_None)
               : NULL;
}

/* hook += handler and -= are of Locust 0.x, and have their own rules. */
static PyObject *
change_as_of_old(PyObject *hook, const char *change, PyObject *handler)
{
    PyObject *function = lookup("locust.legacy.events", change);
    PyObject *r =
        function
            ? PyObject_CallFunctionObjArgs(function, hook, handler, NULL)
            : NULL;
    Py_XDECREF(function);
    return drop_result(r) < 0 ? NULL : Py_NewRef(hook);
}

static PyObject *
hook_iadd(PyObject *hook, PyObject *handler)
{
    return change_as_of_old(hook, "add_listener", handler);
}

static PyObject *
hook_isub(PyObject *hook, PyObject *handler)
{
    return change_as_of_old(hook, "remove_listener", handler);
}

PyDoc_STRVAR(hook_add_listener_doc,
             "add_listener($self, handler)\n--\n\n"
             "Calls handler(**kwargs) whenever the "
             "event fires. Returns it,\nso that this works as a decorator.");
PyDoc_STRVAR(hook_remove_listener_doc,
             "remove_listener($self, handler)\n--\n\n"
             "Undoes one add_listener().");
PyDoc_STRVAR(hook_fire_doc,
             "fire($self, *, reverse=False, **kwargs)\n--\n\n"
             "Calls the handlers in the "
             "order in which they were added, or in reverse.");
PyDoc_STRVAR(hook_measure_doc,
             "measure($self, request_type, name, response_length=0, "
             "context=None)\n--\n\n"
             "A context manager that times its block and fires the event with "
             "the dict\nthat it yields. An Exception in the block becomes "
             "the request's failure.");

#define METHOD(name, function, flags) \
    {name, (PyCFunction)(void (*)(void))function, flags, function##_doc}

static PyMethodDef hook_methods[] = {
    METHOD("add_listener", hook_add_listener, METH_VARARGS | METH_KEYWORDS),
    METHOD("remove_listener", hook_remove_listener,
           METH_VARARGS | METH_KEYWORDS),
    METHOD("fire", hook_fire, METH_FASTCALL | METH_KEYWORDS),
    METHOD("measure", hook_measure, METH_VARARGS | METH_KEYWORDS),
    {NULL},
};

static PyMemberDef hook_members[] = {
    {"_handlers", T_OBJECT_EX, offsetof(HookObject, handlers), 0},
    {"__dictoffset__", T_PYSSIZET, offsetof(HookObject, dict), READONLY},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(HookObject, weakrefs),
     READONLY},
    {NULL},
};

PyDoc_STRVAR(hook_doc,
             "EventHook()\n--\n\n"
             "Something that happens, and the functions to be "
             "called when it does.");

static PyGetSetDef hook_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict},
    {NULL},
};

static PyType_Slot hook_slots[] = {
    {Py_tp_doc, (void *)hook_doc},
    {Py_tp_new, hook_new},
    {Py_tp_init, hook_init},
    {Py_tp_traverse, hook_traverse},
    {Py_tp_clear, hook_clear},
    {Py_tp_dealloc, hook_dealloc},
    {Py_tp_methods, hook_methods},
    {Py_tp_members, hook_members},
    {Py_tp_getset, hook_getset},
    {Py_nb_inplace_add, hook_iadd},
    {Py_nb_inplace_subtract, hook_isub},
    {0, NULL},
};

static PyType_Spec hook_spec = {
    .name = "locust.event.EventHook",
    .basicsize = sizeof(HookObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = hook_slots,
};

int
event_module_exec(PyObject *module)
{
    EventHook_Type = (PyTypeObject *)PyType_FromSpec(&hook_spec);
    if (EventHook_Type == NULL ||
        PyModule_AddType(module, EventHook_Type) < 0) {
        return -1;
    }
    native_fire = PyObject_GetAttr((PyObject *)EventHook_Type, names.fire);
    if (native_fire == NULL || measure_exec(module) < 0) {
        return -1;
    }
    return request_exec(module);
}
