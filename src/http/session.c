/*
 * The native base of HttpSession: its attributes.
 *
 * HttpSession derives from this first and from requests.Session second, and
 * requests' constructor is not run: what it would set up comes into being when
 * somebody touches it. A session that nobody has touched costs a small struct
 * and, once it has made a request, its connections. Its calls are in call.c.
 */
#include "config.h"
#include "http/client.h"

#include <stddef.h>
#include <structmember.h>


PyTypeObject *Session_Type;

#define MAX_REDIRECTS 30

PyDoc_STRVAR(session_close_doc,
             "Closes the connections; the next request opens new ones.");

static PyObject *
session_close(SessionObject *s, PyObject *unused)
{
    if (s->adapters != NULL) {      /* with pools of their own, perhaps */
        PyObject *r = PyObject_CallOneArg(helpers.close_adapters,
                                          (PyObject *)s);
        if (r == NULL) {
            return NULL;
        }
        Py_DECREF(r);
    }
    return transport_close(s->transport) < 0 ? NULL : Py_NewRef(Py_None);
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

/* session.cookies = something: requests' jars and mappings become ours, other
   jars stay what they are, and Python applies their rules. */
static int
set_cookies(SessionObject *s, PyObject *value, void *closure)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "cookies cannot be deleted");
        return -1;
    }
    PyObject *cookies, *jar;
    PyObject *pair = PyObject_CallFunctionObjArgs(helpers.adopt_cookies, s,
                                                  value, NULL);
    if (pair == NULL || !PyArg_ParseTuple(pair, "OO", &cookies, &jar)) {
        Py_XDECREF(pair);
        return -1;
    }
    Py_XSETREF(s->cookies, Py_NewRef(cookies));
    Py_XSETREF(s->jar, jar == Py_None ? NULL
                                      : (CookieJarObject *)Py_NewRef(jar));
    Py_DECREF(pair);
    return 0;
}

static PyObject *
get_jar(SessionObject *s, void *closure)
{
    return Py_XNewRef((PyObject *)session_jar(s));
}

static PyObject *
get_transport(SessionObject *s, void *closure)
{
    return Py_XNewRef((PyObject *)session_transport(s));
}

static int
set_transport(SessionObject *s, PyObject *value, void *closure)
{
    if (value == NULL || !Py_IS_TYPE(value, Transport_Type)) {
        PyErr_SetString(PyExc_TypeError, "it must be a Transport");
        return -1;
    }
    Py_XSETREF(s->transport, (TransportObject *)Py_NewRef(value));
    s->shared = true;
    return 0;
}

static PyGetSetDef session_getset[] = {
    LAZY(headers, "What every request sends besides its own headers."),
    LAZY(params, "What every request adds to the query."),
    LAZY(hooks, "requests' hooks."),
    LAZY(proxies, "requests' proxies."),
    LAZY(adapters, "requests' adapters by prefix."),
    {"cookies", (getter)get_cookies, (setter)set_cookies,
     "The session's cookies.", (void *)offsetof(SessionObject, cookies)},
    {"_jar", (getter)get_jar, NULL, "What native code keeps cookies in.",
     NULL},
    {"_transport", (getter)get_transport, (setter)set_transport,
     "The session's own connections.", NULL},
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
    {"report_timings", T_BOOL, offsetof(SessionObject, report_timings), 0,
     "Whether responses and request events have timings."},
    {"trust_env", T_BOOL, offsetof(SessionObject, trust_env), 0,
     "Whether proxies and .netrc of the environment count."},
    {NULL},
};

/* Attributes that stand for methods are noted: who replaces send() or
   get_adapter() on one session wants to be called. */
static int
session_setattro(SessionObject *s, PyObject *name, PyObject *value)
{
    PyObject *methods = helpers.own_methods;
    for (Py_ssize_t i = 0; value != NULL && methods != NULL &&
                           i < PyTuple_GET_SIZE(methods); i++) {
        PyObject *entry = PyTuple_GET_ITEM(methods, i);
        if (PyTuple_GET_ITEM(entry, 0) == Py_None &&
            PyUnicode_Compare(PyTuple_GET_ITEM(entry, 1), name) == 0) {
            s->replaced = true;
        }
    }
    return PyObject_GenericSetAttr((PyObject *)s, name, value);
}

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
    DO(transport) DO(jar) DO(base_url) DO(request_event) DO(user) \
    DO(request_name) DO(explicit_name) DO(headers) DO(cookies) DO(auth) DO(params) \
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
    type->tp_free(s);
    Py_DECREF(type);
}

PyDoc_STRVAR(request_doc,
             "request(method, url, name=None, catch_response=False, "
             "context={}, *, data=None, json=None, **kwargs)\n\n"
             "Sends a request and waits for the reply; takes what "
             "requests.Session.request() takes. name is what the statistics "
             "call it.");

#define FAST(name, doc)                                                       \
    {#name, (PyCFunction)(void (*)(void))http_session_##name,                 \
     METH_FASTCALL | METH_KEYWORDS, doc}

#define VERB(name, method)                                                    \
    FAST(name, #name "(url, ...)\n\nrequest(\"" method "\", url, ...)")

static PyMethodDef session_methods[] = {
    FAST(request, request_doc),
    VERB(get, "GET"),
    VERB(options, "OPTIONS"),
    VERB(head, "HEAD"),
    VERB(post, "POST"),
    VERB(put, "PUT"),
    VERB(patch, "PATCH"),
    VERB(delete, "DELETE"),
    {"close", (PyCFunction)session_close, METH_NOARGS, session_close_doc},
    {NULL},
};

PyDoc_STRVAR(session_doc,
             "SessionBase(base_url, request_event, user=None)\n\n"
             "The native base of locust.clients.HttpSession.");

static PyType_Slot session_slots[] = {
    {Py_tp_doc, (void *)session_doc},
    {Py_tp_init, session_init},
    {Py_tp_setattro, session_setattro},
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
    return calls_init((PyObject *)Session_Type);
}
