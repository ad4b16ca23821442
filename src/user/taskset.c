/*
 * The type under TaskSet, DefaultTaskSet and SequentialTaskSet: construction,
 * the queue of scheduled tasks, and the methods as Python sees them. What
 * the methods do when the loop calls them is in taskrun.c.
 *
 * The three Python classes differ in two methods, of which all variants are
 * here; the private ones are put under their public names by the classes.
 */
#include "user/internal.h"

#include <stddef.h>
#include <structmember.h>

#include "base/clock.h"
#include "base/lookup.h"
#include "event/exceptions.h"
#include "green/green.h"
#include "user/choice.h"

PyTypeObject *TaskSet_Type;
struct natives natives;

static PyObject *deque_type;    /* collections.deque, once needed */

int
native_load(PyTypeObject *type, const char *name, PyObject **native)
{
    *native = PyObject_GetAttrString((PyObject *)type, name);
    return *native == NULL ? -1 : 0;
}

int
call_hook(PyObject *obj, PyObject *name, PyObject *native)
{
    struct method m;
    if (method_find(obj, name, &m) < 0) {
        return -1;
    }
    if (m.function == native) {
        Py_DECREF(m.function);
        return 0;
    }
    PyObject *function = Py_NewRef(m.function);
    int result = drop_result(method_call(&m, obj, NULL));
    if (result < 0) {
        note_method(obj, name, function);
    }
    Py_DECREF(function);
    return result;
}

/* --- Construction. */

/* min_wait, max_wait and wait_function come from the user, unless the task
   set has its own. */
static int
inherit(PyObject *self, PyObject *user, PyObject *name)
{
    PyObject *own = PyObject_GetAttr(self, name);
    int given = own != NULL ? PyObject_IsTrue(own) : -1;
    int result = given < 0 ? -1 : 0;
    if (given == 0) {
        PyObject *value = PyObject_GetAttr(user, name);
        result = value == NULL   ? -1
                 : value == own ? 0
                                : PyObject_SetAttr(self, name, value);
        Py_XDECREF(value);
    }
    Py_XDECREF(own);
    return result;
}

static void
set_user(TaskSetObject *self, PyObject *user)
{
    self->known = PyObject_TypeCheck(user, User_Type) ? (UserObject *)user
                                                      : NULL;
    Py_XSETREF(self->user, Py_NewRef(user));
}

static int
taskset_init(TaskSetObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"parent", NULL};
    PyObject *parent;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:TaskSet", keywords,
                                     &parent)) {
        return -1;
    }
    PyObject *user = PyObject_TypeCheck(parent, TaskSet_Type)
                         ? PyObject_GetAttr(parent, names.user)
                         : Py_NewRef(parent);
    if (user == NULL) {
        return -1;
    }
    set_user(self, user);
    Py_XSETREF(self->parent, Py_NewRef(parent));
    self->time_start = clock_wall();
    self->pacing.last_run = clock_perf();
    self->pacing.last_wait = 0;
    self->cursor = 0;
    Py_CLEAR(self->cycle);
    PyObject *me = (PyObject *)self;
    int failed = inherit(me, user, names.min_wait) < 0 ||
                 inherit(me, user, names.max_wait) < 0 ||
                 inherit(me, user, names.wait_function) < 0;
    Py_DECREF(user);
    return failed ? -1 : 0;
}

static int
taskset_traverse(TaskSetObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->user);
    Py_VISIT(self->parent);
    Py_VISIT(self->queue);
    Py_VISIT(self->cycle);
    return 0;
}

static int
taskset_clear(TaskSetObject *self)
{
    self->known = NULL;
    Py_CLEAR(self->user);
    Py_CLEAR(self->parent);
    Py_CLEAR(self->queue);
    Py_CLEAR(self->cycle);
    return 0;
}

