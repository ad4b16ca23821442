/*
 * Runner: the state machine and what all kinds of runners share. What it does
 * with users is in users.c, how a test ends in stop.c.
 */
#include "config.h"
#include "run/internal.h"

#include <structmember.h>

#include "base/names.h"
#include "green/group.h"

PyTypeObject *Runner_Type;

/* --- State. */

int
runner_update_state(RunnerObject *self, PyObject *state)
{
    PyObject *r = PyObject_CallMethodOneArg((PyObject *)self,
                                            names.update_state, state);
    return drop_result(r);
}

static PyObject *
runner_py_update_state(RunnerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"new_state", NULL};
    PyObject *state;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U", keywords, &state)) {
        return NULL;
    }
    Py_XSETREF(self->state, Py_NewRef(state));
    Py_RETURN_NONE;
}

/* --- Listeners of its own. */

static int
add_listener(PyObject *environment, PyObject *event, PyObject *listener)
{
    PyObject *events = PyObject_GetAttr(environment, names.events);
    PyObject *hook = events != NULL ? PyObject_GetAttr(events, event) : NULL;
    PyObject *r =
        hook != NULL
            ? PyObject_CallMethodOneArg(hook, names.add_listener, listener)
            : NULL;
    Py_XDECREF(hook);
    Py_XDECREF(events);
    return drop_result(r);
}

int
runner_listen(RunnerObject *self, PyObject *event, PyObject *method)
{
    PyObject *bound = PyObject_GetAttr((PyObject *)self, method);
    int result =
        bound == NULL ? -1 : add_listener(self->environment, event, bound);
    Py_XDECREF(bound);
    return result;
}

/* Requests are counted by a listener like any other, so that those of the
   locustfile, added before, come before it and may end the firing. */
static int
count_requests(RunnerObject *self)
{
    PyObject *make = lookup("_locust", "stats_listener");
    PyObject *listener =
        make != NULL ? PyObject_CallOneArg(make, (PyObject *)self) : NULL;
    int result = listener == NULL ? -1
                                  : add_listener(self->environment,
                                                 names.request, listener);
    Py_XDECREF(listener);
    Py_XDECREF(make);
    return result;
}

static int
reset_stats_if_asked(RunnerObject *self)
{
    PyObject *wanted =
        PyObject_GetAttr(self->environment, names.reset_stats);
    int yes = wanted == NULL ? -1 : PyObject_IsTrue(wanted);
    Py_XDECREF(wanted);
    if (yes <= 0) {
        return yes;
    }
    if (log_line("locust.runners", "info", "Resetting stats\n") < 0) {
        return -1;
    }
    PyObject *stats = PyObject_GetAttr((PyObject *)self, names.stats);
    PyObject *r = stats != NULL
                      ? PyObject_CallMethodNoArgs(stats, names.reset_all)
                      : NULL;
    Py_XDECREF(stats);
    return drop_result(r);
}

static PyObject *
runner_on_spawning_complete(RunnerObject *self, PyObject *args,
                            PyObject *kwargs)
{
    if (runner_update_state(self, names.running) < 0 ||
        reset_stats_if_asked(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* --- Construction. */

static PyObject *
runner_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    RunnerObject *self = (RunnerObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->environment = Py_NewRef(Py_None);
    self->state = Py_NewRef(names.ready);
    self->user_greenlets = group_new();
    self->greenlet = group_new();
    self->callers = PyList_New(0);
    self->exceptions = PyDict_New();
    self->target_user_classes_count = PyDict_New();
    self->final_user_classes_count = PyDict_New();
    self->custom_messages = PyDict_New();
    self->target_user_count = PyLong_FromLong(0);
    self->current_cpu_usage = PyFloat_FromDouble(0);
    self->current_memory_usage = PyLong_FromLong(0);
    if (PyErr_Occurred()) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int
runner_init(RunnerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"environment", NULL};
    PyObject *environment;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", keywords,
                                     &environment) ||
        !hub_is_here()) {
        return -1;
    }
    Py_SETREF(self->environment, Py_NewRef(environment));
    if (count_requests(self) < 0 ||
        runner_listen(self, names.spawning_complete,
                      names._on_spawning_complete) < 0) {
        return -1;
    }
    return runner_start_monitor(self);
}

/* --- Users. */

static PyObject *
runner_py_spawn_users(RunnerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"user_classes_spawn_count", "wait", NULL};
    PyObject *counts;
    int wait = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|p", keywords, &counts,
                                     &wait) ||
        !hub_is_here()) {
        return NULL;
    }
    return runner_spawn_users(self, counts, wait);
}

static PyObject *
runner_py_stop_users(RunnerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"user_classes_stop_count", NULL};
    PyObject *counts;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", keywords, &counts) ||
        !hub_is_here() || runner_stop_users(self, counts) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
