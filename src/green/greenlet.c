/*
 * Greenlet: a green thread as Python sees it, with gevent's contract.
 *
 * The result is kept as gevent keeps it: a value, or an exception; a
 * GreenletExit that comes out counts as success and is the value. Callbacks
 * given to link() run in the dying green thread, after its result is set.
 */
#include "config.h"
#include "green/green.h"

#include <stddef.h>
#include <structmember.h>

#include "base/names.h"
#include "base/pycompat.h"
#include "green/internal.h"
#include "green/timeout.h"

PyTypeObject *Green_Type;
PyObject *Green_Exit;
PyObject *Green_LoopExit;

enum link_kind { LINK_ANY, LINK_VALUE, LINK_ERROR };

static unsigned last_ident;

void
hub_raise(PyObject *exception)
{
    if (PyExceptionInstance_Check(exception)) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    }
    else {
        PyErr_SetNone(exception);
    }
}

/* --- The life of a green thread. */

/* What a subclass does in the place of a target: _run(), or a run() in the place
   of gevent's, which is called without arguments. NULL without an exception:
   nothing. */
static PyObject *
method_of_subclass(struct green *self, bool *is_run)
{
    PyObject *method = PyObject_GetAttr((PyObject *)self, names._run);
    *is_run = method == NULL && PyErr_ExceptionMatches(PyExc_AttributeError);
    if (*is_run) {
        PyErr_Clear();
        method = PyObject_GetAttrString((PyObject *)self, "run");
        if (method == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear();
        }
    }
    return method;
}

static PyObject *
python_body(struct green *self)
{
    if (self->target != NULL) {
        return PyObject_Call(self->target, self->args, self->kwargs);
    }
    bool is_run;
    PyObject *method = method_of_subclass(self, &is_run);
    if (method == NULL) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    }
    PyObject *result = is_run ? PyObject_CallNoArgs(method)
                              : PyObject_Call(method, self->args,
                                              self->kwargs);
    Py_DECREF(method);
    return result;
}

struct green *
green_new(PyTypeObject *type, green_body body, PyObject *target,
          PyObject *args)
{
    if (type == NULL) {
        type = Green_Type;
    }
    struct green *g = (struct green *)type->tp_alloc(type, 0);
    if (g == NULL) {
        return NULL;
    }
    g->body = body != NULL ? body : python_body;
    g->target = Py_XNewRef(target);
    g->args = args != NULL ? Py_NewRef(args) : PyTuple_New(0);
    if (g->args == NULL) {
        Py_DECREF(g);
        return NULL;
    }
    return g;
}

/* It was started otherwise, or never will be. */
static void
stop_start_timer(struct green *g)
{
    if (ev_is_active(&g->timer)) {
        ev_timer_stop(hub_loop(), &g->timer);
        Py_DECREF(g);           /* the timer's */
    }
}

int
green_start(struct green *g)
{
    if (g->state != GREEN_NEW || g->finished) {
        return 0;
    }
    if (!hub_is_here() || hub_prepare(g) < 0) {
        return -1;
    }
    Py_INCREF(g);               /* the hub's, until it is buried */
    hub_enqueue(g);
    stop_start_timer(g);
    return 0;
}

static void
on_start_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct green *g = w->data;
    if (green_start(g) < 0) {
        hub_unlist(g);
        hub_report((PyObject *)g);
    }
    Py_DECREF(g);
}

int
green_start_later(struct green *g, double seconds)
{
    if (g->state != GREEN_NEW || g->finished || ev_is_active(&g->timer)) {
        return 0;
    }
    if (!hub_is_here()) {
        return -1;
    }
    ev_now_update(hub_loop());
    ev_timer_init(&g->timer, on_start_timer, seconds > 0 ? seconds : 0, 0);
    g->timer.data = Py_NewRef((PyObject *)g);
    ev_timer_start(hub_loop(), &g->timer);
    hub_list(g);
    return 0;
}