static void
taskset_dealloc(TaskSetObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    taskset_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* --- The queue. */

static PyObject *
get_queue(TaskSetObject *self, void *unused)
{
    if (deque_type == NULL) {
        deque_type = lookup("collections", "deque");
    }
    if (self->queue == NULL && deque_type != NULL) {
        self->queue = PyObject_CallNoArgs(deque_type);
    }
    return Py_XNewRef(self->queue);
}

static int
set_queue(TaskSetObject *self, PyObject *value, void *unused)
{
    Py_XSETREF(self->queue, Py_XNewRef(value));
    return 0;
}

int
taskset_queue_is_empty(TaskSetObject *self)
{
    return self->queue == NULL ? 1 : PyObject_Not(self->queue);
}

int
taskset_schedule(TaskSetObject *self, PyObject *task, bool first)
{
    PyObject *queue = get_queue(self, NULL);
    PyObject *r = queue == NULL
                      ? NULL
                      : PyObject_CallMethodOneArg(
                            queue, first ? names.appendleft : names.append,
                            task);
    Py_XDECREF(queue);
    return drop_result(r);
}

PyObject *
taskset_pop(TaskSetObject *self)
{
    PyObject *queue = get_queue(self, NULL);
    PyObject *task =
        queue ? PyObject_CallMethodNoArgs(queue, names.popleft) : NULL;
    Py_XDECREF(queue);
    return task;
}

/* --- The next task. */

PyObject *
no_tasks(PyObject *owner, const char *kind)
{
    PyObject *task = PyObject_GetAttr(owner, names.task);
    if (task == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
            return NULL;
        }
        PyErr_Clear();
    }
    int hint = task != NULL ? PyObject_IsTrue(task) : 0;
    Py_XDECREF(task);
    if (hint >= 0) {
        PyErr_Format(PyExc_Exception,
                     "No tasks defined on %s%s. Decorate methods with @task, "
                     "or set 'tasks' on the %s",
                     _PyType_Name(Py_TYPE(owner)),
                     hint ? ", but you have set a 'task' attribute (was "
                            "'tasks' meant?)"
                          : "",
                     kind);
        note_class(owner);
    }
    return NULL;
}

/* Its tasks, or NULL: with an exception set, or none if they are empty. */
static PyObject *
tasks_of(PyObject *owner)
{
    PyObject *tasks = PyObject_GetAttr(owner, names.tasks);
    if (tasks == NULL) {
        return NULL;
    }
    if (PyObject_IsTrue(tasks) <= 0) {
        Py_CLEAR(tasks);
    }
    return tasks;
}

static PyObject *
pick_from(PyObject *owner, const char *kind)
{
    PyObject *tasks = tasks_of(owner);
    if (tasks == NULL) {
        return PyErr_Occurred() ? NULL : no_tasks(owner, kind);
    }
    PyObject *task = choice_pick(tasks);
    Py_DECREF(tasks);
    return task;
}

PyObject *
taskset_next(TaskSetObject *self)
{
    return pick_from((PyObject *)self, "TaskSet");
}

PyObject *
taskset_next_for_user(TaskSetObject *self)
{
    return pick_from(self->user, "User (abstract = True marks one that is "
                                 "only there to be subclassed)");
}

/* The next of an iterator, whose end is an exception. */
static PyObject *
next_of(PyObject *iterator)
{
    PyObject *task = PyIter_Next(iterator);
    if (task == NULL && !PyErr_Occurred()) {
        PyErr_SetNone(PyExc_StopIteration);
    }
    return task;
}

PyObject *
taskset_next_in_sequence(TaskSetObject *self)
{
    PyObject *tasks = tasks_of((PyObject *)self);
    if (tasks == NULL) {
        if (!PyErr_Occurred() && exceptions_load() == 0) {
            PyErr_Format(exceptions.LocustError,
                         "No tasks defined on %s. Decorate methods with "
                         "@task, or set 'tasks' on the SequentialTaskSet",
                         _PyType_Name(Py_TYPE(self)));
            note_class((PyObject *)self);
        }
        return NULL;
    }
    PyObject *task = NULL;
    if (self->cycle != NULL) {
        task = next_of(self->cycle);
    }
    else {
        Py_ssize_t n = PySequence_Size(tasks);
        task = n > 0 ? PySequence_GetItem(tasks, self->cursor++ % n) : NULL;
    }
    Py_DECREF(tasks);
    return task;
}

/* itertools.cycle(tasks), as many tasks on as the cursor is. */
static PyObject *
new_cycle(TaskSetObject *self)
{
    PyObject *type = lookup("itertools", "cycle");
    PyObject *tasks = PyObject_GetAttr((PyObject *)self, names.tasks);
    PyObject *cycle = type && tasks ? PyObject_CallOneArg(type, tasks) : NULL;
    Py_ssize_t n = cycle != NULL ? PySequence_Size(tasks) : -1;
    for (Py_ssize_t i = n > 0 ? self->cursor % n : 0; i > 0 && cycle; i--) {
        PyObject *task = next_of(cycle);
        if (task == NULL) {
            Py_CLEAR(cycle);
        }
        Py_XDECREF(task);
    }
    if (n < 0) {
        Py_CLEAR(cycle);
    }
    Py_XDECREF(tasks);
    Py_XDECREF(type);
    return cycle;
}

