/*
 * Requests below the session: what urllib3's pools in locust._requests_pools
 * send with the engine, one hop at a time, and the replies that they read.
 *
 * A Transport is connections to share. A Reply owns its exchange, whose body
 * it reads while that arrives, undecoded; forgetting it closes the connection
 * unless all was read.
 */
#include "config.h"
#include "http/response.h"

#include <netdb.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <structmember.h>

#include "base/pycompat.h"
#include "http/flow.h"
#include "http/options.h"
#include "http/stream.h"

PyTypeObject *Transport_Type;
PyTypeObject *Reply_Type;

/* --- Replies. */

typedef struct {
    PyObject_HEAD
    struct exchange *x;         /* owned */
} ReplyObject;

PyObject *
reply_object_new(struct exchange *x)
{
    ReplyObject *o = (ReplyObject *)Reply_Type->tp_alloc(Reply_Type, 0);
    if (o == NULL) {
        exchange_release(x);
        return NULL;
    }
    o->x = x;
    return (PyObject *)o;
}

static void
reply_dealloc(ReplyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    exchange_release(o->x);
    type->tp_free(o);
    Py_DECREF(type);
}

/* Whether it got as far as a header. */
static bool
has_head(const ReplyObject *o)
{
    return stream_is_headed(o->x->stream);
}

static PyObject *
reply_status(ReplyObject *o, void *closure)
{
    return PyLong_FromLong(has_head(o) ? o->x->reply->status : 0);
}

static PyObject *
reply_version(ReplyObject *o, void *closure)
{
    return PyLong_FromLong(has_head(o) ? o->x->reply->http_version : 0);
}

static PyObject *
reply_reason(ReplyObject *o, void *closure)
{
    return has_head(o) ? header_reason(o->x->reply) : PyUnicode_FromString("");
}

static PyObject *
reply_headers(ReplyObject *o, void *closure)
{
    return has_head(o) ? header_items(o->x->reply) : PyList_New(0);
}

/* What it failed with; only what has come back can have failed. */
static PyObject *
reply_failure(ReplyObject *o, void *closure)
{
    return o->x->finished && o->x->error != HTTP_OK
               ? exchange_failure(o->x)
               : Py_NewRef(Py_None);
}

static PyObject *
reply_is_read(ReplyObject *o, void *closure)
{
    return PyBool_FromLong(exchange_is_read(o->x));
}

static PyObject *
reply_times(ReplyObject *o, void *closure)
{
    const struct exchange *x = o->x;
    int64_t end = x->finished ? x->ended : x->reply->headed;
    return Py_BuildValue("(dd)", (double)x->taken * 1e-9, (double)end * 1e-9);
}

static PyObject *
reply_elapsed(ReplyObject *o, void *closure)
{
    const struct reply *r = o->x->reply;
    return PyFloat_FromDouble(
        has_head(o) ? (double)(r->headed - r->sent) * 1e-9 : 0);
}

PyDoc_STRVAR(reply_read_doc,
             "read(most, fill)\n\nAt most so many bytes of the body (below 0: "
             "all). Waits until there are so many, or it ends, with fill; "
             "else until there is something. Nothing: it has ended, or "
             "failed.");

/* All that is left. */
static PyObject *
read_all(struct exchange *x)
{
    PyObject *parts = PyList_New(0);
    bool end = parts == NULL;
    while (!end) {
        PyObject *part = exchange_read(x, STREAM_HIGH, false);
        end = part == NULL || PyBytes_GET_SIZE(part) == 0;
        if (part == NULL || PyList_Append(parts, part) < 0) {
            Py_CLEAR(parts);
            end = true;
        }
        Py_XDECREF(part);
    }
    PyObject *empty = parts == NULL ? NULL : PyBytes_FromString("");
    PyObject *all = empty == NULL ? NULL
                                  : PyObject_CallMethod(empty, "join", "O",
                                                        parts);
    Py_XDECREF(empty);
    Py_XDECREF(parts);
    return all;
}

static PyObject *
reply_read(ReplyObject *o, PyObject *args)
{
    Py_ssize_t most;
    int fill;
    if (!PyArg_ParseTuple(args, "np", &most, &fill)) {
        return NULL;
    }
    Py_INCREF(o);               /* another green thread may drop it */
    PyObject *bytes = most < 0 ? read_all(o->x)
                               : exchange_read(o->x, most, fill);
    Py_DECREF(o);
    return bytes;
}

