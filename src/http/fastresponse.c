/*
 * Replies of FastHttpSession: making one, and the attributes that differ from
 * those of HttpSession.
 *
 * A reply whose status is none of the valid ones has an error besides its
 * contents; one that broke within the body is reported as a failure, but has
 * what came of it; a request without a reply is an ErrorResponse.
 */
#include "config.h"
#include "http/fast.h"

#include <stddef.h>
#include <string.h>
#include <structmember.h>

#include "base/names.h"
#include "event/exceptions.h"
#include "http/flow.h"

static PyTypeObject *FastResponse_Type;

/* --- What came of the exchange. */

/* Whether the header is there and the body is read as it arrives. Then what
   the exchange says of its end is not ours to look at yet. */
static bool
is_flowing(const struct exchange *x)
{
    return x->stream != NULL && stream_is_headed(x->stream);
}

/* Whether there is a reply, if maybe one that broke within the body. */
static bool
has_reply(const struct exchange *x)
{
    return is_flowing(x) || x->error == HTTP_OK || response_broke_in_body(x) ||
           (x->error == HTTP_TOO_BIG && x->code == 2);
}

/* The number that a Content-Length says; 0 if there is none. */
static Py_ssize_t
declared_length(const struct reply *reply)
{
    struct header h;
    Py_ssize_t length = 0;
    if (reply_find_header(reply, "Content-Length", &h)) {
        for (size_t i = 0; i < h.value_length; i++) {
            if (!Py_ISDIGIT(h.value[i]) || length > PY_SSIZE_T_MAX / 100) {
                return 0;
            }
            length = length * 10 + (h.value[i] - '0');
        }
    }
    return length;
}

/* What the request event says: nothing of a body that broke. */
static Py_ssize_t
reported_length(const struct exchange *x)
{
    if (is_flowing(x)) {
        return declared_length(x->reply);
    }
    return x->error != HTTP_OK
               ? 0
               : (Py_ssize_t)(x->reply->raw.length - x->reply->body);
}

/* --- Making one. */

/* What the call is named in the statistics. A new reference. */
static PyObject *
name_of(FastSessionObject *session, const struct call *call)
{
    PyObject *const names_of[] = {call->name, session->request_name};
    for (int i = 0; i < 2; i++) {
        int given = names_of[i] != NULL ? PyObject_IsTrue(names_of[i]) : 0;
        if (given != 0) {
            return given < 0 ? NULL : Py_NewRef(names_of[i]);
        }
    }
    return Py_NewRef(call->url);
}

/* The exception that the exchange failed with. A new reference. */
static PyObject *
error_of(ResponseObject *r, const struct exchange *x, long max_retries)
{
    PyObject *message = response_error_message(x);
    if (message == NULL) {
        return NULL;
    }
    return PyObject_CallFunction(
        fast_helpers.make_error, "OssiNln", r, response_reported(r)->url,
        response_error_kind(x), x->code, message, max_retries,
        (Py_ssize_t)x->reply->raw.length);
}

/* Sets refused if the agent does not take the status. */
static bool
check_status(ResponseObject *r, AgentObject *agent, bool usual)
{
    int refuses = agent_refuses_status(agent, r->reply->status, usual);
    if (refuses > 0) {
        r->refused = PyObject_CallFunction(
            fast_helpers.bad_status, "Osi", r,
            r->reply->url, r->reply->status);
    }
    return refuses == 0 || r->refused != NULL;
}

/* Sets error, refused and reported. error: what the call failed with, or
   NULL. */
static bool
set_outcome(ResponseObject *r, AgentObject *agent,
            const struct fast_options *options, PyObject *error)
{
    const struct exchange *x = r->exchange;
    bool failed = error != NULL || !has_reply(x);
    if (!failed && !check_status(r, agent, options->usual_codes)) {
        return false;
    }
    if (error != NULL) {
        r->reported = Py_NewRef(error);
    }
    else if (r->refused != NULL) {
        r->reported = Py_NewRef(r->refused);
    }
    else if (!is_flowing(x) && x->error != HTTP_OK) {
        r->reported = error_of(r, x, options->max_retries);
        if (r->reported == NULL) {
            return false;
        }
    }
    if (failed) {
        r->error = Py_NewRef(r->reported);
        r->reply = (struct reply *)response_reported(r);
    }
    return true;
}

static PyTypeObject *
class_of(const struct exchange *x, bool caught, PyObject *error)
{
    bool failed = error != NULL || !has_reply(x);
    return (PyTypeObject *)(caught   ? fast_helpers.context_class
                            : failed ? fast_helpers.error_class
                                     : fast_helpers.response_class);
}

