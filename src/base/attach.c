/*
 * Threads of ours that run Python.
 *
 * Making a PyThreadState takes a lock of the interpreter's without the GIL.
 * Whoever forks at that moment takes the locked lock along into the child,
 * which then hangs in PyOS_AfterFork_Child() (3.11; later versions make the
 * lock anew first). So states are made under a mutex of ours that a fork takes
 * first. Nobody waits for the GIL with it, so it may be taken with the GIL.
 */
#include "config.h"
#include "base/attach.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/fork.h"

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

PyThreadState *
python_attach(void)
{
    pthread_mutex_lock(&making);
    PyThreadState *state = PyThreadState_New(PyInterpreterState_Main());
    pthread_mutex_unlock(&making);
    if (state != NULL) {
        PyEval_RestoreThread(state);
    }
    return state;
}

void
python_detach(PyThreadState *state)
{
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
}

static PyObject *
before_fork(PyObject *module, PyObject *unused)
{
    pthread_mutex_lock(&making);
    Py_RETURN_NONE;
}

static PyObject *
after_fork(PyObject *module, PyObject *unused)
{
    pthread_mutex_unlock(&making);
    Py_RETURN_NONE;
}

int
python_watch_forks(void)
{
    static PyMethodDef before = {"before_fork", before_fork, METH_NOARGS,
                                 "Waits for threads that attach."};
    static PyMethodDef after = {"after_fork", after_fork, METH_NOARGS,
                                "Lets threads attach."};
    static bool watched;
    if (watched) {
        return 0;
    }
    watched = fork_register(&before, &after, &after) == 0;
    return watched ? 0 : -1;
}
