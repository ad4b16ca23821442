/*
 * The native base of FastHttpSession: request(), the verbs, and how a request
 * is tried again.
 */
#include "config.h"
#include "http/fast.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <structmember.h>

#include "base/clock.h"
#include "base/names.h"
#include "base/pycompat.h"
#include "green/green.h"
#include "http/flow.h"

struct fast_helpers fast_helpers;
struct curl_slist *fast_default_lines;

PyTypeObject *FastSession_Type;

static const struct keyword keywords[] = {
    CALL_KEYWORD(name),    CALL_KEYWORD(catch_response),
    CALL_KEYWORD(json),    CALL_KEYWORD(headers),
    CALL_KEYWORD(data),    CALL_KEYWORD(params),
    CALL_KEYWORD(context), CALL_KEYWORD(allow_redirects),
    CALL_KEYWORD(auth),    CALL_KEYWORD(stream),
    CALL_KEYWORD(url),     CALL_KEYWORD(method),
};

/* --- Sending. */

/* What geventhttpclient tries again: what took too long before the header had
   come, and a few errors of the system. */
static bool
may_try_again(const struct exchange *x)
{
    switch (x->error) {
    case HTTP_CONNECT_TIMEOUT:
        return true;
    case HTTP_READ_TIMEOUT:
        return x->code != 1;
    case HTTP_CONNECT:
    case HTTP_RESET:
        return x->code == ETIMEDOUT || x->code == ENOLINK ||
               x->code == ENOENT || x->code == EPIPE;
    default:
        return false;
    }
}

/* Sends it, more than once if need be. The time of all tries counts. 0; or -1
   with an exception set, and then the exchange has gone. */
static int
perform(const AgentObject *agent, struct exchange *x,
        const struct fast_options *options)
{
    int64_t taken = 0;
    for (long retry = 0;; retry++) {
        if (exchange_perform(x) < 0) {
            return -1;
        }
        taken = taken != 0 ? taken : x->taken;
        if (!may_try_again(x) || retry >= options->max_retries) {
            break;
        }
        if (agent->retry_delay > 0 && green_sleep(agent->retry_delay) < 0) {
            exchange_release(x);
            return -1;
        }
        if (!exchange_again(x)) {
            exchange_release(x);
            PyErr_NoMemory();
            return -1;
        }
    }
    x->taken = taken;
    return 0;
}

/* --- Calls. */

/* Something was thrown into the call, such as a Timeout of gevent's: a failure
   if it is one that Locust counts; else it goes on. */
static PyObject *
interrupted(FastSessionObject *s, struct call *c, struct fast_options *options,
            double start_time)
{
    if (PyErr_ExceptionMatches(Green_Exit)) {
        return NULL;
    }
    PyObject *thrown = error_take();
    struct exchange *x = fast_build(s, c, options);
    PyObject *error =
        x == NULL ? NULL : PyObject_CallFunction(
            fast_helpers.caught, "Osl", thrown, x->reply->url,
            options->max_retries);
    if (error == NULL && x != NULL) {
        PyErr_Clear();          /* it raised the same */
        exchange_release(x);
        error_give(thrown);
        return NULL;
    }
    Py_DECREF(thrown);
    if (x == NULL) {
        return NULL;
    }
    x->ended = clock_ns();
    x->taken = x->ended - (int64_t)((clock_wall() - start_time) * 1e9);
    PyObject *response =
        fast_response_new(s, c, x, options, error, start_time);
    Py_DECREF(error);
    return response;
}

static PyObject *
send_call(FastSessionObject *s, struct call *c)
{
    struct fast_options options;
    struct exchange *x = fast_build(s, c, &options);
    if (x == NULL) {
        return NULL;
    }
    double start_time = clock_wall();
    PyObject *response =
        perform(s->client, x, &options) < 0
            ? interrupted(s, c, &options, start_time)
            : fast_response_new(s, c, x, &options, NULL, start_time);
    if (response != NULL && options.debug_stream != NULL) {
        PyObject *r = PyObject_CallFunctionObjArgs(
            fast_helpers.write_debug, response, options.debug_stream, NULL);
        if (r == NULL) {
            Py_CLEAR(response);
        }
        Py_XDECREF(r);
    }
    return response;
}

static PyObject *
do_call(FastSessionObject *s, struct call *c)
{
    if (s->client == NULL || s->base_url == NULL || s->request_event == NULL) {
        PyErr_SetString(PyExc_AttributeError,
                        "the session is not complete: its constructor was "
                        "not called");
        return NULL;
    }
    if (c->method == NULL || c->url == NULL) {
        PyErr_Format(PyExc_TypeError, "missing required argument: '%s'",
                     c->method == NULL ? "method" : "url");
        return NULL;
    }
    PyObject *response = send_call(s, c);
    ResponseObject *r = (ResponseObject *)response;
    if (r != NULL && !r->catch_response && response_report(r) < 0) {
        Py_CLEAR(response);
    }
    return response;
}

