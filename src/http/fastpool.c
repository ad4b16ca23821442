/*
 * The connections of user agents, and the native base of HTTPClientPool, which
 * several agents may share.
 */
#include "config.h"
#include "http/fast.h"

#include <stdlib.h>
#include <string.h>

#include "http/url.h"

PyTypeObject *Pool_Type;

/* --- Connections. */

/* Remembers which hosts were asked. */
static bool
note_host(struct fast_connections *own, const char *url)
{
    size_t length = url_path_offset(url, strlen(url));
    for (int i = own->hosts_count - 1; i >= 0; i--) {
        if (strncmp(own->hosts[i], url, length) == 0 &&
            own->hosts[i][length] == '\0') {
            return true;
        }
    }
    size_t n = (size_t)own->hosts_count + 1;
    char **hosts = realloc(own->hosts, n * sizeof(*hosts));
    if (hosts != NULL) {
        own->hosts = hosts;
        hosts[n - 1] = strndup(url, length);
        own->hosts_count += hosts[n - 1] != NULL;
    }
    if (hosts == NULL || hosts[n - 1] == NULL) {
        PyErr_NoMemory();
        return false;
    }
    return true;
}

static void
forget_hosts(struct fast_connections *own)
{
    for (int i = 0; i < own->hosts_count; i++) {
        free(own->hosts[i]);
    }
    free(own->hosts);
    own->hosts = NULL;
    own->hosts_count = 0;
}

bool
fast_connections_open(struct fast_connections *own, const char *url)
{
    bool new = own->connections == NULL;
    if (connections_get(&own->connections) == NULL) {
        return false;
    }
    if (new && own->concurrency > 0) {
        connections_limit(own->connections, own->concurrency);
    }
    return note_host(own, url);
}

PyObject *
fast_connections_drop(struct fast_connections *own)
{
    forget_hosts(own);
    if (own->connections != NULL && !connections_drop_idle(own->connections)) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

void
fast_connections_free(struct fast_connections *own)
{
    forget_hosts(own);
    if (own->connections != NULL) {
        connections_close(own->connections);
    }
}

/* --- The pool. */

static PyObject *
pool_close(PoolObject *pool, PyObject *unused)
{
    return fast_connections_drop(&pool->own);
}

/* Up to the path: "http://host:port". */
static PyObject *
pool_hosts(PoolObject *pool, PyObject *unused)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && i < pool->own.hosts_count; i++) {
        PyObject *host = PyUnicode_FromString(pool->own.hosts[i]);
        if (host == NULL || PyList_Append(list, host) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(host);
    }
    return list;
}

static PyMethodDef pool_methods[] = {
    {"close", (PyCFunction)pool_close, METH_NOARGS,
     "Closes the connections; the next request opens new ones."},
    {"_hosts", (PyCFunction)pool_hosts, METH_NOARGS,
     "The hosts that requests went to, as URLs."},
    {NULL},
};

static int
pool_init(PoolObject *pool, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"concurrency", NULL};
    return PyArg_ParseTupleAndKeywords(args, kwargs, "i", words,
                                       &pool->own.concurrency)
               ? 0
               : -1;
}

static void
pool_dealloc(PoolObject *pool)
{
    PyTypeObject *type = Py_TYPE(pool);
    fast_connections_free(&pool->own);
    type->tp_free(pool);
    Py_DECREF(type);
}

static PyType_Slot pool_slots[] = {
    {Py_tp_doc, (void *)"ClientPoolBase(concurrency)\n\n"
                        "The native base of HTTPClientPool."},
    {Py_tp_init, pool_init},
    {Py_tp_dealloc, pool_dealloc},
    {Py_tp_methods, pool_methods},
    {0, NULL},
};

static PyType_Spec pool_spec = {
    .name = "_locust.ClientPoolBase",
    .basicsize = sizeof(PoolObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = pool_slots,
};

int
pool_module_exec(PyObject *module)
{
    Pool_Type = (PyTypeObject *)PyType_FromSpec(&pool_spec);
    return Pool_Type == NULL ? -1 : PyModule_AddType(module, Pool_Type);
}
