/*
 * What we need of CPython that differs between its versions 3.11 to 3.14:
 * the pending exception as one object, and the way to find a method that
 * LOAD_METHOD uses (no bound method is made, no instance dict comes into
 * being).
 */
#ifndef LOCUST_BASE_PYCOMPAT_H
#define LOCUST_BASE_PYCOMPAT_H

#include <Python.h>
#include <stdbool.h>

#if PY_VERSION_HEX >= 0x030d0000
/* Exported as before, but declared in an internal header since 3.13. */
PyAPI_FUNC(int) _PyObject_GetMethod(PyObject *obj, PyObject *name,
                                    PyObject **method);
#endif

/* Whether Python is being shut down. */
static inline bool
interpreter_is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030d0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

/* What a weak reference refers to, as a new reference: 1; 0 and NULL if it has
   gone, -1 with an exception set. */
static inline int
weakref_get(PyObject *weakref, PyObject **object)
{
#if PY_VERSION_HEX >= 0x030d0000
    return PyWeakref_GetRef(weakref, object);
#else
    *object = PyWeakref_GetObject(weakref);
    if (*object == NULL || *object == Py_None) {
        int result = *object == NULL ? -1 : 0;
        *object = NULL;
        return result;
    }
    Py_INCREF(*object);
    return 1;
#endif
}

/* Takes the pending exception, normalized and with its traceback; NULL if
   there is none. */
static inline PyObject *
error_take(void)
{
#if PY_VERSION_HEX >= 0x030c0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    if (type == NULL) {
        return NULL;
    }
    PyErr_NormalizeException(&type, &value, &tb);
    if (tb != NULL) {
        PyException_SetTraceback(value, tb);
        Py_DECREF(tb);
    }
    Py_DECREF(type);
    return value;
#endif
}

/* Makes it the pending exception again, as it was. Takes the reference. */
static inline void
error_give(PyObject *exception)
{
#if PY_VERSION_HEX >= 0x030c0000
    PyErr_SetRaisedException(exception);
#else
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), exception,
                  PyException_GetTraceback(exception));
#endif
}

/* A method that was looked up and not called yet. */
struct method {
    PyObject *function;         /* owned */
    bool unbound;               /* wants the object as its first argument */
};

/* Looks obj.name up on the instance and its class, so that what users have
   overridden or replaced counts. 0, or -1 with an exception set. */
static inline int
method_find(PyObject *obj, PyObject *name, struct method *method)
{
    method->function = NULL;
    method->unbound = _PyObject_GetMethod(obj, name, &method->function) == 1;
    return method->function == NULL ? -1 : 0;
}

/* Calls it with an argument (NULL: none) and drops it. */
static inline PyObject *
method_call(struct method *method, PyObject *obj, PyObject *arg)
{
    PyObject *args[3] = {NULL, obj, arg};
    size_t n = (size_t)(arg != NULL) + method->unbound;
    PyObject *r = PyObject_Vectorcall(
        method->function, args + (method->unbound ? 1 : 2),
        n | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(method->function);
    return r;
}

/* 0 for a result that nobody wants, -1 for NULL. */
static inline int
drop_result(PyObject *result)
{
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

#endif
