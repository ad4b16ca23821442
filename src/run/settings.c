/*
 * Settings that the command line makes before the first user starts.
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

static PyMethodDef functions[] = {
    {"set_stack_size", set_stack_size, METH_O, set_stack_size_doc},
    {NULL},
};

int
run_settings_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
