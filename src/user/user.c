/*
 * The type under User: what a user is made of, its life from start() to
 * on_stop(), and how it is told to stop.
 *
 * The green thread of a user has the user as its only argument; its C body
 * calls run(), which a subclass may have overridden.
 */
#include "user/internal.h"

#include <stddef.h>
#include <stdio.h>
#include <structmember.h>

#include "base/clock.h"
#include "base/lookup.h"
#include "event/exceptions.h"
#include "event/log.h"
#include "green/green.h"
#include "green/group.h"
#include "green/overflow.h"
#include "http/client.h"
#include "green/watch.h"

PyTypeObject *User_Type;

static PyObject *root_class;    /* DefaultTaskSet, once needed */

/* --- Construction. */

PyObject *
object_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *none = PyTuple_New(0);
    PyObject *self =
        none != NULL ? PyBaseObject_Type.tp_new(type, none, NULL) : NULL;
    Py_XDECREF(none);
    return self;
}

/* super().__init__(), which only matters if the class has other bases. */
static int
init_other_bases(PyObject *self)
{
    PyObject *mro = Py_TYPE(self)->tp_mro;
    Py_ssize_t n = PyTuple_GET_SIZE(mro);
    if (n >= 2 && PyTuple_GET_ITEM(mro, n - 2) == (PyObject *)User_Type) {
        return 0;
    }
    PyObject *rest = PyObject_CallFunctionObjArgs(
        (PyObject *)&PySuper_Type, (PyObject *)User_Type, self, NULL);
    PyObject *r =
        rest ? PyObject_CallMethodNoArgs(rest, names.__init__) : NULL;
    Py_XDECREF(rest);
    return drop_result(r);
}

static int
user_init(UserObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"environment", NULL};
    PyObject *environment;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:User", keywords,
                                     &environment) ||
        init_other_bases((PyObject *)self) < 0) {
        return -1;
    }
    Py_CLEAR(self->state);
    Py_CLEAR(self->greenlet);
    Py_CLEAR(self->taskset);
    self->pacing.last_run = clock_perf();
    self->pacing.last_wait = 0;
    /* A class may have an attribute of this name that hides ours. */
    return PyObject_SetAttr((PyObject *)self, names.environment,
                            environment);
}

static int
user_traverse(UserObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->environment);
    Py_VISIT(self->state);
    Py_VISIT(self->greenlet);
    Py_VISIT(self->group);
    Py_VISIT(self->taskset);
    return 0;
}

static int
user_clear(UserObject *self)
{
    Py_CLEAR(self->environment);
    Py_CLEAR(self->state);
    Py_CLEAR(self->greenlet);
    Py_CLEAR(self->group);
    Py_CLEAR(self->taskset);
    return 0;
}

static void
user_dealloc(UserObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    user_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* --- State. */

static PyObject *
missing(PyObject *self, const char *name)
{
    PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute '%s'",
                 _PyType_Name(Py_TYPE(self)), name);
    return NULL;
}

bool
user_same_state(PyObject *state, PyObject *value)
{
    return state == value ||
           (state != NULL && PyUnicode_Check(state) &&
            !PyUnicode_CHECK_INTERNED(state) &&
            PyUnicode_Compare(state, value) == 0);
}

static void
set_state(UserObject *self, PyObject *state)
{
    Py_XSETREF(self->state, Py_NewRef(state));
}

/* --- Running. */

static int
make_root(UserObject *self)
{
    if (root_class == NULL) {
        root_class = lookup("locust.user.task", "DefaultTaskSet");
    }
    PyObject *root =
        root_class ? PyObject_CallOneArg(root_class, (PyObject *)self) : NULL;
    if (root == NULL) {
        return -1;
    }
    Py_XSETREF(self->taskset, root);
    return 0;
}

/* on_start(); its exceptions are logged, and go on. */
static int
start(PyObject *self)
{
    if (call_hook(self, names.on_start, natives.user_on_start) == 0) {
        return 0;
    }
    if (PyErr_ExceptionMatches(PyExc_Exception)) {
        PyObject *error = error_take();
        int logged = log_exception("locust.user.users", NULL, error);
        if (logged == 0) {
            ((UserObject *)self)->error_logged = true;
            error_give(error);
        }
        else {
            Py_DECREF(error);
        }
    }
    return -1;
}

