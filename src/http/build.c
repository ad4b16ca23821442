/*
 * From the arguments of session.request() to an exchange.
 *
 * What ordinary files use is built here: plain URLs, dicts of parameters and
 * form fields, JSON, headers, a pair as auth. Anything else goes through
 * requests' own preparation (locust.clients), for that request only.
 *
 * Header lines follow the order in which requests sends them: those of the
 * session and the call, cookies, what describes the body, authorization.
 */
#include "config.h"
#include "http/client.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "http/cookie.h"
#include "http/flow.h"
#include "http/options.h"
#include "http/upload.h"
#include "http/url.h"

/* libcurl would ask for "100 Continue" before bodies larger than this. */
#define EXPECT_BYTES (1024 * 1024)

struct build {
    SessionObject *session;
    struct call *call;
    struct exchange *x;
    const char *content_type;   /* header line; NULL: says nothing */
    PyObject *authorization;    /* owned: header value, or NULL */
    bool authorized;            /* a line has it already */
};

/* --- Text into buffers. */

static bool
append(struct buf *b, const char *bytes, size_t length)
{
    if (buf_append(b, bytes, length)) {
        return true;
    }
    PyErr_NoMemory();
    return false;
}

static bool
append_str(struct buf *b, PyObject *s)
{
    Py_ssize_t n;
    const char *text = PyUnicode_AsUTF8AndSize(s, &n);
    return text != NULL && append(b, text, (size_t)n);
}

/* As urllib.parse.quote_plus. */
static bool
append_quoted(struct buf *b, const char *s, Py_ssize_t n)
{
    static const char digits[] = "0123456789ABCDEF";
    for (Py_ssize_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        char text[3] = {(char)c};
        size_t length = 1;
        if (c == ' ') {
            text[0] = '+';
        }
        else if (!Py_ISALNUM(c) && (c == 0 || strchr("_.-~", c) == NULL)) {
            text[0] = '%';
            text[1] = digits[c >> 4];
            text[2] = digits[c & 15];
            length = 3;
        }
        if (!append(b, text, length)) {
            return false;
        }
    }
    return true;
}

/* A key or value of a form: str or int. */
static bool
append_field(struct buf *b, PyObject *o)
{
    PyObject *text = PyUnicode_Check(o) ? Py_NewRef(o) : PyObject_Str(o);
    Py_ssize_t n;
    const char *s = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, &n);
    bool ok = s != NULL && append_quoted(b, s, n);
    Py_XDECREF(text);
    return ok;
}

static bool
is_simple_field(PyObject *o)
{
    return PyUnicode_CheckExact(o) || PyLong_CheckExact(o);
}

/* Whether data is a dict that build_append_form() can do. */
bool
build_is_simple_form(PyObject *data)
{
    if (!PyDict_CheckExact(data)) {
        return false;
    }
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(data, &at, &key, &value)) {
        if (!is_simple_field(key) || !is_simple_field(value)) {
            return false;
        }
    }
    return true;
}

bool
build_append_form(struct buf *b, PyObject *data)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    bool first = true;
    while (PyDict_Next(data, &at, &key, &value)) {
        if ((!first && !append(b, "&", 1)) || !append_field(b, key) ||
            !append(b, "=", 1) || !append_field(b, value)) {
            return false;
        }
        first = false;
    }
    return true;
}

/* --- The URL. */

/* Adds params to a URL that is plain otherwise. */
static bool
append_params(struct buf *url, PyObject *params)
{
    if (PyDict_GET_SIZE(params) == 0) {
        return true;
    }
    bool query = memchr(url->data, '?', url->length) != NULL;
    return append(url, query ? "&" : "?", 1) && build_append_form(url, params);
}

/* Lets requests make of it what it makes of it. May raise InvalidURL and the
   like, which reach the caller of session.request(). */
static bool
prepare_slowly(struct buf *url, PyObject *params)
{
    PyObject *text = PyUnicode_DecodeUTF8(url->data, (Py_ssize_t)url->length,
                                          "strict");
    PyObject *prepared =
        text == NULL ? NULL : PyObject_CallFunctionObjArgs(
            helpers.prepare_url, text, params ? params : Py_None, NULL);
    Py_XDECREF(text);
    url->length = 0;
    bool ok = prepared != NULL && append_str(url, prepared);
    Py_XDECREF(prepared);
    return ok;
}

