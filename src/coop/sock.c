/*
 * socket.socket: the methods that wait, in the C type below it.
 *
 * A socket without time limit is a blocking descriptor, as ever, so that child
 * processes and C libraries to whom it is given find what they expect. Here it
 * is asked not to wait: for what is called most, with MSG_DONTWAIT; for the
 * rest the original method is called while the descriptor is non-blocking for a
 * moment. Other OS threads and sockets with a time limit of 0 get the
 * originals.
 */
#include "config.h"
#include "coop/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/lookup.h"
#include "base/pycompat.h"
#include "green/green.h"

/* How the object begins, in all versions of CPython that we know;
   socket_type_find() checks it. */
struct socket_head {
    PyObject_HEAD
    int fd;
    int family, type, protocol;
    void *error_handler;
    int64_t timeout;            /* ns; -1: none */
};

PyTypeObject *socket_type;

static struct {
    PyObject *accept, *close, *connect, *connect_ex, *detach, *recv, *recv_into,
        *recvfrom, *recvfrom_into, *recvmsg, *recvmsg_into, *send, *sendall,
        *sendmsg, *sendto;
} original;

static const char timed_out[] = "timed out";

/* How long a connection to a local socket waits whose queue is full: there is
   nothing that could tell. */
#define QUEUE_FULL_SECONDS 0.01

int
socket_fd(PyObject *sock)
{
    return ((struct socket_head *)sock)->fd;
}

int64_t
socket_timeout(PyObject *sock)
{
    return ((struct socket_head *)sock)->timeout;
}

/* Whether a method is to be ours: it may wait, and on the hub's OS thread. */
static bool
is_ours(PyObject *sock)
{
    return socket_timeout(sock) != 0 && green_current() != NULL;
}

static int64_t
deadline_of(PyObject *sock)
{
    return deadline_in_ns(socket_timeout(sock));
}

int
socket_wait(int fd, int events, int64_t deadline, const char *text)
{
    double left = deadline_left(deadline);
    int r = left == 0 ? 0 : green_wait_fd(fd, events, left);
    if (r == 0 && deadline_is_over(deadline)) {
        PyErr_SetString(PyExc_TimeoutError, text);
        return -1;
    }
    return r < 0 ? -1 : 0;
}

/* Whether a call does not want to wait on a socket that otherwise would. */
static bool
is_impatient(PyObject *sock, int flags)
{
    return (flags & MSG_DONTWAIT) && socket_timeout(sock) < 0;
}

/* After a system call that failed: waits if it only would have to wait. 0: try
   again; -1: exception. */
