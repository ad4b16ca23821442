/*
 * Which tasks a class has: those of its bases, then those of its own body.
 * Called by the metaclasses when a class is made, and never again.
 *
 * Nothing is taken out twice: a task that comes in by two ways is there
 * twice, and a subclass's method does not replace the base's (both are
 * Locust's behaviour, and locustfiles count on their weights).
 */
#include "user/internal.h"

/* Appends a task as often as its weight says. */
static int
append_times(PyObject *list, PyObject *task, PyObject *weight)
{
    Py_ssize_t n = PyNumber_AsSsize_t(weight, PyExc_OverflowError);
    if (n == -1 && PyErr_Occurred()) {
        note_weight(task, weight);
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        if (PyList_Append(list, task) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A pair (task, weight), whatever sequence of two it is. */
static int
append_pair(PyObject *list, PyObject *pair)
{
    PyObject *fast = PySequence_Fast(pair, "a task with its weight is a pair");
    if (fast == NULL) {
        return -1;
    }
    int result = -1;
    if (PySequence_Fast_GET_SIZE(fast) == 2) {
        result = append_times(list, PySequence_Fast_GET_ITEM(fast, 0),
                              PySequence_Fast_GET_ITEM(fast, 1));
    }
    else {
        PyErr_Format(PyExc_ValueError,
                     "%R in tasks is not a pair of a task and its weight",
                     pair);
    }
    Py_DECREF(fast);
    return result;
}

/* The items of a `tasks`: pairs for a dict, else what it iterates over. */
static PyObject *
items_of(PyObject *tasks)
{
    return PyDict_Check(tasks)
               ? PyDict_Items(tasks)
               : PySequence_Fast(tasks, "tasks must be a list or a dict");
}

/* Appends a class body's `tasks`; tuples in it are pairs if expand. */
static int
append_tasks(PyObject *list, PyObject *tasks, bool expand)
{
    PyObject *items = items_of(tasks);
    if (items == NULL) {
        return -1;
    }
    int result = 0;
    for (Py_ssize_t i = 0;
         result == 0 && i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        result = expand && PyTuple_Check(item) ? append_pair(list, item)
                                               : PyList_Append(list, item);
    }
    Py_DECREF(items);
    return result;
}

/* Appends the tasks of each base, which have been collected already. */
static int
append_bases(PyObject *list, PyObject *bases)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        PyObject *tasks =
            PyObject_GetAttr(PyTuple_GET_ITEM(bases, i), names.tasks);
        if (tasks == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
                return -1;
            }
            PyErr_Clear();
            continue;
        }
        int some = PyObject_IsTrue(tasks);
        PyObject *r = some > 0 ? PySequence_InPlaceConcat(list, tasks) : NULL;
        Py_DECREF(tasks);
        if (some < 0 || (some > 0 && r == NULL)) {
            return -1;
        }
        Py_XDECREF(r);
    }
    return 0;
}

/* Appends one value of a class body, if it was decorated with @task. dir()
   decides, so that objects that invent attributes are no tasks. */
static int
append_decorated(PyObject *list, PyObject *value)
{
    PyObject *attributes = PyObject_Dir(value);
    if (attributes == NULL) {
        return -1;
    }
    int decorated = PySequence_Contains(attributes, names.locust_task_weight);
    Py_DECREF(attributes);
    if (decorated <= 0) {
        return decorated;
    }
    PyObject *weight = PyObject_GetAttr(value, names.locust_task_weight);
    int result = weight != NULL ? append_times(list, value, weight) : -1;
    Py_XDECREF(weight);
    return result;
}

/* --- The two ways to collect. */

/* `tasks` first, then what was decorated. */
static int
append_body(PyObject *list, PyObject *body)
{
    PyObject *tasks = PyDict_GetItemWithError(body, names.tasks);
    if (tasks == NULL ? PyErr_Occurred() != NULL
                      : tasks != Py_None &&
                            append_tasks(list, tasks, true) < 0) {
        return -1;
    }
    PyObject *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(body, &pos, NULL, &value)) {
        if (append_decorated(list, value) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Everything in the order of the body, as a sequence has to be. */
static int
append_body_in_order(PyObject *list, PyObject *body)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(body, &pos, &key, &value)) {
        bool is_tasks =
            PyUnicode_Check(key) && PyUnicode_Compare(key, names.tasks) == 0;
        if (is_tasks && !PyList_Check(value) && !PyDict_Check(value)) {
            PyErr_SetString(
                PyExc_ValueError,
                "The 'tasks' attribute can only be set to list or dict");
            return -1;
        }
        if (is_tasks &&
            append_tasks(list, value, PyDict_Check(value)) < 0) {
            return -1;
        }
        if (append_decorated(list, value) < 0) {
            return -1;
        }
    }
    return 0;
}

static PyObject *
collect(PyObject *args, PyObject *kwargs,
        int (*append)(PyObject *, PyObject *))
{
    static char *keywords[] = {"bases", "class_dict", NULL};
    PyObject *bases, *body;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!", keywords,
                                     &PyTuple_Type, &bases, &PyDict_Type,
                                     &body)) {
        return NULL;
    }
    /* A copy: dir() of a value may run code that changes the body. */
    PyObject *copy = PyDict_Copy(body);
    PyObject *list = PyList_New(0);
    if (copy == NULL || list == NULL || append_bases(list, bases) < 0 ||
        append(list, copy) < 0) {
        Py_CLEAR(list);
    }
    Py_XDECREF(copy);
    return list;
}

static PyObject *
get_tasks_from_base_classes(PyObject *module, PyObject *args,
                            PyObject *kwargs)
{
    return collect(args, kwargs, append_body);
}

static PyObject *
get_tasks_in_order(PyObject *module, PyObject *args, PyObject *kwargs)
{
    return collect(args, kwargs, append_body_in_order);
}

PyDoc_STRVAR(get_tasks_from_base_classes_doc,
             "get_tasks_from_base_classes(bases, class_dict)\n--\n\n"
             "The list of tasks of a class with these bases and this body.");
PyDoc_STRVAR(get_tasks_in_order_doc,
             "get_tasks_in_order(bases, class_dict)\n--\n\n"
             "The same for a class whose tasks run in the body's order.");

#define FUNCTION(name) \
    {#name, (PyCFunction)(void (*)(void))name, METH_VARARGS | METH_KEYWORDS, \
     name##_doc}

static PyMethodDef functions[] = {
    FUNCTION(get_tasks_from_base_classes),
    FUNCTION(get_tasks_in_order),
    {NULL},
};

int
collect_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