static bool
join_url(struct build *b, struct buf *url)
{
    Py_ssize_t n;
    const char *text = PyUnicode_AsUTF8AndSize(b->call->url, &n);
    if (text == NULL) {
        return false;
    }
    if (!url_is_absolute(text, (size_t)n)) {
        PyObject *base = PyObject_Str(b->session->base_url);
        bool ok = base != NULL && append_str(url, base);
        Py_XDECREF(base);
        if (!ok) {
            return false;
        }
    }
    return append(url, text, (size_t)n);
}

static bool
build_url(struct build *b)
{
    struct buf url = {0};
    PyObject *params = b->call->params;
    params = params == Py_None ? NULL : params;
    if (!PyUnicode_Check(b->call->url)) {
        PyErr_Format(PyExc_TypeError, "the url must be a str, not %.100s",
                     Py_TYPE(b->call->url)->tp_name);
        return false;
    }
    bool ok = join_url(b, &url);
    /* Only a host: the path is "/", if the rest is plain. */
    bool bare = ok && url_path_offset(url.data, url.length) == url.length;
    ok = ok && (!bare || append(&url, "/", 1));
    bool plain = ok && url_is_plain(url.data, url.length) &&
                 (params == NULL || build_is_simple_form(params));
    if (ok && bare && !plain) {
        url.length--;
    }
    if (plain) {
        ok = params == NULL || append_params(&url, params);
    }
    else if (ok) {
        ok = prepare_slowly(&url, params);
    }
    ok = ok && append(&url, "", 1);
    if (!ok) {
        buf_free(&url);
        return false;
    }
    b->x->url = url.data;
    return true;
}

/* --- Header lines. */

static bool
add_line(struct exchange *x, const char *line)
{
    struct curl_slist *longer = curl_slist_append(x->lines, line);
    if (longer == NULL) {
        PyErr_NoMemory();
        return false;
    }
    x->lines = longer;
    return true;
}

/* Whether bytes may stand in a header line without a closer look: nothing that
   could smuggle in another one, no leading space; a name has no colon. */
static bool
is_plain_part(PyObject *bytes, bool is_name)
{
    const char *s = PyBytes_AS_STRING(bytes);
    size_t n = (size_t)PyBytes_GET_SIZE(bytes);
    return strlen(s) == n && strpbrk(s, "\r\n") == NULL &&
           (n == 0 ? !is_name : !Py_ISSPACE(s[0])) &&
           (!is_name || strpbrk(s, ": \t;") == NULL);
}

/* Bytes of a header's name or value as they go on the wire; None if it is
   neither str nor bytes. A new reference. */
static PyObject *
header_bytes(PyObject *o)
{
    if (PyBytes_Check(o)) {
        return Py_NewRef(o);
    }
    return PyUnicode_Check(o) ? PyUnicode_AsLatin1String(o)
                              : Py_NewRef(Py_None);
}

/* Raises what requests raises for a header that it does not send. */
static bool
check_header(PyObject *name, PyObject *value, PyObject *n, PyObject *v)
{
    if (PyBytes_Check(n) && PyBytes_Check(v) && is_plain_part(n, true) &&
        is_plain_part(v, false)) {
        return true;
    }
    PyObject *r = PyObject_CallFunctionObjArgs(helpers.check_header, name,
                                               value, NULL);
    Py_XDECREF(r);
    return r != NULL;
}

static bool
bytes_are(PyObject *bytes, const char *name)
{
    return PyOS_stricmp(PyBytes_AS_STRING(bytes), name) == 0;
}

/* The value that goes out: what describes the body and the authorization
   replaces what the caller said of them. A new reference to bytes. */
static PyObject *
final_value(struct build *b, PyObject *n, PyObject *v)
{
    if (b->authorization != NULL && bytes_are(n, "Authorization")) {
        b->authorized = true;
        return PyUnicode_AsLatin1String(b->authorization);
    }
    if (b->x->body_length > 0 && bytes_are(n, "Content-Length")) {
        return PyBytes_FromFormat("%zu", b->x->body_length);
    }
    return Py_NewRef(v);
}

/* "Name: value", or "Name;" for an empty value, as libcurl wants it. */
static bool
add_header(struct build *b, PyObject *name, PyObject *value)
{
    PyObject *n = header_bytes(name);
    PyObject *v = n == NULL ? NULL : header_bytes(value);
    struct buf line = {0};
    bool ok = v != NULL && check_header(name, value, n, v);
    if (ok) {
        Py_SETREF(v, final_value(b, n, v));
    }
    ok = ok && v != NULL &&
        append(&line, PyBytes_AS_STRING(n), (size_t)PyBytes_GET_SIZE(n)) &&
        (PyBytes_GET_SIZE(v) == 0
             ? append(&line, ";", 1)
             : append(&line, ": ", 2) &&
                   append(&line, PyBytes_AS_STRING(v),
                          (size_t)PyBytes_GET_SIZE(v))) &&
        append(&line, "", 1) && add_line(b->x, line.data);
    buf_free(&line);
    Py_XDECREF(n);
    Py_XDECREF(v);
    return ok;
}