PyObject *
fast_response_new(FastSessionObject *session, struct call *call,
                  struct exchange *x, const struct fast_options *options,
                  PyObject *error, double start_time)
{
    int caught = call->catch_response == NULL
                     ? 0
                     : PyObject_IsTrue(call->catch_response);
    PyTypeObject *type = class_of(x, caught > 0, error);
    ResponseObject *r =
        caught < 0 ? NULL : (ResponseObject *)type->tp_alloc(type, 0);
    if (r == NULL) {
        exchange_release(x);
        return NULL;
    }
    r->fast = true;
    r->exchange = x;
    r->reply = x->reply;
    r->catch_response = caught;
    r->start_time = start_time;
    int64_t end = is_flowing(x) ? x->reply->headed : x->ended;
    r->response_time = (double)(end - x->taken) * 1e-6;
    r->length = error != NULL ? 0 : reported_length(x);
    r->hook = Py_NewRef(session->request_event);
    r->request_type = Py_NewRef(call->method);
    r->name = name_of(session, call);
    bool ok = r->name != NULL &&
              set_outcome(r, session->client, options, error);
    if (ok) {
        r->context = response_merge_context(session->user, call->context);
        ok = r->context != NULL || !PyErr_Occurred();
    }
    if (!ok) {
        Py_CLEAR(r);
    }
    return (PyObject *)r;
}

/* --- Bodies that are read as they arrive. */

/* The exchange whose body flows; NULL: all of it is here, or there is none. */
static struct exchange *
flowing(const ResponseObject *r)
{
    struct exchange *x = r->exchange;
    if (x == NULL && r->origin != NULL) {
        x = ((ResponseObject *)r->origin)->exchange;
    }
    return x != NULL && r->error == NULL && is_flowing(x) ? x : NULL;
}

/* Up to so many bytes, all of them if fill is set; at the end raises what the
   body broke with. */
static PyObject *
read_body(ResponseObject *r, struct exchange *x, Py_ssize_t most, bool fill)
{
    PyObject *bytes = exchange_read(x, most, fill);
    bool end = bytes != NULL && (most < 0 || PyBytes_GET_SIZE(bytes) == 0);
    if (!end || x->error == HTTP_OK || x->error == HTTP_CANCELLED) {
        return bytes;
    }
    Py_DECREF(bytes);
    PyObject *error = error_of(r, x, 0);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return NULL;
}

PyDoc_STRVAR(fast_read_doc,
             "read(most, fill)\n\n"
             "Of a streamed body up to so many bytes (-1: all), as many as "
             "that if fill is set; None if it is not streamed.");

static PyObject *
fast_read(ResponseObject *r, PyObject *args)
{
    Py_ssize_t most;
    int fill;
    struct exchange *x = flowing(r);
    if (!PyArg_ParseTuple(args, "np", &most, &fill)) {
        return NULL;
    }
    if (x == NULL) {
        Py_RETURN_NONE;
    }
    return most == 0 ? PyBytes_FromStringAndSize("", 0)
                     : read_body(r, x, most, fill);
}

static PyObject *
fast_is_read(ResponseObject *r, PyObject *unused)
{
    struct exchange *x = flowing(r);
    return PyBool_FromLong(x == NULL || exchange_is_read(x));
}

static PyObject *
fast_release(ResponseObject *r, PyObject *unused)
{
    struct exchange *x = flowing(r);
    if (x != NULL) {
        exchange_close(x);
    }
    Py_RETURN_NONE;
}

/* Reads what is left of a streamed body. */
static PyObject *
get_content(ResponseObject *r, void *closure)
{
    struct exchange *x = r->content == NULL ? flowing(r) : NULL;
    if (x != NULL) {
        PyObject *rest = read_body(r, x, -1, true);
        if (rest == NULL) {
            return NULL;
        }
        Py_XSETREF(r->content, rest);
    }
    return response_get_content(r, closure);
}

/* --- Attributes. */

static PyObject *
get_status_code(ResponseObject *r, void *closure)
{
    return PyLong_FromLong(response_status(r));
}

static PyObject *
get_ok(ResponseObject *r, void *closure)
{
    return PyBool_FromLong(response_status(r) < 400);
}

static PyObject *
get_url(ResponseObject *r, void *closure)
{
    if (r->reply == NULL) {
        return response_get_lazy(r, "url");
    }
    const char *url = r->reply->url;
    return PyUnicode_DecodeUTF8(url, (Py_ssize_t)strlen(url), "replace");
}

/* Only what text was decoded with, or is to be. */
static PyObject *
get_encoding(ResponseObject *r, void *closure)
{
    return Py_NewRef(r->encoding != NULL ? r->encoding : Py_None);
}

