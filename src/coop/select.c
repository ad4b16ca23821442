/*
 * select.select() and epoll objects.
 *
 * select() works by poll(2), so that descriptors above 1023 are no problem. An
 * epoll object is itself a descriptor that can be waited for.
 */
#include "config.h"
#include "coop/internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/lookup.h"
#include "green/green.h"

/* --- select() */

static PyObject *original_select;

/* The three lists, one after the other, and what is asked about them. */
struct selection {
    PyObject *lists[3];         /* owned, results of PySequence_Fast */
    size_t n;
    struct pollfd *fds;
};

static const short asked[3] = {POLLIN, POLLOUT, POLLPRI};
static const short answers[3] = {
    POLLIN | POLLHUP | POLLERR | POLLRDNORM | POLLRDBAND,
    POLLOUT | POLLERR | POLLWRNORM | POLLWRBAND,
    POLLPRI,
};

static void
selection_free(struct selection *s)
{
    for (size_t i = 0; i < 3; i++) {
        Py_XDECREF(s->lists[i]);
    }
    PyMem_Free(s->fds);
}

static int
selection_add(struct selection *s, size_t kind)
{
    PyObject *list = s->lists[kind];
    Py_ssize_t n = PySequence_Fast_GET_SIZE(list);
    for (Py_ssize_t i = 0; i < n; i++) {
        int fd = PyObject_AsFileDescriptor(PySequence_Fast_GET_ITEM(list, i));
        if (fd < 0) {
            return -1;
        }
        s->fds[s->n++] = (struct pollfd){.fd = fd, .events = asked[kind]};
    }
    return 0;
}