/* All (name, value) of a mapping's items(). */
static bool
add_items(struct build *b, PyObject *mapping)
{
    PyObject *items = PyMapping_Items(mapping);
    PyObject *it = items == NULL ? NULL : PyObject_GetIter(items);
    Py_XDECREF(items);
    if (it == NULL) {
        return false;
    }
    PyObject *item;
    bool ok = true;
    while (ok && (item = PyIter_Next(it)) != NULL) {
        PyObject *pair = PySequence_Fast(item, "headers must be pairs");
        if (pair != NULL && PySequence_Fast_GET_SIZE(pair) != 2) {
            PyErr_SetString(PyExc_ValueError, "headers must be pairs");
            Py_CLEAR(pair);
        }
        ok = pair != NULL;
        if (ok && PySequence_Fast_GET_ITEM(pair, 1) != Py_None) {
            ok = add_header(b, PySequence_Fast_GET_ITEM(pair, 0),
                            PySequence_Fast_GET_ITEM(pair, 1));
        }
        Py_XDECREF(pair);
        Py_DECREF(item);
    }
    Py_DECREF(it);
    return ok && !PyErr_Occurred();
}

static bool
has_line(const struct curl_slist *list, const char *name)
{
    size_t n = strlen(name);
    while (list != NULL &&
           (PyOS_strnicmp(list->data, name, (Py_ssize_t)n) != 0 ||
            (list->data[n] != ':' && list->data[n] != ';'))) {
        list = list->next;
    }
    return list != NULL;
}

static bool
add_default_lines(struct exchange *x)
{
    for (struct curl_slist *l = default_lines; l != NULL; l = l->next) {
        if (!add_line(x, l->data)) {
            return false;
        }
    }
    return true;
}

/* The session's headers with those of the call laid over them. */
static bool
add_own_headers(struct build *b)
{
    PyObject *call = b->call->headers;
    call = call == Py_None ? NULL : call;
    if (b->session->headers == NULL && call == NULL) {
        return add_default_lines(b->x);
    }
    PyObject *merged = PyObject_CallFunctionObjArgs(
        helpers.merge_headers, (PyObject *)b->session,
        call != NULL ? call : Py_None, NULL);
    bool ok = merged != NULL && add_items(b, merged);
    Py_XDECREF(merged);
    return ok;
}

/* How long the body is, or that nobody knows. */
static bool
add_length(struct exchange *x)
{
    char line[64];
    int64_t length = x->upload != NULL ? upload_length(x->upload)
                                       : (int64_t)x->body_length;
    snprintf(line, sizeof(line), "Content-Length: %lld", (long long)length);
    if (has_line(x->lines, "Content-Length") ||
        has_line(x->lines, "Transfer-Encoding")) {
        return true;
    }
    return add_line(x, length >= 0 ? line : "Transfer-Encoding: chunked");
}

static bool
add_content_headers(struct build *b)
{
    struct exchange *x = b->x;
    if (!add_length(x)) {
        return false;
    }
    bool is_long = x->upload != NULL || x->body_length > EXPECT_BYTES;
    if (is_long && !has_line(x->lines, "Expect") && !add_line(x, "Expect:")) {
        return false;
    }
    if (has_line(x->lines, "Content-Type")) {
        return true;
    }
    if (b->content_type == NULL) {
        return add_line(x, "Content-Type:");    /* or libcurl adds its own */
    }
    return add_line(x, b->content_type);
}

/* The value of the Authorization header, if there is to be one. */
static bool
make_authorization(struct build *b)
{
    PyObject *auth = b->call->auth;
    if (auth == NULL || auth == Py_None) {
        auth = b->session->auth;
    }
    if (auth == NULL || auth == Py_None) {
        return true;
    }
    b->authorization = PyObject_CallOneArg(helpers.basic_auth, auth);
    return b->authorization != NULL;
}

