/*
 * The native base of the replies: making one, and its attributes.
 *
 * A response owns its exchange and makes Python objects of it only when they
 * are asked for. What is rarely looked at is made by locust.clients (lazy) and
 * kept in one dict.
 */
#include "config.h"
#include "http/response.h"

#include <netdb.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <structmember.h>

#include "base/clock.h"
#include "base/names.h"
#include "base/pycompat.h"
#include "http/fast.h"
#include "http/flow.h"
#include "http/stream.h"
#include "http/url.h"

PyTypeObject *Response_Type;

/* The first request of the exchange if it went well; else the one that failed,
   as requests knows no history then; FastHttpUser's is always the first. */
const struct reply *
response_reported(const ResponseObject *r)
{
    const struct reply *reply = r->exchange->reply;
    while ((r->fast || r->error == NULL) && reply->previous != NULL) {
        reply = reply->previous;
    }
    return reply;
}

const char *
response_reported_text(const ResponseObject *r)
{
    return r->reported_url != NULL ? PyUnicode_AsUTF8(r->reported_url)
                                   : response_reported(r)->url;
}

/* Path and query of a URL, which names a request that has no other name. */
static PyObject *
path_of(const char *url)
{
    size_t length = strcspn(url, "#");
    size_t path = url_path_offset(url, length);
    return PyUnicode_DecodeUTF8(url + path, (Py_ssize_t)(length - path),
                                "replace");
}

/* --- Making one. */

PyObject *
response_merge_context(PyObject *user, PyObject *given)
{
    PyObject *merged = NULL;
    if (user != NULL && user != Py_None) {
        struct method context;
        if (method_find(user, names.context, &context) < 0) {
            return NULL;
        }
        if (Py_IS_TYPE(context.function, &PyMethodDescr_Type)) {
            Py_DECREF(context.function);    /* ours: empty */
        }
        else {
            PyObject *own = method_call(&context, user, NULL);
            merged = own == NULL ? NULL : PyDict_New();
            if (merged != NULL && PyDict_Update(merged, own) < 0) {
                Py_CLEAR(merged);
            }
            Py_XDECREF(own);
            if (merged == NULL) {
                return NULL;
            }
        }
    }
    if (given == NULL) {
        return merged;
    }
    if (merged == NULL && (merged = PyDict_New()) == NULL) {
        return NULL;
    }
    if (PyDict_Update(merged, given) < 0) {
        Py_CLEAR(merged);
    }
    return merged;
}

static const char *const error_kinds[] = {
    [HTTP_RESOLVE] = "resolve",
    [HTTP_CONNECT] = "connect",
    [HTTP_CONNECT_TIMEOUT] = "connect_timeout",
    [HTTP_READ_TIMEOUT] = "read_timeout",
    [HTTP_TLS] = "tls",
    [HTTP_CLOSED] = "closed",
    [HTTP_RESET] = "reset",
    [HTTP_BROKEN_BODY] = "broken_body",
    [HTTP_TRUNCATED] = "truncated",
    [HTTP_BAD_CHUNK] = "bad_chunk",
    [HTTP_BAD_STATUS_LINE] = "bad_status_line",
    [HTTP_BAD_HEADER] = "bad_header",
    [HTTP_BAD_ENCODING] = "bad_encoding",
    [HTTP_TOO_BIG] = "too_big",
    [HTTP_TOO_MANY_REDIRECTS] = "too_many_redirects",
    [HTTP_BAD_REDIRECT] = "bad_redirect",
    [HTTP_PROXY] = "proxy",
    [HTTP_BAD_UPLOAD] = "bad_upload",
    [HTTP_CANCELLED] = "cancelled",
    [HTTP_NO_MEMORY] = "no_memory",
    [HTTP_OTHER] = "other",
};

const char *
response_error_kind(const struct exchange *x)
{
    return error_kinds[x->error];
}

PyObject *
response_error_message(const struct exchange *x)
{
    if (x->error == HTTP_RESOLVE) {
        return PyUnicode_FromString(gai_strerror(x->code));
    }
    return PyUnicode_DecodeLatin1(x->message ? x->message : "",
                                  (Py_ssize_t)x->message_length, NULL);
}