static PyObject *
get_cycle(TaskSetObject *self, void *unused)
{
    if (self->cycle == NULL) {
        self->cycle = new_cycle(self);
    }
    return Py_XNewRef(self->cycle);
}

static int
set_cycle(TaskSetObject *self, PyObject *value, void *unused)
{
    if (value != NULL && !PyIter_Check(value)) {
        PyErr_Format(PyExc_TypeError, "_task_cycle is an iterator, not %R",
                     value);
        return -1;
    }
    self->cursor = 0;
    Py_XSETREF(self->cycle, Py_XNewRef(value));
    return 0;
}

/* The current state of a Markov chain; draws the one after it, by name. */
PyObject *
taskset_next_in_chain(TaskSetObject *self)
{
    PyObject *me = (PyObject *)self, *name = NULL, *next = NULL;
    PyObject *task = PyObject_GetAttr(me, names.current);
    PyObject *transitions =
        task != NULL ? PyObject_GetAttr(task, names.transitions) : NULL;
    if (transitions != NULL) {
        name = choice_pick(transitions);
        next = name != NULL ? PyObject_GetAttr(me, name) : NULL;
    }
    if (next == NULL || PyObject_SetAttr(me, names.current, next) < 0) {
        Py_CLEAR(task);
    }
    Py_XDECREF(transitions);
    Py_XDECREF(name);
    Py_XDECREF(next);
    return task;
}

/* --- Methods. */

int
taskset_check_init(TaskSetObject *self)
{
    if (self->user != NULL) {
        return 0;
    }
    PyErr_Format(PyExc_AttributeError,
                 "%s has no user: its __init__ must call "
                 "super().__init__(parent)",
                 _PyType_Name(Py_TYPE(self)));
    return -1;
}

/* None for 0, NULL for -1. */
static PyObject *
none_or_null(int result)
{
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
py_nothing(PyObject *self, PyObject *unused)
{
    Py_RETURN_NONE;
}

static PyObject *
py_run(TaskSetObject *self, PyObject *unused)
{
    return none_or_null(taskset_check_init(self) < 0 ? -1 : taskset_run(self));
}

static PyObject *
py_execute_next_task(TaskSetObject *self, PyObject *unused)
{
    return none_or_null(taskset_check_init(self) < 0 ? -1
                                             : taskset_execute_next(self));
}

/* execute_task(task), in one of its two ways. */
static PyObject *
execute_by(int (*execute)(TaskSetObject *, PyObject *), TaskSetObject *self,
           PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"task", NULL};
    PyObject *task;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:execute_task", keywords,
                                     &task) ||
        taskset_check_init(self) < 0) {
        return NULL;
    }
    return none_or_null(execute(self, task));
}

static PyObject *
py_execute_task(TaskSetObject *self, PyObject *args, PyObject *kwargs)
{
    return execute_by(taskset_execute, self, args, kwargs);
}

static PyObject *
py_execute_with_user(TaskSetObject *self, PyObject *args, PyObject *kwargs)
{
    return execute_by(taskset_execute_with_user, self, args, kwargs);
}

static PyObject *
py_schedule_task(TaskSetObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"task_callable", "first", NULL};
    PyObject *task;
    int first = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|p:schedule_task",
                                     keywords, &task, &first)) {
        return NULL;
    }
    return none_or_null(taskset_schedule(self, task, first));
}

static PyObject *
py_get_next_task(TaskSetObject *self, PyObject *unused)
{
    return taskset_next(self);
}

static PyObject *
py_next_for_user(TaskSetObject *self, PyObject *unused)
{
    return taskset_check_init(self) < 0 ? NULL : taskset_next_for_user(self);
}

static PyObject *
py_next_in_sequence(TaskSetObject *self, PyObject *unused)
{
    return taskset_next_in_sequence(self);
}

static PyObject *
py_next_in_chain(TaskSetObject *self, PyObject *unused)
{
    return taskset_next_in_chain(self);
}

static PyObject *
py_wait_time(TaskSetObject *self, PyObject *unused)
{
    return taskset_check_init(self) < 0 ? NULL : taskset_wait_time(self);
}

static PyObject *
py_wait(TaskSetObject *self, PyObject *unused)
{
    return none_or_null(taskset_check_init(self) < 0 ? -1 : taskset_wait(self));
}