runner_get_user_count(RunnerObject *self, void *unused)
{
    return PyLong_FromSsize_t(group_size(self->user_greenlets));
}

static PyObject *
runner_get_user_classes_count(RunnerObject *self, void *unused)
{
    return runner_count_users(self);
}

/* --- What only its kinds can do. */

static PyObject *
only_kinds_can(RunnerObject *self, const char *what)
{
    PyErr_Format(PyExc_NotImplementedError,
                 "a %.100s cannot %s: make a runner with "
                 "environment.create_local_runner()",
                 _PyType_Name(Py_TYPE(self)), what);
    return NULL;
}

static PyObject *
runner_start(RunnerObject *self, PyObject *args, PyObject *kwargs)
{
    return only_kinds_can(self, "start users");
}

static PyObject *
runner_send_message(RunnerObject *self, PyObject *args, PyObject *kwargs)
{
    return only_kinds_can(self, "send messages");
}

/* --- Shapes. */

static PyObject *
runner_py_start_shape(RunnerObject *self, PyObject *unused)
{
    return runner_start_shape(self) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
runner_py_shape_worker(RunnerObject *self, PyObject *unused)
{
    return runner_shape_worker(self) < 0 ? NULL : Py_NewRef(Py_None);
}

/* --- Ending. */

static PyObject *
runner_stop(RunnerObject *self, PyObject *unused)
{
    return runner_end(self, false);
}

static PyObject *
runner_quit(RunnerObject *self, PyObject *unused)
{
    return runner_end(self, true);
}

static PyObject *
runner_hurry_stop(RunnerObject *self, PyObject *unused)
{
    return runner_hurry(self) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
runner_cpu_log_warning(RunnerObject *self, PyObject *unused)
{
    if (runner_log_cpu_warning(self) < 0) {
        return NULL;
    }
    return PyBool_FromLong(self->cpu_warning_emitted);
}

static PyObject *
runner_monitor_cpu_and_memory(RunnerObject *self, PyObject *unused)
{
    (void)runner_monitor(self);
    return NULL;
}

/* --- What it shows of its environment. */

static PyObject *
of_environment(RunnerObject *self, void *name)
{
    return PyObject_GetAttr(self->environment, *(PyObject **)name);
}

PyObject *
runner_get_part(PyObject *self, void *closure)
{
    const struct part *part = closure;
    PyObject *value = *(PyObject **)((char *)self + part->offset);
    if (value == NULL) {
        PyErr_Format(PyExc_AttributeError,
                     "there is no %s before __init__()", part->name);
    }
    return Py_XNewRef(value);
}

int
runner_set_part(PyObject *self, PyObject *value, void *closure)
{
    const struct part *part = closure;
    PyObject **slot = (PyObject **)((char *)self + part->offset);
    if (value == NULL) {
        PyErr_Format(PyExc_AttributeError, "%s cannot be deleted",
                     part->name);
        return -1;
    }
    if (part->type != NULL && !PyObject_TypeCheck(value, *part->type)) {
        PyErr_Format(PyExc_TypeError, "%s must be a %.100s, not %.100s",
                     part->name, _PyType_Name(*part->type),
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    Py_XSETREF(*slot, Py_NewRef(value));
    return 0;
}

static PyObject *
runner_get_errors(RunnerObject *self, void *unused)
{
    PyObject *stats = PyObject_GetAttr((PyObject *)self, names.stats);
    PyObject *errors =
        stats != NULL ? PyObject_GetAttr(stats, names.errors) : NULL;
    Py_XDECREF(stats);
    return errors;
}

/* --- The type. */

static int
runner_traverse(RunnerObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->environment);
    Py_VISIT(self->user_greenlets);
    Py_VISIT(self->greenlet);
    Py_VISIT(self->spawning_greenlet);
    Py_VISIT(self->shape_greenlet);
    Py_VISIT(self->shape_last_tick);
    Py_VISIT(self->stopper);
    Py_VISIT(self->callers);
    Py_VISIT(self->exceptions);
    Py_VISIT(self->target_user_classes_count);
    Py_VISIT(self->final_user_classes_count);
    Py_VISIT(self->custom_messages);
    Py_VISIT(self->users_dispatcher);
    Py_VISIT(self->dict);
    return 0;
}

static int
runner_clear(RunnerObject *self)
{
    Py_CLEAR(self->environment);
    Py_CLEAR(self->user_greenlets);
    Py_CLEAR(self->greenlet);
    Py_CLEAR(self->state);
    Py_CLEAR(self->spawning_greenlet);
    Py_CLEAR(self->shape_greenlet);
    Py_CLEAR(self->shape_last_tick);
    Py_CLEAR(self->current_cpu_usage);
    Py_CLEAR(self->current_memory_usage);
    Py_CLEAR(self->stopper);
    Py_CLEAR(self->callers);
    Py_CLEAR(self->exceptions);
    Py_CLEAR(self->target_user_count);
    Py_CLEAR(self->target_user_classes_count);
    Py_CLEAR(self->final_user_classes_count);
    Py_CLEAR(self->custom_messages);
    Py_CLEAR(self->users_dispatcher);
    Py_CLEAR(self->dict);
    return 0;
}

/* Kills all of a group but the caller, who goes on. */
static void
kill_others(PyObject *group)
{
    PyObject *members = group_members(group);
    Py_ssize_t n = members == NULL ? 0 : PyList_GET_SIZE(members);
    for (Py_ssize_t i = 0; i < n; i++) {
        struct green *g = (struct green *)PyList_GET_ITEM(members, i);
        if (g != green_current() && green_throw(g, Green_Exit) < 0) {
            PyErr_Clear();
        }
    }
    Py_XDECREF(members);
    PyErr_Clear();
}

/* Its green threads end with it; nobody waits for them here. When the whole
   interpreter ends, it has freed their thread states already. */
static void
runner_finalize(RunnerObject *self)
{
    if (interpreter_is_finalizing()) {
        return;
    }
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    PyObject *groups[] = {self->user_greenlets, self->greenlet};
    for (int i = 0; i < 2; i++) {
        if (groups[i] != NULL && green_current() != NULL) {
            kill_others(groups[i]);
        }
    }
    PyErr_Restore(type, value, tb);
}

static void
runner_dealloc(RunnerObject *self)
{
    if (PyObject_CallFinalizerFromDealloc((PyObject *)self) < 0) {
        return;
    }
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    runner_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(update_state_doc,
             "update_state($self, new_state)\n--\n\n"
             "Makes it the state. To be overridden by who must know.");
PyDoc_STRVAR(spawn_users_doc,
             "spawn_users($self, user_classes_spawn_count, wait=False)\n"
             "--\n\n"
             "Creates and starts users, {class name: number}, at once, and "
             "returns them as a list.\n"
             "With wait it returns when no user is left.");
PyDoc_STRVAR(stop_users_doc,
             "stop_users($self, user_classes_stop_count)\n--\n\n"
             "Stops users, {class name: number}, and waits for their end. "
             "With environment.stop_timeout\n"
             "they have so many seconds to finish their tasks.");
PyDoc_STRVAR(start_doc,
             "start($self, user_count, spawn_rate, wait=False, "
             "user_classes=None)\n--\n\n"
             "Begins to change the number of users. Every kind of runner has "
             "its own.");
PyDoc_STRVAR(send_message_doc,
             "send_message($self, msg_type, data=None, client_id=None)\n"
             "--\n\n"
             "Sends a message to other nodes. Every kind of runner has its "
             "own.");
PyDoc_STRVAR(start_shape_doc,
             "start_shape($self)\n--\n\n"
             "Starts a test whose users environment.shape_class determines.");
PyDoc_STRVAR(shape_worker_doc,
             "shape_worker($self)\n--\n\n"
             "Does what environment.shape_class says, until it ends.");
PyDoc_STRVAR(stop_doc,
             "stop($self)\n--\n\nStops the test and all users.");
PyDoc_STRVAR(quit_doc,
             "quit($self)\n--\n\n"
             "Stops the test and ends the runner's green threads.");
PyDoc_STRVAR(hurry_stop_doc,
             "_hurry_stop($self)\n--\n\n"
             "Kills the green thread that stops the test, if one is at it: "
             "the next stop() finishes\n"
             "what it began, without the listener or the on_stop() that it "
             "waits for.");
PyDoc_STRVAR(cpu_log_warning_doc,
             "cpu_log_warning($self)\n--\n\n"
             "Logs a warning if the processor was the limit; says whether.");
PyDoc_STRVAR(monitor_doc,
             "monitor_cpu_and_memory($self)\n--\n\n"
             "Samples processor and memory use for ever.");
PyDoc_STRVAR(register_message_doc,
             "register_message($self, msg_type, listener, "
             "concurrent=False)\n--\n\n"
             "listener(environment=..., msg=...) is called for messages of "
             "this type.");
PyDoc_STRVAR(log_exception_doc,
             "log_exception($self, node_id, msg, formatted_tb)\n--\n\n"
             "Counts an exception; equal tracebacks are one.");

#define KEYWORDS(function) \
    (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS

static PyMethodDef runner_methods[] = {
    {"update_state", KEYWORDS(runner_py_update_state), update_state_doc},
    {"spawn_users", KEYWORDS(runner_py_spawn_users), spawn_users_doc},
    {"stop_users", KEYWORDS(runner_py_stop_users), stop_users_doc},
    {"start", KEYWORDS(runner_start), start_doc},
    {"send_message", KEYWORDS(runner_send_message), send_message_doc},
    {"start_shape", (PyCFunction)runner_py_start_shape, METH_NOARGS,
     start_shape_doc},
    {"shape_worker", (PyCFunction)runner_py_shape_worker, METH_NOARGS,
     shape_worker_doc},
    {"stop", (PyCFunction)runner_stop, METH_NOARGS, stop_doc},
    {"quit", (PyCFunction)runner_quit, METH_NOARGS, quit_doc},
    {"_hurry_stop", (PyCFunction)runner_hurry_stop, METH_NOARGS,
     hurry_stop_doc},
    {"cpu_log_warning", (PyCFunction)runner_cpu_log_warning, METH_NOARGS,
     cpu_log_warning_doc},
    {"monitor_cpu_and_memory", (PyCFunction)runner_monitor_cpu_and_memory,
     METH_NOARGS, monitor_doc},
    {"register_message", KEYWORDS(runner_register_message),
     register_message_doc},
    {"log_exception", KEYWORDS(runner_log_exception), log_exception_doc},
    {"_on_spawning_complete", KEYWORDS(runner_on_spawning_complete), NULL},
    {NULL},
};

static PyTypeObject *const dict_type = &PyDict_Type;

#define PART(name, type) \
    {#name, runner_get_part, runner_set_part, NULL, \
     &(struct part){#name, offsetof(RunnerObject, name), type}}

static PyGetSetDef runner_getset[] = {
    PART(environment, NULL),
    PART(user_greenlets, &Group_Type),
    PART(greenlet, &Group_Type),
    PART(custom_messages, (PyTypeObject **)&dict_type),
    {"user_classes", (getter)of_environment, NULL, NULL, &names.user_classes},
    {"user_classes_by_name", (getter)of_environment, NULL, NULL,
     &names.user_classes_by_name},
    {"stats", (getter)of_environment, NULL, NULL, &names.stats},
    {"errors", (getter)runner_get_errors, NULL, NULL, NULL},
    {"user_count", (getter)runner_get_user_count, NULL,
     "Users that are alive.", NULL},
    {"user_classes_count", (getter)runner_get_user_classes_count, NULL,
     "{class name: users that are alive}", NULL},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL,
     NULL},
    {NULL},
};

#define OBJECT(name, field, flags) \
    {name, T_OBJECT, offsetof(RunnerObject, field), flags, NULL}

static PyMemberDef runner_members[] = {
    OBJECT("state", state, 0),
    OBJECT("spawning_greenlet", spawning_greenlet, 0),
    OBJECT("shape_greenlet", shape_greenlet, 0),
    OBJECT("shape_last_tick", shape_last_tick, 0),
    OBJECT("current_cpu_usage", current_cpu_usage, 0),
    OBJECT("current_memory_usage", current_memory_usage, 0),
    OBJECT("exceptions", exceptions, 0),
    OBJECT("target_user_count", target_user_count, 0),
    OBJECT("target_user_classes_count", target_user_classes_count, 0),
    OBJECT("final_user_classes_count", final_user_classes_count, 0),
    OBJECT("_users_dispatcher", users_dispatcher, 0),
    {"cpu_warning_emitted", T_BOOL,
     offsetof(RunnerObject, cpu_warning_emitted), 0, NULL},
    {"worker_cpu_warning_emitted", T_BOOL,
     offsetof(RunnerObject, worker_cpu_warning_emitted), 0, NULL},
    {"connection_broken", T_BOOL, offsetof(RunnerObject, connection_broken),
     0, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(RunnerObject, dict), READONLY},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(RunnerObject, weakrefs),
     READONLY},
    {NULL},
};

PyDoc_STRVAR(runner_doc,
             "Runner(environment)\n--\n\n"
             "What all runners share: users, state, exceptions, messages.");

static PyType_Slot runner_slots[] = {
    {Py_tp_doc, (void *)runner_doc},
    {Py_tp_new, runner_new},
    {Py_tp_init, runner_init},
    {Py_tp_traverse, runner_traverse},
    {Py_tp_clear, runner_clear},
    {Py_tp_finalize, runner_finalize},
    {Py_tp_dealloc, runner_dealloc},
    {Py_tp_methods, runner_methods},
    {Py_tp_getset, runner_getset},
    {Py_tp_members, runner_members},
    {0, NULL},
};

static PyType_Spec runner_spec = {
    .name = "_locust.Runner",
    .basicsize = sizeof(RunnerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = runner_slots,
};

int
runner_module_exec(PyObject *module)
{
    Runner_Type = (PyTypeObject *)PyType_FromSpec(&runner_spec);
    if (Runner_Type == NULL || PyModule_AddType(module, Runner_Type) < 0 ||
        run_settings_exec(module) < 0) {
        return -1;
    }
    return local_runner_module_exec(module);
}
