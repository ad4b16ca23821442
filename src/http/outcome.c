/*
 * What becomes of a request: success or failure, by Locust's rules and by the
 * block of a with statement, and the request event that says so.
 */
#include "config.h"
#include "http/response.h"

#include "base/names.h"
#include "base/pycompat.h"
#include "event/event.h"
#include "event/exceptions.h"

/* --- Success or failure. */

/* Whether somebody is told of it: not of redirects on the way, nor of copies
   and responses made by hand, which are as good as requests.Response's. */
static bool
is_reported(const ResponseObject *r)
{
    return r->hook != NULL && (r->name != NULL || r->request_meta != NULL);
}

/* The HTTPError that raise_for_status() raises, naming url; NULL without an
   exception if the status is none. FastHttpUser's is there already. */
static PyObject *
status_error(ResponseObject *r, PyObject *url)
{
    if (r->fast) {
        return Py_XNewRef(r->refused);
    }
    int status = response_status(r);
    if (status < 400 || status >= 600) {
        return NULL;
    }
    PyObject *reason = response_get_reason(r, NULL);
    PyObject *text =
        reason == NULL ? NULL : PyUnicode_FromFormat(
            "%d %s Error: %S for url: %S", status,
            status < 500 ? "Client" : "Server", reason, url);
    Py_XDECREF(reason);
    PyObject *args = text == NULL ? NULL : PyTuple_Pack(1, text);
    PyObject *kwargs = text == NULL ? NULL
                                    : Py_BuildValue("{sO}", "response", r);
    PyObject *error = args == NULL || kwargs == NULL
                          ? NULL
                          : PyObject_Call(helpers.http_error, args, kwargs);
    Py_XDECREF(text);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return error;
}

/* What the request event says of success: Locust's decision table. Sets
   *exception to a new reference or NULL. 0 or -1. */
static int
decide(ResponseObject *r, PyObject **exception)
{
    *exception = NULL;
    if (r->manual == Py_True) {
        return 0;
    }
    if (r->manual != NULL && r->manual != Py_None) {
        *exception = Py_NewRef(r->manual);
        return 0;
    }
    if (r->error != NULL || r->fast) {
        *exception = Py_XNewRef(r->reported);
        return 0;
    }
    PyObject *name = r->name != NULL ? r->name : Py_None;
    if (r->request_meta != NULL) {
        PyObject *renamed =
            PyDict_GetItemWithError(r->request_meta, names.name);
        name = renamed != NULL ? renamed : name;
    }
    *exception = status_error(r, name);
    return PyErr_Occurred() ? -1 : 0;
}

/* With FastHttpUser, what a block has put there stays unless it has decided. */
static int
fire_meta(ResponseObject *r, PyObject *exception)
{
    PyObject *value = exception != NULL ? exception : Py_None;
    bool undecided = r->manual == NULL || r->manual == Py_None;
    bool stays = r->fast && exception == NULL && undecided;
    if (!stays &&
        PyDict_SetItem(r->request_meta, names.exception, value) < 0) {
        return -1;
    }
    PyObject *meta = Py_NewRef(r->request_meta);
    int result = event_fire(r->hook, meta, false);
    Py_DECREF(meta);
    return result;
}

static int
report_with(ResponseObject *r, PyObject *exception)
{
    if (r->request_meta != NULL) {
        return fire_meta(r, exception);
    }
    const char *url = response_reported_text(r);
    if (url == NULL) {
        return -1;
    }
    PyObject *timings = NULL;
    if (response_is_timed(r) &&
        (timings = response_get_timings(r, NULL)) == NULL) {
        return -1;
    }
    struct request_report report = {
        .request_type = r->request_type,
        .name = r->name,
        .timed = true,
        .response_time = r->response_time,
        .response_length = response_length(r),
        .exception = exception,
        .context = r->context,
        .response = (PyObject *)r,
        .url = url,
        .start_time = r->start_time,
        .timings = timings,
    };
    int result = event_fire_request(r->hook, &report);
    Py_XDECREF(timings);
    return result;
}

PyObject *
response_report_meta(ResponseObject *r, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"exc", NULL};
    PyObject *ignored;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", words, &ignored)) {
        return NULL;
    }
    PyObject *meta = response_get_request_meta(r, NULL);
    int fired = meta == NULL ? -1 : event_fire(r->hook, meta, false);
    Py_XDECREF(meta);
    return fired < 0 ? NULL : Py_NewRef(Py_None);
}

int
response_report(ResponseObject *r)
{
    PyObject *exception;
    if (!is_reported(r)) {
        return 0;
    }
    if (decide(r, &exception) < 0) {
        return -1;
    }
    int result = report_with(r, exception);
    Py_XDECREF(exception);
    return result;
}

/* --- As a context manager. */