static void
call_link(struct green *g, PyObject *link)
{
    int kind = (int)PyLong_AsLong(PyTuple_GET_ITEM(link, 0));
    if ((kind == LINK_VALUE && g->error != NULL) ||
        (kind == LINK_ERROR && g->error == NULL)) {
        return;
    }
    PyObject *r = PyObject_CallOneArg(PyTuple_GET_ITEM(link, 1),
                                      (PyObject *)g);
    if (r == NULL) {
        hub_report((PyObject *)g);
    }
    Py_XDECREF(r);
}

static void
call_links(struct green *g)
{
    while (g->links != NULL) {
        PyObject *links = g->links;
        g->links = NULL;
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(links); i++) {
            call_link(g, PyList_GET_ITEM(links, i));
        }
        Py_DECREF(links);
    }
}

static void report(PyObject *whose, bool shown);

/* Keeps the result (NULL: the error indicator) and tells who waits for it. */
static void
finish(struct green *g, PyObject *result)
{
    PyObject *error = result == NULL ? error_take() : NULL;
    if (error != NULL && PyErr_GivenExceptionMatches(error, Green_Exit)) {
        result = error;
        error = NULL;
    }
    g->value = result;
    g->error = error;
    g->finished = true;
    Py_CLEAR(g->thrown);
    Py_CLEAR(g->thrown_next);
    if (error != NULL) {
        hub_raise(error);
        report((PyObject *)g, g->shown);
    }
    Py_CLEAR(g->kwargs);
    Py_CLEAR(g->target);
    PyObject *empty = PyTuple_New(0);   /* shared by Python: cannot fail */
    Py_XSETREF(g->args, empty);
    waitlist_wake_all(&g->joiners);
    call_links(g);
}

void
green_run(struct green *self)
{
    PyObject *result = NULL;
    if (self->thrown != NULL) {
        PyObject *thrown = self->thrown;
        self->thrown = NULL;
        hub_raise(thrown);
        Py_DECREF(thrown);
    }
    else {
        result = self->body(self);
    }
    finish(self, result);
}

/* Ends one whose body has not begun, without ever giving it the processor. */
static void
end_unbegun(struct green *g, PyObject *exception)
{
    Py_INCREF(g);
    stop_start_timer(g);
    hub_unlist(g);
    if (g->state == GREEN_READY) {
        hub_dequeue(g);
        hub_release_stack(g);
        Py_DECREF(g);
    }
    g->state = GREEN_DEAD;
    hub_raise(exception);
    finish(g, NULL);
    Py_DECREF(g);
}

/* A kill that is under way is not replaced by anything milder. */
static void
put_thrown(PyObject **slot, PyObject *exception)
{
    if (*slot == NULL || !PyErr_GivenExceptionMatches(*slot, Green_Exit)) {
        Py_XSETREF(*slot, Py_NewRef(exception));
    }
}

/* Keeps it for the next wait. */
static void
throw_at_wait(struct green *g, PyObject *exception)
{
    if (g->thrown == NULL) {
        g->thrown = Py_NewRef(exception);
    }
    else if (!PyErr_GivenExceptionMatches(g->thrown, Green_Exit)) {
        put_thrown(&g->thrown_next, exception);
    }
}

/* Whether it may be thrown into it; 0: it need not be, -1: exception. */
static int
check_thrown(struct green *g, PyObject *exception)
{
    if (!PyExceptionInstance_Check(exception) &&
        !PyExceptionClass_Check(exception)) {
        PyErr_Format(PyExc_TypeError,
                     "an exception is needed, class or instance, not %.100s",
                     Py_TYPE(exception)->tp_name);
        return -1;
    }
    if (g->finished || interpreter_is_finalizing()) {
        return 0;               /* at the end Python has freed our states */
    }
    return hub_is_here() ? 1 : -1;
}

int
green_throw_later(struct green *g, PyObject *exception)
{
    int wanted = check_thrown(g, exception);
    if (wanted <= 0) {
        return wanted;
    }
    if (!g->begun) {
        end_unbegun(g, exception);
        return 0;
    }
    throw_at_wait(g, exception);
    green_ready(g);
    return 0;
}

