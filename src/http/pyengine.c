/*
 * The engine, as Python has it: what it is told before it starts, its start by
 * the first session that needs connections, forks, and its end.
 */
#include "config.h"
#include "http/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "green/green.h"

/* An endless body, and one that unpacks to a multiple of what was sent, must
   not take all memory. */
#define MAX_BODY ((int64_t)1 << 30)
#define MAX_DECODED ((int64_t)64 << 20)

static struct {
    int threads;
    char **sources;             /* end with NULL; or NULL */
    char **resolve;             /* the same */
    int64_t max_body, max_decoded;
} wanted = {.threads = 1, .max_body = MAX_BODY, .max_decoded = MAX_DECODED};

/* --- Connections. */

static int
start_engine(void)
{
    struct engine_settings settings = {
        .threads = wanted.threads,
        .sources = (const char *const *)wanted.sources,
        .resolve = (const char *const *)wanted.resolve,
        .max_body = wanted.max_body,
        .max_decoded = wanted.max_decoded,
    };
    if (helpers.trust != NULL && helpers.trust != Py_None) {
        settings.ca_file = PyUnicode_AsUTF8(helpers.trust);
        if (settings.ca_file == NULL) {
            return -1;
        }
    }
    if (engine_start(&settings, hub_inbox()) < 0) {
        PyErr_SetFromErrnoWithFilename(PyExc_OSError,
                                       "starting the I/O threads");
        return -1;
    }
    return 0;
}

struct connections *
connections_get(struct connections **place)
{
    struct connections *c = *place;
    if (c != NULL && connections_are_alive(c)) {
        return c;
    }
    if (c != NULL && engine_was_stopped()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "HTTP has been shut down: the program is ending");
        return NULL;
    }
    if (!engine_is_running() && start_engine() < 0) {
        return NULL;
    }
    if (c != NULL) {
        connections_revive(c);  /* this is a forked child */
        return c;
    }
    *place = connections_new();
    return *place != NULL ? *place : (struct connections *)PyErr_NoMemory();
}

/* --- Forks. */

static PyObject *
before_fork(PyObject *module, PyObject *unused)
{
    engine_pause();
    Py_RETURN_NONE;
}

static PyObject *
after_fork_in_parent(PyObject *module, PyObject *unused)
{
    engine_resume();
    Py_RETURN_NONE;
}

static PyObject *
after_fork_in_child(PyObject *module, PyObject *unused)
{
    engine_forget();
    Py_RETURN_NONE;
}

static PyMethodDef before = {"pause_engine", before_fork, METH_NOARGS,
                             "Holds the I/O threads."};
static PyMethodDef in_parent = {"resume_engine", after_fork_in_parent,
                                METH_NOARGS, "Lets the I/O threads go on."};
static PyMethodDef in_child = {"forget_engine", after_fork_in_child,
                               METH_NOARGS,
                               "The next request starts new I/O threads."};

/* --- Functions of the module. */

/* Whether the settings may still change; sets RuntimeError if not. */
static bool
may_be_set(void)
{
    if (engine_is_running()) {
        PyErr_SetString(PyExc_RuntimeError, "the I/O threads run already");
        return false;
    }
    return true;
}

PyDoc_STRVAR(set_io_threads_doc,
             "set_io_threads(n)\n\n"
             "How many threads do HTTP; to be said before the first request.");