static bool
add_authorization(struct build *b)
{
    if (b->authorization == NULL || b->authorized) {
        return true;
    }
    struct buf line = {0};
    static const char name[] = "Authorization: ";
    bool ok = append(&line, name, sizeof(name) - 1) &&
              append_str(&line, b->authorization) && append(&line, "", 1) &&
              add_line(b->x, line.data);
    buf_free(&line);
    return ok;
}

/* Puts a line before all others. */
static bool
add_first(struct exchange *x, const char *line)
{
    struct curl_slist *first = curl_slist_append(NULL, line);
    if (first == NULL) {
        PyErr_NoMemory();
        return false;
    }
    first->next = x->lines;
    x->lines = first;
    x->cookie_at += x->cookie_at >= 0;
    return true;
}

/* What http.client and urllib3 add to what requests says, and libcurl must
   not. */
static bool
add_missing_lines(struct build *b)
{
    struct exchange *x = b->x;
    if (!has_line(x->lines, "Accept") && !add_line(x, "Accept:")) {
        return false;
    }
    if (!has_line(x->lines, "User-Agent") &&
        !(urllib3_agent_first ? add_first(x, urllib3_agent)
                              : add_line(x, urllib3_agent))) {
        return false;
    }
    return has_line(x->lines, "Accept-Encoding") ||
           add_first(x, "Accept-Encoding: identity");
}

/* Whether a call needs no header lines but those that all share. */
static bool
has_default_headers(const struct build *b)
{
    const struct call *c = b->call;
    return b->session->headers == NULL && b->x->body == NULL &&
           (c->headers == NULL || c->headers == Py_None) &&
           (c->auth == NULL || c->auth == Py_None) &&
           (b->session->auth == NULL || b->session->auth == Py_None);
}

static bool
build_headers(struct build *b)
{
    struct exchange *x = b->x;
    if (has_default_headers(b)) {
        x->headers = default_lines;
        x->cookie_at = -1;
        return true;
    }
    if (!make_authorization(b) || !add_own_headers(b)) {
        return false;
    }
    x->cookie_at = 0;
    for (struct curl_slist *l = x->lines; l != NULL; l = l->next) {
        x->cookie_at++;
    }
    bool ok = (x->body == NULL || add_content_headers(b)) &&
              add_authorization(b) && add_missing_lines(b);
    x->headers = x->lines;
    return ok;
}

/* --- The body. */


static bool
set_json(struct build *b)
{
    PyObject *text = PyObject_CallOneArg(helpers.encode_json, b->call->json);
    bool ok = text != NULL && build_set_body(b->x, text);
    Py_XDECREF(text);
    b->x->body_is_text = false; /* requests encodes it */
    b->content_type = "Content-Type: application/json";
    return ok;
}

static bool
set_form(struct build *b)
{
    b->content_type = "Content-Type: application/x-www-form-urlencoded";
    if (build_is_simple_form(b->call->data)) {
        struct buf text = {0};
        bool ok = build_append_form(&text, b->call->data) &&
                  build_text(b->x, text.data ? text.data : "", text.length);
        buf_free(&text);
        b->x->body_is_text = true;
        return ok;
    }
    PyObject *text = PyObject_CallOneArg(helpers.encode_form, b->call->data);
    bool ok = text != NULL && build_set_body(b->x, text);
    Py_XDECREF(text);
    return ok;
}