int
green_throw(struct green *g, PyObject *exception)
{
    int wanted = check_thrown(g, exception);
    if (wanted > 0 && g->state == GREEN_RUNNING) {
        hub_raise(exception);
        return -1;
    }
    return wanted <= 0 ? wanted : green_throw_later(g, exception);
}

void
green_forget(PyObject *exception)
{
    struct green *g = green_current();
    if (g == NULL || exception == NULL) {
        return;
    }
    if (g->thrown_next == exception) {
        Py_CLEAR(g->thrown_next);
    }
    if (g->thrown == exception) {
        Py_XSETREF(g->thrown, g->thrown_next);
        g->thrown_next = NULL;
    }
}

int
green_kill(struct green *g, PyObject *exception)
{
    if (green_throw(g, exception != NULL ? exception : Green_Exit) < 0) {
        return -1;
    }
    return green_join(g, -1) < 0 ? -1 : 0;
}

int
green_join(struct green *g, double timeout)
{
    if (g->finished) {
        return 1;
    }
    if (g == hub.current) {
        PyErr_SetString(PyExc_RuntimeError,
                        "a green thread cannot wait for its own end");
        return -1;
    }
    Py_INCREF(g);
    int result = waitlist_wait(&g->joiners, timeout);
    Py_DECREF(g);
    return result < 0 ? -1 : result == 0;
}

void
green_show_error(PyObject *whose, PyObject *error, bool traceback)
{
    PyObject *tb = PyException_GetTraceback(error);
    if (traceback) {
        PyErr_Display((PyObject *)Py_TYPE(error), error, tb);
    }
    PySys_FormatStderr("%S failed with %s\n\n", whose,
                       _PyType_Name(Py_TYPE(error)));
    Py_XDECREF(tb);
    PyErr_Clear();
}

static void
report(PyObject *whose, bool shown)
{
    PyObject *error = error_take();
    if (error == NULL) {
        return;
    }
    bool exits = PyErr_GivenExceptionMatches(error, PyExc_SystemExit);
    if (!exits && !shown) {
        green_show_error(whose, error, true);
    }
    if (exits ||
        PyErr_GivenExceptionMatches(error, PyExc_KeyboardInterrupt) ||
        PyErr_GivenExceptionMatches(error, PyExc_SystemError)) {
        hub_raise(error);
        hub_throw_into_main();
    }
    Py_DECREF(error);
}

void
hub_report(PyObject *whose)
{
    report(whose, false);
}

/* --- The type. */

static PyObject *
greenlet_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    return (PyObject *)green_new(type, NULL, NULL, NULL);
}

static int
greenlet_init(struct green *g, PyObject *args, PyObject *kwargs)
{
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    if (n == 0) {
        return 0;
    }
    PyObject *target = PyTuple_GET_ITEM(args, 0);
    if (target != Py_None && !PyCallable_Check(target)) {
        PyErr_SetString(PyExc_TypeError,
                        "The run argument or self._run must be callable");
        return -1;
    }
    PyObject *rest = PyTuple_GetSlice(args, 1, n);
    if (rest == NULL) {
        return -1;
    }
    Py_XSETREF(g->target, target == Py_None ? NULL : Py_NewRef(target));
    Py_XSETREF(g->args, rest);
    Py_XSETREF(g->kwargs, Py_XNewRef(kwargs));
    return 0;
}

static int
greenlet_traverse(struct green *g, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(g));
    Py_VISIT(g->target);
    Py_VISIT(g->args);
    Py_VISIT(g->kwargs);
    Py_VISIT(g->value);
    Py_VISIT(g->error);
    Py_VISIT(g->links);
    Py_VISIT(g->thrown);
    Py_VISIT(g->thrown_next);
    Py_VISIT(g->dict);
    return 0;
}

static int
greenlet_clear(struct green *g)
{
    Py_CLEAR(g->target);
    Py_CLEAR(g->args);
    Py_CLEAR(g->kwargs);
    Py_CLEAR(g->value);
    Py_CLEAR(g->error);
    Py_CLEAR(g->links);
    Py_CLEAR(g->thrown);
    Py_CLEAR(g->thrown_next);
    Py_CLEAR(g->dict);
    return 0;
}

