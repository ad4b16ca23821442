/*
 * The native half of FastHttpUser's client (locust.contrib.fasthttp): what its
 * files share.
 *
 * A session reports requests; its user agent has the settings, the cookies and
 * the connections, as in geventhttpclient, whose behaviour this reproduces.
 * Replies are ResponseObjects like those of HttpSession, marked as fast.
 */
#ifndef LOCUST_HTTP_FAST_H
#define LOCUST_HTTP_FAST_H

#include "http/client.h"
#include "http/response.h"

/* Connections, and what HTTPClientPool tells of them. */
struct fast_connections {
    struct connections *connections;    /* NULL until the first request */
    char **hosts;               /* owned: "http://host:port" that were asked */
    int hosts_count;
    int concurrency;            /* requests at a time to one host; 0: any */
};

/* The native base of HTTPClientPool. */
typedef struct {
    PyObject_HEAD
    struct fast_connections own;
} PoolObject;

/* The native base of UserAgent. */
typedef struct {
    PyObject_HEAD
    struct fast_connections own;        /* unless there is a pool */
    PoolObject *pool;           /* NULL until somebody gives or wants one */
    struct cookie_jar *jar;     /* a reference; NULL until needed */
    PyObject *default_headers;  /* Headers; NULL: nobody has touched them */
    PyObject *cookiejar;        /* a view of jar; NULL until touched, None:
                                   cookies are not looked at */
    long max_redirects;
    long max_retries;
    double retry_delay;         /* seconds */
    double connection_timeout;  /* seconds; 0: none */
    double network_timeout;
    const struct http_options *options; /* a reference, or NULL */
    bool verify;                /* certificates; once it is set up */
    bool set_up;                /* options and verify are there */
} AgentObject;

/* The native base of FastHttpSession. */
typedef struct {
    PyObject_HEAD
    AgentObject *client;        /* never NULL once it is complete */
    PyObject *base_url;
    PyObject *request_event;
    PyObject *user;             /* or None */
    PyObject *request_name;     /* or None */
    PyObject *auth_header;      /* str or None */
    bool report_timings;
} FastSessionObject;

/* What a call asks for besides the exchange. */
struct fast_options {
    bool usual_codes;           /* valid_response_codes is the usual set */
    long max_retries;
    PyObject *debug_stream;     /* borrowed, or NULL */
};

/* Functions and classes of locust.contrib.fasthttp. */
struct fast_helpers {
    PyObject *response_class;   /* FastResponse */
    PyObject *error_class;      /* ErrorResponse */
    PyObject *context_class;    /* ResponseContextManager */
    PyObject *valid_codes;      /* the usual ones: a frozenset */
    PyObject *redirect_codes;   /* the same */
    PyObject *default_headers;  /* () -> Headers */
    PyObject *options;          /* (agent) -> (verify, dict of options) */
    PyObject *cookiejar;        /* (agent) -> CookieJar */
    PyObject *clientpool;       /* (agent) -> HTTPClientPool */
    PyObject *prepare_url;      /* (url, params) -> str, for the wire */
    PyObject *extend;           /* (agent, method, data, params, others) ->
                                   (data, params, files, debug_stream,
                                   max_retries, max_redirects) */
    PyObject *encode_form;      /* (dict) -> bytes */
    PyObject *encode_files;     /* (files, data) -> (bytes, header line) */
    PyObject *feed;             /* (body) -> (iterator, length or -1, rewind
                                   or None) */
    PyObject *encode_json;      /* (object) -> str */
    PyObject *basic_auth;       /* (auth) -> str */
    PyObject *make_error;       /* (response, url, kind, code, message,
                                   max_retries, received) -> exception */
    PyObject *caught;           /* (error, url, max_retries) -> exception, or
                                   raises it again */
    PyObject *bad_status;       /* (response, url, status) -> exception */
    PyObject *write_debug;      /* (response, debug_stream) */
    PyObject *lazy;             /* (response, what) -> object */
    PyObject *loads;            /* json.loads */
};

extern struct fast_helpers fast_helpers;

/* The header lines of a request that says nothing of its own. */
extern struct curl_slist *fast_default_lines;

/* --- fastpool.c */

extern PyTypeObject *Pool_Type;

/* Opens them if need be, for a request to this URL. False with an exception
   set. */
bool fast_connections_open(struct fast_connections *own, const char *url);

/* Closes them once none is in use, and forgets whom they were for. None, or
   NULL with an exception set. */
PyObject *fast_connections_drop(struct fast_connections *own);

/* The owner goes. */
void fast_connections_free(struct fast_connections *own);

/* --- fastagent.c */

extern PyTypeObject *Agent_Type;
extern PyTypeObject *FastSession_Type;  /* fastsession.c */

/* Closes its connections once none is in use, unless other agents share them.
   0, or -1 with an exception set. */
int agent_leave(AgentObject *agent);

/* Whether a status is none of the agent's valid_response_codes, which are
   usual if that was found before: 1, 0 or -1. */
int agent_refuses_status(AgentObject *agent, int status, bool usual);

/* The redirect_bit()s of the statuses that the agent does not follow, and
   whether its valid_response_codes are the usual set. False with an exception
   set. */
bool agent_not_followed(AgentObject *agent, unsigned *bits, bool *usual);

/* Gives an exchange its connections and cookies, made if need be, and what is
   asked of them. False with an exception set. */
bool agent_attach(AgentObject *agent, struct exchange *x);

/* --- fastbuild.c */

/* The exchange that a call asks for, ready to be submitted. NULL with an
   exception set. */
struct exchange *fast_build(FastSessionObject *session, struct call *call,
                            struct fast_options *options);

/* --- fastresponse.c */

/* A reply for an exchange that has come back, or never left; takes it over.
   error: what the call failed with, or NULL: the exchange says it. NULL with
   an exception set. */
PyObject *fast_response_new(FastSessionObject *session, struct call *call,
                            struct exchange *x,
                            const struct fast_options *options,
                            PyObject *error, double start_time);

/* --- Called for responses that are marked as fast. */

/* The exception that the status stands for, a new reference; NULL without an
   exception set: none. */
PyObject *fast_status_error(ResponseObject *r);

int pool_module_exec(PyObject *module);
int agent_module_exec(PyObject *module);
int fast_response_module_exec(PyObject *module);
int fast_session_module_exec(PyObject *module);

#endif