static PyObject *
finish_call(PyObject *session, struct call *c)
{
    PyObject *response = do_call((FastSessionObject *)session, c);
    Py_XDECREF(c->others);
    return response;
}

static struct client_kind kind = {
    .keywords = keywords,
    .count = sizeof(keywords) / sizeof(keywords[0]),
    .finish = finish_call,
};

/* --- Methods. */

PyDoc_STRVAR(session_request_doc,
             "request($self, /, method, url, name=None, data=None, "
             "catch_response=False, stream=False, headers=None, auth=None, "
             "json=None, allow_redirects=True, context={}, **kwargs)\n--\n\n"
             "Sends a request and waits for the reply. name is what the "
             "statistics call it. params, files, debug_stream, max_retries "
             "and max_redirects may be given as well; any other keyword is "
             "a field of the form (POST) or a parameter of the query.");

static PyObject *
session_request(PyObject *s, PyObject *const *args, Py_ssize_t n,
                PyObject *names_of)
{
    struct call c = {0};
    PyObject **positional[] = {
        &c.method,  &c.url,  &c.name, &c.data,            &c.catch_response,
        &c.stream,  &c.headers, &c.auth, &c.json, &c.allow_redirects,
        &c.context,
    };
    const Py_ssize_t most = sizeof(positional) / sizeof(positional[0]);
    if (n > most) {
        PyErr_Format(PyExc_TypeError,
                     "request() takes at most %zd positional arguments (%zd "
                     "given)", most, n);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        *positional[i] = args[i];
    }
    if (call_set_keywords(&kind, &c, args + n, names_of) < 0) {
        Py_XDECREF(c.others);
        return NULL;
    }
    return finish_call(s, &c);
}

#define VERB(function, upper, lower, count, parameters)                       \
    static PyObject *function(PyObject *s, PyObject *const *args,             \
                              Py_ssize_t n, PyObject *names_of)               \
    {                                                                         \
        struct verb verb = {names.upper, lower, count, NULL};                 \
        return call_verb(&kind, s, &verb, args, n, names_of);                 \
    }                                                                         \
    PyDoc_STRVAR(function##_doc, lower "($self, /, url" parameters            \
                 ", **kwargs)\n--\n\nrequest(\"" #upper "\", url, ...)")

VERB(session_get, GET, "get", 1, "");
VERB(session_head, HEAD, "head", 1, "");
VERB(session_options, OPTIONS, "options", 1, "");
VERB(session_delete, DELETE, "delete", 1, "");
VERB(session_post, POST, "post", 3, ", data=None, json=None");
VERB(session_put, PUT, "put", 2, ", data=None");
VERB(session_patch, PATCH, "patch", 2, ", data=None");

#define FAST(name)                                                            \
    {#name, (PyCFunction)(void (*)(void))session_##name,                      \
     METH_FASTCALL | METH_KEYWORDS, session_##name##_doc}

static PyMethodDef session_methods[] = {
    FAST(request), FAST(get),  FAST(head), FAST(options),
    FAST(delete),  FAST(post), FAST(put),  FAST(patch),
    {NULL},
};

/* --- Attributes. */

static PyObject *
get_cookiejar(FastSessionObject *s, void *closure)
{
    return PyObject_GetAttrString((PyObject *)s->client, "cookiejar");
}

static int
set_cookiejar(FastSessionObject *s, PyObject *value, void *closure)
{
    return PyObject_SetAttrString((PyObject *)s->client, "cookiejar", value);
}

static PyGetSetDef session_getset[] = {
    {"cookiejar", (getter)get_cookiejar, (setter)set_cookiejar,
     "The cookies of the user agent.", NULL},
    {NULL},
};

static PyMemberDef session_members[] = {
    {"base_url", T_OBJECT_EX, offsetof(FastSessionObject, base_url), 0,
     "What relative URLs are appended to."},
    {"request_event", T_OBJECT_EX, offsetof(FastSessionObject, request_event),
     0, "The hook that is fired for each request."},
    {"user", T_OBJECT_EX, offsetof(FastSessionObject, user), 0,
     "Whose it is."},
    {"client", T_OBJECT_EX, offsetof(FastSessionObject, client), READONLY,
     "The user agent: settings, cookies, connections."},
    {"request_name", T_OBJECT, offsetof(FastSessionObject, request_name), 0,
     "The name of requests that say none, or None."},
    {"report_timings", T_BOOL, offsetof(FastSessionObject, report_timings), 0,
     "Whether responses and request events have timings."},
    {"auth_header", T_OBJECT, offsetof(FastSessionObject, auth_header), 0,
     "What requests that say nothing else send as Authorization, or None."},
    {NULL},
};

/* --- The type. */

static int
session_init(FastSessionObject *s, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"base_url", "request_event", "user", "client",
                            NULL};
    PyObject *base_url, *event, *user, *client;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOO!", words, &base_url,
                                     &event, &user, Agent_Type, &client)) {
        return -1;
    }
    Py_XSETREF(s->base_url, Py_NewRef(base_url));
    Py_XSETREF(s->request_event, Py_NewRef(event));
    Py_XSETREF(s->user, Py_NewRef(user));
    Py_XSETREF(s->client, (AgentObject *)Py_NewRef(client));
    return 0;
}