static void
greenlet_dealloc(struct green *g)
{
    PyTypeObject *type = Py_TYPE(g);
    PyObject_GC_UnTrack(g);
    if (g->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)g);
    }
    greenlet_clear(g);
    type->tp_free(g);
    Py_DECREF(type);
}

static PyObject *
greenlet_repr(struct green *g)
{
    PyObject *name = NULL;
    if (g->target != NULL) {
        name = PyObject_GetAttr(g->target, names.__name__);
        if (name == NULL) {
            PyErr_Clear();
            name = PyObject_Repr(g->target);
        }
    }
    PyObject *r = PyUnicode_FromFormat(
        name ? "<%s at %p: %S>" : "<%s at %p%S>", _PyType_Name(Py_TYPE(g)), g,
        name ? name : names.empty);
    Py_XDECREF(name);
    return r;
}

/* Whether it was started, or will be, and has not ended. */
static int
greenlet_bool(struct green *g)
{
    return (g->state != GREEN_NEW || ev_is_active(&g->timer)) && !g->finished;
}

static PyObject *
greenlet_start(struct green *g, PyObject *unused)
{
    if (green_start(g) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
greenlet_start_later(struct green *g, PyObject *seconds)
{
    double s = PyFloat_AsDouble(seconds);
    if ((s == -1.0 && PyErr_Occurred()) || green_start_later(g, s) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

double
green_timeout(PyObject *timeout)
{
    if (timeout == NULL || timeout == Py_None) {
        return -1;
    }
    double s = PyFloat_AsDouble(timeout);
    if (s == -1.0 && PyErr_Occurred()) {
        return -2;
    }
    return s < 0 ? 0 : s;
}

static PyObject *
greenlet_join(struct green *g, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"timeout", NULL};
    PyObject *timeout = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", keywords,
                                     &timeout)) {
        return NULL;
    }
    double seconds = green_timeout(timeout);
    if (seconds == -2 || green_join(g, seconds) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
greenlet_kill(struct green *g, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"exception", "block", "timeout", NULL};
    PyObject *exception = NULL, *timeout = NULL;
    int block = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OpO", keywords,
                                     &exception, &block, &timeout)) {
        return NULL;
    }
    if (exception == NULL || exception == Py_None) {
        exception = Green_Exit;
    }
    double seconds = green_timeout(timeout);
    if (seconds == -2 || (block ? green_throw(g, exception)
                                : green_throw_later(g, exception)) < 0) {
        return NULL;
    }
    if (block && green_join(g, seconds) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
greenlet_get(struct green *g, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"block", "timeout", NULL};
    int block = 1;
    PyObject *timeout = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|pO", keywords, &block,
                                     &timeout)) {
        return NULL;
    }
    double seconds = block ? green_timeout(timeout) : 0;
    int done = g->finished ? 1 : seconds == -2 ? -1 : green_join(g, seconds);
    if (done < 0) {
        return NULL;
    }
    if (!done) {
        timeout_raise(seconds);
        return NULL;
    }
    if (g->error != NULL) {
        hub_raise(g->error);
        return NULL;
    }
    return Py_NewRef(g->value);
}

static PyObject *
run_late_link(struct green *self)
{
    return PyObject_CallOneArg(self->target, PyTuple_GET_ITEM(self->args, 0));
}

/* One that is dead already is told in a green thread of its own. */
static int
link_to_dead(struct green *g, enum link_kind kind, PyObject *callback)
{
    if ((kind == LINK_VALUE && g->error != NULL) ||
        (kind == LINK_ERROR && g->error == NULL)) {
        return 0;
    }
    PyObject *args = PyTuple_Pack(1, (PyObject *)g);
    struct green *teller =
        args ? green_new(NULL, run_late_link, callback, args) : NULL;
    int result = teller != NULL ? green_start(teller) : -1;
    Py_XDECREF(teller);
    Py_XDECREF(args);
    return result;
}

