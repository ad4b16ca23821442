/*
 * Cookies for Python: the native jar, which a session, the exchanges that it
 * has out and the requests jar that locust.clients makes of it share.
 */
#include "config.h"
#include "http/client.h"

#include <stddef.h>
#include <string.h>
#include <structmember.h>

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
cookies_list(struct cookie_jar *jar)
{
    PyObject *list = PyList_New(0);
    if (list == NULL || jar == NULL) {
        return list;
    }
    /* Of a copy: making Python objects may run anything, such as code that
       uses the jar, and the I/O thread is not to wait for it. */
    struct cookie_jar *copy = cookie_jar_copy(jar, NULL);
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
cookies_version(struct cookie_jar *jar)
{
    return PyLong_FromUnsignedLong(jar == NULL ? 0 : cookie_jar_version(jar));
}

/* Raises what http.client raises for a header that it cannot send. */
static void
refuse_pair(PyObject *name, PyObject *value)
{
    PyErr_Clear();
    PyObject *pair = value == Py_None
                         ? Py_NewRef(name)
                         : PyUnicode_FromFormat("%U=%U", name, value);
    PyObject *bytes = pair == NULL ? NULL : PyUnicode_AsLatin1String(pair);
    if (bytes != NULL) {
        PyErr_Format(PyExc_ValueError, "Invalid header value %R", bytes);
    }
    Py_XDECREF(pair);
    Py_XDECREF(bytes);
}

/* As it goes on the wire; NULL with an exception set. */
static char *
to_wire(PyObject *text, PyObject **keep)
{
    char *bytes;
    *keep = PyUnicode_AsLatin1String(text);
    return *keep != NULL && PyBytes_AsStringAndSize(*keep, &bytes, NULL) == 0
               ? bytes
               : NULL;
}

/* Whether it would begin another header line, by http.client's rule. */
static bool
breaks_line(const char *text)
{
    const char *end = text != NULL ? strpbrk(text, "\r\n") : NULL;
    while (end != NULL) {
        char next = end[1];
        if (next != ' ' && next != '\t' && !(*end == '\r' && next == '\n')) {
            return true;
        }
        end = strpbrk(end + 1, "\r\n");
    }
    return false;
}

/* Fills in those strings that are given; keep holds them. */
static bool
encode_strings(struct cookie *c, PyObject *const strings[4], PyObject **keep)
{
    char **const wanted[] = {&c->domain, &c->path, &c->name, &c->value};
    for (int i = 0; i < 4; i++) {
        if (strings[i] == NULL || strings[i] == Py_None) {
            continue;
        }
        *wanted[i] = to_wire(strings[i], &keep[i]);
        if (*wanted[i] == NULL) {
            if (i >= 2) {
                refuse_pair(strings[2], strings[3]);
            }
            return false;
        }
    }
    if (breaks_line(c->name) || breaks_line(c->value)) {
        refuse_pair(strings[2], strings[3]);
        return false;
    }
    return true;
}

/* Puts a cookie into a jar, whose strings are Python's: domain, path, name,
   value. NULL leaves what is there; the value may be None. */
static bool
put_cookie(struct cookie_jar *jar, struct cookie *c,
           PyObject *const strings[4])
{
    PyObject *keep[4] = {NULL};
    bool ok = encode_strings(c, strings, keep);
    if (ok && !cookie_jar_set(jar, c)) {
        PyErr_NoMemory();
        ok = false;
    }
    for (int i = 0; i < 4; i++) {
        Py_XDECREF(keep[i]);
    }
    return ok;
}

bool
cookie_put_pair(struct cookie_jar *jar, PyObject *name, PyObject *value)
{
    struct cookie c = {.domain = (char *)"", .path = (char *)"/"};
    if (!PyUnicode_Check(value) && value != Py_None) {
        PyErr_Format(PyExc_TypeError,
                     "expected string or bytes-like object, got '%.100s'",
                     _PyType_Name(Py_TYPE(value)));
        return false;
    }
    PyObject *text = PyObject_Str(name);
    PyObject *strings[4] = {NULL, NULL, text, value};
    bool ok = text != NULL && put_cookie(jar, &c, strings);
    Py_XDECREF(text);
    return ok;
}

bool
cookie_put_tuple(struct cookie_jar *jar, PyObject *tuple)
{
    PyObject *strings[4];
    int domain_given, path_given, secure, http_only;
    long long expires;
    if (!PyArg_ParseTuple(tuple, "UUOO" "pppp" "L", &strings[0], &strings[1],
                          &strings[2], &strings[3], &domain_given,
                          &path_given, &secure, &http_only, &expires)) {
        return false;
    }
    if (strings[3] != Py_None && !PyUnicode_Check(strings[3])) {
        PyErr_Format(PyExc_TypeError,
                     "a cookie's value must be a str, not %.100s",
                     _PyType_Name(Py_TYPE(strings[3])));
        return false;
    }
    struct cookie c = {
        .domain_given = domain_given,
        .path_given = path_given,
        .secure = secure,
        .http_only = http_only,
        .expires = expires,
    };
    strings[2] = PyObject_Str(strings[2]);
    bool ok = strings[2] != NULL && put_cookie(jar, &c, strings);
    Py_XDECREF(strings[2]);
    return ok;
}

PyObject *
cookies_set(struct cookie_jar *jar, PyObject *args)
{
    if (!cookie_put_tuple(jar, args)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* One name of the cookies to be deleted; NULL for None. False for what no
   cookie can be called. */
static bool
deleted_name(PyObject *text, PyObject **keep, const char **name)
{
    *name = text == Py_None ? NULL : to_wire(text, keep);
    bool ok = text == Py_None || *name != NULL;
    PyErr_Clear();
    return ok;
}

PyObject *
cookies_delete(struct cookie_jar *jar, PyObject *args)
{
    PyObject *given[3], *keep[3] = {NULL};
    const char *name[3];
    if (!PyArg_ParseTuple(args, "OOO", &given[0], &given[1], &given[2])) {
        return NULL;
    }
    int deleted = 0;
    if (jar != NULL && deleted_name(given[0], &keep[0], &name[0]) &&
        deleted_name(given[1], &keep[1], &name[1]) &&
        deleted_name(given[2], &keep[2], &name[2])) {
        deleted = cookie_jar_delete(jar, name[0], name[1], name[2]);
    }
    for (int i = 0; i < 3; i++) {
        Py_XDECREF(keep[i]);
    }
    return PyLong_FromLong(deleted);
}

/* --- The type. */

PyDoc_STRVAR(jar_cookies_doc,
             "_cookie_list()\n\nAll of them: [(domain, path, name, '', value, "
             "domain_given, path_given, secure, http_only, expires)].");

static PyObject *
jar_cookies(CookieJarObject *j, PyObject *unused)
{
    return cookies_list(j->jar);
}

static PyObject *
jar_version(CookieJarObject *j, PyObject *unused)
{
    return cookies_version(j->jar);
}

PyDoc_STRVAR(jar_set_doc,
             "_cookie_set(domain, path, name, value, domain_given, path_given, "
             "secure, http_only, expires)\n\nSets one.");

static PyObject *
jar_set(CookieJarObject *j, PyObject *args)
{
    return cookies_set(j->jar, args);
}

PyDoc_STRVAR(jar_delete_doc,
             "_cookie_delete(domain, path, name)\n\n"
             "Deletes what matches; None matches all. Returns how many.");

static PyObject *
jar_delete(CookieJarObject *j, PyObject *args)
{
    return cookies_delete(j->jar, args);
}

PyTypeObject *CookieJar_Type;

static PyObject *
jar_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    CookieJarObject *j = (CookieJarObject *)type->tp_alloc(type, 0);
    if (j != NULL && (j->jar = cookie_jar_new()) == NULL) {
        Py_DECREF(j);
        return PyErr_NoMemory();
    }
    return (PyObject *)j;
}

static void
jar_dealloc(CookieJarObject *j)
{
    PyTypeObject *type = Py_TYPE(j);
    cookie_jar_free(j->jar);
    type->tp_free(j);
    Py_DECREF(type);
}

CookieJarObject *
session_jar(SessionObject *s)
{
    if (s->jar == NULL) {
        s->jar = (CookieJarObject *)jar_new(CookieJar_Type, NULL, NULL);
    }
    return s->jar;
}

static PyMethodDef jar_methods[] = {
    {"_cookie_list", (PyCFunction)jar_cookies, METH_NOARGS, jar_cookies_doc},
    {"_cookie_version", (PyCFunction)jar_version, METH_NOARGS,
     "A number that changes when the cookies do."},
    {"_cookie_set", (PyCFunction)jar_set, METH_VARARGS, jar_set_doc},
    {"_cookie_delete", (PyCFunction)jar_delete, METH_VARARGS, jar_delete_doc},
    {NULL},
};

static PyMemberDef jar_members[] = {
    {"strange", T_BOOL, offsetof(CookieJarObject, strange), 0,
     "Whether Python must apply the rules, because they are not the usual "
     "ones."},
    {NULL},
};

PyDoc_STRVAR(jar_doc,
             "CookieJar()\n\nCookies that the I/O threads see, for "
             "locust.clients.");

static PyType_Slot jar_slots[] = {
    {Py_tp_doc, (void *)jar_doc},
    {Py_tp_new, jar_new},
    {Py_tp_dealloc, jar_dealloc},
    {Py_tp_methods, jar_methods},
    {Py_tp_members, jar_members},
    {0, NULL},
};

static PyType_Spec jar_spec = {
    .name = "_locust.CookieJar",
    .basicsize = sizeof(CookieJarObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = jar_slots,
};

int
session_cookies_module_exec(PyObject *module)
{
    CookieJar_Type = (PyTypeObject *)PyType_FromSpec(&jar_spec);
    return CookieJar_Type == NULL ? -1
                                  : PyModule_AddType(module, CookieJar_Type);
}
