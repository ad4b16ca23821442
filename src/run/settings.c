/*
 * Settings that are made before the first user starts, by the command line.
 */
#include "config.h"
#include "run/internal.h"

#include <errno.h>

#include "green/stack.h"

PyDoc_STRVAR(set_stack_size_doc,
             "set_stack_size(kilobytes)\n\n"
             "Sets how much address space the stack of a green thread gets. "
             "ValueError if that is\n"
             "below 64 KB or above 1 GB, RuntimeError if there has been a "
             "green thread already.");

static PyObject *
set_stack_size(PyObject *module, PyObject *kilobytes)
{
    size_t kb = PyLong_AsSize_t(kilobytes);
    if (kb == (size_t)-1 && PyErr_Occurred()) {
        return NULL;
    }
    size_t bytes = kb > SIZE_MAX / 1024 ? SIZE_MAX : kb * 1024;
    if (stack_set_size(bytes) == 0) {
        Py_RETURN_NONE;
    }
    if (errno == EBUSY) {
        PyErr_SetString(PyExc_RuntimeError,
                        "a green thread has been started already, so the "
                        "size of their stacks can no longer be changed");
    }
    else {
        PyErr_Format(PyExc_ValueError,
                     "a stack of %S KB: must be 64 KB to 1 GB", kilobytes);
    }
    return NULL;
}

PyDoc_STRVAR(set_kill_patience_doc,
             "set_kill_patience(seconds)\n\n"
             "Sets how long a user that is killed may stay in its task "
             "before it is killed once\n"
             "more, and then left behind: 30 at first.");

static PyObject *
set_kill_patience(PyObject *module, PyObject *seconds)
{
    double value = PyFloat_AsDouble(seconds);
    if (value == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    if (!(value >= 0)) {
        PyErr_Format(PyExc_ValueError,
                     "a patience of %S seconds: must be 0 or more", seconds);
        return NULL;
    }
    run_set_patience(value);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"set_stack_size", set_stack_size, METH_O, set_stack_size_doc},
    {"set_kill_patience", set_kill_patience, METH_O, set_kill_patience_doc},
    {NULL},
};

int
run_settings_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