static PyObject *
py_sleep(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"seconds", NULL};
    PyObject *seconds;
    return PyArg_ParseTupleAndKeywords(args, kwargs, "O:_sleep", keywords,
                                       &seconds)
               ? none_or_null(taskset_sleep(seconds))
               : NULL;
}

static PyObject *
py_interrupt(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"reschedule", NULL};
    PyObject *reschedule = Py_True;
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "|O:interrupt", keywords,
                                    &reschedule) &&
        exceptions_load() == 0) {
        PyObject *error =
            PyObject_CallOneArg(exceptions.InterruptTaskSet, reschedule);
        if (error != NULL) {
            PyErr_SetObject(exceptions.InterruptTaskSet, error);
            Py_DECREF(error);
        }
    }
    return NULL;
}

static PyObject *
get_user(TaskSetObject *self, void *unused)
{
    return taskset_check_init(self) < 0 ? NULL : Py_NewRef(self->user);
}

static PyObject *
get_parent(TaskSetObject *self, void *unused)
{
    if (self->parent == NULL && taskset_check_init(self) == 0) {
        PyErr_SetString(PyExc_AttributeError, "_parent");
    }
    return Py_XNewRef(self->parent);
}

static int
check_given(PyObject *value, const char *name)
{
    if (value == NULL) {
        PyErr_Format(PyExc_AttributeError, "%s cannot be deleted", name);
    }
    return value == NULL ? -1 : 0;
}

static int
set_user_attribute(TaskSetObject *self, PyObject *value, void *name)
{
    if (check_given(value, name) < 0) {
        return -1;
    }
    set_user(self, value);
    return 0;
}

static int
set_parent_attribute(TaskSetObject *self, PyObject *value, void *name)
{
    if (check_given(value, name) < 0) {
        return -1;
    }
    Py_XSETREF(self->parent, Py_NewRef(value));
    return 0;
}

static PyObject *
get_client(TaskSetObject *self, void *unused)
{
    return taskset_check_init(self) < 0 ? NULL
                                : PyObject_GetAttr(self->user, names.client);
}

PyDoc_STRVAR(on_start_doc,
             "on_start($self)\n--\n\nCalled before the first task. To be "
             "overridden.");
PyDoc_STRVAR(on_stop_doc,
             "on_stop($self)\n--\n\nCalled after the last task. To be "
             "overridden.");
PyDoc_STRVAR(run_doc,
             "run($self)\n--\n\nThe loop: runs tasks and waits between "
             "them.");
PyDoc_STRVAR(execute_next_task_doc,
             "execute_next_task($self)\n--\n\nRuns the first of the scheduled "
             "tasks.");
PyDoc_STRVAR(execute_task_doc,
             "execute_task($self, task)\n--\n\nRuns a task.");
PyDoc_STRVAR(execute_with_user_doc,
             "_execute_with_user($self, task)\n--\n\nRuns a task of the "
             "user's.");
PyDoc_STRVAR(schedule_task_doc,
             "schedule_task($self, task_callable, first=False)\n--\n\nPuts a "
             "task at the end of the queue, or at its head. While there are "
             "any\nin it they are run, and none is chosen at random.");
PyDoc_STRVAR(get_next_task_doc,
             "get_next_task($self)\n--\n\nChooses the next task when none is "
             "scheduled.");
PyDoc_STRVAR(next_for_user_doc,
             "_next_for_user($self)\n--\n\nChooses among the user's tasks.");
PyDoc_STRVAR(next_in_sequence_doc,
             "_next_in_sequence($self)\n--\n\nTakes one task after the "
             "other.");
PyDoc_STRVAR(next_in_chain_doc,
             "_next_in_chain($self)\n--\n\nFollows a transition.");
PyDoc_STRVAR(wait_time_doc,
             "wait_time($self)\n--\n\nHow many seconds to wait: what the "
             "user's wait_time says, unless the\ntask set has its own.");
PyDoc_STRVAR(wait_doc,
             "wait($self)\n--\n\nWaits for the time that wait_time() tells.");
PyDoc_STRVAR(sleep_doc,
             "_sleep($self, seconds)\n--\n\nWhat wait() waits with.");
PyDoc_STRVAR(interrupt_doc,
             "interrupt($self, reschedule=True)\n--\n\nLeaves the task set; "
             "its parent goes on, at once or after a wait.");

