/*
 * Calls of C code that blocks, on OS threads of their own.
 *
 * There is a pool of threads for each kind of call, so that name lookups do not
 * wait for calls that wait for what others do. Threads come into being when
 * there is work and none is idle, up to the pool's limit, and end after
 * IDLE_SECONDS without work. A job belongs to its pool until it is done; then a
 * letter takes it to the hub. Whoever waited for it may have been killed
 * meanwhile: the job knows its green thread only as long as that waits.
 */
#include "config.h"
#include "coop/coop.h"
#include "coop/internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "base/attach.h"
#include "base/fork.h"
#include "base/pycompat.h"
#include "green/green.h"

#define LOOKUPS_MAX  128
#define WAITS_MAX    16384      /* as good as any number of users */
#define IDLE_SECONDS 10

struct job {
    struct letter letter;       /* must be the first */
    struct job *next;           /* in the queue */
    struct green *waiting;      /* borrowed; NULL: nobody any more */
    PyObject *callable, *args, *kwargs;
    PyObject *result, *error;
    bool done;
    atomic_bool given_up;       /* need not be begun any more */
};

/* Guarded by its mutex. */
struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct job *first, **end;
    int queued, threads, idle;
    int most;                   /* threads */
};

static struct pool pools[] = {
    [OFFLOAD_LOOKUP] = {.most = LOOKUPS_MAX},
    [OFFLOAD_WAIT] = {.most = WAITS_MAX},
};

static void
pool_reset(struct pool *pool)
{
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pool->first = NULL;
    pool->end = &pool->first;
    pool->queued = pool->threads = pool->idle = 0;
}

static void
reset_all(void)
{
    pool_reset(&pools[OFFLOAD_LOOKUP]);
    pool_reset(&pools[OFFLOAD_WAIT]);
}

static void
job_free(struct job *job)
{
    Py_XDECREF(job->callable);
    Py_XDECREF(job->args);
    Py_XDECREF(job->kwargs);
    Py_XDECREF(job->result);
    Py_XDECREF(job->error);
    PyMem_RawFree(job);
}

/* --- On the hub. */

static void
handle_done(struct letter *letter)
{
    struct job *job = (struct job *)letter;
    hub_release();
    job->done = true;
    if (job->waiting != NULL) {
        green_ready(job->waiting);
    }
    else {
        job_free(job);
    }
}

/* --- On the other threads. */

static void
job_run(struct job *job)
{
    PyThreadState *state =
        atomic_load(&job->given_up) ? NULL : python_attach();
    if (state != NULL) {
        job->result = PyObject_Call(job->callable, job->args, job->kwargs);
        job->error = job->result == NULL ? error_take() : NULL;
    }
    job->letter.handle = handle_done;
    mailbox_post(hub_inbox(), &job->letter);
    if (state != NULL) {
        python_detach(state);
    }
}

/* The next job; NULL when there has been none for long. With the mutex. */
static struct job *
job_take(struct pool *pool)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_SECONDS;
    int error = 0;
    pool->idle++;
    while (pool->first == NULL && error != ETIMEDOUT) {
        error = pthread_cond_timedwait(&pool->work, &pool->mutex, &until);
    }
    pool->idle--;
    struct job *job = pool->first;
    if (job != NULL) {
        pool->queued--;
        pool->first = job->next;
        if (pool->first == NULL) {
            pool->end = &pool->first;
        }
    }
    return job;
}

