/*
 * The native base of the replies, and what becomes of them: success or
 * failure, the request event.
 *
 * A response owns its exchange and makes Python objects of it only when they
 * are asked for. What is rarely looked at is made by locust.clients (lazy) and
 * kept in one dict.
 */
#include "config.h"
#include "http/client.h"

#include <netdb.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <structmember.h>

#include "base/clock.h"
#include "base/names.h"
#include "base/pycompat.h"
#include "event/event.h"
#include "event/exceptions.h"
#include "http/url.h"

PyTypeObject *Response_Type;

/* --- What is in the exchange. */

static const char *
body_of(const ResponseObject *r, Py_ssize_t *length)
{
    if (r->reply == NULL || r->error != NULL) {
        *length = 0;
        return "";
    }
    *length = (Py_ssize_t)(r->reply->raw.length - r->reply->body);
    return r->reply->raw.data + r->reply->body;
}

/* The first request of the exchange if it went well; else the one that
   failed, as requests knows no history then. */
static const struct reply *
reported_reply(const ResponseObject *r)
{
    const struct reply *reply = r->exchange->reply;
    while (r->error == NULL && reply->previous != NULL) {
        reply = reply->previous;
    }
    return reply;
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

/* The user's context() with the call's laid over it; NULL without an exception
   for an empty one. */
static PyObject *
merge_context(SessionObject *s, PyObject *given)
{
    PyObject *merged = NULL;
    if (s->user != NULL && s->user != Py_None) {
        struct method context;
        if (method_find(s->user, names.context, &context) < 0) {
            return NULL;
        }
        if (Py_IS_TYPE(context.function, &PyMethodDescr_Type)) {
            Py_DECREF(context.function);    /* ours: empty */
        }
        else {
            PyObject *own = method_call(&context, s->user, NULL);
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
    [HTTP_CANCELLED] = "cancelled",
    [HTTP_NO_MEMORY] = "no_memory",
    [HTTP_OTHER] = "other",
};

/* Sets error and reported from the exchange's. 0 or -1. */
static int
make_error(ResponseObject *r)
{
    struct exchange *x = r->exchange;
    PyObject *message =
        x->error == HTTP_RESOLVE
            ? PyUnicode_FromString(gai_strerror(x->code))
            : PyUnicode_DecodeLatin1(x->message ? x->message : "",
                                     (Py_ssize_t)x->message_length, NULL);
    if (message == NULL) {
        return -1;
    }
    bool connecting = x->error == HTTP_CONNECT_TIMEOUT ||
                      (x->error == HTTP_READ_TIMEOUT && x->code == 2);
    double timeout = connecting ? x->connect_timeout : x->read_timeout;
    /* A pair; or it raises what reaches the task. */
    PyObject *pair = PyObject_CallFunction(
        helpers.make_error, "OssiNdn", r, x->reply->url,
        error_kinds[x->error], x->code, message, timeout,
        (Py_ssize_t)(x->reply->raw.length - x->reply->body));
    if (pair == NULL) {
        return -1;
    }
    int ok = PyArg_ParseTuple(pair, "OO", &r->error, &r->reported);
    Py_XINCREF(r->error);
    Py_XINCREF(r->reported);
    Py_DECREF(pair);
    return ok ? 0 : -1;
}

/* requests forgets the request of a reply that breaks within the body; then
   Locust names it by the URL as it was given. */
static bool
broke_in_body(const struct exchange *x)
{
    return x->error == HTTP_BROKEN_BODY || x->error == HTTP_TRUNCATED ||
           x->error == HTTP_BAD_CHUNK || x->error == HTTP_BAD_ENCODING ||
           (x->error == HTTP_READ_TIMEOUT && x->code == 1);
}

PyObject *
response_new(SessionObject *session, struct call *call, struct exchange *x,
             double start_time)
{
    PyTypeObject *type = (PyTypeObject *)helpers.response_class;
    ResponseObject *r = (ResponseObject *)type->tp_alloc(type, 0);
    if (r == NULL) {
        exchange_free(x);
        return NULL;
    }
    r->exchange = x;
    r->reply = x->reply;
    r->start_time = start_time;
    r->response_time = (double)(x->ended - x->taken) * 1e-6;
    r->hook = Py_NewRef(session->request_event);
    r->request_type = Py_NewRef(call->method);
    int caught = call->catch_response == NULL
                     ? 0
                     : PyObject_IsTrue(call->catch_response);
    r->catch_response = caught > 0;
    bool ok = caught >= 0 && (x->error == HTTP_OK || make_error(r) == 0);
    int named = ok ? PyObject_IsTrue(call->name) : -1;
    if (named >= 0) {
        r->name = named               ? Py_NewRef(call->name)
                  : broke_in_body(x) ? PyObject_Str(call->url)
                                     : path_of(reported_reply(r)->url);
        ok = r->name != NULL;
    }
    if (ok && named >= 0) {
        r->context = merge_context(session, call->context);
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
    return PyUnicode_Concat(session->base_url, url);
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
        r->reported = Py_NewRef(error);
    }
    return (PyObject *)r;
}

/* --- Success or failure. */

static PyObject *
get_url(ResponseObject *r, void *closure);
static PyObject *
get_reason(ResponseObject *r, void *closure);

/* The HTTPError that raise_for_status() raises, naming url; NULL without an
   exception if the status is none. */
static PyObject *
status_error(ResponseObject *r, PyObject *url)
{
    int status = r->reply == NULL || r->error != NULL ? 0 : r->reply->status;
    if (status < 400 || status >= 600) {
        return NULL;
    }
    PyObject *reason = get_reason(r, NULL);
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
    if (r->error != NULL) {
        *exception = Py_NewRef(r->reported);
        return 0;
    }
    PyObject *name = r->name;
    if (r->request_meta != NULL) {
        PyObject *renamed =
            PyDict_GetItemWithError(r->request_meta, names.name);
        name = renamed != NULL ? renamed : name;
    }
    *exception = status_error(r, name);
    return PyErr_Occurred() ? -1 : 0;
}

static int
fire_meta(ResponseObject *r, PyObject *exception)
{
    PyObject *value = exception != NULL ? exception : Py_None;
    if (PyDict_SetItem(r->request_meta, names.exception, value) < 0) {
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
    Py_ssize_t length;
    body_of(r, &length);
    struct request_report report = {
        .request_type = r->request_type,
        .name = r->name,
        .timed = true,
        .response_time = r->response_time,
        .response_length = length,
        .exception = exception,
        .context = r->context,
        .response = (PyObject *)r,
        .url = reported_reply(r)->url,
        .start_time = r->start_time,
    };
    return event_fire_request(r->hook, &report);
}

int
response_report(ResponseObject *r)
{
    PyObject *exception;
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

PyDoc_STRVAR(response_enter_doc, "Begins a block that decides on success.");

static PyObject *
response_enter(ResponseObject *r, PyObject *unused)
{
    r->entered = true;
    if (!r->catch_response) {
        return locust_error(
            "Tried to open a with block on the result of a request, but "
            "without catch_response=True; pass it, as in: with "
            "self.client.get(url, catch_response=True) as response");
    }
    return Py_NewRef((PyObject *)r);
}

PyDoc_STRVAR(response_exit_doc, "Ends the block and reports the request.");

static PyObject *
response_exit(ResponseObject *r, PyObject *args)
{
    PyObject *type, *value, *tb;
    if (!PyArg_ParseTuple(args, "OOO", &type, &value, &tb)) {
        return NULL;
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

PyDoc_STRVAR(response_success_doc, "The request has succeeded.");

static PyObject *
response_success(ResponseObject *r, PyObject *unused)
{
    if (!r->entered) {
        return locust_error(not_entered);
    }
    Py_XSETREF(r->manual, Py_NewRef(Py_True));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(response_failure_doc,
             "failure(exc)\n\nThe request has failed; exc is an exception or "
             "anything that says why.");

static PyObject *
response_failure(ResponseObject *r, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"exc", NULL};
    PyObject *exc;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", words, &exc)) {
        return NULL;
    }
    if (!r->entered) {
        return locust_error(not_entered);
    }
    PyObject *error = PyExceptionInstance_Check(exc)
                          ? Py_NewRef(exc)
                          : PyObject_CallOneArg(helpers.catch_error, exc);
    if (error == NULL) {
        return NULL;
    }
    Py_XSETREF(r->manual, error);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(response_raise_for_status_doc,
             "Raises what the request failed with, if it has failed.");

static PyObject *
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
            PyObject *url = get_url(r, NULL);
            error = url == NULL ? NULL : status_error(r, url);
            Py_XDECREF(url);
        }
    }
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* --- The body. */

static PyObject *
get_content(ResponseObject *r, void *closure)
{
    if (r->error != NULL) {
        Py_RETURN_NONE;
    }
    if (r->content == NULL) {
        Py_ssize_t length;
        const char *body = body_of(r, &length);
        r->content = PyBytes_FromStringAndSize(body, length);
    }
    return Py_XNewRef(r->content);
}

static int
set_content(ResponseObject *r, PyObject *value, void *closure)
{
    Py_XSETREF(r->content, Py_XNewRef(value));
    return 0;
}

/* The charset of a Content-Type, by requests' rules; NULL: it says none. */
static PyObject *
charset_of(const struct header *type)
{
    const char *end = type->value + type->value_length;
    const char *at = memchr(type->value, ';', type->value_length);
    while (at != NULL && at < end) {
        at++;
        while (at < end && (*at == ' ' || *at == '\t')) {
            at++;
        }
        const char *next = memchr(at, ';', (size_t)(end - at));
        const char *stop = next != NULL ? next : end;
        if (stop - at > 8 && strncasecmp(at, "charset=", 8) == 0) {
            at += 8;
            while (at < stop && strchr("'\" ", *at) != NULL) {
                at++;
            }
            while (stop > at && strchr("'\" ", stop[-1]) != NULL) {
                stop--;
            }
            return PyUnicode_DecodeLatin1(at, stop - at, NULL);
        }
        at = next;
    }
    return NULL;
}

static bool
contains(const struct header *h, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= h->value_length; i++) {
        if (memcmp(h->value + i, word, length) == 0) {
            return true;
        }
    }
    return false;
}

static PyObject *
get_encoding(ResponseObject *r, void *closure)
{
    struct header type;
    if (r->encoding != NULL) {
        return Py_NewRef(r->encoding);
    }
    if (r->reply != NULL && r->error == NULL &&
        reply_find_header(r->reply, "Content-Type", &type)) {
        r->encoding = charset_of(&type);
        if (r->encoding == NULL && PyErr_Occurred()) {
            return NULL;
        }
        if (r->encoding == NULL && contains(&type, "text")) {
            r->encoding = PyUnicode_FromString("ISO-8859-1");
        }
        else if (r->encoding == NULL && contains(&type, "application/json")) {
            r->encoding = PyUnicode_FromString("utf-8");
        }
    }
    if (r->encoding == NULL) {
        r->encoding = Py_NewRef(Py_None);
    }
    return Py_NewRef(r->encoding);
}

static int
set_encoding(ResponseObject *r, PyObject *value, void *closure)
{
    Py_XSETREF(r->encoding, Py_NewRef(value != NULL ? value : Py_None));
    return 0;
}

static PyObject *
lazily(ResponseObject *r, const char *what)
{
    return PyObject_CallFunction(helpers.lazy, "Os", r, what);
}

static PyObject *
get_text(ResponseObject *r, void *closure)
{
    Py_ssize_t length;
    const char *body = body_of(r, &length);
    if (r->content != NULL && PyBytes_Check(r->content)) {
        body = PyBytes_AS_STRING(r->content);
        length = PyBytes_GET_SIZE(r->content);
    }
    if (length == 0) {
        return Py_NewRef(names.empty);
    }
    PyObject *encoding = get_encoding(r, NULL);
    if (encoding == NULL) {
        return NULL;
    }
    PyObject *text = NULL;
    if (PyUnicode_Check(encoding)) {
        const char *name = PyUnicode_AsUTF8(encoding);
        text = name == NULL ? NULL
                            : PyUnicode_Decode(body, length, name, "replace");
        if (text == NULL && PyErr_ExceptionMatches(PyExc_LookupError)) {
            PyErr_Clear();
            text = PyUnicode_DecodeUTF8(body, length, "replace");
        }
    }
    else {
        text = lazily(r, "text");
    }
    Py_DECREF(encoding);
    return text;
}

/* Whether it is UTF-8 text by the look of its first bytes. */
static bool
looks_like_utf8(const char *body, Py_ssize_t length)
{
    Py_ssize_t n = length < 4 ? length : 4;
    return n > 0 && memchr(body, '\0', (size_t)n) == NULL &&
           (unsigned char)body[0] < 0xef;
}

PyDoc_STRVAR(response_json_doc,
             "json(**kwargs)\n\nThe body as JSON; kwargs go to json.loads().");

static PyObject *
response_json(ResponseObject *r, PyObject *args, PyObject *kwargs)
{
    Py_ssize_t length;
    const char *body = body_of(r, &length);
    bool plain = (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0) &&
                 r->error == NULL && r->encoding == NULL &&
                 r->content == NULL && looks_like_utf8(body, length);
    if (plain) {
        PyObject *encoding = get_encoding(r, NULL);
        plain = encoding != NULL &&
                (encoding == Py_None ||
                 PyUnicode_CompareWithASCIIString(encoding, "utf-8") == 0);
        Py_XDECREF(encoding);
    }
    if (plain) {
        PyObject *text = PyUnicode_DecodeUTF8(body, length, "strict");
        PyObject *result =
            text == NULL ? NULL : PyObject_CallOneArg(helpers.loads, text);
        Py_XDECREF(text);
        if (result != NULL || !PyErr_ExceptionMatches(PyExc_ValueError)) {
            return result;
        }
    }
    PyErr_Clear();
    PyObject *method = lazily(r, "json");
    PyObject *result = method == NULL ? NULL : PyObject_Call(method, args,
                                                             kwargs);
    Py_XDECREF(method);
    return result;
}

/* --- Other attributes. */

static PyObject *
get_status_code(ResponseObject *r, void *closure)
{
    bool none = r->reply == NULL || r->error != NULL;
    return PyLong_FromLong(none ? 0 : r->reply->status);
}

static PyObject *
get_url(ResponseObject *r, void *closure)
{
    if (r->reply == NULL || r->error != NULL) {
        Py_RETURN_NONE;
    }
    return PyUnicode_DecodeUTF8(r->reply->url,
                                (Py_ssize_t)strlen(r->reply->url), "replace");
}

/* The rest of the status line after the number. */
static PyObject *
get_reason(ResponseObject *r, void *closure)
{
    if (r->reply == NULL || r->error != NULL) {
        Py_RETURN_NONE;
    }
    const char *line = r->reply->raw.data;
    const char *end = memchr(line, '\n', r->reply->body);
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

static int
response_is_true(ResponseObject *r)
{
    if (r->manual != NULL && r->manual != Py_None) {
        if (!PyExceptionInstance_Check(r->manual)) {
            return 1;
        }
        PyErr_SetObject((PyObject *)Py_TYPE(r->manual), r->manual);
        int http = PyErr_ExceptionMatches(helpers.http_error);
        if (http) {
            PyErr_Clear();
        }
        return http ? 0 : -1;
    }
    if (r->error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(r->error), r->error);
        return -1;
    }
    return r->reply == NULL || r->reply->status < 400 ||
           r->reply->status >= 600;
}

static PyObject *
get_ok(ResponseObject *r, void *closure)
{
    int ok = response_is_true(r);
    return ok < 0 ? NULL : PyBool_FromLong(ok);
}

/* Looked up in the dict of what was asked for before; made if it is not in
   there. */
static PyObject *
get_lazy(ResponseObject *r, void *closure)
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
    value = lazily(r, what);
    if (value != NULL && PyDict_SetItemString(r->lazy, what, value) < 0) {
        Py_CLEAR(value);
    }
    return value;
}

static int
set_lazy(ResponseObject *r, PyObject *value, void *closure)
{
    if (r->lazy == NULL && (r->lazy = PyDict_New()) == NULL) {
        return -1;
    }
    return PyDict_SetItemString(r->lazy, closure, value ? value : Py_None);
}

PyDoc_STRVAR(header_items_doc,
             "header_items()\n\n[(name, value)] as they came, for "
             "locust.clients.");

static PyObject *
response_header_items(ResponseObject *r, PyObject *unused)
{
    PyObject *list = PyList_New(0);
    struct header h;
    bool none = r->reply == NULL || r->error != NULL;
    for (size_t at = 0; list != NULL && !none &&
                        reply_next_header(r->reply, &at, &h);) {
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

static PyObject *
response_request_info(ResponseObject *r, PyObject *unused)
{
    const struct exchange *x =
        r->exchange != NULL ? r->exchange
                            : ((ResponseObject *)r->origin)->exchange;
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

static PyObject *
get_elapsed_seconds(ResponseObject *r, void *closure)
{
    if (r->reply == NULL || r->error != NULL) {
        return PyFloat_FromDouble(0);
    }
    return PyFloat_FromDouble((double)(r->reply->headed - r->reply->sent) *
                              1e-9);
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
        }
        if (hop == NULL || PyList_Insert(list, 0, (PyObject *)hop) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(hop);
    }
    return list;
}

static PyObject *
get_history(ResponseObject *r, void *closure)
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
    if (r->exchange == NULL) {
        return get_url(r, NULL);
    }
    const char *url = reported_reply(r)->url;
    return PyUnicode_DecodeUTF8(url, (Py_ssize_t)strlen(url), "replace");
}

static PyObject *
make_meta(ResponseObject *r)
{
    Py_ssize_t length;
    body_of(r, &length);
    PyObject *url = get_reported_url(r, NULL);
    PyObject *context = r->context ? Py_NewRef(r->context) : PyDict_New();
    if (url == NULL || context == NULL || r->name == NULL) {
        Py_XDECREF(url);
        Py_XDECREF(context);
        return NULL;
    }
    return Py_BuildValue(
        "{sOsdsOsNsOsOsdsNsn}", "request_type", r->request_type,
        "response_time", r->response_time, "name", r->name, "context",
        context, "response", r, "exception", Py_None, "start_time",
        r->start_time, "url", url, "response_length", length);
}

static PyObject *
get_request_meta(ResponseObject *r, void *closure)
{
    if (r->request_meta == NULL) {
        r->request_meta = make_meta(r);
    }
    return Py_XNewRef(r->request_meta);
}

static int
set_request_meta(ResponseObject *r, PyObject *value, void *closure)
{
    if (value == NULL || !PyDict_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "request_meta must be a dict");
        return -1;
    }
    Py_XSETREF(r->request_meta, Py_NewRef(value));
    return 0;
}

static PyObject *
get_true(ResponseObject *r, void *closure)
{
    Py_RETURN_TRUE;
}

#define LAZY(name, doc)                                                       \
    {#name, (getter)get_lazy, (setter)set_lazy, doc, #name}

static PyGetSetDef response_getset[] = {
    {"status_code", (getter)get_status_code, NULL,
     "HTTP status; 0 if there was no reply.", NULL},
    {"content", (getter)get_content, (setter)set_content,
     "The body, decoded, in bytes.", NULL},
    {"_content", (getter)get_content, (setter)set_content,
     "What requests.Response keeps the body in.", NULL},
    {"_content_consumed", (getter)get_true, NULL,
     "For requests.Response: the body has been read.", NULL},
    {"text", (getter)get_text, NULL, "The body as str.", NULL},
    {"encoding", (getter)get_encoding, (setter)set_encoding,
     "What text decodes the body with; may be set.", NULL},
    {"url", (getter)get_url, NULL, "The last URL asked for.", NULL},
    {"reason", (getter)get_reason, NULL, "The words after the status.", NULL},
    {"ok", (getter)get_ok, NULL, "Whether the status is below 400.", NULL},
    {"history", (getter)get_history, NULL,
     "The redirects on the way, oldest first.", NULL},
    {"request_meta", (getter)get_request_meta, (setter)set_request_meta,
     "What the request event will be fired with.", NULL},
    {"_reported_url", (getter)get_reported_url, NULL,
     "The URL that the request event names.", NULL},
    {"_elapsed_seconds", (getter)get_elapsed_seconds, NULL,
     "From the request to the end of the reply's header.", NULL},
    LAZY(headers, "The reply's headers."),
    LAZY(cookies, "The cookies that this reply sets."),
    LAZY(elapsed, "The time until the header had come, as a timedelta."),
    LAZY(request, "The request, as a PreparedRequest."),
    LAZY(raw, "The body as a file."),
    {NULL},
};

static PyMemberDef response_members[] = {
    {"error", T_OBJECT, offsetof(ResponseObject, error), 0,
     "What the request failed with, or None."},
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
     response_enter_doc},
    {"__exit__", (PyCFunction)response_exit, METH_VARARGS, response_exit_doc},
    {"success", (PyCFunction)response_success, METH_NOARGS,
     response_success_doc},
    {"failure", (PyCFunction)(void (*)(void))response_failure,
     METH_VARARGS | METH_KEYWORDS, response_failure_doc},
    {"raise_for_status", (PyCFunction)response_raise_for_status, METH_NOARGS,
     response_raise_for_status_doc},
    {"json", (PyCFunction)(void (*)(void))response_json,
     METH_VARARGS | METH_KEYWORDS, response_json_doc},
    {"_header_items", (PyCFunction)response_header_items, METH_NOARGS,
     header_items_doc},
    {"_request_info", (PyCFunction)response_request_info, METH_NOARGS,
     request_info_doc},
    {NULL},
};

/* --- The type. */

#define RESPONSE_OBJECTS(DO) \
    DO(origin) DO(hook) DO(request_type) DO(name) DO(context) DO(error) \
    DO(reported) DO(manual) DO(content) DO(encoding) DO(request_meta) DO(lazy)

static int
response_traverse(ResponseObject *r, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(r));
#define VISIT(name) Py_VISIT(r->name);
    RESPONSE_OBJECTS(VISIT)
#undef VISIT
    return 0;
}

static int
response_clear(ResponseObject *r)
{
#define CLEAR(name) Py_CLEAR(r->name);
    RESPONSE_OBJECTS(CLEAR)
#undef CLEAR
    r->reply = NULL;
    return 0;
}

static void
response_dealloc(ResponseObject *r)
{
    PyTypeObject *type = Py_TYPE(r);
    PyObject_GC_UnTrack(r);
    response_clear(r);
    exchange_free(r->exchange);
    type->tp_free(r);
    Py_DECREF(type);
}

/* requests.Response() takes nothing; neither do we. */
static int
response_init(ResponseObject *r, PyObject *args, PyObject *kwargs)
{
    return 0;
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
