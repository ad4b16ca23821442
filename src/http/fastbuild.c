/*
 * From the arguments of FastHttpSession.request() to an exchange.
 *
 * Header lines stand in geventhttpclient's order, but for Host, which is
 * libcurl's: those of the user agent, then those of the call, what describes
 * the body, cookies. A name that comes again replaces the line in its place.
 *
 * Plain URLs, simple parameters and forms, text and bytes are built here;
 * locust.contrib.fasthttp does the rest.
 */
#include "config.h"
#include "http/fast.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/names.h"
#include "http/flow.h"
#include "http/url.h"

/* libcurl would ask for "100 Continue" before bodies larger than this. */
#define EXPECT_BYTES (1024 * 1024)

struct build {
    FastSessionObject *session;
    struct call *call;
    struct fast_options *options;
    struct exchange *x;
    PyObject *data, *params, *files;    /* owned; NULL: none */
    long max_redirects;
};

/* --- Header lines. */

/* The line of a name (up to the colon or semicolon), or NULL. */
static struct curl_slist *
find_line(struct curl_slist *list, const char *name, size_t length)
{
    while (list != NULL &&
           (strncasecmp(list->data, name, length) != 0 ||
            (list->data[length] != ':' && list->data[length] != ';'))) {
        list = list->next;
    }
    return list;
}

static bool
has_line(struct curl_slist *list, const char *name)
{
    return find_line(list, name, strlen(name)) != NULL;
}

static bool
add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL) {
        PyErr_NoMemory();
        return false;
    }
    *list = longer;
    return true;
}

/* Adds a line, or replaces the one that has its name. */
static bool
set_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *old = find_line(*list, line, strcspn(line, ":;"));
    if (old == NULL) {
        return add_line(list, line);
    }
    struct curl_slist *new = curl_slist_append(NULL, line);
    if (new == NULL) {
        PyErr_NoMemory();
        return false;
    }
    struct curl_slist **link = list;
    while (*link != old) {
        link = &(*link)->next;
    }
    new->next = old->next;
    *link = new;
    old->next = NULL;
    curl_slist_free_all(old);
    return true;
}

/* A name is a token, as in RFC 9110. */
static bool
is_token(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!Py_ISALNUM(s[i]) && strchr("!#$%&'*+-.^_`|~", s[i]) == NULL) {
            return false;
        }
    }
    return n > 0 && strlen(s) == n;
}

/* Nothing that could end the line. */
static bool
is_value(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool
is_blank(const char *s)
{
    return s[strspn(s, " \t")] == '\0';
}

/* The bytes of a value: of its str(), if it is neither str nor bytes. */
static PyObject *
value_bytes(PyObject *value)
{
    if (PyBytes_Check(value)) {
        return Py_NewRef(value);
    }
    PyObject *text = PyObject_Str(value);
    PyObject *bytes = text == NULL ? NULL : PyUnicode_AsLatin1String(text);
    Py_XDECREF(text);
    return bytes;
}

static void
refuse_value(PyObject *name, PyObject *value)
{
    PyErr_Format(PyExc_ValueError, "invalid value for header field %R: %R",
                 name, value);
}

/* "Name: value", or "Name;" for an empty value, as libcurl wants it. A new
   reference to bytes. */
static PyObject *
make_line(PyObject *name, PyObject *value)
{
    Py_ssize_t n;
    const char *text =
        PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, &n) : NULL;
    if (text == NULL || !is_token(text, (size_t)n)) {
        PyErr_Format(PyExc_ValueError, "invalid header field name %R", name);
        return NULL;
    }
    PyObject *bytes = value_bytes(value);
    PyObject *line = NULL;
    if (bytes == NULL) {
        if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            refuse_value(name, value);
        }
        return NULL;
    }
    const char *v = PyBytes_AS_STRING(bytes);
    if (!is_value(v, (size_t)PyBytes_GET_SIZE(bytes))) {
        refuse_value(name, value);
    }
    else {
        line = PyBytes_FromFormat(is_blank(v) ? "%s;" : "%s: %s", text, v);
    }
    Py_DECREF(bytes);
    return line;
}

