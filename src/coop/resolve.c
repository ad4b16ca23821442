/*
 * Name lookup off the hub: _socket.getaddrinfo() and kin are called on another
 * OS thread, unless the host is an address already, and nobody needs to be
 * asked.
 *
 * The functions that replace them have the original as their self.
 */
#include "config.h"
#include "coop/coop.h"
#include "coop/internal.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "base/lookup.h"
#include "green/green.h"

static const char *
host_text(PyObject *host)
{
    const char *text = NULL;
    if (PyUnicode_Check(host)) {
        text = PyUnicode_AsUTF8(host);
        if (text == NULL) {
            PyErr_Clear();
        }
    }
    else if (PyBytes_Check(host)) {
        text = PyBytes_AS_STRING(host);
    }
    return text;
}

/* Whether a host needs no lookup: an address, nothing, or what is no host. */
static bool
is_known(PyObject *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    const char *text = host_text(host);
    return text == NULL || *text == '\0' || strcmp(text, "<broadcast>") == 0 ||
           inet_pton(AF_INET, text, address) == 1 ||
           inet_pton(AF_INET6, text, address) == 1;
}

static PyObject *
keywords_as_dict(PyObject *const *values, PyObject *kwnames)
{
    PyObject *dict = PyDict_New();
    for (Py_ssize_t i = 0; dict != NULL && i < PyTuple_GET_SIZE(kwnames);
         i++) {
        if (PyDict_SetItem(dict, PyTuple_GET_ITEM(kwnames, i), values[i]) <
            0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

static PyObject *
offload_vector(PyObject *original, PyObject *const *args, Py_ssize_t n,
               PyObject *kwnames)
{
    PyObject *kwargs = NULL, *r = NULL;
    PyObject *tuple = PyTuple_New(n);
    for (Py_ssize_t i = 0; tuple != NULL && i < n; i++) {
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    }
    if (kwnames != NULL) {
        kwargs = keywords_as_dict(args + n, kwnames);
    }
    if (tuple != NULL && (kwnames == NULL || kwargs != NULL)) {
        r = offload_call(OFFLOAD_LOOKUP, original, tuple, kwargs);
    }
    Py_XDECREF(tuple);
    Py_XDECREF(kwargs);
    return r;
}

/* getaddrinfo(), gethostbyname(), gethostbyname_ex(). */
static PyObject *
resolve_name(PyObject *original, PyObject *const *args, Py_ssize_t n,
             PyObject *kwnames)
{
    if (green_current() == NULL || n < 1 || is_known(args[0])) {
        return PyObject_Vectorcall(original, args, (size_t)n, kwnames);
    }
    return offload_vector(original, args, n, kwnames);
}

/* gethostbyaddr(). */
static PyObject *
resolve_number(PyObject *original, PyObject *const *args, Py_ssize_t n,
               PyObject *kwnames)
{
    if (green_current() == NULL) {
        return PyObject_Vectorcall(original, args, (size_t)n, kwnames);
    }
    return offload_vector(original, args, n, kwnames);
}

/* getnameinfo(address, flags). */
static PyObject *
resolve_info(PyObject *original, PyObject *const *args, Py_ssize_t n,
             PyObject *kwnames)
{
    long flags = n < 2 ? NI_NUMERICHOST : PyLong_AsLong(args[1]);
    PyErr_Clear();
    if (green_current() == NULL || (flags & NI_NUMERICHOST)) {
        return PyObject_Vectorcall(original, args, (size_t)n, kwnames);
    }
    return offload_vector(original, args, n, kwnames);
}

static PyMethodDef resolvers[] = {
    METHOD("getaddrinfo", resolve_name, FASTCALL_KEYWORDS),
    METHOD("gethostbyname", resolve_name, FASTCALL_KEYWORDS),
    METHOD("gethostbyname_ex", resolve_name, FASTCALL_KEYWORDS),
    METHOD("gethostbyaddr", resolve_number, FASTCALL_KEYWORDS),
    METHOD("getnameinfo", resolve_info, FASTCALL_KEYWORDS),
    {NULL},
};

PyDoc_STRVAR(resolver_doc,
             "resolver(name, original)\n\n"
             "What takes the place of the function of that name in _socket.");

static PyObject *
py_resolver(PyObject *module, PyObject *args)
{
    const char *name;
    PyObject *original;
    if (!PyArg_ParseTuple(args, "sO", &name, &original)) {
        return NULL;
    }
    for (PyMethodDef *def = resolvers; def->ml_name != NULL; def++) {
        if (strcmp(def->ml_name, name) == 0) {
            return PyCFunction_New(def, original);
        }
    }
    PyErr_Format(PyExc_ValueError, "no such function: %s", name);
    return NULL;
}

/* --- Addresses with names in them. */

/* The host of what getaddrinfo() has found first, as an address. */
static PyObject *
first_host(PyObject *found)
{
    PyObject *info = PySequence_GetItem(found, 0);
    PyObject *address = info == NULL ? NULL : PySequence_GetItem(info, 4);
    PyObject *host = address == NULL ? NULL : PySequence_GetItem(address, 0);
    Py_XDECREF(info);
    Py_XDECREF(address);
    return host;
}

static PyObject *
look_up(PyObject *host, int family)
{
    PyObject *getaddrinfo = lookup("_socket", "getaddrinfo");
    PyObject *found = getaddrinfo == NULL ? NULL : PyObject_CallFunction(
        getaddrinfo, "OOi", host, Py_None, family);
    Py_XDECREF(getaddrinfo);
    PyObject *address = found == NULL ? NULL : first_host(found);
    Py_XDECREF(found);
    return address;
}

PyObject *
resolve_address(PyObject *sock, PyObject *address)
{
    if (!PyTuple_Check(address) || PyTuple_GET_SIZE(address) < 2) {
        return Py_NewRef(address);
    }
    PyObject *family = PyObject_GetAttrString(sock, "family");
    long number = family == NULL ? -1 : PyLong_AsLong(family);
    Py_XDECREF(family);
    if (number < 0) {
        return NULL;
    }
    PyObject *host = PyTuple_GET_ITEM(address, 0);  /* borrowed */
    if ((number != AF_INET && number != AF_INET6) || is_known(host)) {
        return Py_NewRef(address);
    }
    PyObject *found = look_up(host, (int)number);
    PyObject *rest = found == NULL ? NULL : PyTuple_GetSlice(
        address, 1, PyTuple_GET_SIZE(address));
    PyObject *first = rest == NULL ? NULL : PyTuple_Pack(1, found);
    PyObject *result = first == NULL ? NULL : PySequence_Concat(first, rest);
    Py_XDECREF(found);
    Py_XDECREF(rest);
    Py_XDECREF(first);
    return result;
}

static PyMethodDef functions[] = {
    {"resolver", py_resolver, METH_VARARGS, resolver_doc},
    {NULL},
};

int
resolve_module_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