#define KEYWORDS(function) \
    (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS

static PyMethodDef taskset_methods[] = {
    {"on_start", py_nothing, METH_NOARGS, on_start_doc},
    {"on_stop", py_nothing, METH_NOARGS, on_stop_doc},
    {"run", (PyCFunction)py_run, METH_NOARGS, run_doc},
    {"execute_next_task", (PyCFunction)py_execute_next_task, METH_NOARGS,
     execute_next_task_doc},
    {"execute_task", KEYWORDS(py_execute_task), execute_task_doc},
    {"_execute_with_user", KEYWORDS(py_execute_with_user),
     execute_with_user_doc},
    {"schedule_task", KEYWORDS(py_schedule_task), schedule_task_doc},
    {"get_next_task", (PyCFunction)py_get_next_task, METH_NOARGS,
     get_next_task_doc},
    {"_next_for_user", (PyCFunction)py_next_for_user, METH_NOARGS,
     next_for_user_doc},
    {"_next_in_sequence", (PyCFunction)py_next_in_sequence, METH_NOARGS,
     next_in_sequence_doc},
    {"_next_in_chain", (PyCFunction)py_next_in_chain, METH_NOARGS,
     next_in_chain_doc},
    {"wait_time", (PyCFunction)py_wait_time, METH_NOARGS, wait_time_doc},
    {"wait", (PyCFunction)py_wait, METH_NOARGS, wait_doc},
    {"_sleep", KEYWORDS(py_sleep), sleep_doc},
    {"interrupt", KEYWORDS(py_interrupt), interrupt_doc},
    {NULL},
};

static PyGetSetDef taskset_getset[] = {
    {"user", (getter)get_user, NULL, "The user that runs it."},
    {"parent", (getter)get_parent, NULL,
     "The task set that it is a task of, or the user."},
    {"client", (getter)get_client, NULL, "The user's client."},
    {"_user", (getter)get_user, (setter)set_user_attribute, NULL, "_user"},
    {"_parent", (getter)get_parent, (setter)set_parent_attribute, NULL,
     "_parent"},
    {"_task_queue", (getter)get_queue, (setter)set_queue,
     "Scheduled tasks: a deque."},
    {"_cycle", (getter)get_cycle, (setter)set_cycle,
     "An iterator over the tasks of a sequence."},
    {NULL},
};

static PyMemberDef taskset_members[] = {
    {"_time_start", T_DOUBLE, offsetof(TaskSetObject, time_start)},
    {"_cp_last_run", T_DOUBLE, offsetof(TaskSetObject, pacing.last_run)},
    {"_cp_last_wait_time", T_DOUBLE,
     offsetof(TaskSetObject, pacing.last_wait)},
    {NULL},
};

PyDoc_STRVAR(taskset_doc,
             "TaskSetBase(parent)\n--\n\nWhat TaskSet is made of. Derive from "
             "TaskSet.");

static PyType_Slot taskset_slots[] = {
    {Py_tp_doc, (void *)taskset_doc},
    {Py_tp_new, object_new},
    {Py_tp_init, taskset_init},
    {Py_tp_traverse, taskset_traverse},
    {Py_tp_clear, taskset_clear},
    {Py_tp_dealloc, taskset_dealloc},
    {Py_tp_methods, taskset_methods},
    {Py_tp_getset, taskset_getset},
    {Py_tp_members, taskset_members},
    {0, NULL},
};

static PyType_Spec taskset_spec = {
    .name = "_locust.TaskSetBase",
    .basicsize = sizeof(TaskSetObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = taskset_slots,
};

int
taskset_exec(PyObject *module)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&taskset_spec);
    if (type == NULL || PyModule_AddType(module, type) < 0) {
        return -1;
    }
    TaskSet_Type = type;
    const struct {
        const char *name;
        PyObject **native;
    } all[] = {
        {"execute_next_task", &natives.execute_next_task},
        {"execute_task", &natives.execute_task},
        {"_execute_with_user", &natives.execute_with_user},
        {"get_next_task", &natives.get_next_task},
        {"_next_for_user", &natives.next_for_user},
        {"_next_in_sequence", &natives.next_in_sequence},
        {"_next_in_chain", &natives.next_in_chain},
        {"on_start", &natives.on_start},
        {"on_stop", &natives.on_stop},
        {"run", &natives.run},
        {"schedule_task", &natives.schedule_task},
        {"_sleep", &natives.sleep},
        {"wait", &natives.wait},
        {"wait_time", &natives.wait_time},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (native_load(type, all[i].name, all[i].native) < 0) {
            return -1;
        }
    }
    return 0;
}
