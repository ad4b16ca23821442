/* Options of connections from what Python says of them; see client.h. */
#include "config.h"
#include "http/client.h"

#include <stddef.h>

#include "http/options.h"

static const struct {
    const char *name;
    size_t offset;
} texts[] = {
#define TEXT(field) {#field, offsetof(struct option_values, field)}
    TEXT(http_proxy), TEXT(https_proxy),  TEXT(no_proxy),   TEXT(ca_file),
    TEXT(ca_directory), TEXT(ca_pem),     TEXT(cert_file),  TEXT(key_file),
    TEXT(cert_pem),   TEXT(key_pem),      TEXT(key_password), TEXT(ciphers),
    TEXT(ciphers_13), TEXT(unix_socket),
#undef TEXT
};

static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
#define NUMBER(field) {#field, offsetof(struct option_values, field)}
    NUMBER(min_tls), NUMBER(max_tls), NUMBER(http_version),
#undef NUMBER
};

/* The value of a name, borrowed; NULL: it is not there, or None. */
static PyObject *
look_up(PyObject *dict, const char *name)
{
    PyObject *value = PyDict_GetItemString(dict, name);
    return value == Py_None ? NULL : value;
}

static bool
read_texts(PyObject *dict, struct option_values *values)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        PyObject *value = look_up(dict, texts[i].name);
        const char *text = value != NULL ? PyUnicode_AsUTF8(value) : NULL;
        if (value != NULL && text == NULL) {
            return false;
        }
        *(const char **)((char *)values + texts[i].offset) = text;
    }
    return true;
}

static bool
read_numbers(PyObject *dict, struct option_values *values)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        PyObject *value = look_up(dict, numbers[i].name);
        long number = value != NULL ? PyLong_AsLong(value) : 0;
        if (number == -1 && PyErr_Occurred()) {
            return false;
        }
        *(int *)((char *)values + numbers[i].offset) = (int)number;
    }
    PyObject *any = look_up(dict, "any_host_name");
    int truth = any != NULL ? PyObject_IsTrue(any) : 0;
    values->any_host_name = truth > 0;
    return truth >= 0;
}

bool
options_from_dict(PyObject *dict, const struct http_options **made)
{
    struct option_values values = {0};
    *made = NULL;
    if (!read_texts(dict, &values) || !read_numbers(dict, &values)) {
        return false;
    }
    if (!options_get(&values, made)) {
        PyErr_NoMemory();
        return false;
    }
    return true;
}