/* 0, or -1 with an exception set; to be freed in either case. */
static int
selection_read(struct selection *s, PyObject *const *args)
{
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        s->lists[i] = PySequence_Fast(
            args[i], "arguments 1-3 must be sequences");
        if (s->lists[i] == NULL) {
            return -1;
        }
        n += (size_t)PySequence_Fast_GET_SIZE(s->lists[i]);
    }
    s->fds = PyMem_Calloc(n + 1, sizeof(*s->fds));
    if (s->fds == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < 3; i++) {
        if (selection_add(s, i) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Whether anything is ready now: 1, 0 or -1 with an exception set. */
static int
selection_look(struct selection *s)
{
    int ready = poll(s->fds, s->n, 0);
    if (ready < 0 && errno != EINTR) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    for (size_t i = 0; ready > 0 && i < s->n; i++) {
        if (s->fds[i].revents & POLLNVAL) {
            errno = EBADF;
            PyErr_SetFromErrno(PyExc_OSError);
            return -1;
        }
    }
    return ready > 0;
}

static PyObject *
selection_ready(const struct selection *s, size_t kind,
                const struct pollfd *fds)
{
    PyObject *ready = PyList_New(0);
    Py_ssize_t n = PySequence_Fast_GET_SIZE(s->lists[kind]);
    for (Py_ssize_t i = 0; ready != NULL && i < n; i++) {
        if ((fds[i].revents & answers[kind]) &&
            PyList_Append(ready, PySequence_Fast_GET_ITEM(
                                     s->lists[kind], i)) < 0) {
            Py_CLEAR(ready);
        }
    }
    return ready;
}

static PyObject *
selection_result(const struct selection *s)
{
    PyObject *result = PyTuple_New(3);
    const struct pollfd *fds = s->fds;
    for (size_t i = 0; result != NULL && i < 3; i++) {
        PyObject *ready = selection_ready(s, i, fds);
        if (ready == NULL) {
            Py_CLEAR(result);
            break;
        }
        PyTuple_SET_ITEM(result, (Py_ssize_t)i, ready);
        fds += PySequence_Fast_GET_SIZE(s->lists[i]);
    }
    return result;
}

/* Whether the call is to be ours, and for how many seconds (-1: no end). */
static bool
may_wait(PyObject *const *args, Py_ssize_t n, double *seconds)
{
    *seconds = -1;
    if (green_current() == NULL || n < 3 || n > 4) {
        return false;
    }
    if (n == 4 && args[3] != Py_None) {
        *seconds = PyFloat_AsDouble(args[3]);
        bool failed = PyErr_Occurred() != NULL;
        PyErr_Clear();
        return !failed && *seconds >= 0;
    }
    return true;
}

PyDoc_STRVAR(select_doc,
             "select(rlist, wlist, xlist[, timeout])\n\n"
             "select.select(), which lets the other green threads run.");

static PyObject *
py_select(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    double seconds;
    if (!may_wait(args, n, &seconds)) {
        return PyObject_Vectorcall(original_select, args, (size_t)n, NULL);
    }
    int64_t deadline = deadline_in(seconds);
    struct selection s = {0};
    PyObject *result = NULL;
    int ready = selection_read(&s, args) < 0 ? -1 : selection_look(&s);
    while (ready == 0 && !deadline_is_over(deadline)) {
        int r = green_wait_fds(s.fds, s.n, deadline_left(deadline));
        ready = r < 0 ? -1 : selection_look(&s);
    }
    if (ready == 0 && seconds == 0) {
        ready = coop_let_others_run();
    }
    if (ready >= 0) {
        result = selection_result(&s);
    }
    selection_free(&s);
    return result;
}

/* --- epoll */

static PyObject *original_poll, *original_close;

/* poll(timeout=None, maxevents=-1): what it says about time. false: the
   original is to see to it. */
static bool
read_poll_arguments(PyObject *const *args, Py_ssize_t n, PyObject *kwnames,
                    double *seconds, PyObject **most)
{
    PyObject *timeout = n > 0 ? args[0] : Py_None;
    *most = n > 1 ? args[1] : NULL;
    Py_ssize_t named = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *keyword = PyTuple_GET_ITEM(kwnames, i);
        if (PyUnicode_CompareWithASCIIString(keyword, "timeout") == 0) {
            timeout = args[n + i];
        }
        else if (PyUnicode_CompareWithASCIIString(keyword, "maxevents") == 0) {
            *most = args[n + i];
        }
        else {
            return false;
        }
    }
    *seconds = timeout == Py_None ? -1 : PyFloat_AsDouble(timeout);
    bool failed = PyErr_Occurred() != NULL;
    PyErr_Clear();
    return n <= 2 && !failed && *seconds != 0;
}

static PyObject *
poll_now(PyObject *self, PyObject *most)
{
    PyObject *zero = PyLong_FromLong(0);
    PyObject *args[3] = {self, zero, most};
    PyObject *r = zero == NULL ? NULL : PyObject_Vectorcall(
        original_poll, args, most != NULL ? 3 : 2, NULL);
    Py_XDECREF(zero);
    return r;
}

static int
fd_of(PyObject *self)
{
    PyObject *fd = PyObject_CallMethod(self, "fileno", NULL);
    int number = fd == NULL ? -1 : (int)PyLong_AsLong(fd);
    Py_XDECREF(fd);
    return number;
}

/* The original, for who does not want to wait. */
static PyObject *
epoll_look(PyObject *self, PyObject *const *args, Py_ssize_t n,
           PyObject *kwnames)
{
    PyObject *ready = call_original(original_poll, self, args, n, kwnames);
    if (ready != NULL && PyList_GET_SIZE(ready) == 0 &&
        coop_let_others_run() < 0) {
        Py_CLEAR(ready);
    }
    return ready;
}

static PyObject *
epoll_poll(PyObject *self, PyObject *const *args, Py_ssize_t n,
           PyObject *kwnames)
{
    double seconds;
    PyObject *most;
    if (green_current() == NULL ||
        !read_poll_arguments(args, n, kwnames, &seconds, &most)) {
        return epoll_look(self, args, n, kwnames);
    }
    int64_t deadline = deadline_in(seconds);
    PyObject *ready = poll_now(self, most);
    while (ready != NULL && PyList_GET_SIZE(ready) == 0 &&
           !deadline_is_over(deadline)) {
        Py_DECREF(ready);
        int fd = fd_of(self);
        int r = fd < 0 ? -1
                       : green_wait_fd(fd, EV_READ, deadline_left(deadline));
        ready = r < 0 ? NULL : poll_now(self, most);
    }
    return ready;
}

static PyObject *
epoll_close(PyObject *self, PyObject *unused)
{
    int fd = fd_of(self);
    if (fd < 0) {
        PyErr_Clear();          /* closed before */
    }
    green_fd_closing(fd);
    return PyObject_CallOneArg(original_close, self);
}

static struct replacement epoll_methods[] = {
    {METHOD("poll", epoll_poll, FASTCALL_KEYWORDS), &original_poll},
    {METHOD("close", epoll_close, METH_NOARGS), &original_close},
    {{NULL}, NULL},
};

PyObject *
coop_patch_epoll(PyObject *module, PyObject *unused)
{
    PyObject *type = lookup("select", "epoll");
    int result = type == NULL
                     ? -1
                     : replace_methods((PyTypeObject *)type, epoll_methods);
    Py_XDECREF(type);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"select", (PyCFunction)(void (*)(void))py_select, METH_FASTCALL,
     select_doc},
    {NULL},
};

int
select_module_exec(PyObject *module)
{
    original_select = lookup("select", "select");
    return original_select == NULL ? -1
                                   : PyModule_AddFunctions(module, functions);
}
