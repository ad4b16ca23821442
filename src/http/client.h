/*
 * The Python side of HTTP: the session, its calls, and how they are sent.
 */
#ifndef LOCUST_HTTP_CLIENT_H
#define LOCUST_HTTP_CLIENT_H

#include <Python.h>
#include <stdbool.h>

#include "http/call.h"
#include "http/cookie.h"
#include "http/engine.h"

/* The native base of HttpSession. What requests.Session keeps in attributes
   comes into being when it is first touched: NULL until then. */
typedef struct {
    PyObject_HEAD
    struct connections *connections;    /* NULL until the first request */
    struct cookie_jar *jar;     /* NULL until needed */
    PyObject *base_url;
    PyObject *request_event;
    PyObject *user;             /* or None */
    PyObject *request_name;     /* or None */
    PyObject *explicit_name;    /* of the last request, or None */
    PyObject *headers;          /* CaseInsensitiveDict */
    PyObject *cookies;          /* a view of the connections' jar */
    PyObject *auth;
    PyObject *params;
    PyObject *hooks;
    PyObject *proxies;
    PyObject *adapters;
    PyObject *verify;
    PyObject *cert;
    long max_redirects;
    bool stream;
    bool trust_env;
} SessionObject;

extern PyTypeObject *Session_Type;

/* helpers.c: functions of locust.clients, which holds what is Python's. */
struct client_helpers {
    PyObject *response_class;   /* ResponseContextManager */
    PyObject *encode_json;      /* (object) -> str */
    PyObject *encode_form;      /* (data) -> str or bytes */
    PyObject *prepare_url;      /* (url, params) -> str */
    PyObject *prepare;          /* (session, method, url, dict) ->
                                   (method, url, headers, body) */
    PyObject *merge_headers;    /* (session, headers) -> mapping */
    PyObject *basic_auth;       /* (pair or HTTPBasicAuth) -> str */
    PyObject *basic_auth_class; /* requests.auth.HTTPBasicAuth */
    PyObject *check_header;     /* (name, value): raises if it is bad */
    PyObject *split_timeout;    /* (timeout) -> (connect, read) */
    PyObject *cookie_items;     /* (cookies) -> [arguments of _cookie_set] */
    PyObject *passed_on;        /* exceptions that reach the task */
    PyObject *request_error;    /* requests.RequestException */
    PyObject *make_error;       /* (response, url, kind, code, message,
                                   timeout, received) -> (error,
                                   reported) */
    PyObject *http_error;       /* requests.exceptions.HTTPError */
    PyObject *response_error;   /* locust.exception.ResponseError */
    PyObject *catch_error;      /* locust.exception.CatchResponseError */
    PyObject *lazy;             /* (response, what) -> object */
    PyObject *loads;            /* json.loads of requests */
    PyObject *trust;            /* file of trusted certificates, or None */
};

extern struct client_helpers helpers;

/* The header lines of a session that nobody has touched. */
extern struct curl_slist *default_lines;

/* What urllib3 calls itself in requests that do not say who sends them. */
extern char *urllib3_agent;

/* build.c: the exchange that a call asks for, ready to be submitted. NULL with
   an exception set. */
struct exchange *build_exchange(SessionObject *session, struct call *call);

/* The same from what requests made of the call: (method, url, headers, body),
   borrowed. */
struct exchange *build_prepared(SessionObject *session, struct call *call,
                                PyObject *prepared);

/* build.c: what the fast client builds in the same way. False with an
   exception set. */
bool build_set_method(struct exchange *x, PyObject *method);
bool build_set_body(struct exchange *x, PyObject *body);  /* str or a buffer */
bool build_is_simple_form(PyObject *data);
bool build_append_form(struct buf *b, PyObject *data);    /* a simple one */

/* pyoptions.c: the options that a dict says, whose names are the fields of
   struct option_values; None is as good as nothing. A reference for the
   caller, NULL for the ordinary ones. False with an exception set. */
bool options_from_dict(PyObject *dict, const struct http_options **made);

/* session_cookies.c: puts a cookie into a jar. Its strings go out in Latin-1,
   as http.client sends them. From (domain, path, name, value, domain_given,
   path_given, secure, http_only, expires), or from a name and a value (str or
   None), sent everywhere. False with an exception set. */
bool cookie_put_tuple(struct cookie_jar *jar, PyObject *tuple);
bool cookie_put_pair(struct cookie_jar *jar, PyObject *name, PyObject *value);

/* session_cookies.c: the session's cookies, made if need be. NULL with an
   exception set. */
struct cookie_jar *session_jar(SessionObject *s);

/* session_cookies.c: a jar (NULL: an empty one) for Python: all cookies, the
   number of changes, setting and deleting some. */
PyObject *cookies_list(struct cookie_jar *jar);
PyObject *cookies_version(struct cookie_jar *jar);
PyObject *cookies_set(struct cookie_jar *jar, PyObject *args);
PyObject *cookies_delete(struct cookie_jar *jar, PyObject *args);

/* The same as methods of the session, for locust.clients. */
PyObject *session_cookie_list(SessionObject *s, PyObject *unused);
PyObject *session_cookie_version(SessionObject *s, PyObject *unused);
PyObject *session_cookie_set(SessionObject *s, PyObject *args);
PyObject *session_cookie_delete(SessionObject *s, PyObject *args);

/* perform.c: sends an exchange and waits until it is back. Parks. 0; or -1
   with an exception set, and then it takes the exchange over. */
int exchange_perform(struct exchange *x);

/* pyengine.c: opens the connections kept in a place if need be; starts the
   engine with the first ones. NULL with an exception set. */
struct connections *connections_get(struct connections **place);
struct connections *session_connections(SessionObject *session);

int session_module_exec(PyObject *module);
int perform_module_exec(PyObject *module);
int engine_module_exec(PyObject *module);
int helpers_module_exec(PyObject *module);

#endif
