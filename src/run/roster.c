/* Classes and worker nodes for the dispatcher; see roster.h. */
#include "config.h"
#include "run/roster.h"

#include "base/lookup.h"
#include "base/names.h"
#include "run/dispatch.h"

/* --- Classes and nodes as they come. */

static int
read_class(PyObject *cls, struct dispatch_class *k)
{
    PyObject *weight = PyObject_GetAttr(cls, names.weight);
    PyObject *fixed = weight ? PyObject_GetAttr(cls, names.fixed_count) : NULL;
    int result = -1;
    if (fixed != NULL) {
        k->weight = PyFloat_AsDouble(weight);
        k->fixed_count = PyLong_AsLongLong(fixed);
        result = PyErr_Occurred() ? -1 : 0;
    }
    Py_XDECREF(weight);
    Py_XDECREF(fixed);
    return result;
}

struct dispatch_class *
roster_read_classes(PyObject *classes, PyObject *allowed)
{
    Py_ssize_t n = PyList_GET_SIZE(classes);
    struct dispatch_class *all = PyMem_Calloc(n + 1, sizeof(*all));
    if (all == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *cls = PyList_GET_ITEM(classes, i);
        int may_come = PySequence_Contains(allowed, cls);
        if (may_come < 0 || read_class(cls, &all[i]) < 0) {
            PyMem_Free(all);
            return NULL;
        }
        all[i].barred = !may_come;
    }
    return all;
}

PyObject *
roster_by_name(PyObject *classes)
{
    PyObject *result = NULL, *keys = NULL;
    PyObject *list = PySequence_List(classes);
    PyObject *attrgetter = list ? lookup("operator", "attrgetter") : NULL;
    if (attrgetter != NULL) {
        keys = PyObject_CallOneArg(attrgetter, names.__name__);
    }
    if (keys != NULL) {
        PyObject *none = PyTuple_New(0);
        PyObject *kwargs = Py_BuildValue("{sO}", "key", keys);
        PyObject *sort = PyObject_GetAttrString(list, "sort");
        if (none && kwargs && sort) {
            result = PyObject_Call(sort, none, kwargs);
        }
        Py_XDECREF(none);
        Py_XDECREF(kwargs);
        Py_XDECREF(sort);
    }
    Py_XDECREF(attrgetter);
    Py_XDECREF(keys);
    if (result == NULL) {
        Py_CLEAR(list);
    }
    Py_XDECREF(result);
    return list;
}

PyObject *
roster_attributes(PyObject *list, PyObject *name)
{
    Py_ssize_t n = PyList_GET_SIZE(list);
    PyObject *all = PyList_New(n);
    for (Py_ssize_t i = 0; all != NULL && i < n; i++) {
        PyObject *value = PyObject_GetAttr(PyList_GET_ITEM(list, i), name);
        if (value == NULL) {
            Py_CLEAR(all);
            break;
        }
        PyList_SET_ITEM(all, i, value);
    }
    return all;
}

PyObject *
roster_in_turn_order(PyObject *nodes)
{
    Py_ssize_t n = PyList_GET_SIZE(nodes);
    PyObject *ids = roster_attributes(nodes, names.id);
    PyObject *sorted = ids != NULL ? PyList_New(n) : NULL;
    const char **texts = PyMem_Calloc(n + 1, sizeof(*texts));
    size_t *order = PyMem_Calloc(2 * n + 1, sizeof(*order));
    bool failed = sorted == NULL;
    if (texts == NULL || order == NULL) {
        PyErr_NoMemory();
        failed = true;
    }
    for (Py_ssize_t i = 0; !failed && i < n; i++) {
        texts[i] = PyUnicode_AsUTF8(PyList_GET_ITEM(ids, i));
        failed = texts[i] == NULL;
    }
    if (!failed && dispatch_order_workers(texts, n, order, order + n) < 0) {
        PyErr_NoMemory();
        failed = true;
    }
    for (Py_ssize_t i = 0; !failed && i < n; i++) {
        PyObject *node = PyList_GET_ITEM(nodes, order[i]);
        PyList_SET_ITEM(sorted, i, Py_NewRef(node));
        PyObject *number = PyLong_FromSize_t(order[n + order[i]]);
        failed = number == NULL ||
                 PyObject_SetAttr(node, names._index_within_host, number) < 0;
        Py_XDECREF(number);
    }
    if (failed) {
        Py_CLEAR(sorted);
    }
    PyMem_Free(texts);
    PyMem_Free(order);
    Py_XDECREF(ids);
    return sorted;
}