static int
after_failure(PyObject *sock, int events, int flags, int64_t deadline)
{
    if (errno == EINTR) {
        return PyErr_CheckSignals();
    }
    if ((errno == EAGAIN || errno == EWOULDBLOCK) &&
        !is_impatient(sock, flags)) {
        return socket_wait(socket_fd(sock), events, deadline, timed_out);
    }
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

/* --- Receiving. */

/* Up to size bytes, or all of them with MSG_WAITALL. -1: exception. */
static Py_ssize_t
receive(PyObject *sock, char *buffer, Py_ssize_t size, int flags)
{
    int64_t deadline = deadline_of(sock);
    bool all = (flags & MSG_WAITALL) && !(flags & MSG_PEEK);
    Py_ssize_t got = 0;
    for (;;) {
        ssize_t n = recv(socket_fd(sock), buffer + got, (size_t)(size - got),
                         flags | MSG_DONTWAIT);
        if (n > 0 && all && got + n < size) {
            got += n;
        }
        else if (n >= 0) {
            return got + n;
        }
        else if (after_failure(sock, EV_READ, flags, deadline) < 0) {
            return -1;
        }
    }
}

/* Positional ints after the first skip arguments, as far as they are given.
   false: the original is to judge. */
static bool
read_ints(PyObject *const *args, Py_ssize_t n, Py_ssize_t skip,
          Py_ssize_t *first, int *second)
{
    if (n > skip) {
        *first = PyNumber_AsSsize_t(args[skip], PyExc_OverflowError);
    }
    if (n > skip + 1) {
        *second = (int)PyLong_AsLong(args[skip + 1]);
    }
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    return true;
}

static PyObject *
sock_recv(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    Py_ssize_t size = -1;
    int flags = 0;
    if (!is_ours(self) || n < 1 || n > 2 ||
        !read_ints(args, n, 0, &size, &flags) || size <= 0) {
        return call_original(original.recv, self, args, n, NULL);
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (bytes == NULL) {
        return NULL;
    }
    Py_ssize_t got = receive(self, PyBytes_AS_STRING(bytes), size, flags);
    if (got < 0) {
        Py_DECREF(bytes);
        return NULL;
    }
    if (got != size) {
        _PyBytes_Resize(&bytes, got);
    }
    return bytes;
}

static PyObject *
attempts(PyObject *self, PyObject *method, PyObject *const *args,
         Py_ssize_t n, PyObject *kwnames, int events);

static PyObject *
sock_recv_into(PyObject *self, PyObject *const *args, Py_ssize_t n,
               PyObject *kwnames)
{
    Py_ssize_t size = 0;
    int flags = 0;
    Py_buffer buffer;
    if (!is_ours(self) || n < 1 || n > 3 || kwnames != NULL ||
        !read_ints(args, n, 1, &size, &flags)) {
        return attempts(self, original.recv_into, args, n, kwnames, EV_READ);
    }
    if (PyObject_GetBuffer(args[0], &buffer, PyBUF_WRITABLE) < 0) {
        PyErr_Clear();
        return call_original(original.recv_into, self, args, n, NULL);
    }
    if (size < 0 || size > buffer.len || buffer.len == 0) {
        PyBuffer_Release(&buffer);
        return call_original(original.recv_into, self, args, n, NULL);
    }
    Py_ssize_t got = receive(self, buffer.buf, size ? size : buffer.len,
                             flags);
    PyBuffer_Release(&buffer);
    return got < 0 ? NULL : PyLong_FromSsize_t(got);
}

/* --- Sending. */

/* All of it, or with once what can be sent in one go. -1: exception. */
static Py_ssize_t
transmit(PyObject *sock, const Py_buffer *data, int flags, bool once)
{
    int64_t deadline = deadline_of(sock);
    const char *at = data->buf;
    Py_ssize_t left = data->len;
    for (;;) {
        ssize_t n = send(socket_fd(sock), at, (size_t)left,
                         flags | MSG_DONTWAIT);
        if (n >= 0 && (once || n == left)) {
            return n;
        }
        if (n >= 0) {
            at += n;
            left -= n;
        }
        else if (after_failure(sock, EV_WRITE, flags, deadline) < 0) {
            return -1;
        }
    }
}

/* data[, flags]. -2: the original is to judge; -1: exception. */
static Py_ssize_t
transmit_args(PyObject *self, PyObject *const *args, Py_ssize_t n, bool once)
{
    Py_ssize_t flags = 0;
    int none;
    Py_buffer data;
    if (!is_ours(self) || n < 1 || n > 2 ||
        !read_ints(args, n, 1, &flags, &none)) {
        return -2;
    }
    if (PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0) {
        PyErr_Clear();
        return -2;
    }
    Py_ssize_t sent = transmit(self, &data, (int)flags, once);
    PyBuffer_Release(&data);
    return sent;
}

static PyObject *
sock_send(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    Py_ssize_t sent = transmit_args(self, args, n, true);
    if (sent == -2) {
        return call_original(original.send, self, args, n, NULL);
    }
    return sent < 0 ? NULL : PyLong_FromSsize_t(sent);
}

static PyObject *
sock_sendall(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    Py_ssize_t sent = transmit_args(self, args, n, false);
    if (sent == -2) {
        return call_original(original.sendall, self, args, n, NULL);
    }
    return sent < 0 ? NULL : Py_NewRef(Py_None);
}

/* --- Whatever else: the original, asked not to wait. */

/* Makes a descriptor non-blocking. Returns the flags that it had, or -1 if it
   was so before, or is none. */
static int
stop_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_NONBLOCK)) {
        return -1;
    }
    return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -1 : flags;
}

PyObject *
socket_attempt(PyObject *sock, PyObject *method, PyObject *object,
               PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    struct socket_head *s = (struct socket_head *)sock;
    int64_t timeout = s->timeout;
    int fd = s->fd;
    int flags = stop_blocking(fd);
    s->timeout = 0;
    PyObject *r = call_original(method, object, args, n, kwnames);
    s->timeout = timeout;
    if (flags >= 0 && s->fd == fd) {
        fcntl(fd, F_SETFL, flags);
    }
    return r;
}

/* The original, again and again until it does not want to wait. */
static PyObject *
attempts(PyObject *self, PyObject *method, PyObject *const *args,
         Py_ssize_t n, PyObject *kwnames, int events)
{
    if (!is_ours(self)) {
        return call_original(method, self, args, n, kwnames);
    }
    int64_t deadline = deadline_of(self);
    for (;;) {
        PyObject *r = socket_attempt(self, method, self, args, n, kwnames);
        if (r != NULL || !PyErr_ExceptionMatches(PyExc_BlockingIOError)) {
            return r;
        }
        PyErr_Clear();
        if (socket_wait(socket_fd(self), events, deadline, timed_out) < 0) {
            return NULL;
        }
    }
}

