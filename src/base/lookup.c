/* Names of Python modules; see lookup.h. */
#include "base/lookup.h"

PyObject *
lookup(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *value =
        module != NULL ? PyObject_GetAttrString(module, name) : NULL;
    Py_XDECREF(module);
    return value;
}
