/* Reading the arguments of a session's calls; see call.h. */
#include "config.h"
#include "http/call.h"

#include "base/names.h"
#include "base/pycompat.h"

/* url, data and json, as far as a verb takes them so. */
#define MOST_POSITIONAL 3

static PyObject **
slot_of(struct call *call, const struct keyword *keyword)
{
    return (PyObject **)((char *)call + keyword->offset);
}

/* By identity first: keywords are interned. */
static PyObject **
find_slot(const struct client_kind *kind, struct call *call, PyObject *name)
{
    for (size_t i = 0; i < kind->count; i++) {
        if (*kind->keywords[i].name == name) {
            return slot_of(call, &kind->keywords[i]);
        }
    }
    for (size_t i = 0; i < kind->count; i++) {
        if (PyUnicode_Compare(*kind->keywords[i].name, name) == 0) {
            return slot_of(call, &kind->keywords[i]);
        }
    }
    return NULL;
}

static int
set_keyword(const struct client_kind *kind, struct call *call, PyObject *name,
            PyObject *value)
{
    PyObject **slot = find_slot(kind, call, name);
    if (slot != NULL) {
        if (*slot != NULL) {
            PyErr_Format(PyExc_TypeError,
                         "got multiple values for argument '%U'", name);
            return -1;
        }
        *slot = value;
        return 0;
    }
    if (call->others == NULL && (call->others = PyDict_New()) == NULL) {
        return -1;
    }
    return PyDict_SetItem(call->others, name, value);
}

int
call_set_keywords(const struct client_kind *kind, struct call *call,
                  PyObject *const *values, PyObject *names_of)
{
    Py_ssize_t n = names_of == NULL ? 0 : PyTuple_GET_SIZE(names_of);
    for (Py_ssize_t i = 0; i < n; i++) {
        if (set_keyword(kind, call, PyTuple_GET_ITEM(names_of, i),
                        values[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- Verbs. */

/* All that was passed by keyword, as a dict again. */
static PyObject *
keywords_of(const struct client_kind *kind, struct call *c)
{
    PyObject *kwargs = c->others != NULL ? Py_NewRef(c->others) : PyDict_New();
    for (size_t i = 0; kwargs != NULL && i < kind->count; i++) {
        PyObject *value = *slot_of(c, &kind->keywords[i]);
        if (value != NULL && PyDict_SetItem(kwargs, *kind->keywords[i].name,
                                            value) < 0) {
            Py_CLEAR(kwargs);
        }
    }
    return kwargs;
}

/* Somebody's own request() gets the arguments as the Python original would
   pass them. */
static PyObject *
call_replaced(const struct client_kind *kind, struct method *request,
              PyObject *session, struct call *c, const struct verb *verb)
{
    PyObject *method = verb->method;
    PyObject *url = c->url != NULL ? c->url : Py_None;
    c->method = c->url = NULL;
    PyObject *kwargs = keywords_of(kind, c);
    PyObject *args = kwargs == NULL     ? NULL
                     : request->unbound ? PyTuple_Pack(3, session, method, url)
                                        : PyTuple_Pack(2, method, url);
    PyObject *result =
        args == NULL ? NULL : PyObject_Call(request->function, args, kwargs);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return result;
}

/* Calls finish(), or what has taken the place of request(). The call's own
   reference is gone then. */
static PyObject *
make_call(const struct client_kind *kind, PyObject *session, struct call *c,
          const struct verb *verb)
{
    struct method request;
    PyObject *result = NULL;
    if (method_find(session, names.request, &request) < 0) {
        Py_CLEAR(c->others);
        return NULL;
    }
    if (c->allow_redirects == NULL) {
        c->allow_redirects = verb->follow;
    }
    if (request.function == kind->request) {
        c->method = verb->method;
        result = kind->finish(session, c);
    }
    else {
        result = call_replaced(kind, &request, session, c, verb);
        Py_CLEAR(c->others);
    }
    Py_DECREF(request.function);
    return result;
}

PyObject *
call_verb(const struct client_kind *kind, PyObject *session,
          const struct verb *verb, PyObject *const *args, Py_ssize_t n,
          PyObject *names_of)
{
    struct call c = {0};
    PyObject **const positional[MOST_POSITIONAL] = {&c.url, &c.data, &c.json};
    if (n > verb->positional || n > MOST_POSITIONAL) {
        PyErr_Format(PyExc_TypeError,
                     "%s() takes at most %d positional arguments (%zd given)",
                     verb->name, verb->positional, n);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        *positional[i] = args[i];
    }
    if (call_set_keywords(kind, &c, args + n, names_of) < 0) {
        Py_XDECREF(c.others);
        return NULL;
    }
    return make_call(kind, session, &c, verb);
}