static PyObject *
add_link(struct green *g, enum link_kind kind, PyObject *callback)
{
    if (!PyCallable_Check(callback)) {
        PyErr_Format(PyExc_TypeError, "Expected callable: %R", callback);
        return NULL;
    }
    if (g->finished && g->links == NULL) {
        if (link_to_dead(g, kind, callback) < 0) {
            return NULL;
        }
        Py_RETURN_NONE;
    }
    if (g->links == NULL && (g->links = PyList_New(0)) == NULL) {
        return NULL;
    }
    PyObject *link = Py_BuildValue("(iO)", (int)kind, callback);
    int failed = link == NULL || PyList_Append(g->links, link) < 0;
    Py_XDECREF(link);
    if (failed) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
greenlet_link(struct green *g, PyObject *callback)
{
    return add_link(g, LINK_ANY, callback);
}

static PyObject *
greenlet_link_value(struct green *g, PyObject *callback)
{
    return add_link(g, LINK_VALUE, callback);
}

static PyObject *
greenlet_link_exception(struct green *g, PyObject *callback)
{
    return add_link(g, LINK_ERROR, callback);
}

static PyObject *
greenlet_unlink(struct green *g, PyObject *callback)
{
    Py_ssize_t n = g->links == NULL ? 0 : PyList_GET_SIZE(g->links);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *link = PyList_GET_ITEM(g->links, i);
        int same = PyObject_RichCompareBool(PyTuple_GET_ITEM(link, 1),
                                            callback, Py_EQ);
        if (same < 0) {
            return NULL;
        }
        if (same) {
            return PyList_SetSlice(g->links, i, i + 1, NULL) < 0
                       ? NULL
                       : Py_NewRef(Py_None);
        }
    }
    Py_RETURN_NONE;
}

static PyObject *
greenlet_has_links(struct green *g, PyObject *unused)
{
    return PyBool_FromLong(g->links != NULL && PyList_GET_SIZE(g->links) > 0);
}

static PyObject *
greenlet_unlink_all(struct green *g, PyObject *unused)
{
    Py_CLEAR(g->links);
    Py_RETURN_NONE;
}

static PyObject *
greenlet_ready(struct green *g, PyObject *unused)
{
    return PyBool_FromLong(g->finished);
}

static PyObject *
greenlet_successful(struct green *g, PyObject *unused)
{
    return PyBool_FromLong(g->finished && g->error == NULL);
}

static PyObject *
greenlet_spawn(PyObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *g = PyObject_Call(type, args, kwargs);
    if (g != NULL && green_start((struct green *)g) < 0) {
        Py_CLEAR(g);
    }
    return g;
}

static PyObject *
greenlet_spawn_later(PyObject *type, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_GET_SIZE(args) < 1) {
        PyErr_SetString(PyExc_TypeError,
                        "spawn_later() needs the number of seconds");
        return NULL;
    }
    double seconds = PyFloat_AsDouble(PyTuple_GET_ITEM(args, 0));
    if (seconds == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    PyObject *rest = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
    PyObject *g = rest == NULL ? NULL : PyObject_Call(type, rest, kwargs);
    Py_XDECREF(rest);
    if (g != NULL && green_start_later((struct green *)g, seconds) < 0) {
        Py_CLEAR(g);
    }
    return g;
}

static PyObject *
get_dead(struct green *g, void *unused)
{
    return PyBool_FromLong(g->finished);
}

static PyObject *
get_started(struct green *g, void *unused)
{
    return PyBool_FromLong(greenlet_bool(g));
}

static PyObject *
get_value(struct green *g, void *unused)
{
    return Py_NewRef(g->value != NULL ? g->value : Py_None);
}

static PyObject *
get_exception(struct green *g, void *unused)
{
    return Py_NewRef(g->error != NULL ? g->error : Py_None);
}

