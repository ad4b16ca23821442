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

/* The options that verify= and cert= of the last request with files meant. */
struct tls_choice {
    PyObject *verify, *cert;    /* NULL: none is kept */
    bool secure;                /* it was https */
    const struct http_options *made;
};

/* Connections that requests may share: a session's own, or those of urllib3's
   pools (transport.c). */
typedef struct {
    PyObject_HEAD
    struct connections *connections;    /* NULL until the first request */
    PyObject *options;          /* dict for options_from_dict(), or NULL */
    const struct http_options *made;    /* the same; a reference */
    struct tls_choice tls;
} TransportObject;

/* Cookies, as sessions and what shows them to Python share them. */
typedef struct {
    PyObject_HEAD
    struct cookie_jar *jar;
    bool strange;               /* its rules are not ours: Python applies
                                   them */
} CookieJarObject;

/* The native base of HttpSession. What requests.Session keeps in attributes
   comes into being when it is first touched: NULL until then. */
typedef struct {
    PyObject_HEAD
    TransportObject *transport; /* NULL until the first request */
    CookieJarObject *jar;       /* NULL until there are cookies to keep, or
                                   somebody's own jar keeps them */
    PyObject *base_url;
    PyObject *request_event;
    PyObject *user;             /* or None */
    PyObject *request_name;     /* or None */
    PyObject *explicit_name;    /* of the last request, or None */
    PyObject *headers;          /* CaseInsensitiveDict */
    PyObject *cookies;          /* what shows jar; without jar: their own */
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
    bool report_timings;
    bool shared;                /* the transport is also others' */
    bool replaced;              /* an attribute stands for a method that native
                                   requests would not call */
} SessionObject;

extern PyTypeObject *Session_Type;
extern PyTypeObject *Transport_Type;
extern PyTypeObject *CookieJar_Type;

/* helpers.c: functions of locust.clients, which holds what is Python's. */
struct client_helpers {
    PyObject *response_class;   /* ResponseContextManager */
    PyObject *encode_json;      /* (object) -> str */
    PyObject *encode_form;      /* (data) -> str or bytes */
    PyObject *prepare_url;      /* (url, params) -> str */
    PyObject *prepare;          /* (session, method, url, dict) ->
                                   (method, url, headers, body, request), or
                                   the response if requests has sent it */
    PyObject *send_slowly;      /* (session, method, url, dict) -> response */
    PyObject *describe;         /* (response, url as given, its stream) ->
                                   (url, name, length, ms or None) */
    PyObject *adapters_are_ours;        /* (session) -> bool */
    PyObject *close_adapters;   /* (session) */
    PyObject *adopt_cookies;    /* (session, value) -> (cookies, CookieJar or
                                   None) */
    PyObject *aborted;          /* (request, cause) -> exception of requests */
    PyObject *unwrap;           /* (exception) -> what is left of it */
    PyObject *tls_options;      /* (url, verify, cert) -> dict for
                                   options_from_dict() */
    PyObject *adapter_class;    /* requests.adapters.HTTPAdapter */
    PyObject *adapter_send;     /* its send() */
    PyObject *own_methods;      /* tuple of what a session may not replace if
                                   its requests are to be native */
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
    PyObject *body_source;      /* (body) -> [bytes or (descriptor, offset,
                                   length)] or (iterable, length, rewind) */
    PyObject *loads;            /* json.loads of requests */
    PyObject *trust;            /* file of trusted certificates, or None */
};

extern struct client_helpers helpers;

/* The header lines of a session that nobody has touched. */
extern struct curl_slist *default_lines;

/* What urllib3 calls itself in requests that do not say who sends them, and
   whether it says so before all other lines, as its version 2 does. */
extern char *urllib3_agent;
extern bool urllib3_agent_first;

/* build.c: the exchange that a call asks for, ready to be submitted. NULL with
   an exception set. */
struct exchange *build_exchange(SessionObject *session, struct call *call);

/* The same from what requests made of the call: (method, url, headers, body
   ...), borrowed. */
struct exchange *build_prepared(SessionObject *session, struct call *call,
                                PyObject *prepared);

/* One request without a session: no cookies are looked at, and nothing is
   followed. timeouts is a pair of seconds or None; options (dict or NULL) are
   those of options_from_dict(). */
struct exchange *build_hop(TransportObject *transport, PyObject *prepared,
                           PyObject *timeouts, PyObject *verify,
                           PyObject *options);

/* build_body.c: the body of a request from anything that requests sends: bytes,
   str, a file, an iterable. False with an exception set. */
bool build_set_body(struct exchange *x, PyObject *body);
bool build_text(struct exchange *x, const char *bytes, size_t length);

/* build.c: what the fast client builds in the same way. False with an
   exception set. */
bool build_set_method(struct exchange *x, PyObject *method);
int build_max_redirects(long most);     /* cut to what fits */
double build_seconds(double limit);     /* 0 for one that nobody lives to see */
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

/* session_call.c: the methods of a session. */
#define SESSION_CALL(name)                                                    \
    PyObject *http_session_##name(SessionObject *s, PyObject *const *args,    \
                                  Py_ssize_t n, PyObject *names_of)
SESSION_CALL(request);
SESSION_CALL(get);
SESSION_CALL(options);
SESSION_CALL(head);
SESSION_CALL(post);
SESSION_CALL(put);
SESSION_CALL(patch);
SESSION_CALL(delete);

/* session_call.c: remembers what the session's type has of its own. 0 or -1. */
int calls_init(PyObject *session_type);

/* session_cookies.c: the cookies of a session, made if need be; borrowed. NULL
   with an exception set. */
CookieJarObject *session_jar(SessionObject *session);

/* session_cookies.c: a jar (NULL: an empty one) for Python: all cookies, the
   number of changes, setting and deleting some. */
PyObject *cookies_list(struct cookie_jar *jar);
PyObject *cookies_version(struct cookie_jar *jar);
PyObject *cookies_set(struct cookie_jar *jar, PyObject *args);
PyObject *cookies_delete(struct cookie_jar *jar, PyObject *args);

/* perform.c: sends an exchange and waits until it is back. Parks. 0; or -1
   with an exception set, and then it takes the exchange over. */
int exchange_perform(struct exchange *x);

/* pyengine.c: opens the connections kept in a place if need be; starts the
   engine with the first ones. NULL with an exception set. */
struct connections *connections_get(struct connections **place);

/* transport.c: the session's own, made if need be; borrowed. NULL with an
   exception set. */
TransportObject *session_transport(SessionObject *session);

/* transport.c: what an exchange asks of the connections: what the dict says
   (NULL: nothing), and for the rest the transport. False with an exception
   set. */
bool transport_options(TransportObject *transport, PyObject *options,
                       const struct http_options **made);

/* The same, with the files that verify= and cert= name. Files that are not there
   raise OSError, as in requests. */
bool transport_tls_options(TransportObject *transport, const char *url,
                           PyObject *verify, PyObject *cert,
                           const struct http_options **made);

/* transport.c: closes the connections once none is in use; NULL is allowed. 0,
   or -1 with an exception set. */
int transport_close(TransportObject *transport);

/* leave.c: the green thread of a user has ended. Closes the connections of the
   sessions that it keeps in its attributes and that are its own, once none is
   in use. 0, or -1 with an exception set. */
int http_user_left(PyObject *user);

int session_module_exec(PyObject *module);
int transport_module_exec(PyObject *module);
int session_cookies_module_exec(PyObject *module);
int perform_module_exec(PyObject *module);
int engine_module_exec(PyObject *module);
int helpers_module_exec(PyObject *module);

#endif