static PyGetSetDef reply_getset[] = {
    {"status", (getter)reply_status, NULL, "HTTP status; 0: none.", NULL},
    {"version", (getter)reply_version, NULL, "10, 11 or 20.", NULL},
    {"reason", (getter)reply_reason, NULL, "The words after it.", NULL},
    {"headers", (getter)reply_headers, NULL, "[(name, value)].", NULL},
    {"failure", (getter)reply_failure, NULL,
     "(kind, code, message, limit, bytes received) or None.", NULL},
    {"is_read", (getter)reply_is_read, NULL,
     "Whether there is nothing left to read.", NULL},
    {"times", (getter)reply_times, NULL,
     "When the I/O thread took it, and the end so far, in seconds.", NULL},
    {"elapsed", (getter)reply_elapsed, NULL,
     "Seconds until the header had come.", NULL},
    {NULL},
};

static PyMethodDef reply_methods[] = {
    {"read", (PyCFunction)reply_read, METH_VARARGS, reply_read_doc},
    {NULL},
};

PyDoc_STRVAR(reply_doc, "A reply that is read while it arrives.");

static PyType_Slot reply_slots[] = {
    {Py_tp_doc, (void *)reply_doc},
    {Py_tp_dealloc, reply_dealloc},
    {Py_tp_methods, reply_methods},
    {Py_tp_getset, reply_getset},
    {0, NULL},
};

static PyType_Spec reply_spec = {
    .name = "_locust.Reply",
    .basicsize = sizeof(ReplyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = reply_slots,
};

/* --- Transports. */

static PyObject *
transport_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    return type->tp_alloc(type, 0);
}

static void
forget_tls(struct tls_choice *c)
{
    Py_CLEAR(c->verify);
    Py_CLEAR(c->cert);
    options_unref(c->made);
    c->made = NULL;
}

static void
transport_dealloc(TransportObject *t)
{
    PyTypeObject *type = Py_TYPE(t);
    if (t->connections != NULL) {
        connections_close(t->connections);
    }
    forget_tls(&t->tls);
    options_unref(t->made);
    Py_XDECREF(t->options);
    type->tp_free(t);
    Py_DECREF(type);
}

TransportObject *
session_transport(SessionObject *s)
{
    if (s->transport == NULL) {
        s->transport = (TransportObject *)transport_new(Transport_Type, NULL,
                                                        NULL);
    }
    return s->transport;
}

bool
transport_options(TransportObject *t, PyObject *options,
                  const struct http_options **made)
{
    if (options == NULL || PyDict_GET_SIZE(options) == 0) {
        *made = options_ref(t->made);
        return true;
    }
    PyObject *merged = PyDict_Copy(options);
    bool ok = merged != NULL &&
              (t->options == NULL ||
               PyDict_Merge(merged, t->options, 0) == 0) &&
              options_from_dict(merged, made);
    Py_XDECREF(merged);
    return ok;
}

/* --- Files that a session names again and again: the same objects mean the
   same options. */

static bool
is_secure(const char *url)
{
    return strncasecmp(url, "https:", 6) == 0;
}

/* Whether what the object says can never change. */
static bool
is_constant(PyObject *o)
{
    return o == Py_None || PyBool_Check(o) || PyUnicode_CheckExact(o);
}

static bool
can_keep(PyObject *verify, PyObject *cert)
{
    if (!is_constant(verify) || !PyTuple_CheckExact(cert)) {
        return is_constant(verify) && is_constant(cert);
    }
    bool ok = true;
    for (Py_ssize_t i = 0; ok && i < PyTuple_GET_SIZE(cert); i++) {
        ok = is_constant(PyTuple_GET_ITEM(cert, i));
    }
    return ok;
}

static void
keep_tls(TransportObject *t, const char *url, PyObject *verify, PyObject *cert,
         const struct http_options *made)
{
    struct tls_choice old = t->tls;
    t->tls = (struct tls_choice){Py_NewRef(verify), Py_NewRef(cert),
                                 is_secure(url), options_ref(made)};
    forget_tls(&old);
}