/* The root task set may have been replaced, or be a subclass. */
static int
run_root(UserObject *self)
{
    PyObject *root = Py_XNewRef(self->taskset);
    struct method run;
    if (root == NULL) {
        missing((PyObject *)self, "_taskset_instance");
        return -1;
    }
    int result = method_find(root, names.run, &run);
    if (result == 0 && run.function == natives.run) {
        Py_DECREF(run.function);
        result = taskset_run((TaskSetObject *)root);
    }
    else if (result == 0) {
        result = drop_result(method_call(&run, root, NULL));
    }
    Py_DECREF(root);
    return result;
}

/* on_stop(), after an exception that asked the user to stop. */
static int
stop(PyObject *self)
{
    PyObject *error = error_take();
    PyObject *outer = PyErr_GetHandledException();
    PyErr_SetHandledException(error);
    int result = call_hook(self, names.on_stop, natives.user_on_stop);
    PyErr_SetHandledException(outer);
    Py_XDECREF(outer);
    Py_DECREF(error);
    return result;
}

static int
user_run(UserObject *self)
{
    set_state(self, names.running);
    if (exceptions_load() < 0 || make_root(self) < 0) {
        return -1;
    }
    if (start((PyObject *)self) == 0 && run_root(self) == 0) {
        return 0;
    }
    if (PyErr_ExceptionMatches(Green_Exit) ||
        PyErr_ExceptionMatches(exceptions.StopUser) ||
        PyErr_ExceptionMatches(exceptions.StopTest)) {
        self->killed = false;   /* on_stop() may wait, and run tasks */
        return stop((PyObject *)self);
    }
    return -1;
}

/* Calls run() of a user, which may be overridden. */
static PyObject *
call_run(PyObject *user)
{
    struct method run;
    if (method_find(user, names.run, &run) < 0) {
        return NULL;
    }
    if (run.function != natives.user_run) {
        return method_call(&run, user, NULL);
    }
    Py_DECREF(run.function);
    return user_run((UserObject *)user) < 0 ? NULL : Py_NewRef(Py_None);
}

/* From its beginning to its end, after which it has no connections. */
static PyObject *
run_user(PyObject *module, PyObject *user)
{
    PyObject *result = call_run(user);
    PyObject *error = error_take();
    if (http_user_left(user) < 0) {
        PyErr_WriteUnraisable(user);
    }
    if (error != NULL) {
        error_give(error);
    }
    return result;
}

/* Says that a user ends because of an error, by its class. A traceback that has
   been logged is not shown again. */
static void
show_failure(UserObject *user, PyObject *error)
{
    PyObject *whose = PyUnicode_FromFormat("<Greenlet: run_user(%s)>",
                                           _PyType_Name(Py_TYPE(user)));
    if (whose == NULL) {
        PyErr_Clear();
        whose = Py_NewRef(Py_TYPE(user));
    }
    green_show_error(whose, error, !user->error_logged);
    Py_DECREF(whose);
}

/* A sys.exit() that ends the whole test is not to leave in silence. */
static PyObject *
green_user(struct green *self)
{
    UserObject *user = (UserObject *)PyTuple_GET_ITEM(self->args, 0);
    user->error_logged = false;
    PyObject *r = run_user(NULL, (PyObject *)user);
    if (r == NULL && (PyErr_ExceptionMatches(PyExc_Exception) ||
                      PyErr_ExceptionMatches(PyExc_SystemExit))) {
        PyObject *error = error_take();
        show_failure(user, error);
        self->shown = true;
        error_give(error);
    }
    return r;
}

/* --- Starting and stopping. */

static PyObject *
start_in_group(PyObject *self, PyObject *group)
{
    PyObject *args = PyTuple_Pack(1, self);
    struct green *g = args ? green_new(NULL, green_user, NULL, args) : NULL;
    Py_XDECREF(args);
    if (g != NULL && group_start(group, g) < 0) {
        Py_CLEAR(g);
    }
    return (PyObject *)g;
}

static PyMethodDef run_user_def = {"run_user", run_user, METH_O, NULL};

/* Anything else that can spawn. */
static PyObject *
spawn_in(PyObject *self, PyObject *group)
{
    PyObject *function = PyCFunction_NewEx(&run_user_def, NULL, NULL);
    PyObject *g = function ? PyObject_CallMethodObjArgs(
                                 group, names.spawn, function, self, NULL)
                           : NULL;
    Py_XDECREF(function);
    return g;
}

