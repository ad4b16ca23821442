/*
 * The listener that logs requests, whatever users have replaced.
 *
 * As in Locust, each request is logged by the log_request() (and log_error())
 * of what is then the runner's `stats`, and that calls log() (and log_error())
 * of two entries. Plugins replace all of these, on the class or on the
 * collection, before or during a test. What is ours is called in C: this is
 * the hot path, which makes no Python object for a request that succeeds. So
 * whether a class has been touched is read from its version tag, which
 * CPython changes with every assignment to the class.
 */
#include "config.h"
#include "stats/internal.h"

#include "base/names.h"
#include "base/pycompat.h"
#include "event/event.h"

/* A class and two methods of it, as they are in C. */
struct watched {
    PyTypeObject *type;
    PyObject **names[2];
    PyObject *native[2];
    unsigned int version;       /* the type's tag when both were ours; 0 */
};

static struct watched collection = {
    .names = {&names.log_request, &names.log_error}};
static struct watched entries = {.names = {&names.log, &names.log_error}};

static int
watch(struct watched *w, PyTypeObject *type)
{
    w->type = type;
    for (int i = 0; i < 2; i++) {
        w->native[i] = PyObject_GetAttr((PyObject *)type, *w->names[i]);
        if (w->native[i] == NULL) {
            return -1;
        }
    }
    return 0;
}

/* A look-up gives the type a tag if it has none. 1, 0 or -1. */
static int
is_ours(struct watched *w)
{
    if (w->version != 0 && w->type->tp_version_tag == w->version) {
        return 1;
    }
    for (int i = 0; i < 2; i++) {
        PyObject *found = PyObject_GetAttr((PyObject *)w->type, *w->names[i]);
        if (found == NULL) {
            return -1;
        }
        Py_DECREF(found);
        if (found != w->native[i]) {
            return 0;
        }
    }
    w->version = w->type->tp_version_tag;
    return 1;
}

int
entries_are_ours(void)
{
    return is_ours(&entries);
}

/* Whether log_request() and log_error() of a runner's stats are those of
   pycollection.c. 1, 0 or -1. */
static int
collection_is_ours(PyObject *stats)
{
    if (!Py_IS_TYPE(stats, collection.type)) {
        return 0;
    }
    PyObject *own = ((RequestStatsObject *)stats)->dict;
    for (int i = 0; i < 2 && own != NULL && PyDict_GET_SIZE(own) > 0; i++) {
        int replaced = PyDict_Contains(own, *collection.names[i]);
        if (replaced != 0) {
            return replaced < 0 ? -1 : 0;
        }
    }
    return is_ours(&collection);
}

/* --- Entries whose methods somebody has replaced. */

/* stats.total.<method>(...), then that of the entry. */
static int
call_both(RequestStatsObject *self, PyObject *method, PyObject *name,
          PyObject *call, PyObject *const args[2])
{
    PyObject *entry = PyObject_CallMethod((PyObject *)self, "get", "OO", name,
                                          method);
    PyObject *total = Py_NewRef(self->total);
    PyObject *r = NULL;
    if (entry != NULL) {
        r = PyObject_CallMethodObjArgs(total, call, args[0], args[1], NULL);
    }
    if (r != NULL) {
        Py_SETREF(r, PyObject_CallMethodObjArgs(entry, call, args[0], args[1],
                                                NULL));
    }
    Py_DECREF(total);
    Py_XDECREF(entry);
    return drop_result(r);
}

int
entries_log(RequestStatsObject *self, PyObject *method, PyObject *name,
            const struct stats_sample *sample)
{
    PyObject *ms = !sample->timed  ? Py_NewRef(Py_None)
                   : sample->whole ? PyLong_FromDouble(sample->ms)
                                   : PyFloat_FromDouble(sample->ms);
    PyObject *length = PyLong_FromLongLong(sample->length);
    int result = -1;
    if (ms != NULL && length != NULL) {
        result = call_both(self, method, name, names.log,
                           (PyObject *[]){ms, length});
    }
    Py_XDECREF(ms);
    Py_XDECREF(length);
    return result;
}

int
entries_log_error(RequestStatsObject *self, PyObject *method, PyObject *name,
                  PyObject *error)
{
    return call_both(self, method, name, names.log_error,
                     (PyObject *[]){error, NULL});
}

/* --- The listener. */

static int
call_log_request(PyObject *stats, const struct request_report *report)
{
    PyObject *ms = !report->timed  ? Py_NewRef(Py_None)
                   : report->whole ? PyLong_FromDouble(report->response_time)
                                   : PyFloat_FromDouble(report->response_time);
    if (ms == NULL) {
        return -1;
    }
    PyObject *r = PyObject_CallMethod(
        stats, "log_request", "OOOL", report->request_type, report->name, ms,
        (long long)report->response_length);
    Py_DECREF(ms);
    return drop_result(r);
}

static int
log_request(PyObject *stats, bool ours, const struct request_report *report)
{
    if (!ours) {
        return call_log_request(stats, report);
    }
    struct stats_sample sample = {.timed = report->timed,
                                  .whole = report->whole,
                                  .ms = report->response_time,
                                  .length = report->response_length};
    if (stats_now(&sample.now) < 0 ||
        (sample.timed && sample_bucket(&sample) < 0)) {
        return -1;
    }
    return request_stats_log((RequestStatsObject *)stats,
                             report->request_type, report->name, &sample);
}

static int
log_failure(PyObject *stats, bool ours, const struct request_report *report)
{
    int failed = report->exception == NULL
                     ? 0
                     : PyObject_IsTrue(report->exception);
    if (failed <= 0) {
        return failed;
    }
    if (ours) {
        return request_stats_log_error((RequestStatsObject *)stats,
                                       report->request_type, report->name,
                                       report->exception);
    }
    return drop_result(PyObject_CallMethodObjArgs(
        stats, names.log_error, report->request_type, report->name,
        report->exception, NULL));
}

static int
on_request(PyObject *holder, const struct request_report *report)
{
    PyObject *stats = PyObject_GetAttr(holder, names.stats);
    int ours = stats != NULL ? collection_is_ours(stats) : -1;
    int result = ours < 0 ? -1 : log_request(stats, ours, report);
    if (result == 0) {
        result = log_failure(stats, ours, report);
    }
    Py_XDECREF(stats);
    return result;
}

/* --- For Python. */

PyDoc_STRVAR(py_stats_listener_doc,
             "stats_listener(holder)\n\n"
             "A listener for request events that logs into what is then "
             "holder.stats.");

static PyObject *
py_stats_listener(PyObject *module, PyObject *holder)
{
    return request_listener_new(holder, on_request);
}

static PyMethodDef functions[] = {
    METHOD("stats_listener", py_stats_listener, METH_O),
    {NULL},
};

int
pylistener_exec(PyObject *module)
{
    if (watch(&collection, RequestStats_Type) < 0 ||
        watch(&entries, StatsEntry_Type) < 0) {
        return -1;
    }
    return PyModule_AddFunctions(module, functions);
}