static PyObject *
locust_error(const char *text)
{
    if (exceptions_load() == 0) {
        PyErr_SetString(exceptions.LocustError, text);
    }
    return NULL;
}

PyObject *
response_enter(ResponseObject *r, PyObject *unused)
{
    if (!is_reported(r)) {
        return Py_NewRef((PyObject *)r);
    }
    r->entered = true;
    if (!r->catch_response) {
        return locust_error(
            "Tried to open a with block on the result of a request, but "
            "without catch_response=True; pass it, as in: with "
            "self.client.get(url, catch_response=True) as response");
    }
    return Py_NewRef((PyObject *)r);
}

PyObject *
response_exit(ResponseObject *r, PyObject *args)
{
    PyObject *type, *value, *tb;
    if (!PyArg_ParseTuple(args, "OOO", &type, &value, &tb)) {
        return NULL;
    }
    if (!is_reported(r)) {
        Py_RETURN_NONE;
    }
    bool decided = r->manual != NULL && r->manual != Py_None;
    if (decided || type == Py_None) {
        return response_report(r) < 0 ? NULL : Py_NewRef(Py_False);
    }
    int ours = PyObject_IsSubclass(type, helpers.response_error);
    if (ours <= 0) {
        return ours < 0 ? NULL : Py_NewRef(Py_False);
    }
    return report_with(r, value) < 0 ? NULL : Py_NewRef(Py_True);
}

static const char not_entered[] =
    "Tried to set status on a request that has not yet been made. Make sure "
    "you use a with-block, like this:\n\nwith self.client.request(..., "
    "catch_response=True) as response:\n    response.success()";

/* success() and failure() of what is not reported: requests.Response's. */
static PyObject *
call_inherited(ResponseObject *r, const char *method)
{
    PyObject *inherited = response_lazily(r, method);
    PyObject *result =
        inherited == NULL ? NULL : PyObject_CallNoArgs(inherited);
    Py_XDECREF(inherited);
    return result;
}

PyObject *
response_success(ResponseObject *r, PyObject *unused)
{
    if (!is_reported(r)) {
        return call_inherited(r, "success");
    }
    if (!r->entered) {
        return locust_error(not_entered);
    }
    Py_XSETREF(r->manual, Py_NewRef(Py_True));
    Py_RETURN_NONE;
}

PyObject *
response_failure(ResponseObject *r, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"exc", NULL};
    PyObject *exc;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", words, &exc)) {
        return NULL;
    }
    if (!is_reported(r)) {
        return call_inherited(r, "failure");
    }
    if (!r->entered) {
        return locust_error(not_entered);
    }
    int is_error = PyObject_IsInstance(exc, PyExc_Exception);
    if (is_error < 0) {
        return NULL;
    }
    PyObject *error = is_error ? Py_NewRef(exc)
                               : PyObject_CallOneArg(helpers.catch_error, exc);
    if (error == NULL) {
        return NULL;
    }
    Py_XSETREF(r->manual, error);
    Py_RETURN_NONE;
}

/* As "raise error": what a locustfile has put there may be anything. */
static void
raise_given(PyObject *error)
{
    if (PyExceptionInstance_Check(error)) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    else if (PyExceptionClass_Check(error)) {
        PyErr_SetNone(error);
    }
    else {
        PyErr_SetString(PyExc_TypeError,
                        "exceptions must derive from BaseException");
    }
}

PyObject *
response_raise_for_status(ResponseObject *r, PyObject *unused)
{
    PyObject *error = NULL;
    if (r->manual != NULL && PyExceptionInstance_Check(r->manual)) {
        error = Py_NewRef(r->manual);
    }
    else if (r->manual == NULL || r->manual == Py_None) {
        if (r->error != NULL) {
            error = Py_NewRef(r->error);
        }
        else {
            PyObject *url = response_get_url(r, NULL);
            error = url == NULL ? NULL : status_error(r, url);
            Py_XDECREF(url);
        }
    }
    if (error != NULL) {
        raise_given(error);
        Py_DECREF(error);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* A status that is an error is no more than false; anything else is raised, as
   by requests.Response.ok. 0 or -1. */
static int
false_or_raised(PyObject *error)
{
    raise_given(error);
    int http = PyErr_ExceptionMatches(helpers.http_error);
    if (http) {
        PyErr_Clear();
    }
    return http ? 0 : -1;
}

int
response_is_true(ResponseObject *r)
{
    if (r->manual != NULL && r->manual != Py_None) {
        if (!PyExceptionInstance_Check(r->manual)) {
            return 1;
        }
        return false_or_raised(r->manual);
    }
    if (r->error != NULL) {
        return false_or_raised(r->error);
    }
    int status = response_status(r);
    return status < 400 || status >= 600;
}
