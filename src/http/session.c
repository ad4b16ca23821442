/*
 * The native base of HttpSession: request() and the verbs.
 *
 * HttpSession derives from this first and from requests.Session second, and
 * requests' constructor is not run: what it would set up comes into being when
 * somebody touches it. A session that nobody has touched costs a small struct
 * and, once it has made a request, its connections.
 */
#include "config.h"
#include "http/client.h"

#include <stddef.h>
#include <string.h>
#include <structmember.h>

#include "base/clock.h"
#include "base/names.h"
#include "base/pycompat.h"
#include "http/response.h"
#include "http/url.h"

PyTypeObject *Session_Type;

#define MAX_REDIRECTS 30

/* --- Calls. */

static const struct keyword keywords[] = {
    CALL_KEYWORD(name),    CALL_KEYWORD(catch_response),
    CALL_KEYWORD(json),    CALL_KEYWORD(headers),
    CALL_KEYWORD(data),    CALL_KEYWORD(params),
    CALL_KEYWORD(context), CALL_KEYWORD(allow_redirects),
    CALL_KEYWORD(timeout), CALL_KEYWORD(cookies),
    CALL_KEYWORD(auth),    CALL_KEYWORD(verify),
    CALL_KEYWORD(url),     CALL_KEYWORD(method),
};

static bool
is_given(PyObject *o)
{
    return o != NULL && o != Py_None;
}

/* Whether credentials are the kind that becomes one header line. */
static bool
is_basic(PyObject *auth)
{
    return (PyTuple_CheckExact(auth) && PyTuple_GET_SIZE(auth) == 2) ||
           (PyObject *)Py_TYPE(auth) == helpers.basic_auth_class;
}

static bool
is_ordinary_body(PyObject *data)
{
    return PyUnicode_Check(data) || PyBytes_Check(data) ||
           PyByteArray_Check(data) || PyDict_Check(data);
}

static bool
has_items(PyObject *o)
{
    Py_ssize_t n = is_given(o) ? PyObject_Size(o) : 0;
    if (n < 0) {
        PyErr_Clear();          /* no container: let requests look at it */
        return true;
    }
    return n > 0;
}

/* Whether the URL, or the session's for a relative one, says who asks. */
static bool
has_credentials(SessionObject *s, const struct call *c)
{
    PyObject *const candidates[] = {c->url, s->base_url};
    for (int i = 0; i < 2 && PyUnicode_Check(candidates[i]); i++) {
        Py_ssize_t n;
        struct url_parts parts;
        const char *url = PyUnicode_AsUTF8AndSize(candidates[i], &n);
        if (url == NULL) {
            PyErr_Clear();      /* whoever builds the URL will say it */
            return false;
        }
        if (url_split(url, (size_t)n, &parts)) {
            return parts.has_credentials;
        }
    }
    return false;
}

/* Whether requests is to prepare this call. */
static bool
needs_requests(SessionObject *s, const struct call *c)
{
    return c->others != NULL || has_items(s->params) || s->stream ||
           s->hooks != NULL || is_given(s->cert) || has_items(s->proxies) ||
           (is_given(c->auth) && !is_basic(c->auth)) ||
           (!is_given(c->auth) && is_given(s->auth) && !is_basic(s->auth)) ||
           (is_given(c->data) && !is_ordinary_body(c->data)) ||
           has_credentials(s, c);
}

static struct exchange *
prepare_with_requests(SessionObject *s, struct call *c)
{
    PyObject *arguments = c->others != NULL ? PyDict_Copy(c->others)
                                            : PyDict_New();
    if (arguments == NULL) {
        return NULL;
    }
    struct exchange *x = NULL;
    struct {
        PyObject *name, *value;
    } more[] = {
        {names.data, c->data},       {names.json, c->json},
        {names.params, c->params},   {names.headers, c->headers},
        {names.cookies, c->cookies}, {names.auth, c->auth},
    };
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (more[i].value != NULL &&
            PyDict_SetItem(arguments, more[i].name, more[i].value) < 0) {
            Py_DECREF(arguments);
            return NULL;
        }
    }
    PyObject *prepared = PyObject_CallFunctionObjArgs(
        helpers.prepare, (PyObject *)s, c->method, c->url, arguments, NULL);
    if (prepared != NULL) {
        struct call copy = *c;      /* the method may be another one now */
        x = build_prepared(s, &copy, prepared);
    }
    Py_XDECREF(prepared);
    Py_DECREF(arguments);
    return x;
}

