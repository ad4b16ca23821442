/*
 * A session's cookies for Python: the methods of the native jar that
 * locust.clients makes a requests jar of.
 */
#include "config.h"
#include "http/client.h"

#include <string.h>

#include "http/cookie.h"

/* What came from a server, or None. */
static PyObject *
from_wire(const char *text)
{
    return text == NULL
               ? Py_NewRef(Py_None)
               : PyUnicode_DecodeLatin1(text, (Py_ssize_t)strlen(text), NULL);
}

static bool
list_cookie(const struct cookie *c, void *argument)
{
    PyObject *list = argument;
    PyObject *item = Py_BuildValue(
        "(NNNsNOOOOL)", from_wire(c->domain), from_wire(c->path),
        from_wire(c->name), "", from_wire(c->value),
        c->domain_given ? Py_True : Py_False,
        c->path_given ? Py_True : Py_False, c->secure ? Py_True : Py_False,
        c->http_only ? Py_True : Py_False, (long long)c->expires);
    bool ok = item != NULL && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
    return ok;
}

PyObject *
session_cookie_list(SessionObject *s, PyObject *unused)
{
    PyObject *list = PyList_New(0);
    if (list == NULL || s->connections == NULL) {
        return list;
    }
    /* Of a copy: making Python objects may run anything, such as code that
       uses the jar, and the I/O thread is not to wait for it. */
    struct cookie_jar *copy =
        cookie_jar_copy(connections_cookies(s->connections), NULL);
    if (copy == NULL) {
        Py_DECREF(list);
        return PyErr_NoMemory();
    }
    cookie_jar_visit(copy, list_cookie, list);
    cookie_jar_free(copy);
    if (PyErr_Occurred()) {
        Py_CLEAR(list);
    }
    return list;
}

PyObject *
session_cookie_version(SessionObject *s, PyObject *unused)
{
    unsigned version =
        s->connections == NULL
            ? 0
            : cookie_jar_version(connections_cookies(s->connections));
    return PyLong_FromUnsignedLong(version);
}

bool
cookie_from_python(PyObject *tuple, struct cookie *c)
{
    int domain_given, path_given, secure, http_only;
    long long expires;
    *c = (struct cookie){0};
    if (!PyArg_ParseTuple(tuple, "sssz" "pppp" "L", &c->domain, &c->path,
                          &c->name, &c->value, &domain_given, &path_given,
                          &secure, &http_only, &expires)) {
        return false;
    }
    c->domain_given = domain_given;
    c->path_given = path_given;
    c->secure = secure;
    c->http_only = http_only;
    c->expires = expires;
    return true;
}

PyObject *
session_cookie_set(SessionObject *s, PyObject *args)
{
    struct cookie c;
    if (!cookie_from_python(args, &c) || session_connections(s) == NULL) {
        return NULL;
    }
    if (!cookie_jar_set(connections_cookies(s->connections), &c)) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

PyObject *
session_cookie_delete(SessionObject *s, PyObject *args)
{
    const char *domain, *path, *name;
    if (!PyArg_ParseTuple(args, "zzz", &domain, &path, &name)) {
        return NULL;
    }
    int deleted = s->connections == NULL
                      ? 0
                      : cookie_jar_delete(connections_cookies(s->connections),
                                          domain, path, name);
    return PyLong_FromLong(deleted);
}
