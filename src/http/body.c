/* The body of a reply: as bytes, as text, as JSON. */
#include "config.h"
#include "http/response.h"

#include <string.h>
#include <strings.h>

#include "base/names.h"
#include "base/pycompat.h"

const char *
response_body(const ResponseObject *r, Py_ssize_t *length)
{
    if (r->reply == NULL || r->error != NULL) {
        *length = 0;
        return "";
    }
    *length = (Py_ssize_t)(r->reply->raw.length - r->reply->body);
    return r->reply->raw.data + r->reply->body;
}

/* The value of one of the attributes that requests.Response has it in. */
static PyObject *
kept_by_requests(ResponseObject *r, const char *what, PyObject *otherwise)
{
    PyObject *value =
        r->lazy == NULL ? NULL : PyDict_GetItemString(r->lazy, what);
    return Py_NewRef(value != NULL ? value : otherwise);
}

PyObject *
response_get_kept(ResponseObject *r, void *closure)
{
    return r->in_python ? kept_by_requests(r, "_content", Py_False)
                        : response_get_content(r, closure);
}

PyObject *
response_get_content(ResponseObject *r, void *closure)
{
    if (r->error != NULL) {
        Py_RETURN_NONE;
    }
    if (r->in_python) {
        return response_lazily(r, "content");
    }
    if (r->content == NULL) {
        Py_ssize_t length;
        const char *body = response_body(r, &length);
        r->content = PyBytes_FromStringAndSize(body, length);
    }
    return Py_XNewRef(r->content);
}

int
response_set_content(ResponseObject *r, PyObject *value, void *closure)
{
    if (r->in_python) {
        return PyDict_SetItemString(r->lazy, "_content",
                                    value != NULL ? value : Py_False);
    }
    Py_XSETREF(r->content, Py_XNewRef(value));
    return 0;
}

/* The charset of a Content-Type, by requests' rules; NULL: it says none. */
static PyObject *
charset_of(const struct header *type)
{
    const char *end = type->value + type->value_length;
    const char *at = memchr(type->value, ';', type->value_length);
    while (at != NULL && at < end) {
        at++;
        while (at < end && (*at == ' ' || *at == '\t')) {
            at++;
        }
        const char *next = memchr(at, ';', (size_t)(end - at));
        const char *stop = next != NULL ? next : end;
        if (stop - at > 8 && strncasecmp(at, "charset=", 8) == 0) {
            at += 8;
            while (at < stop && strchr("'\" ", *at) != NULL) {
                at++;
            }
            while (stop > at && strchr("'\" ", stop[-1]) != NULL) {
                stop--;
            }
            return PyUnicode_DecodeLatin1(at, stop - at, NULL);
        }
        at = next;
    }
    return NULL;
}

static bool
contains(const struct header *h, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= h->value_length; i++) {
        if (memcmp(h->value + i, word, length) == 0) {
            return true;
        }
    }
    return false;
}

PyObject *
response_get_encoding(ResponseObject *r, void *closure)
{
    struct header type;
    if (r->encoding != NULL) {
        return Py_NewRef(r->encoding);
    }
    if (r->reply == NULL && r->in_python) {
        return kept_by_requests(r, "encoding", Py_None);
    }
    if (r->reply != NULL && r->error == NULL &&
        reply_find_header(r->reply, "Content-Type", &type)) {
        r->encoding = charset_of(&type);
        if (r->encoding == NULL && PyErr_Occurred()) {
            return NULL;
        }
        if (r->encoding == NULL && contains(&type, "text")) {
            r->encoding = PyUnicode_FromString("ISO-8859-1");
        }
        else if (r->encoding == NULL && contains(&type, "application/json")) {
            r->encoding = PyUnicode_FromString("utf-8");
        }
    }
    if (r->encoding == NULL) {
        r->encoding = Py_NewRef(Py_None);
    }
    return Py_NewRef(r->encoding);
}

int
response_set_encoding(ResponseObject *r, PyObject *value, void *closure)
{
    Py_XSETREF(r->encoding, Py_NewRef(value != NULL ? value : Py_None));
    return 0;
}

PyObject *
response_get_text(ResponseObject *r, void *closure)
{
    Py_ssize_t length;
    if (r->in_python) {
        return response_lazily(r, "text");
    }
    const char *body = response_body(r, &length);
    if (r->content != NULL && PyBytes_Check(r->content)) {
        body = PyBytes_AS_STRING(r->content);
        length = PyBytes_GET_SIZE(r->content);
    }
    if (length == 0) {
        return Py_NewRef(names.empty);
    }
    PyObject *encoding = response_get_encoding(r, NULL);
    if (encoding == NULL) {
        return NULL;
    }
    PyObject *text = NULL;
    if (PyUnicode_Check(encoding)) {
        const char *name = PyUnicode_AsUTF8(encoding);
        text = name == NULL ? NULL
                            : PyUnicode_Decode(body, length, name, "replace");
        if (text == NULL && PyErr_ExceptionMatches(PyExc_LookupError)) {
            PyErr_Clear();
            text = PyUnicode_DecodeUTF8(body, length, "replace");
        }
    }
    else {
        text = response_lazily(r, "text");
    }
    Py_DECREF(encoding);
    return text;
}

/* Whether it is UTF-8 text by the look of its first bytes. */
static bool
looks_like_utf8(const char *body, Py_ssize_t length)
{
    Py_ssize_t n = length < 4 ? length : 4;
    return n > 0 && memchr(body, '\0', (size_t)n) == NULL &&
           (unsigned char)body[0] < 0xef;
}

PyObject *
response_json(ResponseObject *r, PyObject *args, PyObject *kwargs)
{
    Py_ssize_t length;
    const char *body = response_body(r, &length);
    bool plain = (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0) &&
                 r->error == NULL && r->encoding == NULL && !r->in_python &&
                 r->content == NULL && looks_like_utf8(body, length);
    if (plain) {
        PyObject *encoding = response_get_encoding(r, NULL);
        plain = encoding != NULL &&
                (encoding == Py_None ||
                 PyUnicode_CompareWithASCIIString(encoding, "utf-8") == 0);
        Py_XDECREF(encoding);
    }
    if (plain) {
        PyObject *text = PyUnicode_DecodeUTF8(body, length, "strict");
        PyObject *result =
            text == NULL ? NULL : PyObject_CallOneArg(helpers.loads, text);
        Py_XDECREF(text);
        if (result != NULL || !PyErr_ExceptionMatches(PyExc_ValueError)) {
            return result;
        }
    }
    PyErr_Clear();
    PyObject *method = response_lazily(r, "json");
    PyObject *result = method == NULL ? NULL : PyObject_Call(method, args,
                                                             kwargs);
    Py_XDECREF(method);
    return result;
}