static void *
work(void *argument)
{
    struct pool *pool = argument;
    struct job *job;
    pthread_mutex_lock(&pool->mutex);
    while ((job = job_take(pool)) != NULL) {
        pthread_mutex_unlock(&pool->mutex);
        job_run(job);
        pthread_mutex_lock(&pool->mutex);
    }
    pool->threads--;
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* Signals are for the hub's thread. 0 or an errno. */
static int
start_thread(struct pool *pool)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, old;
    int error = pthread_attr_init(&attributes);
    if (error != 0) {
        return error;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(&thread, &attributes, work, pool);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

/* --- Giving out work. */

/* 0, or -1 with an exception set: there is no thread, and there can be none. */
static int
job_give(struct pool *pool, struct job *job)
{
    pthread_mutex_lock(&pool->mutex);
    *pool->end = job;
    pool->end = &job->next;
    pool->queued++;
    int error = 0;
    if (pool->queued > pool->idle && pool->threads < pool->most) {
        error = start_thread(pool);
        pool->threads += error == 0;
    }
    bool hopeless = pool->threads == 0;
    if (hopeless) {
        pool->first = NULL;
        pool->end = &pool->first;
        pool->queued = 0;
    }
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    if (hopeless) {
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    hub_hold();
    return 0;
}

static struct job *
job_new(PyObject *callable, PyObject *args, PyObject *kwargs)
{
    struct job *job = PyMem_RawCalloc(1, sizeof(*job));
    if (job == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    job->callable = Py_NewRef(callable);
    job->args = Py_NewRef(args);
    job->kwargs = Py_XNewRef(kwargs);
    job->waiting = green_current();
    return job;
}

static PyObject *
job_result(struct job *job)
{
    PyObject *result = job->result;
    job->result = NULL;
    if (result == NULL && job->error != NULL) {
        error_give(Py_NewRef(job->error));
    }
    else if (result == NULL) {
        PyErr_NoMemory();       /* the thread could not attach */
    }
    job_free(job);
    return result;
}

PyObject *
offload_call(enum offload kind, PyObject *callable, PyObject *args,
             PyObject *kwargs)
{
    if (!green_can_park()) {
        return PyObject_Call(callable, args, kwargs);
    }
    struct job *job = job_new(callable, args, kwargs);
    if (job == NULL) {
        return NULL;
    }
    if (job_give(&pools[kind], job) < 0) {
        job_free(job);
        return NULL;
    }
    while (!job->done) {
        if (green_park() < 0) {
            job->waiting = NULL;
            atomic_store(&job->given_up, true);
            if (job->done) {
                job_free(job);
            }
            return NULL;
        }
    }
    return job_result(job);
}

PyDoc_STRVAR(offload_doc,
             "offload(function, *args, **kwargs)\n\n"
             "Calls it on an OS thread of its own and waits for its result, "
             "while the other green threads run.");

static PyObject *
py_offload(PyObject *module, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_GET_SIZE(args) < 1) {
        PyErr_SetString(PyExc_TypeError, "offload() needs a function");
        return NULL;
    }
    PyObject *rest = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
    PyObject *r = rest == NULL ? NULL : offload_call(
        OFFLOAD_WAIT, PyTuple_GET_ITEM(args, 0), rest, kwargs);
    Py_XDECREF(rest);
    return r;
}

/* --- Methods of other people's types that block. */

/* Calls the original, which is its self, with the object first. */
static PyObject *
offloaded_method(PyObject *original, PyObject *args, PyObject *kwargs)
{
    return offload_call(OFFLOAD_WAIT, original, args, kwargs);
}

static PyMethodDef offloaded_def = {
    "offloaded", (PyCFunction)(void (*)(void))offloaded_method,
    METH_VARARGS | METH_KEYWORDS,
    "Calls the method on an OS thread of its own."};

PyDoc_STRVAR(offload_method_doc,
             "offload_method(type, name)\n\n"
             "Puts a method in the place of that one, which calls it on an OS "
             "thread of its own when green threads have to wait for it.");

static PyObject *
py_offload_method(PyObject *module, PyObject *args)
{
    PyTypeObject *type;
    const char *name;
    if (!PyArg_ParseTuple(args, "O!s", &PyType_Type, &type, &name)) {
        return NULL;
    }
    PyObject *original = PyObject_GetAttrString((PyObject *)type, name);
    PyObject *function =
        original == NULL ? NULL : PyCFunction_New(&offloaded_def, original);
    PyObject *method =
        function == NULL ? NULL : PyInstanceMethod_New(function);
    int result = method == NULL ? -1 : replace_attribute(type, name, method);
    Py_XDECREF(original);
    Py_XDECREF(function);
    Py_XDECREF(method);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

/* The threads are gone in the child, and so is who waited for them. */
static PyObject *
after_fork_in_child(PyObject *module, PyObject *unused)
{
    reset_all();
    Py_RETURN_NONE;
}

static PyMethodDef in_child = {"forget_threads", after_fork_in_child,
                               METH_NOARGS,
                               "Forgets the threads of the parent."};

static PyMethodDef functions[] = {
    {"offload", (PyCFunction)(void (*)(void))py_offload,
     METH_VARARGS | METH_KEYWORDS, offload_doc},
    {"offload_method", py_offload_method, METH_VARARGS, offload_method_doc},
    {NULL},
};

int
offload_module_exec(PyObject *module)
{
    reset_all();
    if (PyModule_AddFunctions(module, functions) < 0 ||
        python_watch_forks() < 0) {
        return -1;
    }
    return fork_register(NULL, NULL, &in_child);
}