bool
transport_tls_options(TransportObject *t, const char *url, PyObject *verify,
                      PyObject *cert, const struct http_options **made)
{
    const struct tls_choice *c = &t->tls;
    if (c->verify == verify && c->cert == cert &&
        c->secure == is_secure(url)) {
        *made = options_ref(c->made);
        return true;
    }
    PyObject *options =
        PyObject_CallFunction(helpers.tls_options, "sOO", url, verify, cert);
    bool ok = options != NULL && transport_options(t, options, made);
    Py_XDECREF(options);
    if (ok && can_keep(verify, cert)) {
        keep_tls(t, url, verify, cert, *made);
    }
    return ok;
}

static PyObject *
get_options(TransportObject *t, void *closure)
{
    return Py_NewRef(t->options != NULL ? t->options : Py_None);
}

static int
set_options(TransportObject *t, PyObject *value, void *closure)
{
    const struct http_options *made = NULL;
    if (value == NULL || (value != Py_None && !PyDict_Check(value))) {
        PyErr_SetString(PyExc_TypeError, "options must be a dict or None");
        return -1;
    }
    if (value != Py_None && !options_from_dict(value, &made)) {
        return -1;
    }
    forget_tls(&t->tls);
    options_unref(t->made);
    t->made = made;
    Py_XSETREF(t->options, value != Py_None ? Py_NewRef(value) : NULL);
    return 0;
}

int
transport_close(TransportObject *t)
{
    if (t != NULL && t->connections != NULL &&
        !connections_drop_idle(t->connections)) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static PyObject *
transport_close_py(TransportObject *t, PyObject *unused)
{
    return transport_close(t) < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(transport_send_doc,
             "send(method, url, headers, body, timeouts, verify, **options) "
             "-> Reply\n\n"
             "Sends one request, following nothing, and waits for the header "
             "of the reply. timeouts is (connect, read), seconds or None; "
             "options are those of http_options. A failure is in the "
             "reply.");

static PyObject *
transport_send(TransportObject *t, PyObject *args, PyObject *options)
{
    PyObject *method, *url, *headers, *body, *timeouts, *verify;
    if (!PyArg_ParseTuple(args, "OOOOOO", &method, &url, &headers, &body,
                          &timeouts, &verify)) {
        return NULL;
    }
    PyObject *prepared = PyTuple_Pack(4, method, url, headers, body);
    struct exchange *x = NULL;
    if (prepared != NULL) {
        x = build_hop(t, prepared, timeouts, verify, options);
        Py_DECREF(prepared);
    }
    if (x == NULL) {
        return NULL;
    }
    x->undecoded = true;
    if (exchange_stream(x) < 0) {
        exchange_free(x);
        return NULL;
    }
    return exchange_perform(x) < 0 ? NULL : reply_object_new(x);
}

static PyGetSetDef transport_getset[] = {
    {"options", (getter)get_options, (setter)set_options,
     "What all requests ask of the connections: a dict, or None.", NULL},
    {NULL},
};

static PyMethodDef transport_methods[] = {
    {"send", (PyCFunction)(void (*)(void))transport_send,
     METH_VARARGS | METH_KEYWORDS, transport_send_doc},
    {"close", (PyCFunction)transport_close_py, METH_NOARGS,
     "Closes the connections once none is in use."},
    {NULL},
};

PyDoc_STRVAR(transport_doc,
             "Transport()\n\nConnections, for locust._requests_pools.");

static PyType_Slot transport_slots[] = {
    {Py_tp_doc, (void *)transport_doc},
    {Py_tp_new, transport_new},
    {Py_tp_dealloc, transport_dealloc},
    {Py_tp_methods, transport_methods},
    {Py_tp_getset, transport_getset},
    {0, NULL},
};

static PyType_Spec transport_spec = {
    .name = "_locust.Transport",
    .basicsize = sizeof(TransportObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = transport_slots,
};

int
transport_module_exec(PyObject *module)
{
    Transport_Type = (PyTypeObject *)PyType_FromSpec(&transport_spec);
    Reply_Type = (PyTypeObject *)PyType_FromSpec(&reply_spec);
    return Transport_Type == NULL || Reply_Type == NULL ||
                   PyModule_AddType(module, Transport_Type) < 0 ||
                   PyModule_AddType(module, Reply_Type) < 0
               ? -1
               : 0;
}