static PyObject *
set_io_threads(PyObject *module, PyObject *arg)
{
    long n = PyLong_AsLong(arg);
    if (n == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (n < 1 || n > 256) {
        PyErr_SetString(PyExc_ValueError,
                        "the number of I/O threads must be from 1 to 256");
        return NULL;
    }
    if (!may_be_set()) {
        return NULL;
    }
    wanted.threads = (int)n;
    Py_RETURN_NONE;
}

static void
free_list(char **list)
{
    for (char **at = list; at != NULL && *at != NULL; at++) {
        free(*at);
    }
    free(list);
}

typedef bool (*checker)(const char *text, char *why, size_t size);

/* Sets *list to the strings of a sequence, each of which must pass the check.
   0, or -1 with an exception set. */
static int
take_list(char ***list, PyObject *strings, checker check)
{
    char why[400];
    PyObject *fast = PySequence_Fast(strings, "a sequence of str, please");
    if (fast == NULL) {
        return -1;
    }
    Py_ssize_t n = PySequence_Fast_GET_SIZE(fast);
    char **copy = calloc((size_t)n + 1, sizeof(*copy));
    bool ok = copy != NULL;
    for (Py_ssize_t i = 0; ok && i < n; i++) {
        const char *text = PyUnicode_AsUTF8(PySequence_Fast_GET_ITEM(fast, i));
        ok = text != NULL && check(text, why, sizeof(why));
        if (text != NULL && !ok) {
            PyErr_SetString(PyExc_ValueError, why);
        }
        ok = ok && (copy[i] = strdup(text)) != NULL;
    }
    Py_DECREF(fast);
    if (!ok) {
        free_list(copy);
        return PyErr_Occurred() ? -1 : (PyErr_NoMemory(), -1);
    }
    free_list(*list);
    *list = copy;
    return 0;
}

/* Raises ValueError if a text does not pass. */
static PyObject *
check_text(PyObject *text, checker check)
{
    char why[400];
    const char *utf8 = PyUnicode_AsUTF8(text);
    if (utf8 == NULL) {
        return NULL;
    }
    if (!check(utf8, why, sizeof(why))) {
        PyErr_SetString(PyExc_ValueError, why);
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(check_source_address_doc,
             "check_source_address(text)\n\n"
             "ValueError if set_source_addresses() would not take it.");

static PyObject *
check_source_address(PyObject *module, PyObject *text)
{
    return check_text(text, engine_is_source);
}

PyDoc_STRVAR(check_resolve_doc,
             "check_resolve(text)\n\n"
             "ValueError if set_resolve() would not take it.");

static PyObject *
check_resolve(PyObject *module, PyObject *text)
{
    return check_text(text, engine_is_resolve);
}

PyDoc_STRVAR(set_source_addresses_doc,
             "set_source_addresses(addresses)\n\n"
             "The local addresses that connections come from; sessions take "
             "them in turns. To be said before the first request.");

static PyObject *
set_source_addresses(PyObject *module, PyObject *addresses)
{
    if (!may_be_set() ||
        take_list(&wanted.sources, addresses, engine_is_source) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(set_resolve_doc,
             "set_resolve(entries)\n\n"
             "Names that are not to be looked up, as host:port:address; "
             "several addresses are separated by commas, and IPv6 goes in "
             "brackets. To be said before the first request.");

static PyObject *
set_resolve(PyObject *module, PyObject *entries)
{
    if (!may_be_set() ||
        take_list(&wanted.resolve, entries, engine_is_resolve) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(set_body_limits_doc,
             "set_body_limits(body, decoded)\n\n"
             "How many bytes of a body that is kept in memory are too many, in "
             "general and if it came compressed; 0: no limit. To be said "
             "before the first request.");

static PyObject *
set_body_limits(PyObject *module, PyObject *args)
{
    long long body, decoded;
    if (!PyArg_ParseTuple(args, "LL", &body, &decoded) || !may_be_set()) {
        return NULL;
    }
    if (body < 0 || decoded < 0) {
        PyErr_SetString(PyExc_ValueError, "limits are not negative");
        return NULL;
    }
    wanted.max_body = body;
    wanted.max_decoded = decoded;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stop_engine_doc,
             "stop_engine()\n\n"
             "Ends the I/O threads and closes all connections.");

static PyObject *
stop_engine(PyObject *module, PyObject *unused)
{
    engine_stop();
    Py_RETURN_NONE;
}

static PyMethodDef engine_functions[] = {
    {"set_io_threads", set_io_threads, METH_O, set_io_threads_doc},
    {"check_source_address", check_source_address, METH_O,
     check_source_address_doc},
    {"check_resolve", check_resolve, METH_O, check_resolve_doc},
    {"set_source_addresses", set_source_addresses, METH_O,
     set_source_addresses_doc},
    {"set_resolve", set_resolve, METH_O, set_resolve_doc},
    {"set_body_limits", set_body_limits, METH_VARARGS, set_body_limits_doc},
    {"stop_engine", stop_engine, METH_NOARGS, stop_engine_doc},
    {NULL},
};

int
engine_module_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, engine_functions) < 0
               ? -1
               : fork_register(&before, &in_parent, &in_child);
}