/* Whether the argument at some place, flags, says that it does not wait. */
static bool
says_not_to_wait(PyObject *self, PyObject *const *args, Py_ssize_t n,
                 Py_ssize_t at)
{
    return n > at && PyLong_Check(args[at]) &&
           is_impatient(self, (int)(PyLong_AsUnsignedLongMask(args[at]) &
                                    MSG_DONTWAIT));
}

#define NO_FLAGS 99

/* What waits for events; its flags are the argument at flags_at. */
#define ATTEMPTS(name, events, flags_at)                                      \
    static PyObject *sock_##name(PyObject *self, PyObject *const *args,       \
                                 Py_ssize_t n, PyObject *kwnames)             \
    {                                                                         \
        if (says_not_to_wait(self, args, n, flags_at)) {                      \
            return call_original(original.name, self, args, n, kwnames);      \
        }                                                                     \
        return attempts(self, original.name, args, n, kwnames, events);       \
    }

ATTEMPTS(accept, EV_READ, NO_FLAGS)
ATTEMPTS(recvfrom, EV_READ, 1)
ATTEMPTS(recvfrom_into, EV_READ, 2)
ATTEMPTS(recvmsg, EV_READ, 2)
ATTEMPTS(recvmsg_into, EV_READ, 2)
ATTEMPTS(sendmsg, EV_WRITE, 2)

/* sendto(data[, flags], address). */
static PyObject *
sock_sendto(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    if (!is_ours(self) || n < 2 || n > 3 ||
        (n == 3 && says_not_to_wait(self, args, n, 1))) {
        return call_original(original.sendto, self, args, n, NULL);
    }
    PyObject *address = resolve_address(self, args[n - 1]);
    if (address == NULL) {
        return NULL;
    }
    PyObject *resolved[3] = {args[0], n == 3 ? args[1] : address, address};
    PyObject *r = attempts(self, original.sendto, resolved, n, NULL,
                           EV_WRITE);
    Py_DECREF(address);
    return r;
}

/* --- Connecting. */

/* The pending exception's errno, if it says that a connection is being made;
   else -1, and it stays. */
static int
take_progress(void)
{
    if (!PyErr_ExceptionMatches(PyExc_BlockingIOError) &&
        !PyErr_ExceptionMatches(PyExc_InterruptedError)) {
        return -1;
    }
    PyObject *error = error_take();
    PyObject *number = PyObject_GetAttrString(error, "errno");
    Py_DECREF(error);
    int value = number == NULL ? -1 : (int)PyLong_AsLong(number);
    Py_XDECREF(number);
    return value;
}

/* The original connect() or connect_ex(), without waiting: 0, an errno, or -1
   with an exception set. */
static int
connect_attempt(PyObject *self, PyObject *method, PyObject *address)
{
    PyObject *r = socket_attempt(self, method, self, &address, 1, NULL);
    if (r == NULL) {
        return take_progress();
    }
    int error = r == Py_None ? 0 : (int)PyLong_AsLong(r);
    Py_DECREF(r);
    return error;
}

static int
error_of_socket(int fd)
{
    int error = 0;
    socklen_t size = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno
                                                                   : error;
}

/* 0, an errno (-2: time is up), or -1 with an exception set. */
static int
connect_to(PyObject *self, PyObject *method, PyObject *address)
{
    int64_t deadline = deadline_of(self);
    int error = connect_attempt(self, method, address);
    /* The queue of a local socket is full: one without time limit waits. */
    while (error == EAGAIN && deadline < 0 &&
           ((struct socket_head *)self)->family == AF_UNIX) {
        if (green_sleep(QUEUE_FULL_SECONDS) < 0) {
            return -1;
        }
        error = connect_attempt(self, method, address);
    }
    if (error != EINPROGRESS && error != EINTR) {
        return error;
    }
    int fd = socket_fd(self);
    int ready;
    do {
        ready = green_wait_fd(fd, EV_WRITE, deadline_left(deadline));
    } while (ready == 0 && !deadline_is_over(deadline));
    return ready < 0 ? -1 : ready == 0 ? -2 : error_of_socket(fd);
}

