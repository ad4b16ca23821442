/*
 * The dispatcher's choice as a Python iterator: which class the next user is
 * of, for ever (None when there is nothing to choose). It is what
 * locust.dispatch calls _kl_generator(), and a part of what
 * UsersDispatcher._distribute_users() returns.
 */
#include "config.h"
#include "run/dispatcher.h"

#include "run/dispatch.h"

typedef struct {
    PyObject_HEAD
    PyObject *values;           /* list: what the indices stand for */
    struct dispatch core;       /* makes the choice; nobody is placed there */
} ChoicesObject;

static PyTypeObject *Choices_Type;

PyObject *
choices_new(PyObject *values, struct dispatch *core)
{
    ChoicesObject *self = PyObject_New(ChoicesObject, Choices_Type);
    if (self == NULL) {
        dispatch_free(core);
        return NULL;
    }
    self->values = Py_NewRef(values);
    self->core = *core;
    return (PyObject *)self;
}

static PyObject *
choices_next(ChoicesObject *self)
{
    size_t index;
    int found = dispatch_choose(&self->core, &index);
    if (found < 0) {
        return PyErr_NoMemory();
    }
    return Py_NewRef(found ? PyList_GET_ITEM(self->values, index) : Py_None);
}

static void
choices_dealloc(ChoicesObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    dispatch_free(&self->core);
    Py_DECREF(self->values);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* --- From (value, weight) pairs. */

/* The value of a pair, as a new reference, and its weight. */
static PyObject *
read_pair(PyObject *pair, double *weight)
{
    PyObject *tuple = PySequence_Tuple(pair);
    PyObject *value = NULL;
    if (tuple != NULL && PyArg_ParseTuple(tuple, "Od", &value, weight)) {
        Py_INCREF(value);
    }
    else {
        value = NULL;
    }
    Py_XDECREF(tuple);
    return value;
}

/* The values; classes[i] gets the weight of the i-th. A new list, or NULL. */
static PyObject *
read_pairs(PyObject *pairs, struct dispatch_class *classes)
{
    Py_ssize_t n = PyList_GET_SIZE(pairs);
    PyObject *values = PyList_New(n);
    for (Py_ssize_t i = 0; values != NULL && i < n; i++) {
        PyObject *value =
            read_pair(PyList_GET_ITEM(pairs, i), &classes[i].weight);
        if (value == NULL) {
            Py_CLEAR(values);
            break;
        }
        PyList_SET_ITEM(values, i, value);
    }
    return values;
}

static PyObject *
choices_of(PyObject *pairs)
{
    Py_ssize_t n = PyList_GET_SIZE(pairs);
    struct dispatch_class *classes = PyMem_Calloc(n + 1, sizeof(*classes));
    if (classes == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *values = read_pairs(pairs, classes);
    PyObject *choices = NULL;
    struct dispatch core;
    if (values != NULL && dispatch_init(&core, classes, n, 0) < 0) {
        PyErr_NoMemory();
    }
    else if (values != NULL) {
        choices = choices_new(values, &core);
    }
    Py_XDECREF(values);
    PyMem_Free(classes);
    return choices;
}

static PyObject *
kl_generator(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"users", NULL};
    PyObject *users;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", keywords, &users)) {
        return NULL;
    }
    PyObject *pairs = PySequence_List(users);
    /* Ties are broken by the order of the values. */
    PyObject *choices = pairs == NULL || PyList_Sort(pairs) < 0
                            ? NULL
                            : choices_of(pairs);
    Py_XDECREF(pairs);
    return choices;
}

/* --- The type. */

PyDoc_STRVAR(kl_generator_doc,
             "_kl_generator(users)\n--\n\n"
             "An iterator without end over the values of (value, weight) "
             "pairs, whose beginnings\n"
             "have the proportions of the weights as closely as can be.");

static PyMethodDef functions[] = {
    {"_kl_generator", (PyCFunction)(void (*)(void))kl_generator,
     METH_VARARGS | METH_KEYWORDS, kl_generator_doc},
    {NULL},
};

static PyType_Slot choices_slots[] = {
    {Py_tp_dealloc, choices_dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, choices_next},
    {0, NULL},
};

static PyType_Spec choices_spec = {
    .name = "_locust.Choices",
    .basicsize = sizeof(ChoicesObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = choices_slots,
};

int
choices_module_exec(PyObject *module)
{
    Choices_Type = (PyTypeObject *)PyType_FromSpec(&choices_spec);
    return Choices_Type == NULL ? -1
                                : PyModule_AddFunctions(module, functions);
}
