/*
 * The calls of a session: request() and the verbs, and which way each of them
 * goes.
 *
 * Ordinary ones are native all the way (build.c). Some requests can prepare
 * and we send: files, auth objects, odd bodies. What wants a say while a
 * request is under way, such as hooks, adapters, replaced methods and cookies
 * with rules of their own, goes through requests.Session, over our transport.
 * However it went, the result is a response of ours, reported once.
 */
#include "config.h"
#include "http/client.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/names.h"
#include "base/pycompat.h"
#include "http/response.h"
#include "http/url.h"

static const struct keyword keywords[] = {
    CALL_KEYWORD(name),    CALL_KEYWORD(catch_response),
    CALL_KEYWORD(json),    CALL_KEYWORD(headers),
    CALL_KEYWORD(data),    CALL_KEYWORD(params),
    CALL_KEYWORD(context), CALL_KEYWORD(allow_redirects),
    CALL_KEYWORD(timeout), CALL_KEYWORD(cookies),
    CALL_KEYWORD(auth),    CALL_KEYWORD(verify),
    CALL_KEYWORD(stream),  CALL_KEYWORD(files),
    CALL_KEYWORD(hooks),   CALL_KEYWORD(proxies),
    CALL_KEYWORD(cert),    CALL_KEYWORD(url),
    CALL_KEYWORD(method),
};

/* --- Arguments. */

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

/* --- Which way a call goes. */

/* Whether the session's class, and those that it is derived from, have the
   methods that native requests stand for; they may be replaced at any time.
   One class is remembered: Python changes its tag with every change. */
static int
class_is_plain(PyTypeObject *type)
{
    static PyTypeObject *plain;
    static unsigned plain_tag;
    if (plain != NULL && type == plain &&
        type->tp_version_tag == plain_tag) {
        return 1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(helpers.own_methods); i++) {
        PyObject *owner, *name, *function;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(helpers.own_methods, i), "OOO",
                              &owner, &name, &function)) {
            return -1;
        }
        owner = owner == Py_None ? (PyObject *)type : owner;
        PyObject *found = PyObject_GetAttr(owner, name);
        if (found == NULL) {
            return -1;
        }
        Py_DECREF(found);
        if (found != function) {
            return 0;
        }
    }
    plain_tag = type->tp_version_tag;
    plain = plain_tag != 0 ? type : NULL;   /* 0: Python has run out of them */
    return 1;
}

/* Whether somebody has replaced HTTPAdapter.send(), as libraries do that
   answer requests themselves. */
static bool
adapter_is_plain(void)
{
    PyObject *found = PyObject_GetAttr(helpers.adapter_class, names.send);
    Py_XDECREF(found);
    PyErr_Clear();
    return found == helpers.adapter_send;
}

/* Whether hooks= names a function. */
static bool
has_hooks(PyObject *hooks)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    if (!is_given(hooks)) {
        return false;
    }
    if (!PyDict_CheckExact(hooks)) {
        return true;
    }
    while (PyDict_Next(hooks, &at, &key, &value)) {
        if (!PyList_CheckExact(value) || PyList_GET_SIZE(value) > 0) {
            return true;
        }
    }
    return false;
}

/* Whether ~/.netrc is there; looked at once a second. */
static bool
have_netrc(void)
{
    static const char *const files[] = {".netrc", "_netrc"};
    static int64_t looked;
    static bool have;
    int64_t now = clock_ns();
    const char *home = getenv("HOME");
    if (looked != 0 && now - looked < 1000000000) {
        return have;
    }
    looked = now;
    have = home == NULL;        /* let Python find out where it is */
    for (size_t i = 0; home != NULL && i < 2; i++) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof(path), "%s/%s", home, files[i]);
        have = have || n >= (int)sizeof(path) || access(path, F_OK) == 0;
    }
    return have;
}

/* Whether the environment says something to requests. */
static bool
environment_matters(void)
{
    static const char *const variables[] = {
        "http_proxy",  "HTTP_PROXY", "https_proxy",        "HTTPS_PROXY",
        "all_proxy",   "ALL_PROXY",  "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
        "NETRC"};
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && value[0] != '\0') {
            return true;
        }
    }
    return have_netrc();
}

/* Whether the session's adapters are those that it came with. */
static int
adapters_are_ours(SessionObject *s)
{
    if (s->adapters == NULL) {
        return 1;
    }
    PyObject *ours =
        PyObject_CallOneArg(helpers.adapters_are_ours, (PyObject *)s);
    int result = ours == NULL ? -1 : PyObject_IsTrue(ours);
    Py_XDECREF(ours);
    return result;
}

