/*
 * @task and @tag, and leaving out the tasks whose tags are not wanted.
 *
 * Decorators mark the object itself and return it.
 */
#include "user/internal.h"

#include "base/lookup.h"

/* --- @task */

static bool
name_is(PyObject *name, PyObject *word)
{
    return PyUnicode_Check(name) && PyUnicode_Compare(name, word) == 0;
}

static int
warn(const char *format, PyObject *name)
{
    PyObject *warning = lookup("logging", "warning");
    PyObject *r = warning != NULL
                      ? PyObject_CallFunction(warning, "sO", format, name)
                      : NULL;
    Py_XDECREF(warning);
    return drop_result(r);
}

/* Names that a task must not have; those that it had better not have. */
static int
check_name(PyObject *function)
{
    PyObject *name = PyObject_GetAttr(function, names.__name__);
    if (name == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
            return -1;
        }
        PyErr_Clear();
        return 0;
    }
    int result = 0;
    if (name_is(name, names.run)) {
        PyErr_SetString(PyExc_Exception,
                        "run() is what a User or TaskSet does all the time: "
                        "it cannot be a task; give the task another name");
        result = -1;
    }
    else if (name_is(name, names.on_start) || name_is(name, names.on_stop)) {
        result = warn("%s is decorated with @task: it will be called as a "
                      "task as well as at the start or stop of its user",
                      name);
    }
    Py_DECREF(name);
    return result;
}

static PyObject *
mark_task(PyObject *weight, PyObject *function)
{
    if (check_name(function) < 0 ||
        PyObject_SetAttr(function, names.locust_task_weight, weight) < 0) {
        return NULL;
    }
    return Py_NewRef(function);
}

static PyMethodDef mark_task_def = {"task", mark_task, METH_O, NULL};

static PyObject *
task(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"weight", NULL};
    PyObject *weight = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:task", keywords,
                                     &weight)) {
        return NULL;
    }
    PyObject *one = PyLong_FromLong(1);
    PyObject *result = NULL;
    if (one == NULL) {
        return NULL;
    }
    if (weight != NULL && PyCallable_Check(weight)) {
        result = mark_task(one, weight);
    }
    else {
        result = PyCFunction_New(&mark_task_def, weight ? weight : one);
    }
    Py_DECREF(one);
    return result;
}

/* --- @tag */

static PyObject *mark_tags(PyObject *tags, PyObject *object);

/* Tags each of the tasks of a class. */
static int
tag_tasks(PyObject *holder, PyObject *tasks, PyObject *tags)
{
    PyObject *tagged = PySequence_List(tasks);
    if (tagged == NULL) {
        return -1;
    }
    int result = 0;
    for (Py_ssize_t i = 0; result == 0 && i < PyList_GET_SIZE(tagged); i++) {
        result = drop_result(mark_tags(tags, PyList_GET_ITEM(tagged, i)));
    }
    if (result == 0) {
        result = PyObject_SetAttr(holder, names.tasks, tagged);
    }
    Py_DECREF(tagged);
    return result;
}

/* Adds to the object's own set of tags, which it may not have yet. */
static int
tag_one(PyObject *object, PyObject *tags)
{
    PyObject *dict = PyObject_GetAttr(object, names.__dict__);
    int has = dict ? PySequence_Contains(dict, names.locust_tag_set) : -1;
    Py_XDECREF(dict);
    if (has < 0) {
        return -1;
    }
    PyObject *old = has ? PyObject_GetAttr(object, names.locust_tag_set)
                        : PySet_New(NULL);
    PyObject *new = PySet_New(tags);
    PyObject *all = old && new ? PyNumber_InPlaceOr(old, new) : NULL;
    int result =
        all ? PyObject_SetAttr(object, names.locust_tag_set, all) : -1;
    Py_XDECREF(old);
    Py_XDECREF(new);
    Py_XDECREF(all);
    return result;
}