PyObject *
exchange_failure(const struct exchange *x)
{
    PyObject *message = response_error_message(x);
    if (message == NULL) {
        return NULL;
    }
    bool connecting = x->error == HTTP_CONNECT_TIMEOUT ||
                      (x->error == HTTP_READ_TIMEOUT && x->code == 2);
    double timeout = connecting ? x->connect_timeout : x->read_timeout;
    return Py_BuildValue("(siNdn)", response_error_kind(x), x->code, message,
                         timeout,
                         (Py_ssize_t)(x->reply->raw.length - x->reply->body));
}

/* Sets error and reported from the exchange's. 0 or -1. */
static int
make_error(ResponseObject *r)
{
    PyObject *failure = exchange_failure(r->exchange);
    PyObject *whose = Py_BuildValue("(Os)", r, r->exchange->reply->url);
    PyObject *args = failure == NULL || whose == NULL
                         ? NULL
                         : PySequence_Concat(whose, failure);
    /* A pair; or it raises what reaches the task. */
    PyObject *pair =
        args == NULL ? NULL : PyObject_CallObject(helpers.make_error, args);
    Py_XDECREF(args);
    Py_XDECREF(whose);
    Py_XDECREF(failure);
    if (pair == NULL) {
        return -1;
    }
    int ok = PyArg_ParseTuple(pair, "OO", &r->error, &r->reported);
    Py_XINCREF(r->error);
    Py_XINCREF(r->reported);
    Py_DECREF(pair);
    return ok ? 0 : -1;
}

bool
response_broke_in_body(const struct exchange *x)
{
    return x->error == HTTP_BROKEN_BODY || x->error == HTTP_TRUNCATED ||
           x->error == HTTP_BAD_CHUNK || x->error == HTTP_BAD_ENCODING ||
           (x->error == HTTP_READ_TIMEOUT && x->code == 1);
}

/* A response without a body that has come yet: a Reply reads it, and requests'
   code what that gives. Takes the exchange over. False with an exception
   set. */
static bool
begin_stream(ResponseObject *r, struct exchange *x)
{
    struct header length;
    r->response_time = (double)(x->reply->headed - x->taken) * 1e-6;
    if (reply_find_header(x->reply, "Content-Length", &length)) {
        r->length = (Py_ssize_t)strtoll(length.value, NULL, 10);
    }
    r->body = reply_object_new(x);
    r->exchange = r->body != NULL ? x : NULL;
    r->in_python = true;
    r->lazy = Py_BuildValue("{sOsO}", "_content", Py_False,
                            "_content_consumed", Py_False);
    return r->body != NULL && r->lazy != NULL;
}

PyObject *
response_new(SessionObject *session, struct call *call, struct exchange *x,
             double start_time)
{
    PyTypeObject *type = (PyTypeObject *)helpers.response_class;
    ResponseObject *r = (ResponseObject *)type->tp_alloc(type, 0);
    if (r == NULL) {
        exchange_release(x);
        return NULL;
    }
    bool streamed = x->stream != NULL && stream_is_headed(x->stream);
    if (streamed && !begin_stream(r, x)) {
        Py_DECREF(r);
        return NULL;
    }
    r->exchange = x;
    r->reply = x->reply;
    r->start_time = start_time;
    if (!streamed) {
        r->response_time = (double)(x->ended - x->taken) * 1e-6;
    }
    r->hook = Py_NewRef(session->request_event);
    r->request_type = Py_NewRef(call->method);
    int caught = call->catch_response == NULL
                     ? 0
                     : PyObject_IsTrue(call->catch_response);
    r->catch_response = caught > 0;
    bool failed = !streamed && x->error != HTTP_OK;
    bool ok = caught >= 0 && (!failed || make_error(r) == 0);
    int named = ok ? PyObject_IsTrue(call->name) : -1;
    if (named >= 0) {
        /* requests forgets the request of a reply that breaks within the
           body; then Locust names it by the URL as it was given. */
        r->name = named ? Py_NewRef(call->name)
                  : failed && response_broke_in_body(x)
                      ? PyObject_Str(call->url)
                      : path_of(response_reported(r)->url);
        ok = r->name != NULL;
    }
    if (ok && named >= 0) {
        r->context = response_merge_context(session->user, call->context);
    }
    if (!ok || named < 0 || PyErr_Occurred()) {
        Py_DECREF(r);
        return NULL;
    }
    return (PyObject *)r;
}