/* Nothing was sent, because requests raises an exception for this call: some
   kinds reach the task, the others are failed requests. */
static PyObject *
refused(SessionObject *s, struct call *c)
{
    if (!PyErr_ExceptionMatches(helpers.request_error) ||
        PyErr_ExceptionMatches(helpers.passed_on)) {
        return NULL;
    }
    PyObject *type, *error, *tb;
    PyErr_Fetch(&type, &error, &tb);
    PyErr_NormalizeException(&type, &error, &tb);
    c->name = s->explicit_name;
    PyObject *response = response_refused(s, c, error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(tb);
    ResponseObject *r = (ResponseObject *)response;
    if (r != NULL && !r->catch_response && response_report(r) < 0) {
        Py_CLEAR(response);
    }
    return response;
}

/* Whether the session has what every call needs: a subclass may have left out
   our constructor, or somebody has deleted it. */
static bool
is_complete(SessionObject *s)
{
    const char *missing = s->request_name == NULL    ? "request_name"
                          : s->base_url == NULL      ? "base_url"
                          : s->request_event == NULL ? "request_event"
                                                     : NULL;
    if (missing != NULL) {
        PyErr_Format(PyExc_AttributeError,
                     "'%.100s' object has no attribute '%s'",
                     _PyType_Name(Py_TYPE(s)), missing);
    }
    return missing == NULL;
}

/* session.request() once its arguments are known. */
static PyObject *
do_call(SessionObject *s, struct call *c)
{
    if (!is_complete(s)) {
        return NULL;
    }
    if (c->method == NULL || c->url == NULL) {
        PyErr_Format(PyExc_TypeError, "missing required argument: '%s'",
                     c->method == NULL ? "method" : "url");
        return NULL;
    }
    PyObject *name = is_given(c->name) ? c->name : Py_None;
    int named = PyObject_IsTrue(name);
    if (named < 0) {
        return NULL;
    }
    Py_XSETREF(s->explicit_name, Py_NewRef(named ? name : s->request_name));
    struct exchange *x = needs_requests(s, c) ? prepare_with_requests(s, c)
                                              : build_exchange(s, c);
    if (x == NULL) {
        return refused(s, c);
    }
    PyObject *given = Py_NewRef(s->explicit_name);  /* may change meanwhile */
    double start_time = clock_wall();
    PyObject *response = NULL;
    if (exchange_perform(x) == 0) {
        c->name = given;
        response = response_new(s, c, x, start_time);
    }
    Py_DECREF(given);
    if (response == NULL) {
        return NULL;
    }
    ResponseObject *r = (ResponseObject *)response;
    if (!r->catch_response && response_report(r) < 0) {
        Py_CLEAR(response);
    }
    return response;
}

static PyObject *
finish_call(PyObject *session, struct call *c)
{
    PyObject *response = do_call((SessionObject *)session, c);
    Py_XDECREF(c->others);
    return response;
}

static struct client_kind kind = {
    .keywords = keywords,
    .count = sizeof(keywords) / sizeof(keywords[0]),
    .finish = finish_call,
};

/* --- Methods. */

PyDoc_STRVAR(request_doc,
             "request(method, url, name=None, catch_response=False, "
             "context={}, *, data=None, json=None, **kwargs)\n\n"
             "Sends a request and waits for the reply; takes what "
             "requests.Session.request() takes. name is what the statistics "
             "call it.");

static PyObject *
session_request(SessionObject *s, PyObject *const *args, Py_ssize_t n,
                PyObject *names_of)
{
    struct call c = {0};
    PyObject **positional[] = {&c.method, &c.url, &c.name, &c.catch_response,
                               &c.context};
    if (n > 5) {
        PyErr_Format(PyExc_TypeError,
                     "request() takes at most 5 positional arguments (%zd "
                     "given)", n);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        *positional[i] = args[i];
    }
    if (call_set_keywords(&kind, &c, args + n, names_of) < 0) {
        Py_XDECREF(c.others);
        return NULL;
    }
    return finish_call((PyObject *)s, &c);
}

#define VERB(function, upper, lower, count, default_follow)                   \
    static PyObject *function(SessionObject *s, PyObject *const *args,        \
                              Py_ssize_t n, PyObject *names_of)               \
    {                                                                         \
        struct verb verb = {names.upper, lower, count, default_follow};       \
        return call_verb(&kind, (PyObject *)s, &verb, args, n, names_of);     \
    }                                                                         \
    PyDoc_STRVAR(function##_doc, lower                                        \
                 "(url, ...)\n\nrequest(\"" #upper "\", url, ...)")

VERB(session_get, GET, "get", 1, Py_True);
VERB(session_options, OPTIONS, "options", 1, Py_True);
VERB(session_head, HEAD, "head", 1, Py_False);
VERB(session_post, POST, "post", 3, NULL);
VERB(session_put, PUT, "put", 2, NULL);
VERB(session_patch, PATCH, "patch", 2, NULL);
VERB(session_delete, DELETE, "delete", 1, NULL);

PyDoc_STRVAR(session_close_doc,
             "Closes the connections; the next request opens new ones.");

static PyObject *
session_close(SessionObject *s, PyObject *unused)
{
    if (s->connections != NULL && !connections_drop_idle(s->connections)) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

/* --- Attributes that come into being when touched. */

/* locust.clients makes what requests.Session would have had from the start. */
static PyObject *
get_lazy(SessionObject *s, void *closure)
{
    PyObject **slot = (PyObject **)((char *)s + (size_t)closure);
    if (*slot == NULL) {
        const char *what = NULL;
        switch ((size_t)closure) {
        case offsetof(SessionObject, headers):
            what = "headers";
            break;
        case offsetof(SessionObject, cookies):
            what = "cookies";
            break;
        case offsetof(SessionObject, params):
            what = "params";
            break;
        case offsetof(SessionObject, hooks):
            what = "hooks";
            break;
        case offsetof(SessionObject, proxies):
            what = "proxies";
            break;
        case offsetof(SessionObject, adapters):
            what = "adapters";
            break;
        }
        *slot = PyObject_CallFunction(helpers.lazy, "Os", s, what);
    }
    return Py_XNewRef(*slot);
}

static int
set_lazy(SessionObject *s, PyObject *value, void *closure)
{
    PyObject **slot = (PyObject **)((char *)s + (size_t)closure);
    Py_XSETREF(*slot, Py_XNewRef(value));
    return 0;
}

#define LAZY(name, doc)                                                       \
    {#name, (getter)get_lazy, (setter)set_lazy, doc,                          \
     (void *)offsetof(SessionObject, name)}

static PyObject *
get_cookies(SessionObject *s, void *closure)
{
    return get_lazy(s, closure);
}

/* session.cookies = something: its contents replace ours. */
static int
set_cookies(SessionObject *s, PyObject *value, void *closure)
{
    PyObject *jar = get_lazy(s, closure);
    PyObject *r = jar == NULL || value == NULL
                      ? NULL
                      : PyObject_CallMethodOneArg(jar, names.replace, value);
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "cookies cannot be deleted");
    }
    Py_XDECREF(jar);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

static PyGetSetDef session_getset[] = {
    LAZY(headers, "What every request sends besides its own headers."),
    LAZY(params, "What every request adds to the query."),
    LAZY(hooks, "requests' hooks."),
    LAZY(proxies, "requests' proxies."),
    LAZY(adapters, "requests' adapters by prefix."),
    {"cookies", (getter)get_cookies, (setter)set_cookies,
     "The session's cookies.", (void *)offsetof(SessionObject, cookies)},
    {NULL},
};

static PyMemberDef session_members[] = {
    {"base_url", T_OBJECT_EX, offsetof(SessionObject, base_url), 0,
     "What relative URLs are appended to."},
    {"request_event", T_OBJECT_EX, offsetof(SessionObject, request_event), 0,
     "The hook that is fired for each request."},
    {"user", T_OBJECT_EX, offsetof(SessionObject, user), 0, "Whose it is."},
    {"request_name", T_OBJECT_EX, offsetof(SessionObject, request_name), 0,
     "The name of requests that say none, or None."},
    {"explicit_name", T_OBJECT_EX, offsetof(SessionObject, explicit_name), 0,
     "The name that the last request was given, or None."},
    {"auth", T_OBJECT, offsetof(SessionObject, auth), 0,
     "Credentials: a pair or one of requests' auth objects."},
    {"verify", T_OBJECT, offsetof(SessionObject, verify), 0,
     "Whether certificates are checked."},
    {"cert", T_OBJECT, offsetof(SessionObject, cert), 0,
     "Client certificate."},
    {"max_redirects", T_LONG, offsetof(SessionObject, max_redirects), 0,
     "How many redirects one request may follow."},
    {"stream", T_BOOL, offsetof(SessionObject, stream), 0,
     "Whether bodies are left to be read piece by piece."},
    {"trust_env", T_BOOL, offsetof(SessionObject, trust_env), 0,
     "Whether proxies and .netrc of the environment count."},
    {NULL},
};

/* --- The type. */

static int
session_init(SessionObject *s, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"base_url", "request_event", "user", NULL};
    PyObject *base_url, *event, *user = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "UO|O", words, &base_url,
                                     &event, &user)) {
        return -1;
    }
    Py_XSETREF(s->base_url, Py_NewRef(base_url));
    Py_XSETREF(s->request_event, Py_NewRef(event));
    Py_XSETREF(s->user, Py_NewRef(user));
    Py_XSETREF(s->request_name, Py_NewRef(Py_None));
    Py_XSETREF(s->explicit_name, Py_NewRef(Py_None));
    Py_XSETREF(s->verify, Py_NewRef(Py_True));
    s->max_redirects = MAX_REDIRECTS;
    s->trust_env = true;
    return 0;
}