static PyObject *
mark_tags(PyObject *tags, PyObject *object)
{
    PyObject *tasks = PyObject_GetAttr(object, names.tasks);
    int result;
    if (tasks != NULL) {
        result = tag_tasks(object, tasks, tags);
        Py_DECREF(tasks);
    }
    else if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        result = tag_one(object, tags);
    }
    else {
        result = -1;
    }
    return result < 0 ? NULL : Py_NewRef(object);
}

static PyMethodDef mark_tags_def = {"tag", mark_tags, METH_O, NULL};

static PyObject *
tag(PyObject *module, PyObject *tags)
{
    if (PyTuple_GET_SIZE(tags) == 0 ||
        PyCallable_Check(PyTuple_GET_ITEM(tags, 0))) {
        PyErr_SetString(PyExc_ValueError,
                        "No tag name was supplied: write @tag('name')");
        return NULL;
    }
    return PyCFunction_New(&mark_tags_def, tags);
}

/* --- Filtering. */

struct filter {
    PyObject *include;          /* sets, or None for no condition */
    PyObject *exclude;
    PyObject *checked;          /* dict: task -> whether it stays */
};

static int filter_holder(PyObject *holder, const struct filter *f);

/* Whether two sets have a member in common. */
static int
have_common(PyObject *a, PyObject *b)
{
    PyObject *common = PyObject_CallMethod(a, "intersection", "O", b);
    int result = common != NULL ? PyObject_IsTrue(common) : -1;
    Py_XDECREF(common);
    return result;
}

/* Whether a plain task stays. */
static int
passes(PyObject *task, const struct filter *f)
{
    PyObject *tags = PyObject_GetAttr(task, names.locust_tag_set);
    if (tags == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
            return -1;
        }
        PyErr_Clear();
        return f->include == Py_None;
    }
    int result = 1;
    if (f->include != Py_None) {
        result = have_common(tags, f->include);
    }
    if (result > 0 && f->exclude != Py_None) {
        int excluded = have_common(tags, f->exclude);
        result = excluded < 0 ? -1 : !excluded;
    }
    Py_DECREF(tags);
    return result;
}

/* By the name of the metaclass, as Locust does it: a class need not be derived
   from ours to count. */
static bool
is_chain(PyObject *holder)
{
    PyTypeObject *meta = Py_TYPE(holder);
    while (meta != NULL &&
           strcmp(_PyType_Name(meta), "MarkovTaskSetMeta") != 0) {
        meta = meta->tp_base;
    }
    return meta != NULL;
}

static PyObject *
is_markov_taskset(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"task", NULL};
    PyObject *holder;
    return PyArg_ParseTupleAndKeywords(args, kwargs, "O:is_markov_taskset",
                                       keywords, &holder)
               ? PyBool_FromLong(is_chain(holder))
               : NULL;
}

/* A task set stays as long as any of its tasks does; a Markov chain, whose
   states are not tasks, stays as it is. */
static int
filter_task(PyObject *task, const struct filter *f)
{
    PyObject *tasks = PyObject_GetAttr(task, names.tasks);
    if (tasks == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
            return -1;
        }
        PyErr_Clear();
        return passes(task, f);
    }
    Py_DECREF(tasks);
    if (filter_holder(task, f) < 0) {
        return -1;
    }
    if (is_chain(task)) {
        return 1;
    }
    tasks = PyObject_GetAttr(task, names.tasks);
    int result = tasks != NULL ? PyObject_IsTrue(tasks) : -1;
    Py_XDECREF(tasks);
    return result;
}

/* The same, asked once per task. */
static int
stays(PyObject *task, const struct filter *f)
{
    PyObject *known = PyDict_GetItemWithError(f->checked, task);
    if (known != NULL || PyErr_Occurred()) {
        return known != NULL ? PyObject_IsTrue(known) : -1;
    }
    int result = filter_task(task, f);
    if (result >= 0 &&
        PyDict_SetItem(f->checked, task, result ? Py_True : Py_False) < 0) {
        return -1;
    }
    return result;
}

/* Whether a class runs something else than its tasks: a Markov chain, or the
   test functions of a PytestUser. */