int
roster_check_classes(PyObject *classes)
{
    if (PyList_GET_SIZE(classes) == 0) {
        PyErr_SetString(PyExc_AssertionError,
                        "a dispatcher needs at least one user class");
        return -1;
    }
    PyObject *set = PySet_New(classes);
    if (set == NULL) {
        return -1;
    }
    bool unique = PySet_GET_SIZE(set) == PyList_GET_SIZE(classes);
    Py_DECREF(set);
    if (!unique) {
        PyErr_SetString(PyExc_AssertionError,
                        "a dispatcher needs each user class once");
    }
    return unique ? 0 : -1;
}

PyObject *
roster_without(PyObject *nodes, PyObject *node)
{
    PyObject *id = PyObject_GetAttr(node, names.id);
    PyObject *rest = id != NULL ? PyList_New(0) : NULL;
    for (Py_ssize_t i = 0; rest != NULL && i < PyList_GET_SIZE(nodes); i++) {
        PyObject *other = PyList_GET_ITEM(nodes, i);
        PyObject *other_id = PyObject_GetAttr(other, names.id);
        int same = other_id == NULL
                       ? -1
                       : PyObject_RichCompareBool(id, other_id, Py_EQ);
        Py_XDECREF(other_id);
        if (same < 0 || (!same && PyList_Append(rest, other) < 0)) {
            Py_CLEAR(rest);
        }
    }
    Py_XDECREF(id);
    return rest;
}

/* --- What is given out. */

static PyObject *
counts_of_worker(PyObject *class_names, const struct dispatch *core,
                 Py_ssize_t worker)
{
    PyObject *counts = PyDict_New();
    Py_ssize_t n = PyList_GET_SIZE(class_names);
    for (Py_ssize_t i = 0; counts != NULL && i < n; i++) {
        PyObject *count =
            PyLong_FromLongLong(dispatch_count(core, worker, i));
        if (count == NULL ||
            PyDict_SetItem(counts, PyList_GET_ITEM(class_names, i),
                           count) < 0) {
            Py_CLEAR(counts);
        }
        Py_XDECREF(count);
    }
    return counts;
}

PyObject *
roster_counts(PyObject *nodes, PyObject *class_names,
              const struct dispatch *core)
{
    PyObject *ids = roster_attributes(nodes, names.id);
    PyObject *all = ids != NULL ? PyDict_New() : NULL;
    for (Py_ssize_t i = 0; all != NULL && i < PyList_GET_SIZE(ids); i++) {
        PyObject *counts = counts_of_worker(class_names, core, i);
        if (counts == NULL ||
            PyDict_SetItem(all, PyList_GET_ITEM(ids, i), counts) < 0) {
            Py_CLEAR(all);
        }
        Py_XDECREF(counts);
    }
    Py_XDECREF(ids);
    return all;
}

PyObject *
roster_placed(PyObject *nodes, PyObject *class_names,
              const struct dispatch *core)
{
    PyObject *list = PyList_New((Py_ssize_t)core->n_users);
    for (size_t i = 0; list != NULL && i < core->n_users; i++) {
        const struct placed *p = &core->users[i];
        PyObject *pair =
            PyTuple_Pack(2, PyList_GET_ITEM(nodes, p->worker),
                         PyList_GET_ITEM(class_names, p->class_index));
        if (pair == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    return list;
}

PyObject *
roster_node_cycle(PyObject *nodes, const struct dispatch *core)
{
    PyObject *itertools = PyImport_ImportModule("itertools");
    PyObject *cycle = itertools != NULL
                          ? PyObject_CallMethod(itertools, "cycle", "O", nodes)
                          : NULL;
    for (size_t i = 0; cycle != NULL && i < core->next_worker; i++) {
        PyObject *node = PyIter_Next(cycle);
        if (node == NULL) {
            Py_CLEAR(cycle);
            break;
        }
        Py_DECREF(node);
    }
    Py_XDECREF(itertools);
    return cycle;
}