/* Whether cookies follow rules that only Python knows. */
static bool
has_strange_cookies(const SessionObject *s)
{
    return (s->cookies != NULL && s->jar == NULL) ||
           (s->jar != NULL && s->jar->strange);
}

/* Whether requests is to send this call, piece by piece in Python, over our
   transport: somebody wants a say on the way. 1, 0 or -1. */
static int
goes_slowly(SessionObject *s, const struct call *c)
{
    if (s->replaced || c->others != NULL || has_hooks(s->hooks) ||
        has_hooks(c->hooks) || has_items(s->proxies) ||
        has_items(c->proxies) || has_strange_cookies(s) ||
        !adapter_is_plain() || (s->trust_env && environment_matters())) {
        return 1;
    }
    int plain = class_is_plain(Py_TYPE(s));
    plain = plain > 0 ? adapters_are_ours(s) : plain;
    return plain < 0 ? -1 : !plain;
}

/* Whether requests is to prepare this call. */
static bool
needs_requests(SessionObject *s, const struct call *c)
{
    return has_items(c->files) || has_items(s->params) ||
           (is_given(c->auth) && !is_basic(c->auth)) ||
           (!is_given(c->auth) && is_given(s->auth) && !is_basic(s->auth)) ||
           (is_given(c->data) && !is_ordinary_body(c->data)) ||
           has_credentials(s, c);
}

/* The arguments that requests.Session.request() takes by keyword, but for the
   method, the URL and Locust's own. A new dict. */
static PyObject *
arguments_of(const struct call *c)
{
    const struct {
        PyObject *name, *value;
    } all[] = {
        {names.data, c->data},       {names.json, c->json},
        {names.params, c->params},   {names.headers, c->headers},
        {names.cookies, c->cookies}, {names.auth, c->auth},
        {names.files, c->files},     {names.timeout, c->timeout},
        {names.verify, c->verify},   {names.stream, c->stream},
        {names.hooks, c->hooks},     {names.proxies, c->proxies},
        {names.cert, c->cert},       {names.allow_redirects,
                                      c->allow_redirects},
    };
    PyObject *arguments =
        c->others != NULL ? PyDict_Copy(c->others) : PyDict_New();
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (arguments != NULL && all[i].value != NULL &&
            PyDict_SetItem(arguments, all[i].name, all[i].value) < 0) {
            Py_CLEAR(arguments);
        }
    }
    return arguments;
}

/* What a helper (session, method, url, arguments) makes of a call. */
static PyObject *
call_helper(PyObject *helper, SessionObject *s, const struct call *c)
{
    PyObject *arguments = arguments_of(c);
    PyObject *result =
        arguments == NULL ? NULL : PyObject_CallFunctionObjArgs(
            helper, (PyObject *)s, c->method, c->url, arguments, NULL);
    Py_XDECREF(arguments);
    return result;
}

/* --- Sending. */

/* Reports it unless a with block will. */
static PyObject *
reported(PyObject *response)
{
    ResponseObject *r = (ResponseObject *)response;
    if (r != NULL && !r->catch_response && response_report(r) < 0) {
        Py_CLEAR(response);
    }
    return response;
}

/* Whether nothing was sent because requests raises an exception that makes a
   failed request; others reach the task. */
static bool
is_refused(void)
{
    return PyErr_ExceptionMatches(helpers.request_error) &&
           !PyErr_ExceptionMatches(helpers.passed_on);
}