#define SESSION_OBJECTS(DO) \
    DO(client) DO(base_url) DO(request_event) DO(user) DO(request_name) \
    DO(auth_header)

static int
session_traverse(FastSessionObject *s, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(s));
#define VISIT(name) Py_VISIT(s->name);
    SESSION_OBJECTS(VISIT)
#undef VISIT
    return 0;
}

static int
session_clear(FastSessionObject *s)
{
#define CLEAR(name) Py_CLEAR(s->name);
    SESSION_OBJECTS(CLEAR)
#undef CLEAR
    return 0;
}

static void
session_dealloc(FastSessionObject *s)
{
    PyTypeObject *type = Py_TYPE(s);
    PyObject_GC_UnTrack(s);
    session_clear(s);
    type->tp_free(s);
    Py_DECREF(type);
}

PyDoc_STRVAR(session_doc,
             "FastSessionBase(base_url, request_event, user, client)\n\n"
             "The native base of FastHttpSession.");

static PyType_Slot session_slots[] = {
    {Py_tp_doc, (void *)session_doc},
    {Py_tp_init, session_init},
    {Py_tp_traverse, session_traverse},
    {Py_tp_clear, session_clear},
    {Py_tp_dealloc, session_dealloc},
    {Py_tp_methods, session_methods},
    {Py_tp_getset, session_getset},
    {Py_tp_members, session_members},
    {0, NULL},
};

static PyType_Spec session_spec = {
    .name = "_locust.FastSessionBase",
    .basicsize = sizeof(FastSessionObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = session_slots,
};

/* --- What is left to Python. */

static const struct {
    const char *name;
    PyObject **slot;
} wanted[] = {
#define HELPER(name) {#name, &fast_helpers.name}
    HELPER(response_class), HELPER(error_class),
    HELPER(context_class),  HELPER(valid_codes),
    HELPER(redirect_codes), HELPER(default_headers),
    HELPER(options),
    HELPER(cookiejar),      HELPER(clientpool),
    HELPER(prepare_url),    HELPER(extend),
    HELPER(encode_form),    HELPER(encode_files),
    HELPER(encode_json),    HELPER(feed),
    HELPER(basic_auth),     HELPER(make_error),
    HELPER(caught),         HELPER(bad_status),
    HELPER(write_debug),    HELPER(lazy),
    HELPER(loads),
#undef HELPER
};

static bool
set_default_lines(const char *agent)
{
    const char *const lines[] = {agent, "Accept-Encoding: gzip, deflate, br",
                                 "Accept:"};
    struct curl_slist *list = NULL;
    for (int i = 0; i < 3; i++) {
        struct curl_slist *longer = curl_slist_append(list, lines[i]);
        if (longer == NULL) {
            curl_slist_free_all(list);
            PyErr_NoMemory();
            return false;
        }
        list = longer;
    }
    curl_slist_free_all(fast_default_lines);
    fast_default_lines = list;
    return true;
}

PyDoc_STRVAR(set_fast_helpers_doc,
             "set_fast_helpers(agent, **functions)\n\n"
             "For locust.contrib.fasthttp: the User-Agent line, and what the "
             "native client leaves to Python.");

static PyObject *
set_fast_helpers(PyObject *module, PyObject *args, PyObject *kwargs)
{
    const char *agent;
    if (engine_has_begun()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "locust.contrib.fasthttp must not be loaded again "
                        "once a request was made");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "s", &agent) || !set_default_lines(agent)) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        PyObject *o = kwargs == NULL
                          ? NULL
                          : PyDict_GetItemString(kwargs, wanted[i].name);
        if (o == NULL) {
            PyErr_Format(PyExc_TypeError, "%s is missing", wanted[i].name);
            return NULL;
        }
        Py_XSETREF(*wanted[i].slot, Py_NewRef(o));
    }
    Py_RETURN_NONE;
}

static PyMethodDef fast_functions[] = {
    {"set_fast_helpers", (PyCFunction)(void (*)(void))set_fast_helpers,
     METH_VARARGS | METH_KEYWORDS, set_fast_helpers_doc},
    {NULL},
};

int
fast_session_module_exec(PyObject *module)
{
    FastSession_Type = (PyTypeObject *)PyType_FromSpec(&session_spec);
    if (FastSession_Type == NULL ||
        PyModule_AddType(module, FastSession_Type) < 0 ||
        PyModule_AddFunctions(module, fast_functions) < 0) {
        return -1;
    }
    kind.request =
        PyObject_GetAttr((PyObject *)FastSession_Type, names.request);
    return kind.request == NULL ? -1 : 0;
}
