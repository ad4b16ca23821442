/*
 * ssl.SSLSocket: the object of OpenSSL's below it, whose methods read and write
 * the socket themselves.
 *
 * They are called while the socket is non-blocking for a moment, and say then
 * what they wait for. An object that works on memory (SSLObject) never waits.
 */
#include "config.h"
#include "coop/internal.h"

#include "base/lookup.h"
#include "green/green.h"

static struct {
    PyObject *handshake, *read, *write, *shutdown;
} original;

static PyObject *want_read, *want_write;        /* exception classes */
static PyObject *owner_name;

/* The socket that it works on: 1 and a new reference; 0 if there is none, or
   the call is not to be ours; -1 with an exception set. */
static int
socket_of(PyObject *self, PyObject **sock)
{
    *sock = NULL;
    if (green_current() == NULL) {
        return 0;
    }
    PyObject *owner = PyObject_GetAttr(self, owner_name);
    if (owner == NULL) {
        return -1;
    }
    if (PyObject_TypeCheck(owner, socket_type) && socket_timeout(owner) != 0) {
        *sock = owner;
        return 1;
    }
    Py_DECREF(owner);
    return 0;
}

/* What the pending exception says it waits for: events, or 0. */
static int
wanted(void)
{
    return PyErr_ExceptionMatches(want_read)    ? EV_READ
           : PyErr_ExceptionMatches(want_write) ? EV_WRITE
                                                : 0;
}

static PyObject *
attempts(PyObject *self, PyObject *method, PyObject *const *args,
         Py_ssize_t n, const char *timed_out)
{
    PyObject *sock;
    int ours = socket_of(self, &sock);
    if (ours <= 0) {
        return ours < 0 ? NULL : call_original(method, self, args, n, NULL);
    }
    int64_t deadline = deadline_in_ns(socket_timeout(sock));
    PyObject *r;
    int events;
    while ((r = socket_attempt(sock, method, self, args, n, NULL)) == NULL &&
           (events = wanted()) != 0) {
        PyErr_Clear();
        if (socket_wait(socket_fd(sock), events, deadline, timed_out) < 0) {
            break;
        }
    }
    Py_DECREF(sock);
    return r;
}

static PyObject *
tls_handshake(PyObject *self, PyObject *unused)
{
    return attempts(self, original.handshake, NULL, 0,
                    "The handshake operation timed out");
}

static PyObject *
tls_read(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    return attempts(self, original.read, args, n,
                    "The read operation timed out");
}

static PyObject *
tls_write(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    return attempts(self, original.write, args, n,
                    "The write operation timed out");
}

static PyObject *
tls_shutdown(PyObject *self, PyObject *unused)
{
    return attempts(self, original.shutdown, NULL, 0,
                    "The read operation timed out");
}

static struct replacement methods[] = {
    {METHOD("do_handshake", tls_handshake, METH_NOARGS),
     &original.handshake},
    {METHOD("read", tls_read, METH_FASTCALL), &original.read},
    {METHOD("write", tls_write, METH_FASTCALL), &original.write},
    {METHOD("shutdown", tls_shutdown, METH_NOARGS), &original.shutdown},
    {{NULL}, NULL},
};

PyObject *
coop_patch_tls(PyObject *module, PyObject *unused)
{
    if (owner_name != NULL) {
        Py_RETURN_NONE;
    }
    PyObject *type = lookup("_ssl", "_SSLSocket");
    want_read = lookup("_ssl", "SSLWantReadError");
    want_write = lookup("_ssl", "SSLWantWriteError");
    owner_name = PyUnicode_InternFromString("owner");
    int result = -1;
    if (type != NULL && want_read != NULL && want_write != NULL &&
        owner_name != NULL && socket_type_find() == 0) {
        result = replace_methods((PyTypeObject *)type, methods);
    }
    Py_XDECREF(type);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}