static int
needs_no_tasks(PyObject *holder)
{
    if (is_chain(holder)) {
        return 1;
    }
    PyObject *functions = PyObject_GetAttr(holder, names.functions);
    if (functions == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
            return -1;
        }
        PyErr_Clear();
        return 0;
    }
    int result = PyObject_IsTrue(functions);
    Py_DECREF(functions);
    return result;
}

static int
warn_empty(PyObject *holder, const struct filter *f)
{
    int expected = needs_no_tasks(holder);
    if (expected != 0) {
        return expected < 0 ? -1 : 0;
    }
    PyObject *name = PyObject_GetAttr(holder, names.__name__);
    bool filtered = f->include != Py_None || f->exclude != Py_None;
    const char *format =
        filtered ? "%s had no tasks left after filtering by tags; it will do "
                   "nothing but log errors"
                 : "%s has no tasks; it will do nothing but log errors";
    int result = name != NULL ? warn(format, name) : -1;
    Py_XDECREF(name);
    return result;
}

static int
filter_holder(PyObject *holder, const struct filter *f)
{
    PyObject *tasks = PyObject_GetAttr(holder, names.tasks);
    PyObject *all = tasks != NULL ? PySequence_List(tasks) : NULL;
    PyObject *rest = all != NULL ? PyList_New(0) : NULL;
    Py_XDECREF(tasks);
    int result = rest != NULL ? 0 : -1;
    for (Py_ssize_t i = 0; result == 0 && i < PyList_GET_SIZE(all); i++) {
        PyObject *item = PyList_GET_ITEM(all, i);
        result = stays(item, f);
        if (result > 0) {
            result = PyList_Append(rest, item);
        }
    }
    if (result == 0) {
        result = PyObject_SetAttr(holder, names.tasks, rest);
    }
    if (result == 0 && PyList_GET_SIZE(rest) == 0) {
        result = warn_empty(holder, f);
    }
    Py_XDECREF(rest);
    Py_XDECREF(all);
    return result;
}

static PyObject *
filter_tasks_by_tags(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"task_holder", "tags", "exclude_tags",
                               "checked", NULL};
    PyObject *holder, *checked = Py_None;
    struct filter f = {.include = Py_None, .exclude = Py_None};
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "O|OOO:filter_tasks_by_tags", keywords, &holder,
            &f.include, &f.exclude, &checked)) {
        return NULL;
    }
    f.checked = PyDict_Check(checked) ? Py_NewRef(checked) : PyDict_New();
    int result = f.checked != NULL ? filter_holder(holder, &f) : -1;
    Py_XDECREF(f.checked);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(task_doc,
             "task(weight=1)\n--\n\n"
             "A decorator: the method, function or nested "
             "TaskSet class is a task, chosen\nas often as its weight says.");
PyDoc_STRVAR(tag_doc,
             "tag(*tags)\n--\n\nA decorator: gives tags to a task, or to every "
             "task of a class, for\n--tags and --exclude-tags.");
PyDoc_STRVAR(filter_tasks_by_tags_doc,
             "filter_tasks_by_tags(task_holder, tags=None, exclude_tags=None, "
             "checked=None)\n--\n\nTakes the tasks out of a class, and of the "
             "task sets in it, that have none\nof tags or any of "
             "exclude_tags. checked: what is known already of tasks.");

PyDoc_STRVAR(is_markov_taskset_doc,
             "is_markov_taskset(task)\n--\n\nWhether a task is a "
             "MarkovTaskSet class.");

#define FUNCTION(name, flags) \
    {#name, (PyCFunction)(void (*)(void))name, flags, name##_doc}

static PyMethodDef functions[] = {
    FUNCTION(task, METH_VARARGS | METH_KEYWORDS),
    FUNCTION(tag, METH_VARARGS),
    FUNCTION(filter_tasks_by_tags, METH_VARARGS | METH_KEYWORDS),
    FUNCTION(is_markov_taskset, METH_VARARGS | METH_KEYWORDS),
    {NULL},
};

int
decorate_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