static PyObject *
get_exc_info(struct green *g, void *unused)
{
    if (g->error == NULL) {
        Py_RETURN_NONE;
    }
    PyObject *tb = PyException_GetTraceback(g->error);
    return Py_BuildValue("(OON)", Py_TYPE(g->error), g->error,
                         tb != NULL ? tb : Py_NewRef(Py_None));
}

static PyObject *
get_kwargs(struct green *g, void *unused)
{
    return g->kwargs != NULL ? Py_NewRef(g->kwargs) : PyDict_New();
}

/* Its number, counted from 0. */
static unsigned
ident_of(struct green *g)
{
    if (g->ident == 0) {
        g->ident = ++last_ident;
    }
    return g->ident - 1;
}

static PyObject *
get_ident(struct green *g, void *unused)
{
    return PyLong_FromUnsignedLong(ident_of(g));
}

static PyObject *
get_name(struct green *g, void *unused)
{
    if (g->dict != NULL) {
        PyObject *name = PyDict_GetItemWithError(g->dict, names.name);
        if (name != NULL || PyErr_Occurred()) {
            return Py_XNewRef(name);
        }
    }
    return PyUnicode_FromFormat("Greenlet-%u", ident_of(g));
}

static int
set_name(struct green *g, PyObject *value, void *unused)
{
    if (g->dict == NULL && (g->dict = PyDict_New()) == NULL) {
        return -1;
    }
    return value != NULL ? PyDict_SetItem(g->dict, names.name, value)
                         : PyDict_DelItem(g->dict, names.name);
}

#define METHOD(name, function, flags) \
    {name, (PyCFunction)(void (*)(void))function, flags, function##_doc}

PyDoc_STRVAR(greenlet_start_doc, "Schedules it to run. Does not run it.");
PyDoc_STRVAR(greenlet_start_later_doc,
             "start_later(seconds)\n\nSchedules it to run after a while.");
PyDoc_STRVAR(greenlet_join_doc,
             "join(timeout=None)\n\nWaits for its end, or so many seconds.");
PyDoc_STRVAR(greenlet_kill_doc,
             "kill(exception=GreenletExit, block=True, timeout=None)\n\n"
             "Raises exception in it where it waits. One that has not begun\n"
             "never will.");
PyDoc_STRVAR(greenlet_get_doc,
             "get(block=True, timeout=None)\n\nIts result, or raises its "
             "exception.");
PyDoc_STRVAR(greenlet_link_doc,
             "link(callback)\n\nCalls callback(greenlet) after its end.");
PyDoc_STRVAR(greenlet_link_value_doc,
             "link_value(callback)\n\nAs link(), only after success.");
PyDoc_STRVAR(greenlet_link_exception_doc,
             "link_exception(callback)\n\nAs link(), only after failure.");
PyDoc_STRVAR(greenlet_unlink_doc, "unlink(callback)\n\nUndoes link().");
PyDoc_STRVAR(greenlet_unlink_all_doc, "Undoes all links.");
PyDoc_STRVAR(greenlet_has_links_doc, "Whether any callback is linked.");
PyDoc_STRVAR(greenlet_ready_doc, "Whether it has ended.");
PyDoc_STRVAR(greenlet_successful_doc, "Whether it has ended without error.");
PyDoc_STRVAR(greenlet_spawn_doc,
             "spawn(function, *args, **kwargs)\n\nCreates and starts one.");
PyDoc_STRVAR(greenlet_spawn_later_doc,
             "spawn_later(seconds, function, *args, **kwargs)");

static PyMethodDef greenlet_methods[] = {
    METHOD("start", greenlet_start, METH_NOARGS),
    METHOD("start_later", greenlet_start_later, METH_O),
    METHOD("join", greenlet_join, METH_VARARGS | METH_KEYWORDS),
    METHOD("kill", greenlet_kill, METH_VARARGS | METH_KEYWORDS),
    METHOD("get", greenlet_get, METH_VARARGS | METH_KEYWORDS),
    METHOD("link", greenlet_link, METH_O),
    METHOD("rawlink", greenlet_link, METH_O),
    METHOD("link_value", greenlet_link_value, METH_O),
    METHOD("link_exception", greenlet_link_exception, METH_O),
    METHOD("unlink", greenlet_unlink, METH_O),
    METHOD("unlink_all", greenlet_unlink_all, METH_NOARGS),
    METHOD("has_links", greenlet_has_links, METH_NOARGS),
    METHOD("ready", greenlet_ready, METH_NOARGS),
    METHOD("successful", greenlet_successful, METH_NOARGS),
    METHOD("spawn", greenlet_spawn,
           METH_VARARGS | METH_KEYWORDS | METH_CLASS),
    METHOD("spawn_later", greenlet_spawn_later,
           METH_VARARGS | METH_KEYWORDS | METH_CLASS),
    {NULL},
};

static PyGetSetDef greenlet_getset[] = {
    {"dead", (getter)get_dead, NULL, "Whether it has ended.", NULL},
    {"started", (getter)get_started, NULL,
     "Whether it was started and has not ended.", NULL},
    {"value", (getter)get_value, NULL, "What it returned, or None.", NULL},
    {"exception", (getter)get_exception, NULL, "What it raised, or None.",
     NULL},
    {"exc_info", (getter)get_exc_info, NULL,
     "sys.exc_info() of its failure, or None.", NULL},
    {"kwargs", (getter)get_kwargs, NULL, "Its keyword arguments.", NULL},
    {"minimal_ident", (getter)get_ident, NULL, "A small number, its own.",
     NULL},
    {"name", (getter)get_name, (setter)set_name, "Greenlet-<minimal_ident>.",
     NULL},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL,
     NULL},
    {NULL},
};

