/*
 * What becomes of a user's connections when it ends.
 *
 * A user and its sessions refer to one another, so that only the cyclic
 * collector frees them; but a server must not have to keep the connections of
 * users that are gone for as long as that. Sessions stay usable: a further
 * request opens new ones.
 */
#include "config.h"
#include "http/client.h"
#include "http/fast.h"

static int
leave_session(SessionObject *s, PyObject *user)
{
    return s->user == user && !s->shared ? transport_close(s->transport) : 0;
}

static int
leave_fast_session(FastSessionObject *s, PyObject *user)
{
    return s->user == user && s->client != NULL ? agent_leave(s->client) : 0;
}

/* The attributes themselves, not what a property makes of them. No Python code
   runs here. */
static int
leave_all(PyObject *attributes, PyObject *user)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    int result = 0;
    while (result == 0 && PyDict_Next(attributes, &at, &name, &value)) {
        if (PyObject_TypeCheck(value, Session_Type)) {
            result = leave_session((SessionObject *)value, user);
        }
        else if (PyObject_TypeCheck(value, FastSession_Type)) {
            result = leave_fast_session((FastSessionObject *)value, user);
        }
    }
    return result;
}

int
http_user_left(PyObject *user)
{
    PyObject *attributes = PyObject_GenericGetDict(user, NULL);
    if (attributes == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
            return -1;
        }
        PyErr_Clear();          /* a class without instance dict */
        return 0;
    }
    int result = leave_all(attributes, user);
    Py_DECREF(attributes);
    return result;
}