static PyObject *
sock_connect(PyObject *self, PyObject *given)
{
    if (!is_ours(self)) {
        return PyObject_CallFunctionObjArgs(original.connect, self, given,
                                            NULL);
    }
    PyObject *address = resolve_address(self, given);
    int error = address == NULL
                    ? -1
                    : connect_to(self, original.connect, address);
    Py_XDECREF(address);
    if (error == -2) {
        PyErr_SetString(PyExc_TimeoutError, timed_out);
    }
    else if (error > 0) {
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return error != 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
sock_connect_ex(PyObject *self, PyObject *given)
{
    if (!is_ours(self)) {
        return PyObject_CallFunctionObjArgs(original.connect_ex, self, given,
                                            NULL);
    }
    PyObject *address = resolve_address(self, given);
    int error = address == NULL
                    ? -1
                    : connect_to(self, original.connect_ex, address);
    Py_XDECREF(address);
    return error == -1 ? NULL
                       : PyLong_FromLong(error == -2 ? EWOULDBLOCK : error);
}

/* --- Closing. */

static PyObject *
sock_close(PyObject *self, PyObject *unused)
{
    green_fd_closing(socket_fd(self));
    return PyObject_CallOneArg(original.close, self);
}

static PyObject *
sock_detach(PyObject *self, PyObject *unused)
{
    green_fd_closing(socket_fd(self));
    return PyObject_CallOneArg(original.detach, self);
}

static struct replacement methods[] = {
    {METHOD("_accept", sock_accept, FASTCALL_KEYWORDS), &original.accept},
    {METHOD("close", sock_close, METH_NOARGS), &original.close},
    {METHOD("connect", sock_connect, METH_O), &original.connect},
    {METHOD("connect_ex", sock_connect_ex, METH_O), &original.connect_ex},
    {METHOD("detach", sock_detach, METH_NOARGS), &original.detach},
    {METHOD("recv", sock_recv, METH_FASTCALL), &original.recv},
    {METHOD("recv_into", sock_recv_into, FASTCALL_KEYWORDS),
     &original.recv_into},
    {METHOD("recvfrom", sock_recvfrom, FASTCALL_KEYWORDS),
     &original.recvfrom},
    {METHOD("recvfrom_into", sock_recvfrom_into, FASTCALL_KEYWORDS),
     &original.recvfrom_into},
    {METHOD("recvmsg", sock_recvmsg, FASTCALL_KEYWORDS), &original.recvmsg},
    {METHOD("recvmsg_into", sock_recvmsg_into, FASTCALL_KEYWORDS),
     &original.recvmsg_into},
    {METHOD("send", sock_send, METH_FASTCALL), &original.send},
    {METHOD("sendall", sock_sendall, METH_FASTCALL), &original.sendall},
    {METHOD("sendmsg", sock_sendmsg, FASTCALL_KEYWORDS), &original.sendmsg},
    {METHOD("sendto", sock_sendto, METH_FASTCALL), &original.sendto},
    {{NULL}, NULL},
};

/* --- The type. */

/* Whether a socket looks as we believe. -1: exception. */
static int
is_as_expected(PyTypeObject *type)
{
    PyObject *s = PyObject_CallFunction((PyObject *)type, "ii", AF_UNIX,
                                        SOCK_DGRAM);
    PyObject *fd = s == NULL ? NULL : PyObject_CallMethod(s, "fileno", NULL);
    PyObject *r = fd == NULL ? NULL : PyObject_CallMethod(
        s, "settimeout", "d", 1.5);
    int result = -1;
    if (r != NULL) {
        result = socket_fd(s) == PyLong_AsLong(fd) &&
                 socket_timeout(s) == 1500000000;
        Py_DECREF(r);
        r = PyObject_CallMethod(s, "settimeout", "O", Py_None);
        result = r == NULL ? -1 : result && socket_timeout(s) < 0;
    }
    Py_XDECREF(r);
    Py_XDECREF(fd);
    r = s == NULL ? NULL : PyObject_CallMethod(s, "close", NULL);
    Py_XDECREF(r);
    Py_XDECREF(s);
    return result;
}

int
socket_type_find(void)
{
    if (socket_type != NULL) {
        return 0;
    }
    PyObject *type = lookup("_socket", "socket");
    int expected = type == NULL ? -1 : is_as_expected((PyTypeObject *)type);
    if (expected == 0) {
        PyErr_SetString(PyExc_SystemError,
                        "this Python's sockets are made otherwise than locust "
                        "knows: they cannot be made cooperative");
    }
    if (expected <= 0) {
        Py_XDECREF(type);
        return -1;
    }
    socket_type = (PyTypeObject *)type;
    return 0;
}

PyObject *
coop_patch_socket(PyObject *module, PyObject *unused)
{
    if (socket_type_find() < 0 || replace_methods(socket_type, methods) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}
