/*
 * Methods of other people's types, replaced in the type itself.
 *
 * Python protects built-in types from assignments, because their slots would
 * not follow. The methods in question have no slots; what remains is to tell
 * the caches that the type has changed.
 */
#include "config.h"
#include "coop/internal.h"

#include <string.h>

#define ARGS_MAX 8              /* no original takes more */

static PyObject *
type_dict(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030c0000
    return PyType_GetDict(type);
#else
    return Py_XNewRef(type->tp_dict);
#endif
}

/* 1: it is there, 0: it is not (another version of Python), -1: exception. */
static int
keep_original(PyObject *dict, struct replacement *r)
{
    PyObject *name = PyUnicode_FromString(r->def.ml_name);
    PyObject *found =
        name == NULL ? NULL : PyDict_GetItemWithError(dict, name);
    Py_XDECREF(name);
    if (found == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (r->original != NULL && *r->original == NULL) {
        *r->original = Py_NewRef(found);
    }
    return 1;
}

static int
replace_method(PyTypeObject *type, PyObject *dict, struct replacement *r)
{
    int there = keep_original(dict, r);
    if (there <= 0 || r->def.ml_meth == NULL) {
        return there < 0 ? -1 : 0;
    }
    PyObject *method = PyDescr_NewMethod(type, &r->def);
    int result = method == NULL ? -1 : PyDict_SetItemString(
        dict, r->def.ml_name, method);
    Py_XDECREF(method);
    return result;
}

int
replace_methods(PyTypeObject *type, struct replacement *replacements)
{
    PyObject *dict = type_dict(type);
    int result = dict == NULL ? -1 : 0;
    for (struct replacement *r = replacements;
         result == 0 && r->def.ml_name != NULL; r++) {
        result = replace_method(type, dict, r);
    }
    PyType_Modified(type);
    Py_XDECREF(dict);
    return result;
}

int
replace_attribute(PyTypeObject *type, const char *name, PyObject *value)
{
    PyObject *dict = type_dict(type);
    int result = dict == NULL ? -1 : PyDict_SetItemString(dict, name, value);
    PyType_Modified(type);
    Py_XDECREF(dict);
    return result;
}

PyObject *
call_original(PyObject *original, PyObject *self, PyObject *const *args,
              Py_ssize_t n, PyObject *kwnames)
{
    Py_ssize_t all = n + (kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0);
    if (all > ARGS_MAX) {
        PyErr_Format(PyExc_TypeError, "too many arguments (%zd)", all);
        return NULL;
    }
    PyObject *with_self[ARGS_MAX + 1] = {self};
    if (all > 0) {
        memcpy(with_self + 1, args, (size_t)all * sizeof(*args));
    }
    return PyObject_Vectorcall(original, with_self, (size_t)n + 1, kwnames);
}