static PyObject *
user_start(UserObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"group", NULL};
    PyObject *group, *me = (PyObject *)self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:start", keywords,
                                     &group)) {
        return NULL;
    }
    self->killed = false;
    PyObject *g = PyObject_TypeCheck(group, Group_Type)
                      ? start_in_group(me, group)
                      : spawn_in(me, group);
    if (g != NULL) {
        Py_XSETREF(self->greenlet, Py_NewRef(g));
        Py_XSETREF(self->group, Py_NewRef(group));
    }
    return g;
}

static int
kill_user(UserObject *self)
{
    if (self->group == NULL) {
        missing((PyObject *)self, "_group");
        return -1;
    }
    PyObject *greenlet =
        Py_NewRef(self->greenlet != NULL ? self->greenlet : Py_None);
    PyObject *group = Py_NewRef(self->group);
    PyObject *r = PyObject_CallMethodOneArg(group, names.killone, greenlet);
    Py_DECREF(group);
    Py_DECREF(greenlet);
    return drop_result(r);
}

void
user_mark_killed(PyObject *user)
{
    if (PyObject_TypeCheck(user, User_Type)) {
        ((UserObject *)user)->killed = true;
    }
}

bool
user_is_marked_killed(PyObject *user)
{
    return PyObject_TypeCheck(user, User_Type) &&
           ((UserObject *)user)->killed;
}

/* One that has been started but has not had its turn yet has nothing to
   finish, and is as good as waiting. */
static bool
may_be_killed(UserObject *self)
{
    bool unbegun = self->state == NULL || self->state == Py_None;
    return user_same_state(self->state, names.waiting) ||
           (unbegun && self->group != NULL);
}

static PyObject *
user_stop(UserObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"force", NULL};
    int force = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|p:stop", keywords,
                                     &force) ||
        !hub_is_here()) {
        return NULL;
    }
    if (force || may_be_killed(self)) {
        self->killed = true;
        return kill_user(self) < 0 ? NULL : Py_NewRef(Py_True);
    }
    if (user_same_state(self->state, names.running)) {
        set_state(self, names.stopping);
        Py_RETURN_FALSE;
    }
    PyErr_Format(PyExc_Exception,
                 "Tried to stop User in an unexpected state: %R. This should "
                 "never happen.",
                 self->state != NULL ? self->state : Py_None);
    return NULL;
}

/* --- What it does now, for a message when its stack has overflowed. */

/* A str's characters if they are plain ASCII, without allocating. */
static const char *
plain_text(PyObject *str)
{
    return PyUnicode_IS_COMPACT_ASCII(str)
               ? (const char *)PyUnicode_1BYTE_DATA(str)
               : "?";
}

static const char *
task_name(PyObject *task)
{
    if (PyMethod_Check(task)) {
        task = PyMethod_GET_FUNCTION(task);
    }
    return PyFunction_Check(task)
               ? plain_text(((PyFunctionObject *)task)->func_qualname)
               : Py_TYPE(task)->tp_name;
}

static const char *
describe(const struct green *g, char *buffer, size_t size)
{
    buffer[0] = '\0';
    if (g == NULL || g->args == NULL || PyTuple_GET_SIZE(g->args) != 1) {
        return buffer;
    }
    PyObject *user = PyTuple_GET_ITEM(g->args, 0);
    if (!PyType_IsSubtype(Py_TYPE(user), User_Type)) {
        return buffer;
    }
    PyObject *task = ((UserObject *)user)->task;
    snprintf(buffer, size, "class %s, %s%s", Py_TYPE(user)->tp_name,
             task != NULL ? "task " : "outside its tasks",
             task != NULL ? task_name(task) : "");
    return buffer;
}

const char *
user_describe_current(char *buffer, size_t size)
{
    return describe(green_current(), buffer, size);
}

/* --- The type. */

static PyObject *
py_nothing(PyObject *self, PyObject *unused)
{
    Py_RETURN_NONE;
}

