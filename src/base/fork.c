/* Python's own list of what is to be done around os.fork(); see fork.h. */
#include "base/fork.h"

static int
add_function(PyObject *kwargs, const char *when, PyMethodDef *def)
{
    if (def == NULL) {
        return 0;
    }
    PyObject *function = PyCFunction_New(def, NULL);
    int result = function == NULL
                     ? -1
                     : PyDict_SetItemString(kwargs, when, function);
    Py_XDECREF(function);
    return result;
}

int
fork_register(PyMethodDef *before, PyMethodDef *in_parent,
              PyMethodDef *in_child)
{
    PyObject *os = PyImport_ImportModule("os");
    PyObject *method =
        os == NULL ? NULL : PyObject_GetAttrString(os, "register_at_fork");
    PyObject *args = PyTuple_New(0), *kwargs = PyDict_New();
    PyObject *r = NULL;
    if (method != NULL && args != NULL && kwargs != NULL &&
        add_function(kwargs, "before", before) == 0 &&
        add_function(kwargs, "after_in_parent", in_parent) == 0 &&
        add_function(kwargs, "after_in_child", in_child) == 0) {
        r = PyObject_Call(method, args, kwargs);
    }
    Py_XDECREF(os);
    Py_XDECREF(method);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}
