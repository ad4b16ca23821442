/*
 * Ctrl-C while a dead green thread is buried.
 *
 * Destructors run then, between two green threads, and Python drops what a
 * destructor raises: it shows it by sys.unraisablehook. A KeyboardInterrupt is
 * the user's, not the destructor's. So for that moment the hook is ours; it
 * keeps the interrupt for the main green thread, and leaves the rest to the
 * hook that was there.
 */
#include "config.h"
#include "green/green.h"

#include "green/internal.h"

static PyObject *sys_dict, *hook_name, *own_hook;
static PyObject *usual_hook;    /* while somebody is buried, else NULL */
static PyObject *interrupt;     /* that came meanwhile, or NULL */

static PyObject *
on_unraisable(PyObject *module, PyObject *what)
{
    PyObject *type = PyObject_GetAttrString(what, "exc_type");
    PyObject *error =
        type != NULL ? PyObject_GetAttrString(what, "exc_value") : NULL;
    PyObject *r = NULL;
    if (error != NULL &&
        PyErr_GivenExceptionMatches(type, PyExc_KeyboardInterrupt)) {
        Py_XSETREF(interrupt, Py_NewRef(error != Py_None ? error : type));
        r = Py_NewRef(Py_None);
    }
    else if (error != NULL && usual_hook != NULL) {
        PyObject *hook = Py_NewRef(usual_hook);
        r = PyObject_CallOneArg(hook, what);
        Py_DECREF(hook);
    }
    Py_XDECREF(type);
    Py_XDECREF(error);
    return r;
}

static PyMethodDef definition = {
    "unraisablehook", on_unraisable, METH_O,
    "Keeps a KeyboardInterrupt for the main green thread."};

int
burial_init(void)
{
    PyObject *sys = PyImport_ImportModule("sys");
    if (sys == NULL) {
        return -1;
    }
    sys_dict = Py_NewRef(PyModule_GetDict(sys));
    Py_DECREF(sys);
    hook_name = PyUnicode_InternFromString("unraisablehook");
    own_hook = PyCFunction_New(&definition, NULL);
    return hook_name == NULL || own_hook == NULL ? -1 : 0;
}

void
burial_begin(void)
{
    PyObject *hook = PyDict_GetItemWithError(sys_dict, hook_name);
    if (hook == NULL) {
        return;
    }
    usual_hook = Py_NewRef(hook);
    if (PyDict_SetItem(sys_dict, hook_name, own_hook) < 0) {
        PyErr_Clear();          /* no memory: all stays as it was */
        Py_CLEAR(usual_hook);
    }
}

/* Whoever parks looks at what is thrown when it goes on. */
static void
pass_on(PyObject *error)
{
    if (hub.current != hub.main) {
        if (green_throw(hub.main, error) < 0) {
            PyErr_WriteUnraisable(NULL);
        }
    }
    else if (hub.main->thrown == NULL) {
        hub.main->thrown = Py_NewRef(error);
    }
    else {
        Py_XSETREF(hub.main->thrown_next, Py_NewRef(error));
    }
}

void
burial_end(void)
{
    PyObject *hook = usual_hook, *error = interrupt;
    usual_hook = interrupt = NULL;
    if (hook != NULL &&
        PyDict_GetItemWithError(sys_dict, hook_name) == own_hook &&
        PyDict_SetItem(sys_dict, hook_name, hook) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(hook);
    if (error != NULL) {
        pass_on(error);
        Py_DECREF(error);
    }
}
