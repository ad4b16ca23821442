/*
 * The registry of client helpers: what the native client leaves to Python.
 *
 * locust.clients hands them over when it is imported.
 */
#include "config.h"
#include "http/client.h"

#include <stdlib.h>
#include <string.h>

struct client_helpers helpers;
struct curl_slist *default_lines;
char *urllib3_agent;
bool urllib3_agent_first;

PyDoc_STRVAR(set_client_helpers_doc,
             "set_client_helpers(default_headers, agent, agent_first, "
             "**functions)\n\n"
             "For locust.clients: what the native client leaves to Python.");

static int
set_default_lines(PyObject *items)
{
    curl_slist_free_all(default_lines);
    default_lines = NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items); i++) {
        const char *line = PyUnicode_AsUTF8(PyList_GET_ITEM(items, i));
        struct curl_slist *longer =
            line == NULL ? NULL : curl_slist_append(default_lines, line);
        if (longer == NULL) {
            if (!PyErr_Occurred()) {
                PyErr_NoMemory();
            }
            return -1;
        }
        default_lines = longer;
    }
    return 0;
}

struct wanted {
    const char *name;
    PyObject **slot;
};

static const struct wanted wanted[] = {
#define HELPER(name) {#name, &helpers.name}
    HELPER(response_class), HELPER(encode_json),
    HELPER(encode_form),    HELPER(prepare_url),
    HELPER(prepare),        HELPER(merge_headers),
    HELPER(basic_auth),     HELPER(basic_auth_class),
    HELPER(check_header),   HELPER(split_timeout),
    HELPER(cookie_items),   HELPER(passed_on),
    HELPER(request_error),  HELPER(make_error),
    HELPER(http_error),     HELPER(response_error),
    HELPER(catch_error),    HELPER(lazy),
    HELPER(loads),          HELPER(trust),
    HELPER(send_slowly),    HELPER(describe),
    HELPER(adapters_are_ours), HELPER(close_adapters),
    HELPER(adopt_cookies),  HELPER(unwrap),
    HELPER(tls_options),    HELPER(adapter_class),
    HELPER(adapter_send),   HELPER(own_methods),
    HELPER(body_source),    HELPER(aborted),
#undef HELPER
};

#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

/* Whether all are there; sets TypeError if not. */
static bool
are_complete(PyObject *functions)
{
    for (size_t i = 0; i < WANTED; i++) {
        if (functions == NULL ||
            PyDict_GetItemString(functions, wanted[i].name) == NULL) {
            PyErr_Format(PyExc_TypeError, "%s is missing", wanted[i].name);
            return false;
        }
    }
    return true;
}

/* Requests that were made refer to the lines, and the I/O threads to the name
   of the file of certificates. */
static bool
may_be_set(void)
{
    if (engine_has_begun()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "client helpers cannot be replaced once a request was "
                        "made; locust.clients must not be reloaded then");
        return false;
    }
    return true;
}

static PyObject *
set_client_helpers(PyObject *module, PyObject *args, PyObject *kwargs)
{
    PyObject *lines;
    const char *agent;
    int first;
    if (!may_be_set() ||
        !PyArg_ParseTuple(args, "O!sp", &PyList_Type, &lines, &agent,
                          &first) ||
        !are_complete(kwargs) || set_default_lines(lines) < 0) {
        return NULL;
    }
    free(urllib3_agent);
    urllib3_agent = strdup(agent);
    urllib3_agent_first = first;
    if (urllib3_agent == NULL) {
        return PyErr_NoMemory();
    }
    for (size_t i = 0; i < WANTED; i++) {
        PyObject *o = PyDict_GetItemString(kwargs, wanted[i].name);
        Py_XSETREF(*wanted[i].slot, Py_NewRef(o));
    }
    Py_RETURN_NONE;
}

static PyMethodDef helpers_functions[] = {
    {"set_client_helpers", (PyCFunction)(void (*)(void))set_client_helpers,
     METH_VARARGS | METH_KEYWORDS, set_client_helpers_doc},
    {NULL},
};

int
helpers_module_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, helpers_functions);
}
