/*
 * The room's part of the module: what pymod/locust/_coop calls.
 */
#include "config.h"
#include "coop/coop.h"

#include "coop/internal.h"
#include "green/green.h"

int
coop_let_others_run(void)
{
    return green_can_park() ? green_sleep(0) : 0;
}

/* Whether whoever calls can wait as green threads do. */
static PyObject *
can_wait(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(green_can_park());
}

static PyObject *
fd_closing(PyObject *module, PyObject *fd)
{
    int number = (int)PyLong_AsLong(fd);
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
    green_fd_closing(number);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"can_wait", can_wait, METH_NOARGS,
     "Whether whoever calls can wait as green threads do."},
    {"fd_closing", fd_closing, METH_O,
     "fd_closing(fd)\n\nTells those who wait for it that it is about to be "
     "closed."},
    {"coop_locks", coop_patch_locks, METH_NOARGS,
     "Makes threading.Lock and RLock cooperative."},
    {"coop_socket", coop_patch_socket, METH_NOARGS,
     "Makes socket.socket cooperative."},
    {"coop_tls", coop_patch_tls, METH_NOARGS,
     "Makes ssl.SSLSocket cooperative."},
    {"coop_epoll", coop_patch_epoll, METH_NOARGS,
     "Makes select.epoll cooperative."},
    {"coop_simple_queue", coop_patch_simple_queue, METH_NOARGS,
     "Makes queue.SimpleQueue cooperative."},
    {"watch_lock", coop_watch_lock, METH_O,
     "watch_lock(lock)\n\nOne that Python itself releases, which wakes no "
     "green threads: who\nwaits for it looks again and again."},
    {"acquire_for_sure", coop_acquire_for_sure, METH_O,
     "acquire_for_sure(lock)\n\nAcquires it; what is thrown meanwhile is "
     "raised when it is held."},
    {NULL},
};

typedef int (*file_exec)(PyObject *module);

static const file_exec files[] = {
    offload_module_exec, thread_module_exec,  resolve_module_exec,
    select_module_exec,  poll_module_exec,
};

int
coop_module_exec(PyObject *module)
{
    if (lot_init() < 0 || PyModule_AddFunctions(module, functions) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (files[i](module) < 0) {
            return -1;
        }
    }
    return 0;
}