/* Whether the method says how long its body is even if it has none. */
static bool
says_length(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

static bool
build_body(struct build *b)
{
    PyObject *data = b->call->data, *json = b->call->json;
    int have = data == NULL || data == Py_None ? 0 : PyObject_IsTrue(data);
    if (have < 0) {
        return false;
    }
    if (have) {
        return PyUnicode_Check(data) || PyObject_CheckBuffer(data)
                   ? build_set_body(b->x, data)
                   : set_form(b);
    }
    if (json != NULL && json != Py_None) {
        return set_json(b);
    }
    return !says_length(b->x->method) || build_text(b->x, "", 0);
}

/* --- The rest. */

/* Whether a method is one word: anything else would write other lines into the
   request. */
static bool
is_word(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

bool
build_set_method(struct exchange *x, PyObject *method)
{
    static const char *const verbs[] = {"GET",    "POST",    "PUT",  "DELETE",
                                        "PATCH",  "OPTIONS", "HEAD"};
    if (!PyUnicode_Check(method)) {
        PyErr_SetString(PyExc_TypeError, "the method must be a str");
        return false;
    }
    Py_ssize_t n;
    const char *text = PyUnicode_AsUTF8AndSize(method, &n);
    if (text == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (PyOS_stricmp(verbs[i], text) == 0 && strlen(text) == (size_t)n) {
            x->method = verbs[i];
            return true;
        }
    }
    if (!is_word(text, (size_t)n)) {
        PyErr_Format(PyExc_ValueError, "invalid HTTP method %R", method);
        return false;
    }
    x->own_method = strdup(text);
    if (x->own_method == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (char *c = x->own_method; *c != '\0'; c++) {
        *c = (char)Py_TOUPPER(*c);
    }
    x->method = x->own_method;
    return true;
}

int
build_max_redirects(long most)
{
    return most > INT_MAX ? INT_MAX : most < 0 ? -1 : (int)most;
}

/* A time limit that needs no closer look. */
static bool
is_plain_limit(PyObject *o)
{
    if (PyLong_CheckExact(o)) {
        int overflow;
        return PyLong_AsLongAndOverflow(o, &overflow) > 0;
    }
    return o == Py_None || (PyFloat_CheckExact(o) && PyFloat_AS_DOUBLE(o) > 0);
}

/* The same for connecting and reading. */
static bool
is_plain_pair(PyObject *o)
{
    return PyTuple_CheckExact(o) && PyTuple_GET_SIZE(o) == 2 &&
           is_plain_limit(PyTuple_GET_ITEM(o, 0)) &&
           is_plain_limit(PyTuple_GET_ITEM(o, 1));
}

/* Longer ones would not fit into nanoseconds. */
#define MOST_SECONDS 1e9

double
build_seconds(double limit)
{
    return limit < MOST_SECONDS ? limit : 0;
}

static double
seconds_of(PyObject *o)
{
    return o == Py_None ? 0 : build_seconds(PyFloat_AsDouble(o));
}

static bool
build_timeout(struct build *b)
{
    PyObject *t = b->call->timeout;
    if (t == NULL || t == Py_None) {
        return true;
    }
    if (is_plain_limit(t)) {
        b->x->connect_timeout = b->x->read_timeout = seconds_of(t);
        return true;
    }
    if (is_plain_pair(t)) {
        b->x->connect_timeout = seconds_of(PyTuple_GET_ITEM(t, 0));
        b->x->read_timeout = seconds_of(PyTuple_GET_ITEM(t, 1));
        return true;
    }
    PyObject *pair = PyObject_CallOneArg(helpers.split_timeout, t);
    PyObject *connect, *read;
    bool ok = pair != NULL && PyArg_ParseTuple(pair, "OO", &connect, &read);
    if (ok) {
        b->x->connect_timeout = seconds_of(connect);
        b->x->read_timeout = seconds_of(read);
        ok = !PyErr_Occurred();
    }
    Py_XDECREF(pair);
    return ok;
}

/* The cookies of a jar of Python's, as locust.clients tells them. */
static bool
add_jar(struct cookie_jar *jar, PyObject *cookies)
{
    PyObject *list = PyObject_CallOneArg(helpers.cookie_items, cookies);
    bool ok = list != NULL;
    for (Py_ssize_t i = 0; ok && i < PyList_GET_SIZE(list); i++) {
        ok = cookie_put_tuple(jar, PyList_GET_ITEM(list, i));
    }
    Py_XDECREF(list);
    return ok;
}

/* cookies= of the call: sent with this request and its redirects only. */
static bool
build_cookies(struct build *b)
{
    PyObject *cookies = b->call->cookies;
    if (cookies == NULL || cookies == Py_None) {
        return true;
    }
    b->x->jar = cookie_jar_new();
    if (b->x->jar == NULL) {
        PyErr_NoMemory();
        return false;
    }
    if (!PyDict_CheckExact(cookies)) {
        return add_jar(b->x->jar, cookies);
    }
    PyObject *name, *value;
    Py_ssize_t at = 0;
    bool ok = true;
    while (ok && PyDict_Next(cookies, &at, &name, &value)) {
        ok = cookie_put_pair(b->x->jar, name, value);
    }
    return ok;
}

/* What the session asks of its connections, and verify= and cert= if they name
   files. */
static bool
build_options(struct build *b, PyObject *verify, PyObject *cert)
{
    TransportObject *transport = session_transport(b->session);
    if (transport == NULL) {
        return false;
    }
    if ((PyBool_Check(verify) || verify == Py_None) && cert == Py_None) {
        b->x->options = options_ref(transport->made);
        return true;
    }
    return transport_tls_options(transport, b->x->url, verify, cert,
                                 &b->x->options);
}

/* An argument of the call, or what the session has instead. */
static PyObject *
argument_or(PyObject *argument, PyObject *otherwise)
{
    return argument != NULL && argument != Py_None ? argument : otherwise;
}

static bool
build_flags(struct build *b)
{
    struct call *c = b->call;
    SessionObject *s = b->session;
    PyObject *verify =
        argument_or(c->verify, s->verify ? s->verify : Py_True);
    PyObject *cert = argument_or(c->cert, s->cert ? s->cert : Py_None);
    int follow = c->allow_redirects ? PyObject_IsTrue(c->allow_redirects) : 1;
    int check = PyObject_IsTrue(verify);
    int stream = c->stream != NULL && c->stream != Py_None
                     ? PyObject_IsTrue(c->stream)
                     : s->stream;
    b->x->follow = follow > 0;
    b->x->verify = check > 0;
    b->x->timed = s->report_timings;
    b->x->max_redirects = build_max_redirects(s->max_redirects);
    if (stream > 0) {
        b->x->undecoded = true;
        stream = exchange_stream(b->x);
    }
    return follow >= 0 && check >= 0 && stream >= 0 &&
           build_options(b, verify, cert);
}

static bool
build_reply(struct build *b)
{
    struct reply *r = reply_new();
    b->x->reply = r;
    if (r == NULL || (r->url = strdup(b->x->url)) == NULL) {
        PyErr_NoMemory();
        return false;
    }
    r->method = b->x->method;
    return true;
}

/* Gives it its connections; NULL: there is an exception. */
static struct exchange *
connect_it(struct exchange *x, TransportObject *transport)
{
    x->connections =
        transport != NULL ? connections_get(&transport->connections) : NULL;
    if (x->connections == NULL) {
        exchange_free(x);
        return NULL;
    }
    return x;
}

/* Everything that fast and slow preparation have in common. */
static struct exchange *
complete(struct build *b, bool ok)
{
    Py_CLEAR(b->authorization);
    ok = ok && build_timeout(b) && build_flags(b) && build_reply(b);
    CookieJarObject *jar = ok ? session_jar(b->session) : NULL;
    if (jar != NULL) {
        b->x->cookies = cookie_jar_ref(jar->jar);
    }
    return connect_it(b->x, jar != NULL ? session_transport(b->session)
                                        : NULL);
}

struct exchange *
build_exchange(SessionObject *session, struct call *call)
{
    struct build b = {.session = session, .call = call, .x = exchange_new()};
    if (b.x == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    return complete(&b, build_set_method(b.x, call->method) &&
                            build_url(&b) && build_body(&b) &&
                            build_headers(&b) && build_cookies(&b));
}

static bool
has_body(const struct exchange *x)
{
    return x->body != NULL || x->upload != NULL;
}

/* From what requests prepared: (method, url, headers, body). */
static bool
take_prepared(struct build *b, PyObject *prepared)
{
    PyObject *url, *headers, *body, *request;
    if (!PyArg_ParseTuple(prepared, "OUOO|O", &b->call->method, &url,
                          &headers, &body, &request)) {
        return false;
    }
    struct buf text = {0};
    if (!append_str(&text, url) || !append(&text, "", 1)) {
        buf_free(&text);
        return false;
    }
    b->x->url = text.data;
    b->x->cookie_at = -1;
    bool ok = build_set_method(b->x, b->call->method) &&
              (body == Py_None || build_set_body(b->x, body)) &&
              add_items(b, headers) &&
              (!has_body(b->x) || add_content_headers(b)) &&
              add_missing_lines(b) && build_cookies(b);
    b->x->headers = b->x->lines;
    return ok;
}

struct exchange *
build_prepared(SessionObject *session, struct call *call, PyObject *prepared)
{
    struct build b = {.session = session, .call = call, .x = exchange_new()};
    if (b.x == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    return complete(&b, take_prepared(&b, prepared));
}

struct exchange *
build_hop(TransportObject *transport, PyObject *prepared, PyObject *timeouts,
          PyObject *verify, PyObject *options)
{
    struct call call = {.timeout = timeouts};
    struct build b = {.call = &call, .x = exchange_new()};
    if (b.x == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    int check = PyObject_IsTrue(verify);
    b.x->verify = check > 0;
    bool ok = check >= 0 && take_prepared(&b, prepared) && build_timeout(&b) &&
              transport_options(transport, options, &b.x->options) &&
              build_reply(&b);
    return connect_it(b.x, ok ? transport : NULL);
}