/* The URL of a call, with the session's in front of a relative one. */
static PyObject *
joined_url(SessionObject *session, PyObject *url)
{
    Py_ssize_t n;
    const char *text =
        PyUnicode_Check(url) ? PyUnicode_AsUTF8AndSize(url, &n) : NULL;
    if (text == NULL || url_is_absolute(text, (size_t)n)) {
        PyErr_Clear();          /* a URL that is none is told as it is */
        return PyObject_Str(url);
    }
    return PyUnicode_FromFormat("%S%U", session->base_url, url);
}

/* An exchange that was never sent, for a URL. */
static struct exchange *
unsent_exchange(PyObject *url)
{
    const char *text = PyUnicode_AsUTF8(url);
    struct exchange *x = text != NULL ? exchange_new() : NULL;
    if (x != NULL && (x->reply = reply_new()) != NULL &&
        (x->reply->url = strdup(text)) != NULL) {
        x->reply->method = "";
        return x;
    }
    exchange_free(x);
    if (!PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    return NULL;
}

PyObject *
response_refused(SessionObject *session, struct call *call, PyObject *error)
{
    PyObject *url = joined_url(session, call->url);
    struct exchange *x = url == NULL ? NULL : unsent_exchange(url);
    Py_XDECREF(url);
    if (x == NULL) {
        return NULL;
    }
    PyObject *given = call->name;
    int named = PyObject_IsTrue(given);
    call->name = named == 0 ? call->url : given;
    ResponseObject *r =
        named < 0 ? NULL : (ResponseObject *)response_new(session, call, x,
                                                          clock_wall());
    call->name = given;
    if (named < 0) {
        exchange_free(x);
    }
    if (r != NULL) {
        r->error = Py_NewRef(error);
        r->reported = PyObject_CallOneArg(helpers.unwrap, error);
    }
    if (r != NULL && r->reported == NULL) {
        Py_CLEAR(r);
    }
    return (PyObject *)r;
}

/* --- Attributes. */

/* What somebody has set the attribute to, borrowed; NULL: nothing. */
static PyObject *
set_by_hand(const ResponseObject *r, const char *what)
{
    return r->lazy == NULL ? NULL : PyDict_GetItemString(r->lazy, what);
}

int
response_status(const ResponseObject *r)
{
    PyObject *set = set_by_hand(r, "status_code");
    if (set != NULL) {
        long status = PyLong_Check(set) ? PyLong_AsLong(set) : 0;
        PyErr_Clear();          /* a number of no HTTP */
        return (int)status;
    }
    return r->reply == NULL || r->error != NULL ? 0 : r->reply->status;
}

static PyObject *
get_status_code(ResponseObject *r, void *closure)
{
    PyObject *set = set_by_hand(r, "status_code");
    return set != NULL ? Py_NewRef(set) : PyLong_FromLong(response_status(r));
}

PyObject *
response_get_url(ResponseObject *r, void *closure)
{
    PyObject *set = set_by_hand(r, "url");
    if (set != NULL) {
        return Py_NewRef(set);
    }
    if (r->reply == NULL || r->error != NULL) {
        Py_RETURN_NONE;
    }
    return PyUnicode_DecodeUTF8(r->reply->url,
                                (Py_ssize_t)strlen(r->reply->url), "replace");
}

/* The rest of the status line after the number. */
PyObject *
header_reason(const struct reply *reply)
{
    const char *line = reply->raw.data;
    const char *end = memchr(line, '\n', reply->body);
    if (end == NULL) {
        return Py_NewRef(names.empty);
    }
    while (end > line && (end[-1] == '\r' || end[-1] == ' ')) {
        end--;
    }
    for (int words = 0; words < 2 && line < end; words++) {
        const char *space = memchr(line, ' ', (size_t)(end - line));
        line = space != NULL ? space + 1 : end;
    }
    return PyUnicode_DecodeLatin1(line, end - line, NULL);
}

PyObject *
response_get_reason(ResponseObject *r, void *closure)
{
    PyObject *set = set_by_hand(r, "reason");
    if (set != NULL) {
        return Py_NewRef(set);
    }
    if (r->reply == NULL || r->error != NULL) {
        Py_RETURN_NONE;
    }
    return header_reason(r->reply);
}

static PyObject *
get_ok(ResponseObject *r, void *closure)
{
    int ok = response_is_true(r);
    return ok < 0 ? NULL : PyBool_FromLong(ok);
}

PyObject *
response_lazily(ResponseObject *r, const char *what)
{
    return PyObject_CallFunction(r->fast ? fast_helpers.lazy : helpers.lazy,
                                 "Os", r, what);
}

PyObject *
response_get_lazy(ResponseObject *r, void *closure)
{
    const char *what = closure;
    PyObject *value = NULL;
    if (r->lazy == NULL && (r->lazy = PyDict_New()) == NULL) {
        return NULL;
    }
    value = PyDict_GetItemString(r->lazy, what);
    if (value != NULL) {
        return Py_NewRef(value);
    }
    value = response_lazily(r, what);
    if (value != NULL && PyDict_SetItemString(r->lazy, what, value) < 0) {
        Py_CLEAR(value);
    }
    return value;
}

int
response_set_lazy(ResponseObject *r, PyObject *value, void *closure)
{
    if (r->lazy == NULL && (r->lazy = PyDict_New()) == NULL) {
        return -1;
    }
    return PyDict_SetItemString(r->lazy, closure, value ? value : Py_None);
}

PyDoc_STRVAR(header_items_doc,
             "header_items()\n\n[(name, value)] as they came, for "
             "locust.clients.");

PyObject *
response_header_items(ResponseObject *r, PyObject *unused)
{
    bool none = r->reply == NULL || r->error != NULL;
    return none ? PyList_New(0) : header_items(r->reply);
}

PyObject *
header_items(const struct reply *reply)
{
    PyObject *list = PyList_New(0);
    struct header h;
    for (size_t at = 0;
         list != NULL && reply_next_header(reply, &at, &h);) {
        PyObject *item = Py_BuildValue(
            "(NN)",
            PyUnicode_DecodeLatin1(h.name, (Py_ssize_t)h.name_length, NULL),
            PyUnicode_DecodeLatin1(h.value, (Py_ssize_t)h.value_length,
                                   NULL));
        if (item == NULL || PyList_Append(list, item) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    return list;
}

PyDoc_STRVAR(request_info_doc,
             "request_info()\n\n(method, url, header lines, body) of the "
             "request, for locust.clients.");

PyObject *
response_request_info(ResponseObject *r, PyObject *unused)
{
    const struct exchange *x =
        r->exchange != NULL ? r->exchange
        : r->origin != NULL ? ((ResponseObject *)r->origin)->exchange
                            : NULL;
    if (x == NULL) {
        Py_RETURN_NONE;         /* a copy, or made by hand */
    }
    const struct reply *reply = r->reply != NULL ? r->reply : x->reply;
    PyObject *lines = PyList_New(0);
    const struct curl_slist *l = exchange_sent_lines(x, reply);
    for (; lines != NULL && l != NULL; l = l->next) {
        PyObject *line = PyUnicode_DecodeLatin1(
            l->data, (Py_ssize_t)strlen(l->data), NULL);
        if (line == NULL || PyList_Append(lines, line) < 0) {
            Py_CLEAR(lines);
        }
        Py_XDECREF(line);
    }
    size_t length;
    const char *body = exchange_sent_body(x, reply, &length);
    if (lines == NULL) {
        return NULL;
    }
    return Py_BuildValue(x->body_is_text ? "(ssNz#)" : "(ssNy#)",
                         reply->method, reply->url, lines,
                         length > 0 ? body : NULL, (Py_ssize_t)length);
}

PyObject *
response_get_elapsed_seconds(ResponseObject *r, void *closure)
{
    if (r->reply == NULL || r->error != NULL) {
        return PyFloat_FromDouble(0);
    }
    return PyFloat_FromDouble((double)(r->reply->headed - r->reply->sent) *
                              1e-9);
}

/* The body of a redirect before a stream: as it came, to be decoded by
   requests' code like the stream itself. False with an exception set. */
static bool
read_later(ResponseObject *hop)
{
    hop->in_python = true;
    hop->lazy = Py_BuildValue("{sOsO}", "_content", Py_False,
                              "_content_consumed", Py_False);
    return hop->lazy != NULL;
}

/* The redirects that led here, each as a response of its own. */
static PyObject *
make_history(ResponseObject *r)
{
    PyObject *list = PyList_New(0);
    bool none = r->reply == NULL || r->error != NULL;
    const struct reply *reply = none ? NULL : r->reply->previous;
    PyTypeObject *type = Py_TYPE(r);
    for (; list != NULL && reply != NULL; reply = reply->previous) {
        ResponseObject *hop = (ResponseObject *)type->tp_alloc(type, 0);
        if (hop != NULL) {
            hop->origin = Py_NewRef(r->origin ? r->origin : (PyObject *)r);
            hop->reply = (struct reply *)reply;
            hop->fast = r->fast;
            if (r->in_python && !read_later(hop)) {
                Py_CLEAR(hop);
            }
        }
        if (hop == NULL || PyList_Insert(list, 0, (PyObject *)hop) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(hop);
    }
    return list;
}

PyObject *
response_get_history(ResponseObject *r, void *closure)
{
    if (r->lazy == NULL && (r->lazy = PyDict_New()) == NULL) {
        return NULL;
    }
    PyObject *list = PyDict_GetItemString(r->lazy, "history");
    if (list != NULL) {
        return Py_NewRef(list);
    }
    list = make_history(r);
    if (list != NULL && PyDict_SetItemString(r->lazy, "history", list) < 0) {
        Py_CLEAR(list);
    }
    return list;
}

static PyObject *
get_reported_url(ResponseObject *r, void *closure)
{
    if (r->reported_url != NULL) {
        return Py_NewRef(r->reported_url);
    }
    if (r->exchange == NULL) {
        return response_get_url(r, NULL);
    }
    const char *url = response_reported(r)->url;
    return PyUnicode_DecodeUTF8(url, (Py_ssize_t)strlen(url), "replace");
}

Py_ssize_t
response_length(const ResponseObject *r)
{
    Py_ssize_t length = r->length;
    if (!r->in_python && !r->fast) {
        response_body(r, &length);
    }
    return length;
}

static PyObject *
make_meta(ResponseObject *r)
{
    PyObject *url = get_reported_url(r, NULL);
    PyObject *context = r->context ? Py_NewRef(r->context) : PyDict_New();
    if (url == NULL || context == NULL) {
        Py_XDECREF(url);
        Py_XDECREF(context);
        return NULL;
    }
    PyObject *exception = r->fast && r->reported != NULL ? r->reported
                                                          : Py_None;
    PyObject *meta = Py_BuildValue(
        "{sOsdsOsNsOsOsdsNsn}", "request_type", r->request_type,
        "response_time", r->response_time, "name", r->name, "context",
        context, "response", r, "exception", exception, "start_time",
        r->start_time, "url", url, "response_length", response_length(r));
    if (meta != NULL && response_is_timed(r)) {
        PyObject *timings = response_get_timings(r, NULL);
        if (timings == NULL ||
            PyDict_SetItem(meta, names.timings, timings) < 0) {
            Py_CLEAR(meta);
        }
        Py_XDECREF(timings);
    }
    return meta;
}

PyObject *
response_get_request_meta(ResponseObject *r, void *closure)
{
    if (r->request_meta == NULL && r->name == NULL) {
        PyErr_Format(PyExc_AttributeError,
                     "'%.100s' object has no attribute 'request_meta'",
                     _PyType_Name(Py_TYPE(r)));
        return NULL;
    }
    if (r->request_meta == NULL) {
        r->request_meta = make_meta(r);
    }
    return Py_XNewRef(r->request_meta);
}

int
response_set_request_meta(ResponseObject *r, PyObject *value, void *closure)
{
    if (value == NULL || !PyDict_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "request_meta must be a dict");
        return -1;
    }
    Py_XSETREF(r->request_meta, Py_NewRef(value));
    return 0;
}

/* _content_consumed: of bodies that requests' code reads it is what that code
   says; all others are there. */
static PyObject *
get_consumed(ResponseObject *r, void *closure)
{
    PyObject *set = r->in_python ? set_by_hand(r, "_content_consumed") : NULL;
    return Py_NewRef(set != NULL ? set : Py_True);
}

static int
set_consumed(ResponseObject *r, PyObject *value, void *closure)
{
    return r->in_python ? response_set_lazy(r, value, "_content_consumed") : 0;
}

static PyObject *
get_body(ResponseObject *r, void *closure)
{
    return Py_NewRef(r->body != NULL ? r->body : Py_None);
}

/* Milliseconds. */
static PyObject *
ms_of(int64_t ns)
{
    return PyFloat_FromDouble((double)ns * 1e-6);
}

PyObject *
response_get_timings(ResponseObject *r, void *closure)
{
    const struct reply_times *t = r->reply != NULL ? r->reply->times : NULL;
    if (t == NULL) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue(
        "{sNsNsNsNsNsOssss}", "lookup", ms_of(t->lookup), "connect",
        ms_of(t->connect), "tls", ms_of(t->tls), "first_byte",
        ms_of(t->first_byte), "total",
        t->total != 0 ? ms_of(t->total) : Py_NewRef(Py_None), "reused",
        t->reused ? Py_True : Py_False, "local", t->local, "peer", t->peer);
}

static PyObject *
get_http_version(ResponseObject *r, void *closure)
{
    return PyLong_FromLong(r->reply != NULL ? r->reply->http_version : 0);
}

static PyObject *
get_method(ResponseObject *r, void *closure)
{
    return PyUnicode_FromString(r->reply != NULL ? r->reply->method : "");
}

/* What of a redirect before a stream has come, undecoded. */
static PyObject *
get_raw_body(ResponseObject *r, void *closure)
{
    Py_ssize_t length;
    const char *body = response_body(r, &length);
    return PyBytes_FromStringAndSize(body, r->body == NULL ? length : 0);
}

static PyObject *
get_error(ResponseObject *r, void *closure)
{
    return Py_NewRef(r->error != NULL ? r->error : Py_None);
}

static int
set_error(ResponseObject *r, PyObject *value, void *closure)
{
    value = value == Py_None ? NULL : value;
    Py_XSETREF(r->error, Py_XNewRef(value));
    Py_XSETREF(r->reported, Py_XNewRef(value));
    return 0;
}

#define LAZY(name, doc)                                                       \
    {#name, (getter)response_get_lazy, (setter)response_set_lazy, doc, #name}

static PyGetSetDef response_getset[] = {
    {"status_code", (getter)get_status_code, (setter)response_set_lazy,
     "HTTP status; 0 if there was no reply.", "status_code"},
    {"content", (getter)response_get_content, (setter)response_set_content,
     "The body, decoded, in bytes.", NULL},
    {"_content", (getter)response_get_kept, (setter)response_set_content,
     "What requests.Response keeps the body in.", NULL},
    {"_content_consumed", (getter)get_consumed, (setter)set_consumed,
     "For requests.Response: the body has been read.", NULL},
    {"_reply", (getter)get_body, NULL, "The Reply that reads it, or None.",
     NULL},
    {"timings", (getter)response_get_timings, NULL,
     "Where the time went, in milliseconds, if the session's report_timings "
     "is set: a dict; else None.", NULL},
    {"_http_version", (getter)get_http_version, NULL, "10, 11 or 20.", NULL},
    {"_method", (getter)get_method, NULL, "The method that was sent.", NULL},
    {"_raw_body", (getter)get_raw_body, NULL,
     "The body as it came, if it is not read from a Reply.", NULL},
    {"text", (getter)response_get_text, NULL, "The body as str.", NULL},
    {"encoding", (getter)response_get_encoding, (setter)response_set_encoding,
     "What text decodes the body with; may be set.", NULL},
    {"url", (getter)response_get_url, (setter)response_set_lazy,
     "The last URL asked for.", "url"},
    {"reason", (getter)response_get_reason, (setter)response_set_lazy,
     "The words after the status.", "reason"},
    {"ok", (getter)get_ok, NULL, "Whether the status is below 400.", NULL},
    {"history", (getter)response_get_history, (setter)response_set_lazy,
     "The redirects on the way, oldest first.", "history"},
    {"error", (getter)get_error, (setter)set_error,
     "What the request failed with, or None.", NULL},
    {"request_meta", (getter)response_get_request_meta,
     (setter)response_set_request_meta,
     "What the request event will be fired with.", NULL},
    {"_reported_url", (getter)get_reported_url, NULL,
     "The URL that the request event names.", NULL},
    {"_elapsed_seconds", (getter)response_get_elapsed_seconds, NULL,
     "From the request to the end of the reply's header.", NULL},
    LAZY(headers, "The reply's headers."),
    LAZY(cookies, "The cookies that this reply sets."),
    LAZY(elapsed, "The time until the header had come, as a timedelta."),
    LAZY(request, "The request, as a PreparedRequest."),
    LAZY(raw, "The body as a file."),
    {NULL},
};

static PyMemberDef response_members[] = {
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

static PyMethodDef response_methods[] = {
    {"__enter__", (PyCFunction)response_enter, METH_NOARGS,
     "Begins a block that decides on success."},
    {"__exit__", (PyCFunction)response_exit, METH_VARARGS,
     "Ends the block and reports the request."},
    {"success", (PyCFunction)response_success, METH_NOARGS,
     "The request has succeeded."},
    {"failure", (PyCFunction)(void (*)(void))response_failure,
     METH_VARARGS | METH_KEYWORDS,
     "failure(exc)\n\nThe request has failed; exc is an exception or "
     "anything that says why."},
    {"raise_for_status", (PyCFunction)response_raise_for_status, METH_NOARGS,
     "Raises what the request failed with, if it has failed."},
    {"json", (PyCFunction)(void (*)(void))response_json,
     METH_VARARGS | METH_KEYWORDS,
     "json(**kwargs)\n\nThe body as JSON; kwargs go to json.loads()."},
    {"_report_request", (PyCFunction)(void (*)(void))response_report_meta,
     METH_VARARGS | METH_KEYWORDS,
     "Fires the request event with request_meta as it is."},
    {"_of", (PyCFunction)response_of, METH_O | METH_STATIC,
     "One of ours for a response of requests, with its attributes."},
    {"_header_items", (PyCFunction)response_header_items, METH_NOARGS,
     header_items_doc},
    {"_request_info", (PyCFunction)response_request_info, METH_NOARGS,
     request_info_doc},
    {NULL},
};

/* --- The type. */

#define RESPONSE_OBJECTS(DO) \
    DO(origin) DO(hook) DO(request_type) DO(name) DO(context) DO(error) \
    DO(refused) DO(reported) DO(manual) DO(content) DO(encoding) \
    DO(request_meta) DO(lazy) DO(reported_url)

int
response_traverse(ResponseObject *r, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(r));
#define VISIT(name) Py_VISIT(r->name);
    RESPONSE_OBJECTS(VISIT)
#undef VISIT
    return 0;
}

int
response_clear(ResponseObject *r)
{
#define CLEAR(name) Py_CLEAR(r->name);
    RESPONSE_OBJECTS(CLEAR)
#undef CLEAR
    r->reply = NULL;
    return 0;
}

void
response_dealloc(ResponseObject *r)
{
    PyTypeObject *type = Py_TYPE(r);
    PyObject_GC_UnTrack(r);
    response_clear(r);
    /* Not before: redirects on the way, which have kept this one, show what is
       in the exchange. */
    if (r->body != NULL) {
        Py_DECREF(r->body);
    }
    else {
        exchange_release(r->exchange);
    }
    type->tp_free(r);
    Py_DECREF(type);
}

/* One that stands for a failure, as Locust's constructor makes it. */
static int
response_init(ResponseObject *r, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"error", NULL};
    PyObject *error;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", words, &error)) {
        return -1;
    }
    PyObject *request = PyObject_GetAttr(error, names.request);
    if (request == NULL) {
        return -1;
    }
    Py_DECREF(request);
    Py_XSETREF(r->error, Py_NewRef(error));
    Py_XSETREF(r->reported, PyObject_CallOneArg(helpers.unwrap, error));
    return r->reported != NULL ? 0 : -1;
}

PyDoc_STRVAR(response_doc, "The native base of locust.clients' replies.");

static PyType_Slot response_slots[] = {
    {Py_tp_doc, (void *)response_doc},
    {Py_tp_init, response_init},
    {Py_tp_traverse, response_traverse},
    {Py_tp_clear, response_clear},
    {Py_tp_dealloc, response_dealloc},
    {Py_tp_methods, response_methods},
    {Py_tp_getset, response_getset},
    {Py_tp_members, response_members},
    {Py_nb_bool, response_is_true},
    {0, NULL},
};

static PyType_Spec response_spec = {
    .name = "_locust.ResponseBase",
    .basicsize = sizeof(ResponseObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = response_slots,
};

int
response_module_exec(PyObject *module)
{
    Response_Type = (PyTypeObject *)PyType_FromSpec(&response_spec);
    return Response_Type == NULL ? -1
                                 : PyModule_AddType(module, Response_Type);
}
