/*
 * The Python side of a reply: what response.c, outcome.c and body.c share, and
 * what a session does with it.
 */
#ifndef LOCUST_HTTP_RESPONSE_H
#define LOCUST_HTTP_RESPONSE_H

#include "http/client.h"

/* The native base of the replies. */
typedef struct {
    PyObject_HEAD
    struct exchange *exchange;  /* owned, unless body has it; or NULL: then
                                   origin's */
    PyObject *body;             /* the Reply that reads a stream, or NULL */
    PyObject *origin;           /* the Response whose exchange this one is a
                                   redirect of, or NULL */
    struct reply *reply;        /* within exchange; NULL for failures */
    PyObject *hook;             /* the session's request_event, or NULL */
    PyObject *request_type;     /* the method as the caller wrote it */
    PyObject *name;             /* NULL for redirects on the way and copies */
    PyObject *context;          /* dict, or NULL: {} */
    PyObject *error;            /* what the request failed with, without a
                                   reply; or NULL */
    PyObject *refused;          /* fast: what the status stands for, or NULL */
    PyObject *reported;         /* what is reported: the error without its
                                   wrapping; fast: any failure; or NULL */
    PyObject *manual;           /* None, True or an exception */
    PyObject *content;          /* bytes, once asked for */
    PyObject *encoding;         /* str or None, once asked for or set */
    PyObject *request_meta;     /* dict, once asked for */
    PyObject *lazy;             /* dict: headers, cookies, url ... */
    PyObject *reported_url;     /* of one that requests made, or NULL */
    Py_ssize_t length;          /* of the body, as reported: of such ones,
                                   of streams and of FastHttpUser's */
    double start_time;          /* seconds since the epoch */
    double response_time;       /* ms */
    bool catch_response;
    bool entered;
    bool in_python;             /* requests' code has the body: raw gives it */
    bool fast;                  /* FastHttpUser's; see fast.h */
} ResponseObject;

extern PyTypeObject *Response_Type;

/* --- response.c */

/* A response for an exchange that has come back; takes it over. NULL with an
   exception set. */
PyObject *response_new(SessionObject *session, struct call *call,
                       struct exchange *x, double start_time);

/* A response for a request that requests refused to make, with the exception
   that says why. NULL with an exception set. */
PyObject *response_refused(SessionObject *session, struct call *call,
                           PyObject *error);

/* The reply whose URL the request event names, of a response with an
   exchange. */
const struct reply *response_reported(const ResponseObject *r);

/* That URL, of any response; NULL with an exception set. */
const char *response_reported_text(const ResponseObject *r);

/* Whether its session reports timings; and what they are, a new reference. */
static inline bool
response_is_timed(const ResponseObject *r)
{
    return r->exchange != NULL && r->exchange->timed;
}
PyObject *response_get_timings(ResponseObject *r, void *closure);

/* The length of the body that it names. */
Py_ssize_t response_length(const ResponseObject *r);

/* What replies show: [(name, value)], the words after the status, and of an
   exchange that has failed (kind, code, message, time limit, bytes of body
   received). New references. */
PyObject *header_items(const struct reply *reply);
PyObject *header_reason(const struct reply *reply);
PyObject *exchange_failure(const struct exchange *x);

/* HTTP status; 0 if there was no reply. */
int response_status(const ResponseObject *r);

/* What locust.clients makes of it. NULL with an exception set. */
PyObject *response_lazily(ResponseObject *r, const char *what);

/* The user's context() with the call's laid over it, a new reference; NULL
   without an exception for an empty one. */
PyObject *response_merge_context(PyObject *user, PyObject *given);

/* How an exchange failed, as a word for Python; and its message, a str. */
const char *response_error_kind(const struct exchange *x);
PyObject *response_error_message(const struct exchange *x);

/* Whether it failed when the header had come. */
bool response_broke_in_body(const struct exchange *x);

int response_module_exec(PyObject *module);

/* Attributes; a new reference. */
PyObject *response_get_url(ResponseObject *r, void *closure);
PyObject *response_get_reason(ResponseObject *r, void *closure);
PyObject *response_get_history(ResponseObject *r, void *closure);
PyObject *response_get_elapsed_seconds(ResponseObject *r, void *closure);
PyObject *response_get_request_meta(ResponseObject *r, void *closure);
int response_set_request_meta(ResponseObject *r, PyObject *value,
                              void *closure);

/* An attribute that Python makes, closure its name: looked up among those that
   were asked for or set before. */
PyObject *response_get_lazy(ResponseObject *r, void *closure);
int response_set_lazy(ResponseObject *r, PyObject *value, void *closure);

/* Methods. */
PyObject *response_header_items(ResponseObject *r, PyObject *unused);
PyObject *response_request_info(ResponseObject *r, PyObject *unused);

/* Slots of the types that are made of ResponseObjects. */
int response_traverse(ResponseObject *r, visitproc visit, void *arg);
int response_clear(ResponseObject *r);
void response_dealloc(ResponseObject *r);

/* --- adopt.c */

/* One of ours for the response that requests made of a call, whose name call
   has. NULL with an exception set. */
PyObject *response_adopt(SessionObject *session, struct call *call,
                         PyObject *plain, double start_time,
                         double response_time);

/* For Python: one of ours for any response of requests, not reported. */
PyObject *response_of(PyObject *unused, PyObject *plain);

/* --- transport.c */

/* A Reply for a streamed exchange, which it takes over. NULL with an exception
   set. */
PyObject *reply_object_new(struct exchange *x);

/* --- outcome.c */

/* Decides success or failure and fires the request event. 0, or -1 with an
   exception set that is to leave the call. */
int response_report(ResponseObject *r);

/* What bool() says: 1, 0, or -1 with the exception that it failed with. */
int response_is_true(ResponseObject *r);

/* Methods. */
PyObject *response_enter(ResponseObject *r, PyObject *unused);
PyObject *response_exit(ResponseObject *r, PyObject *args);
PyObject *response_success(ResponseObject *r, PyObject *unused);
PyObject *response_failure(ResponseObject *r, PyObject *args,
                           PyObject *kwargs);
PyObject *response_report_meta(ResponseObject *r, PyObject *args,
                               PyObject *kwargs);
PyObject *response_raise_for_status(ResponseObject *r, PyObject *unused);

/* --- body.c */

/* The bytes of the body, the exchange's; empty for failures. */
const char *response_body(const ResponseObject *r, Py_ssize_t *length);

/* Attributes and methods. */
PyObject *response_get_content(ResponseObject *r, void *closure);
PyObject *response_get_kept(ResponseObject *r, void *closure);
int response_set_content(ResponseObject *r, PyObject *value, void *closure);
PyObject *response_get_encoding(ResponseObject *r, void *closure);
int response_set_encoding(ResponseObject *r, PyObject *value, void *closure);
PyObject *response_get_text(ResponseObject *r, void *closure);
PyObject *response_json(ResponseObject *r, PyObject *args, PyObject *kwargs);

#endif