#define SESSION_OBJECTS(DO) \
    DO(base_url) DO(request_event) DO(user) DO(request_name) \
    DO(explicit_name) DO(headers) DO(cookies) DO(auth) DO(params) \
    DO(hooks) DO(proxies) DO(adapters) DO(verify) DO(cert)

static int
session_traverse(SessionObject *s, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(s));
#define VISIT(name) Py_VISIT(s->name);
    SESSION_OBJECTS(VISIT)
#undef VISIT
    return 0;
}

static int
session_clear(SessionObject *s)
{
#define CLEAR(name) Py_CLEAR(s->name);
    SESSION_OBJECTS(CLEAR)
#undef CLEAR
    return 0;
}

static void
session_dealloc(SessionObject *s)
{
    PyTypeObject *type = Py_TYPE(s);
    PyObject_GC_UnTrack(s);
    session_clear(s);
    if (s->connections != NULL) {
        connections_close(s->connections);
    }
    cookie_jar_free(s->jar);
    type->tp_free(s);
    Py_DECREF(type);
}

#define FAST(name)                                                            \
    {#name, (PyCFunction)(void (*)(void))session_##name,                      \
     METH_FASTCALL | METH_KEYWORDS, session_##name##_doc}

#define session_request_doc request_doc

static PyMethodDef session_methods[] = {
    FAST(request),
    FAST(get),
    FAST(options),
    FAST(head),
    FAST(post),
    FAST(put),
    FAST(patch),
    FAST(delete),
    {"close", (PyCFunction)session_close, METH_NOARGS, session_close_doc},
    {"_cookie_list", (PyCFunction)session_cookie_list, METH_NOARGS,
     "All cookies: [(domain, path, name, '', value, domain_given, "
     "path_given, secure, http_only, expires)]."},
    {"_cookie_version", (PyCFunction)session_cookie_version, METH_NOARGS,
     "A number that changes when the cookies do."},
    {"_cookie_set", (PyCFunction)session_cookie_set, METH_VARARGS,
     "cookie_set(domain, path, name, value, domain_given, path_given, "
     "secure, http_only, expires)"},
    {"_cookie_delete", (PyCFunction)session_cookie_delete, METH_VARARGS,
     "cookie_delete(domain, path, name)\n\n"
     "Deletes what matches; None matches all. Returns how many."},
    {NULL},
};

PyDoc_STRVAR(session_doc,
             "SessionBase(base_url, request_event, user=None)\n\n"
             "The native base of locust.clients.HttpSession.");

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
    .name = "_locust.SessionBase",
    .basicsize = sizeof(SessionObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = session_slots,
};

int
session_module_exec(PyObject *module)
{
    Session_Type = (PyTypeObject *)PyType_FromSpec(&session_spec);
    if (Session_Type == NULL || PyModule_AddType(module, Session_Type) < 0) {
        return -1;
    }
    kind.request = PyObject_GetAttr((PyObject *)Session_Type, names.request);
    return kind.request == NULL ? -1 : 0;
}
