/*
 * One call of a session's request(): its arguments, read from what Python
 * passes, for all kinds of sessions.
 */
#ifndef LOCUST_HTTP_CALL_H
#define LOCUST_HTTP_CALL_H

#include <Python.h>
#include <stddef.h>

/* Arguments as given; borrowed. NULL: absent. */
struct call {
    PyObject *method, *url;
    PyObject *name, *context, *catch_response;
    PyObject *data, *json, *params, *headers, *cookies, *auth, *timeout;
    PyObject *allow_redirects, *verify, *stream;
    PyObject *files, *hooks, *proxies, *cert;
    PyObject *others;           /* owned: dict of all other keywords */
};

/* A keyword that has a field of its own. */
struct keyword {
    PyObject **name;
    size_t offset;
};

#define CALL_KEYWORD(word) {&names.word, offsetof(struct call, word)}

/* What a kind of session makes of calls. */
struct client_kind {
    const struct keyword *keywords;
    size_t count;
    PyObject *request;          /* the type's own request() */
    PyObject *(*finish)(PyObject *session, struct call *call);
};

/* How the verbs differ. */
struct verb {
    PyObject *method;           /* interned, upper case */
    const char *name;
    int positional;             /* how many of url, data, json */
    PyObject *follow;           /* default of allow_redirects, or NULL */
};

/* Reads keyword arguments into the call: 0; or -1 with an exception set. Drop
   the call's others in either case. */
int call_set_keywords(const struct client_kind *kind, struct call *call,
                      PyObject *const *values, PyObject *names_of);

/* A verb: reads its arguments and calls the kind's finish(), which takes the
   call over; or, if request() was overridden or replaced, that. */
PyObject *call_verb(const struct client_kind *kind, PyObject *session,
                    const struct verb *verb, PyObject *const *args,
                    Py_ssize_t n, PyObject *names_of);

#endif