static PyMemberDef greenlet_members[] = {
    {"args", T_OBJECT, offsetof(struct green, args), READONLY,
     "Its positional arguments; empty after its end."},
    {"__dictoffset__", T_PYSSIZET, offsetof(struct green, dict), READONLY},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(struct green, weakrefs),
     READONLY},
    {NULL},
};

PyDoc_STRVAR(greenlet_doc,
             "Greenlet(run=None, *args, **kwargs)\n\n"
             "A green thread that calls run(*args, **kwargs), or a "
             "subclass's\nself._run(*args, **kwargs).");

static PyType_Slot greenlet_slots[] = {
    {Py_tp_doc, (void *)greenlet_doc},
    {Py_tp_new, greenlet_new},
    {Py_tp_init, greenlet_init},
    {Py_tp_traverse, greenlet_traverse},
    {Py_tp_clear, greenlet_clear},
    {Py_tp_dealloc, greenlet_dealloc},
    {Py_tp_repr, greenlet_repr},
    {Py_tp_methods, greenlet_methods},
    {Py_tp_getset, greenlet_getset},
    {Py_tp_members, greenlet_members},
    {Py_nb_bool, greenlet_bool},
    {0, NULL},
};

static PyType_Spec greenlet_spec = {
    .name = "_locust.Greenlet",
    .basicsize = sizeof(struct green),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = greenlet_slots,
};

/* --- What the module gets. */

static PyObject *
add_exception(PyObject *module, const char *name, const char *doc,
              PyObject *base)
{
    char full[64];
    PyOS_snprintf(full, sizeof(full), "_locust.%s", name);
    PyObject *e = PyErr_NewExceptionWithDoc(full, doc, base, NULL);
    if (e == NULL || PyModule_AddObjectRef(module, name, e) < 0) {
        Py_CLEAR(e);
    }
    return e;
}

int
green_module_exec(PyObject *module)
{
    Green_Exit = add_exception(module, "GreenletExit",
                               "Ends a green thread, silently.",
                               PyExc_BaseException);
    Green_LoopExit = add_exception(module, "LoopExit",
                                   "Nothing can wake the main green thread.",
                                   PyExc_Exception);
    if (Green_Exit == NULL || Green_LoopExit == NULL) {
        return -1;
    }
    Green_Type = (PyTypeObject *)PyType_FromSpec(&greenlet_spec);
    if (Green_Type == NULL || PyModule_AddType(module, Green_Type) < 0) {
        return -1;
    }
    return hub_init();
}