static PyObject *
py_run(UserObject *self, PyObject *unused)
{
    return user_run(self) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
py_wait(PyObject *self, PyObject *unused)
{
    PyObject *root = PyObject_GetAttr(self, names._taskset_instance);
    PyObject *r = root ? PyObject_CallMethodNoArgs(root, names.wait) : NULL;
    Py_XDECREF(root);
    return r;
}

static PyObject *
py_context(PyObject *self, PyObject *unused)
{
    return PyDict_New();
}

static PyObject *
get_group(UserObject *self, void *unused)
{
    return self->group != NULL ? Py_NewRef(self->group)
                               : missing((PyObject *)self, "_group");
}

static PyObject *
get_greenlet(UserObject *self, void *unused)
{
    return Py_NewRef(self->greenlet != NULL ? self->greenlet : Py_None);
}

PyDoc_STRVAR(on_start_doc,
             "on_start($self)\n--\n\nCalled when the user starts, before any "
             "task. To be overridden.");
PyDoc_STRVAR(on_stop_doc,
             "on_stop($self)\n--\n\nCalled when the user has been told to "
             "stop. To be overridden.");
PyDoc_STRVAR(run_doc,
             "run($self)\n--\n\nWhat the user's green thread does.");
PyDoc_STRVAR(wait_doc,
             "wait($self)\n--\n\nWaits as the user waits between two tasks.");
PyDoc_STRVAR(start_doc,
             "start($self, group)\n--\n\nRuns the user in a green thread of "
             "that group; returns it.");
PyDoc_STRVAR(stop_doc,
             "stop($self, force=False)\n--\n\nEnds the user now (True) if it "
             "waits or force is given; otherwise\nit ends itself after its "
             "current task (False).");
PyDoc_STRVAR(context_doc,
             "context($self)\n--\n\nA dict that is added to the context of "
             "every request. To be overridden.");

static PyMethodDef user_methods[] = {
    {"on_start", py_nothing, METH_NOARGS, on_start_doc},
    {"on_stop", py_nothing, METH_NOARGS, on_stop_doc},
    {"run", (PyCFunction)py_run, METH_NOARGS, run_doc},
    {"wait", py_wait, METH_NOARGS, wait_doc},
    {"start", (PyCFunction)(void (*)(void))user_start,
     METH_VARARGS | METH_KEYWORDS, start_doc},
    {"stop", (PyCFunction)(void (*)(void))user_stop,
     METH_VARARGS | METH_KEYWORDS, stop_doc},
    {"context", py_context, METH_NOARGS, context_doc},
    {NULL},
};

static PyGetSetDef user_getset[] = {
    {"group", (getter)get_group, NULL, "The group it was started in."},
    {"greenlet", (getter)get_greenlet, NULL, "Its green thread."},
    {NULL},
};

static PyMemberDef user_members[] = {
    {"environment", T_OBJECT_EX, offsetof(UserObject, environment)},
    {"_state", T_OBJECT, offsetof(UserObject, state)},
    {"_greenlet", T_OBJECT, offsetof(UserObject, greenlet)},
    {"_group", T_OBJECT_EX, offsetof(UserObject, group)},
    {"_taskset_instance", T_OBJECT, offsetof(UserObject, taskset)},
    {"_cp_last_run", T_DOUBLE, offsetof(UserObject, pacing.last_run)},
    {"_cp_last_wait_time", T_DOUBLE, offsetof(UserObject, pacing.last_wait)},
    {NULL},
};

PyDoc_STRVAR(user_doc,
             "UserBase(environment)\n--\n\nWhat User is made of. Derive from "
             "User.");

static PyType_Slot user_slots[] = {
    {Py_tp_doc, (void *)user_doc},
    {Py_tp_new, object_new},
    {Py_tp_init, user_init},
    {Py_tp_traverse, user_traverse},
    {Py_tp_clear, user_clear},
    {Py_tp_dealloc, user_dealloc},
    {Py_tp_methods, user_methods},
    {Py_tp_getset, user_getset},
    {Py_tp_members, user_members},
    {0, NULL},
};

static PyType_Spec user_spec = {
    .name = "_locust.UserBase",
    .basicsize = sizeof(UserObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = user_slots,
};

int
user_exec(PyObject *module)
{
    User_Type = (PyTypeObject *)PyType_FromSpec(&user_spec);
    if (User_Type == NULL || PyModule_AddType(module, User_Type) < 0 ||
        native_load(User_Type, "on_start", &natives.user_on_start) < 0 ||
        native_load(User_Type, "on_stop", &natives.user_on_stop) < 0) {
        return -1;
    }
    return native_load(User_Type, "run", &natives.user_run);
}

int
user_module_exec(PyObject *module)
{
    static int (*const files[])(PyObject *) = {
        user_exec, taskset_exec, wait_time_exec, collect_exec, decorate_exec};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (files[i](module) < 0) {
            return -1;
        }
    }
    overflow_describe = user_describe_current;
    watch_describe = describe;
    return 0;
}
