/* The table of exception classes; see exceptions.h. */
#include "event/exceptions.h"

struct exceptions exceptions;

static int
load_one(PyObject *module, const char *name, PyObject **class)
{
    Py_XSETREF(*class, PyObject_GetAttrString(module, name));
    return *class == NULL ? -1 : 0;
}

int
exceptions_load(void)
{
    static bool loaded;
    if (loaded) {
        return 0;
    }
    PyObject *module = PyImport_ImportModule("locust.exception");
    if (module == NULL) {
        return -1;
    }
    int result = 0;
#define X(name) \
    if (result == 0) { \
        result = load_one(module, #name, &exceptions.name); \
    }
    EXCEPTIONS(X)
#undef X
    Py_DECREF(module);
    loaded = result == 0;
    return result;
}

bool
exceptions_is_control_flow(PyObject *e)
{
    return PyErr_GivenExceptionMatches(e, exceptions.StopUser) ||
           PyErr_GivenExceptionMatches(e, exceptions.StopTest) ||
           PyErr_GivenExceptionMatches(e, exceptions.RescheduleTask) ||
           PyErr_GivenExceptionMatches(
               e, exceptions.RescheduleTaskImmediately) ||
           PyErr_GivenExceptionMatches(e, exceptions.InterruptTaskSet);
}