static bool
put_header(struct curl_slist **list, PyObject *name, PyObject *value,
           bool replace)
{
    PyObject *line = make_line(name, value);
    bool ok = line != NULL &&
              (replace ? set_line(list, PyBytes_AS_STRING(line))
                       : add_line(list, PyBytes_AS_STRING(line)));
    Py_XDECREF(line);
    return ok;
}

/* A list of values is one line for each. */
static bool
put_headers(struct curl_slist **list, PyObject *name, PyObject *value)
{
    if (!PyList_Check(value) && !PyTuple_Check(value)) {
        return put_header(list, name, value, true);
    }
    bool ok = true;
    for (Py_ssize_t i = 0; ok && i < PySequence_Fast_GET_SIZE(value); i++) {
        ok = put_header(list, name, PySequence_Fast_GET_ITEM(value, i),
                        i == 0);
    }
    return ok;
}

/* Every (name, value) of something that has items(). */
static bool
put_items(struct curl_slist **list, PyObject *mapping, bool replace)
{
    PyObject *items = PyObject_CallMethodNoArgs(mapping, names.items);
    PyObject *it = items == NULL ? NULL : PyObject_GetIter(items);
    Py_XDECREF(items);
    bool ok = it != NULL;
    PyObject *item;
    while (ok && (item = PyIter_Next(it)) != NULL) {
        PyObject *name, *value;
        ok = PyArg_ParseTuple(item, "OO", &name, &value) &&
             (replace ? put_headers(list, name, value)
                      : put_header(list, name, value, false));
        Py_DECREF(item);
    }
    Py_XDECREF(it);
    return ok && !PyErr_Occurred();
}

static bool
put_call_headers(struct curl_slist **list, PyObject *headers)
{
    if (!PyDict_CheckExact(headers)) {
        return put_items(list, headers, true);
    }
    PyObject *name, *value;
    Py_ssize_t at = 0;
    bool ok = true;
    while (ok && PyDict_Next(headers, &at, &name, &value)) {
        Py_INCREF(name);        /* str() of a value may change the dict */
        Py_INCREF(value);
        ok = put_headers(list, name, value);
        Py_DECREF(name);
        Py_DECREF(value);
    }
    return ok;
}

static bool
is_given(PyObject *o)
{
    return o != NULL && o != Py_None;
}

/* Credentials of the call, or of the session's URL. */
static bool
put_authorization(struct build *b, struct curl_slist **own)
{
    PyObject *auth = b->call->auth, *value;
    int given = is_given(auth) ? PyObject_IsTrue(auth) : 0;
    if (given < 0) {
        return false;
    }
    if (given) {
        value = PyObject_CallOneArg(fast_helpers.basic_auth, auth);
    }
    else if (is_given(b->session->auth_header)) {
        value = Py_NewRef(b->session->auth_header);
    }
    else {
        return true;
    }
    PyObject *name = value == NULL ? NULL
                                   : PyUnicode_FromString("Authorization");
    bool ok = name != NULL && put_header(own, name, value, true);
    Py_XDECREF(name);
    Py_XDECREF(value);
    return ok;
}

/* What the call says itself, and what is added to that. */
static bool
build_own_lines(struct build *b, struct curl_slist **own, bool json)
{
    PyObject *headers = b->call->headers;
    if (is_given(headers) && !put_call_headers(own, headers)) {
        return false;
    }
    if (!put_authorization(b, own)) {
        return false;
    }
    if (!has_line(*own, "Accept-Encoding") &&
        !add_line(own, "Accept-Encoding: gzip, deflate, br")) {
        return false;
    }
    if (!json) {
        return true;
    }
    return (has_line(*own, "Content-Type") ||
            add_line(own, "Content-Type: application/json")) &&
           (has_line(*own, "Accept") ||
            add_line(own, "Accept: application/json"));
}