static PyObject *
get_text(ResponseObject *r, void *closure)
{
    if (r->error != NULL) {
        Py_RETURN_NONE;
    }
    if (r->encoding == Py_None) {
        Py_CLEAR(r->encoding);
    }
    PyObject *content = flowing(r) ? get_content(r, NULL) : Py_None;
    if (content == NULL) {
        return NULL;
    }
    if (content != Py_None) {
        Py_DECREF(content);
    }
    return response_get_text(r, closure);
}

static PyObject *
get_error(ResponseObject *r, void *closure)
{
    PyObject *error = r->error != NULL ? r->error : r->refused;
    if (error == NULL) {
        PyErr_Format(PyExc_AttributeError,
                     "'%.100s' object has no attribute 'error'",
                     _PyType_Name(Py_TYPE(r)));
    }
    return Py_XNewRef(error);
}

static int
set_error(ResponseObject *r, PyObject *value, void *closure)
{
    value = value == Py_None ? NULL : value;
    Py_XSETREF(r->error, Py_XNewRef(value));
    Py_XSETREF(r->reported, Py_XNewRef(value));
    return 0;
}

static PyObject *
get_request_meta(ResponseObject *r, void *closure)
{
    if (!r->catch_response) {
        PyErr_Format(PyExc_AttributeError,
                     "'%.100s' object has no attribute 'request_meta'",
                     _PyType_Name(Py_TYPE(r)));
        return NULL;
    }
    return response_get_request_meta(r, closure);
}