/* The failed request of that exception. */
static PyObject *
refused(SessionObject *s, struct call *c)
{
    if (!is_refused()) {
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
    return reported(response);
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

/* A response of requests becomes one of ours. Takes it over. */
static PyObject *
adopted(SessionObject *s, struct call *c, PyObject *plain, PyObject *name,
        double start_time, int64_t start)
{
    if (plain == NULL) {
        return NULL;
    }
    double ms = (double)(clock_ns() - start) * 1e-6;
    PyObject *given = c->name;
    c->name = name;
    PyObject *response = response_adopt(s, c, plain, start_time, ms);
    c->name = given;
    Py_DECREF(plain);
    return reported(response);
}

/* response.request is what requests has prepared, if that was the only one. */
static bool
show_request(PyObject *response, PyObject *prepared)
{
    ResponseObject *r = (ResponseObject *)response;
    if (r->error != NULL || r->reply->previous != NULL) {
        return true;
    }
    return PyObject_SetAttr(response, names.request,
                            PyTuple_GET_ITEM(prepared, 4)) == 0;
}

/* Says when a request that nothing came of began, where it went and how long it
   took. False with an exception set. */
static bool
tell(ResponseObject *r, PyObject *request, double start_time)
{
    r->reported_url = PyObject_GetAttrString(request, "url");
    r->start_time = start_time;
    r->response_time = (clock_wall() - start_time) * 1e3;
    return r->reported_url != NULL;
}

/* The body broke off, as what it is read from has raised an OSError: a request
   that has failed, as with urllib3. request: what requests has prepared. */
static PyObject *
broken_off(SessionObject *s, struct call *c, PyObject *name, double start_time,
           PyObject *request)
{
    PyObject *cause = error_take(), *given = c->name, *response = NULL;
    PyObject *path = PyObject_GetAttrString(request, "path_url");
    PyObject *error = path == NULL ? NULL : PyObject_CallFunctionObjArgs(
                                                helpers.aborted, request,
                                                cause, NULL);
    int named = error == NULL ? -1 : PyObject_IsTrue(name);
    if (named >= 0) {
        c->name = named ? name : path;
        response = response_refused(s, c, error);
        c->name = given;
    }
    if (response != NULL &&
        !tell((ResponseObject *)response, request, start_time)) {
        Py_CLEAR(response);
    }
    Py_DECREF(cause);
    Py_XDECREF(path);
    Py_XDECREF(error);
    return reported(response);
}

/* Native all the way. Takes the exchange over. prepared is what requests has
   made of the call, or NULL. */
static PyObject *
perform(SessionObject *s, struct call *c, struct exchange *x, PyObject *name,
        double start_time, PyObject *prepared)
{
    bool fed = x->feed != NULL && prepared != NULL;
    if (exchange_perform(x) < 0) {
        return fed && PyErr_ExceptionMatches(PyExc_OSError)
                   ? broken_off(s, c, name, start_time,
                                PyTuple_GET_ITEM(prepared, 4))
                   : NULL;
    }
    c->name = name;
    PyObject *response = response_new(s, c, x, start_time);
    if (response != NULL && prepared != NULL &&
        !show_request(response, prepared)) {
        Py_CLEAR(response);
    }
    return reported(response);
}

/* One call, whose name the session knows. */
static PyObject *
send_call(SessionObject *s, struct call *c, PyObject *name)
{
    double start_time = clock_wall();
    int64_t start = clock_ns();
    int slowly = goes_slowly(s, c);
    if (slowly != 0) {
        PyObject *plain =
            slowly < 0 ? NULL : call_helper(helpers.send_slowly, s, c);
        return adopted(s, c, plain, name, start_time, start);
    }
    if (!needs_requests(s, c)) {
        struct exchange *x = build_exchange(s, c);
        if (x != NULL) {
            return perform(s, c, x, name, start_time, NULL);
        }
        if (!is_refused()) {
            return NULL;
        }
        PyErr_Clear();          /* requests itself is to say it */
        PyObject *plain = call_helper(helpers.send_slowly, s, c);
        return adopted(s, c, plain, name, start_time, start);
    }
    PyObject *prepared = call_helper(helpers.prepare, s, c);
    if (prepared == NULL) {
        return refused(s, c);
    }
    if (!PyTuple_Check(prepared)) {
        return adopted(s, c, prepared, name, start_time, start);
    }
    struct call copy = *c;      /* the method may be another one now */
    struct exchange *x = build_prepared(s, &copy, prepared);
    PyObject *response =
        x != NULL ? perform(s, c, x, name, start_time, prepared)
                  : refused(s, c);
    Py_DECREF(prepared);
    return response;
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
    PyObject *given = Py_NewRef(s->explicit_name);  /* may change meanwhile */
    PyObject *response = send_call(s, c, given);
    Py_DECREF(given);
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

PyObject *
http_session_request(SessionObject *s, PyObject *const *args, Py_ssize_t n,
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

#define VERB(verb_name, upper, count, default_follow)                         \
    SESSION_CALL(verb_name)                                                   \
    {                                                                         \
        struct verb verb = {names.upper, #verb_name, count, default_follow};  \
        return call_verb(&kind, (PyObject *)s, &verb, args, n, names_of);     \
    }

VERB(get, GET, 1, Py_True)
VERB(options, OPTIONS, 1, Py_True)
VERB(head, HEAD, 1, Py_False)
VERB(post, POST, 3, NULL)
VERB(put, PUT, 2, NULL)
VERB(patch, PATCH, 2, NULL)
VERB(delete, DELETE, 1, NULL)

int
calls_init(PyObject *session_type)
{
    kind.request = PyObject_GetAttr(session_type, names.request);
    return kind.request == NULL ? -1 : 0;
}