/* Lays the call's lines over those of the user agent. */
static bool
merge_lines(struct build *b, struct curl_slist *own)
{
    struct exchange *x = b->x;
    AgentObject *agent = b->session->client;
    bool ok = agent->default_headers == NULL
                  ? add_line(&x->lines, fast_default_lines->data)
                  : put_items(&x->lines, agent->default_headers, false);
    /* A name that comes twice in own follows its first line. */
    for (struct curl_slist *l = own, *before; ok && l != NULL; l = l->next) {
        size_t n = strcspn(l->data, ":;");
        before = find_line(own, l->data, n);
        ok = before == l ? set_line(&x->lines, l->data)
                         : add_line(&x->lines, l->data);
    }
    return ok;
}

/* What libcurl would add of its own. */
static bool
silence_libcurl(struct exchange *x, bool has_body)
{
    return (has_line(x->lines, "Accept") || add_line(&x->lines, "Accept:")) &&
           (!has_body || has_line(x->lines, "Content-Type") ||
            add_line(&x->lines, "Content-Type:")) &&
           (x->body_length <= EXPECT_BYTES || has_line(x->lines, "Expect") ||
            add_line(&x->lines, "Expect:"));
}

/* --- The URL. */

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

/* The URL as response.url will tell it. */
static bool
join_url(struct build *b, struct buf *url)
{
    Py_ssize_t n;
    if (!PyUnicode_Check(b->call->url)) {
        PyErr_Format(PyExc_TypeError, "the url must be a str, not %.100s",
                     Py_TYPE(b->call->url)->tp_name);
        return false;
    }
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
prepare_slowly(struct buf *wire, const struct buf *url, PyObject *params)
{
    PyObject *prepared = PyObject_CallFunction(
        fast_helpers.prepare_url, "s#O", url->data, (Py_ssize_t)url->length,
        params != NULL ? params : Py_None);
    bool ok = prepared != NULL && append_str(wire, prepared);
    Py_XDECREF(prepared);
    return ok;
}

/* The URL as it is asked for: with parameters, quoted. */
static bool
build_wire_url(struct build *b, const struct buf *url, struct buf *wire)
{
    PyObject *params = b->params;
    bool bare = url_path_offset(url->data, url->length) == url->length;
    if (!append(wire, url->data, url->length) ||
        (bare && !append(wire, "/", 1))) {
        return false;
    }
    if (!url_is_plain(wire->data, wire->length) ||
        (params != NULL && !build_is_simple_form(params))) {
        wire->length = 0;
        return prepare_slowly(wire, url, params);
    }
    if (params == NULL || PyDict_GET_SIZE(params) == 0) {
        return true;
    }
    bool query = memchr(wire->data, '?', wire->length) != NULL;
    return append(wire, query ? "&" : "?", 1) &&
           build_append_form(wire, params);
}

static bool
build_url(struct build *b)
{
    struct buf url = {0}, wire = {0};
    struct reply *r = reply_new();
    b->x->reply = r;
    if (r == NULL) {
        PyErr_NoMemory();
        return false;
    }
    r->method = b->x->method;
    bool ok = join_url(b, &url) && build_wire_url(b, &url, &wire) &&
              append(&url, "", 1) && append(&wire, "", 1);
    if (!ok) {
        buf_free(&url);
        buf_free(&wire);
        return false;
    }
    r->url = url.data;
    b->x->url = wire.data;
    return true;
}

/* --- The body. */

/* Sets the type that a body has unless the headers say another one. */
static bool
set_type(struct build *b, const char *line)
{
    return has_line(b->x->lines, "Content-Type") ||
           add_line(&b->x->lines, line);
}

static bool
set_length(struct build *b)
{
    char line[64];
    snprintf(line, sizeof(line), "content-length: %zu", b->x->body_length);
    return set_line(&b->x->lines, line);
}

static bool
set_form(struct build *b)
{
    struct buf form = {0};
    if (!set_type(b, "content-type: application/x-www-form-urlencoded; "
                     "charset=utf-8")) {
        return false;
    }
    PyObject *text = NULL;
    if (build_is_simple_form(b->data)) {
        if (build_append_form(&form, b->data)) {
            text = PyBytes_FromStringAndSize(form.data,
                                             (Py_ssize_t)form.length);
        }
        buf_free(&form);
    }
    else {
        text = PyObject_CallOneArg(fast_helpers.encode_form, b->data);
    }
    bool ok = text != NULL && build_set_body(b->x, text) && set_length(b);
    Py_XDECREF(text);
    return ok;
}

/* Text without a type says how it is encoded; with one it stays text. */
static bool
set_text(struct build *b)
{
    bool typed = has_line(b->x->lines, "Content-Type");
    if (!build_set_body(b->x, b->data)) {
        return false;
    }
    if (typed) {
        return true;
    }
    b->x->body_is_text = false;
    return add_line(&b->x->lines, "content-type: text/plain; charset=utf-8") &&
           set_length(b);
}

/* Files, generators and the like are read while they are sent. */
static bool
set_feed(struct build *b)
{
    PyObject *feed = PyObject_CallOneArg(fast_helpers.feed, b->data);
    PyObject *pieces, *rewind;
    long long length = 0;
    bool ok = feed != NULL && PyArg_ParseTuple(feed, "OLO", &pieces, &length,
                                               &rewind);
    if (ok && has_line(b->x->lines, "Transfer-Encoding")) {
        length = -1;
    }
    char line[64];
    snprintf(line, sizeof(line), "Content-Length: %lld", length);
    ok = ok && exchange_feed_from(b->x, pieces, length, rewind) == 0 &&
         (length < 0 ? set_line(&b->x->lines, "Transfer-Encoding: chunked")
                     : set_line(&b->x->lines, line)) &&
         (has_line(b->x->lines, "Expect") ||
          add_line(&b->x->lines, "Expect:"));
    Py_XDECREF(feed);
    return ok;
}

/* What files= makes of it. */
static bool
set_files(struct build *b)
{
    PyObject *pair = PyObject_CallFunctionObjArgs(
        fast_helpers.encode_files, b->files, b->data ? b->data : Py_None,
        NULL);
    PyObject *body, *type;
    bool ok = pair != NULL && PyArg_ParseTuple(pair, "OS", &body, &type) &&
              set_line(&b->x->lines, PyBytes_AS_STRING(type)) &&
              build_set_body(b->x, body) && set_length(b);
    Py_XDECREF(pair);
    return ok;
}

static bool
is_buffer(PyObject *o)
{
    return PyObject_CheckBuffer(o) && !PyUnicode_Check(o);
}

static bool
carries_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

static bool
build_body(struct build *b)
{
    if (b->files != NULL) {
        return set_files(b);
    }
    if (b->data == NULL) {
        PyObject *empty = carries_body(b->x->method)
                              ? PyBytes_FromStringAndSize("", 0)
                              : NULL;
        bool ok = empty == NULL || build_set_body(b->x, empty);
        Py_XDECREF(empty);
        return ok && !PyErr_Occurred();
    }
    if (PyDict_Check(b->data)) {
        return set_form(b);
    }
    if (PyUnicode_Check(b->data)) {
        return set_text(b);
    }
    return set_type(b, "content-type: application/octet-stream") &&
           (is_buffer(b->data) ? build_set_body(b->x, b->data) : set_feed(b));
}

/* --- The rest. */

/* Keeps an argument if it says anything. */
static bool
keep(PyObject **to, PyObject *argument)
{
    int given = is_given(argument) ? PyObject_IsTrue(argument) : 0;
    *to = given > 0 ? Py_NewRef(argument) : NULL;
    return given >= 0;
}

/* Keywords that urlopen() knows, and those that become fields of a form or of
   the query. */
static bool
read_others(struct build *b)
{
    struct call *c = b->call;
    PyObject *all = PyObject_CallFunctionObjArgs(
        fast_helpers.extend, b->session->client, c->method,
        b->data ? b->data : Py_None, b->params ? b->params : Py_None,
        c->others, NULL);
    PyObject *data, *params, *files, *stream;
    bool ok = all != NULL &&
              PyArg_ParseTuple(all, "OOOOll", &data, &params, &files, &stream,
                               &b->options->max_retries, &b->max_redirects);
    if (ok) {
        Py_CLEAR(b->data);
        Py_CLEAR(b->params);
        b->options->debug_stream =
            stream == Py_None ? NULL : PyDict_GetItemString(c->others,
                                                            "debug_stream");
        ok = keep(&b->data, data) && keep(&b->params, params) &&
             keep(&b->files, files);
    }
    Py_XDECREF(all);
    return ok;
}

/* What is sent: data if there is any, else JSON. json: whether it was that. */
static bool
read_payload(struct build *b, bool *json)
{
    struct call *c = b->call;
    if (!keep(&b->data, c->data) || !keep(&b->params, c->params)) {
        return false;
    }
    *json = b->data == NULL && is_given(c->json);
    if (*json) {
        b->data = PyObject_CallOneArg(fast_helpers.encode_json, c->json);
        if (b->data == NULL) {
            return false;
        }
    }
    return c->others == NULL || read_others(b);
}

/* Whether a call needs no header lines but those that all share. */
static bool
has_default_lines(const struct build *b)
{
    return !is_given(b->call->headers) && !is_given(b->call->auth) &&
           !is_given(b->session->auth_header) && b->data == NULL &&
           b->files == NULL && b->session->client->default_headers == NULL &&
           !carries_body(b->x->method);
}

static bool
build_lines_and_body(struct build *b, bool json)
{
    struct exchange *x = b->x;
    x->cookie_at = -1;
    if (has_default_lines(b)) {
        x->headers = fast_default_lines;
        return true;
    }
    struct curl_slist *own = NULL;
    bool ok = build_own_lines(b, &own, json) && merge_lines(b, own) &&
              build_body(b) &&
              silence_libcurl(x, x->body != NULL || x->upload != NULL);
    curl_slist_free_all(own);
    x->headers = x->lines;
    return ok;
}

static bool
build_flags(struct build *b)
{
    AgentObject *agent = b->session->client;
    struct exchange *x = b->x;
    PyObject *allowed = b->call->allow_redirects;
    PyObject *stream = b->call->stream;
    int flows = is_given(stream) ? PyObject_IsTrue(stream) : 0;
    int follow = allowed != NULL ? PyObject_IsTrue(allowed) : 1;
    x->follow = follow > 0;
    x->timed = b->session->report_timings;
    x->rules = REDIRECTS_OF_FAST_HTTP;
    x->max_redirects = build_max_redirects(b->max_redirects);
    x->connect_timeout = build_seconds(agent->connection_timeout);
    x->read_timeout = build_seconds(agent->network_timeout);
    return follow >= 0 && flows >= 0 &&
           (!flows || exchange_stream(x) == 0) &&
           agent_not_followed(agent, &x->not_followed,
                              &b->options->usual_codes) &&
           agent_attach(agent, x);
}

static bool
set_method(struct exchange *x, PyObject *method)
{
    if (!build_set_method(x, method)) {
        return false;
    }
    if (!is_token(x->method, strlen(x->method))) {
        PyErr_Format(PyExc_ValueError, "invalid HTTP method %R", method);
        return false;
    }
    return true;
}

struct exchange *
fast_build(FastSessionObject *session, struct call *call,
           struct fast_options *options)
{
    AgentObject *agent = session->client;
    struct build b = {
        .session = session,
        .call = call,
        .options = options,
        .x = exchange_new(),
        .max_redirects = agent->max_redirects,
    };
    bool json = false;
    if (b.x == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    options->max_retries = agent->max_retries;
    options->debug_stream = NULL;
    bool ok = set_method(b.x, call->method) && read_payload(&b, &json) &&
              build_url(&b) && build_lines_and_body(&b, json) &&
              build_flags(&b);
    Py_XDECREF(b.data);
    Py_XDECREF(b.params);
    Py_XDECREF(b.files);
    if (!ok) {
        exchange_release(b.x);
        return NULL;
    }
    return b.x;
}