#define LAZY(name, doc)                                                       \
    {#name, (getter)response_get_lazy, (setter)response_set_lazy, doc, #name}

static PyGetSetDef fast_getset[] = {
    {"status_code", (getter)get_status_code, NULL,
     "HTTP status; 0 if there was no reply.", NULL},
    {"ok", (getter)get_ok, NULL,
     "Whether the status is below 400, as it also is without a reply.", NULL},
    {"url", (getter)get_url, NULL, "The last URL asked for.", NULL},
    {"content", (getter)get_content, NULL,
     "The body, decoded, in bytes; None without a reply.", NULL},
    {"data", (getter)get_content, NULL, "The same.", NULL},
    {"text", (getter)get_text, NULL,
     "The body as str; None without a reply.", NULL},
    {"encoding", (getter)get_encoding, (setter)response_set_encoding,
     "What text decodes the body with; may be set before.", NULL},
    {"error", (getter)get_error, (setter)set_error,
     "What the request failed with; missing if it did not.", NULL},
    {"history", (getter)response_get_history, NULL,
     "The redirects on the way, oldest first.", "history"},
    {"request_meta", (getter)get_request_meta,
     (setter)response_set_request_meta,
     "What the request event will be fired with.", NULL},
    {"timings", (getter)response_get_timings, NULL,
     "Where the time went, in milliseconds, if the session's report_timings "
     "is set: a dict; else None.", NULL},
    {"_elapsed_seconds", (getter)response_get_elapsed_seconds, NULL,
     "From the request to the end of the reply's header.", NULL},
    LAZY(headers, "The reply's Headers; None without a reply."),
    LAZY(request, "The FastRequest."),
    LAZY(elapsed, "The time until the header had come, as a timedelta."),
    LAZY(stream, "The body as a file."),
    {NULL},
};

static PyMemberDef fast_members[] = {
    {"_manual_result", T_OBJECT, offsetof(ResponseObject, manual), 0,
     "True after success(), an exception after failure(), else None."},
    {"_entered", T_BOOL, offsetof(ResponseObject, entered), 0,
     "Whether a with block was begun."},
    {"_catch_response", T_BOOL, offsetof(ResponseObject, catch_response), 0,
     "Whether catch_response=True was passed."},
    {"_request_event", T_OBJECT, offsetof(ResponseObject, hook), 0,
     "The hook that the request is reported to."},
    {NULL},
};

/* --- Methods. */

static const char needs_catch[] =
    "success() and failure() change how a request is counted: you must pass "
    "catch_response=True, as in: with self.client.get(url, "
    "catch_response=True) as response";

static PyObject *
refuse_change(void)
{
    if (exceptions_load() == 0) {
        PyErr_SetString(exceptions.LocustError, needs_catch);
    }
    return NULL;
}

static PyObject *
fast_success(ResponseObject *r, PyObject *unused)
{
    return r->catch_response ? response_success(r, unused) : refuse_change();
}

static PyObject *
fast_failure(ResponseObject *r, PyObject *args, PyObject *kwargs)
{
    return r->catch_response ? response_failure(r, args, kwargs)
                             : refuse_change();
}

/* Without catch_response a block only releases the reply. */
static PyObject *
fast_enter(ResponseObject *r, PyObject *unused)
{
    return r->catch_response ? response_enter(r, unused)
                             : Py_NewRef((PyObject *)r);
}

static PyObject *
fast_exit(ResponseObject *r, PyObject *args)
{
    return r->catch_response ? response_exit(r, args)
                             : fast_release(r, NULL);
}

/* JSON of what is UTF-8 for certain is not decoded twice. */
static PyObject *
fast_json(ResponseObject *r, PyObject *unused)
{
    PyObject *text = get_text(r, NULL);
    PyObject *result =
        text == NULL ? NULL : PyObject_CallOneArg(fast_helpers.loads, text);
    Py_XDECREF(text);
    return result;
}

static int
fast_bool(ResponseObject *r)
{
    return r->error == NULL;
}

PyDoc_STRVAR(stand_for_doc,
             "stand_for(response, request_event, request_meta, "
             "catch_response)\n\nMakes this one show another one's reply.");

static PyObject *
fast_stand_for(ResponseObject *r, PyObject *args)
{
    ResponseObject *other;
    PyObject *hook, *meta;
    int caught;
    if (!PyArg_ParseTuple(args, "O!OO!p", FastResponse_Type, &other, &hook,
                          &PyDict_Type, &meta, &caught)) {
        return NULL;
    }
    PyObject *origin = other->origin ? other->origin : (PyObject *)other;
    Py_XSETREF(r->origin, Py_NewRef(origin));
    r->reply = other->reply;
    Py_XSETREF(r->hook, Py_NewRef(hook));
    Py_XSETREF(r->request_meta, Py_NewRef(meta));
    Py_XSETREF(r->error, Py_XNewRef(other->error));
    Py_XSETREF(r->refused, Py_XNewRef(other->refused));
    Py_XSETREF(r->reported, Py_XNewRef(other->reported));
    Py_XSETREF(r->content, Py_XNewRef(other->content));
    Py_XSETREF(r->encoding, Py_XNewRef(other->encoding));
    PyObject *lazy = other->lazy ? PyDict_Copy(other->lazy) : NULL;
    Py_XSETREF(r->lazy, lazy);
    r->catch_response = caught;
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef fast_methods[] = {
    {"__enter__", (PyCFunction)fast_enter, METH_NOARGS,
     "Begins a block; with catch_response=True one that decides on success."},
    {"__exit__", (PyCFunction)fast_exit, METH_VARARGS,
     "Ends the block; with catch_response=True, reports the request."},
    {"success", (PyCFunction)fast_success, METH_NOARGS,
     "The request has succeeded."},
    {"failure", (PyCFunction)(void (*)(void))fast_failure,
     METH_VARARGS | METH_KEYWORDS,
     "failure(exc)\n\nThe request has failed; exc is an exception or "
     "anything that says why."},
    {"raise_for_status", (PyCFunction)response_raise_for_status, METH_NOARGS,
     "Raises what the request failed with, if it has failed."},
    {"json", (PyCFunction)fast_json, METH_NOARGS,
     "json($self)\n--\n\nThe body as JSON."},
    {"release", (PyCFunction)fast_release, METH_NOARGS,
     "What is left of a streamed body is not wanted."},
    {"isclosed", (PyCFunction)fast_is_read, METH_NOARGS,
     "Whether all of the body has been read."},
    {"_read", (PyCFunction)fast_read, METH_VARARGS, fast_read_doc},
    {"_stand_for", (PyCFunction)fast_stand_for, METH_VARARGS, stand_for_doc},
    {"_header_items", (PyCFunction)response_header_items, METH_NOARGS,
     "[(name, value)] as they came."},
    {"_request_info", (PyCFunction)response_request_info, METH_NOARGS,
     "(method, url, header lines, body) of the request."},
    {NULL},
};

/* --- The type. */

static PyObject *
fast_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    ResponseObject *r = (ResponseObject *)type->tp_alloc(type, 0);
    if (r != NULL) {
        r->fast = true;
    }
    return (PyObject *)r;
}

static PyType_Slot fast_slots[] = {
    {Py_tp_doc, (void *)"The native base of FastResponse."},
    {Py_tp_new, fast_new},
    {Py_tp_traverse, response_traverse},
    {Py_tp_clear, response_clear},
    {Py_tp_dealloc, response_dealloc},
    {Py_tp_methods, fast_methods},
    {Py_tp_getset, fast_getset},
    {Py_tp_members, fast_members},
    {Py_nb_bool, fast_bool},
    {0, NULL},
};

static PyType_Spec fast_spec = {
    .name = "_locust.FastResponseBase",
    .basicsize = sizeof(ResponseObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = fast_slots,
};

int
fast_response_module_exec(PyObject *module)
{
    FastResponse_Type = (PyTypeObject *)PyType_FromSpec(&fast_spec);
    return FastResponse_Type == NULL
               ? -1
               : PyModule_AddType(module, FastResponse_Type);
}
