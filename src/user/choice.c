/*
 * Random choices; see choice.h.
 *
 * random.choice(list) draws as many bits as the length has until the number
 * is below the length. The same is done here with the generator's own
 * getrandbits, unless somebody has replaced random.choice; then the
 * replacement is called. random.random is looked up each time as well.
 */
#include "user/choice.h"

#include "base/names.h"

static PyObject *module_dict;   /* of random; NULL until loaded */
static PyObject *known_choice;  /* random.choice as Python made it, or NULL */
static PyObject *getrandbits;   /* of the generator behind it */

/* Whether choice is Random.choice of an ordinary Random instance. */
static int
is_original(PyObject *module, PyObject *choice)
{
    PyObject *class = PyObject_GetAttrString(module, "Random");
    PyObject *plain =
        class != NULL ? PyObject_GetAttr(class, names.choice) : NULL;
    int result = plain == NULL ? -1
                               : PyMethod_Check(choice) &&
                                     PyMethod_GET_FUNCTION(choice) == plain &&
                                     Py_IS_TYPE(PyMethod_GET_SELF(choice),
                                                (PyTypeObject *)class);
    Py_XDECREF(plain);
    Py_XDECREF(class);
    return result;
}

static int
load(void)
{
    if (module_dict != NULL) {
        return 0;
    }
    PyObject *module = PyImport_Import(names.random);
    if (module == NULL) {
        return -1;
    }
    PyObject *choice = PyObject_GetAttr(module, names.choice);
    int original = choice != NULL ? is_original(module, choice) : -1;
    if (original > 0) {
        getrandbits = PyObject_GetAttrString(PyMethod_GET_SELF(choice),
                                             "getrandbits");
        original = getrandbits == NULL ? -1 : 1;
    }
    if (original > 0) {
        known_choice = Py_NewRef(choice);
    }
    if (original >= 0) {
        module_dict = Py_NewRef(PyModule_GetDict(module));
    }
    Py_XDECREF(choice);
    Py_DECREF(module);
    return original < 0 ? -1 : 0;
}

/* A name of the module random, borrowed. */
static PyObject *
lookup(PyObject *name)
{
    if (load() < 0) {
        return NULL;
    }
    PyObject *value = PyDict_GetItemWithError(module_dict, name);
    if (value == NULL && !PyErr_Occurred()) {
        PyErr_Format(PyExc_AttributeError, "module 'random' has no %R", name);
    }
    return value;
}

/* getrandbits(bits) as a C number; -1 on failure. The call goes straight to
   its C function, as this happens twice per task. */
static Py_ssize_t
draw_bits(PyObject *bits)
{
    PyObject *r =
        PyCFunction_Check(getrandbits) &&
                PyCFunction_GET_FLAGS(getrandbits) == METH_O
            ? PyCFunction_GET_FUNCTION(getrandbits)(
                  PyCFunction_GET_SELF(getrandbits), bits)
            : PyObject_CallOneArg(getrandbits, bits);
    Py_ssize_t drawn = r != NULL ? PyLong_AsSsize_t(r) : -1;
    Py_XDECREF(r);
    return drawn;
}

/* A number below n, drawn as Random._randbelow draws it; -1 on failure. */
static Py_ssize_t
draw_below(Py_ssize_t n)
{
    long bits = 0;
    for (Py_ssize_t left = n; left > 0; left >>= 1) {
        bits++;
    }
    PyObject *k = PyLong_FromLong(bits);
    if (k == NULL) {
        return -1;
    }
    Py_ssize_t drawn;
    do {
        drawn = draw_bits(k);
    } while (drawn >= n);
    Py_DECREF(k);
    return drawn;
}

PyObject *
choice_pick(PyObject *sequence)
{
    PyObject *choice = lookup(names.choice);
    if (choice == NULL) {
        return NULL;
    }
    if (choice != known_choice || !PyList_CheckExact(sequence) ||
        PyList_GET_SIZE(sequence) == 0) {
        return PyObject_CallOneArg(choice, sequence);
    }
    Py_ssize_t i = draw_below(PyList_GET_SIZE(sequence));
    return i < 0 ? NULL : Py_NewRef(PyList_GET_ITEM(sequence, i));
}

double
choice_fraction(void)
{
    PyObject *random = lookup(names.random);
    PyObject *r = random != NULL ? PyObject_CallNoArgs(random) : NULL;
    double value = r != NULL ? PyFloat_AsDouble(r) : -1;
    Py_XDECREF(r);
    return value;
}

PyObject *
choice_integer(PyObject *low, PyObject *high)
{
    PyObject *randint = lookup(names.randint);
    PyObject *args[] = {low, high};
    return randint == NULL ? NULL
                           : PyObject_Vectorcall(randint, args, 2, NULL);
}
