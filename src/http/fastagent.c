/*
 * The native base of UserAgent: the settings, the cookies and the connections
 * of a FastHttpSession.
 *
 * What is rarely looked at (headers, cookie jar, pool) comes into being when it
 * is touched: a user that never does costs little.
 */
#include "config.h"
#include "http/fast.h"

#include <stddef.h>
#include <structmember.h>

#include "base/names.h"
#include "base/pycompat.h"
#include "http/options.h"

PyTypeObject *Agent_Type;

/* --- Sets of statuses. */

/* What the class says, or the agent itself; usual: what it says if nobody has
   changed it. A new reference, NULL for the usual set, or an exception. */
static PyObject *
unusual_codes(AgentObject *agent, PyObject *name, PyObject *usual)
{
    PyObject *codes = PyObject_GetAttr((PyObject *)agent, name);
    if (codes == usual) {
        Py_CLEAR(codes);
    }
    return codes;
}

static int
contains(PyObject *codes, int status)
{
    PyObject *number = PyLong_FromLong(status);
    int found = number == NULL ? -1 : PySequence_Contains(codes, number);
    Py_XDECREF(number);
    return found;
}

/* FastHttpUser's usual set. */
static bool
is_usual(int status)
{
    return (status >= 200 && status <= 208) || status == 226 ||
           status == 304 || redirect_bit(status) != 0;
}

int
agent_refuses_status(AgentObject *agent, int status, bool usual)
{
    if (usual) {
        return !is_usual(status);
    }
    PyObject *codes = unusual_codes(agent, names.valid_response_codes,
                                    fast_helpers.valid_codes);
    if (codes == NULL) {
        return PyErr_Occurred() ? -1 : !is_usual(status);
    }
    int found = contains(codes, status);
    Py_DECREF(codes);
    return found < 0 ? -1 : !found;
}

/* The bits of those redirects that are not in a set. */
static bool
missing_bits(PyObject *codes, unsigned *bits)
{
    static const int redirects[] = {301, 302, 303, 307, 308};
    const size_t n = sizeof(redirects) / sizeof(redirects[0]);
    for (size_t i = 0; i < n; i++) {
        int found = contains(codes, redirects[i]);
        if (found < 0) {
            return false;
        }
        *bits |= found ? 0 : redirect_bit(redirects[i]);
    }
    return true;
}

bool
agent_not_followed(AgentObject *agent, unsigned *bits, bool *usual)
{
    struct {
        PyObject *name, *usual;
    } sets[] = {
        {names.redirect_response_codes, fast_helpers.redirect_codes},
        {names.valid_response_codes, fast_helpers.valid_codes},
    };
    *bits = 0;
    for (int i = 0; i < 2; i++) {
        PyObject *codes = unusual_codes(agent, sets[i].name, sets[i].usual);
        bool ok = codes == NULL ? !PyErr_Occurred()
                                : missing_bits(codes, bits);
        *usual = codes == NULL; /* at last: the valid ones */
        Py_XDECREF(codes);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* --- Connections and cookies. */

/* Asks for what the connections are to be like, once. */
static bool
set_up(AgentObject *agent)
{
    PyObject *pair = PyObject_CallOneArg(fast_helpers.options,
                                         (PyObject *)agent);
    int verify;
    PyObject *options;
    bool ok = pair != NULL &&
              PyArg_ParseTuple(pair, "pO!", &verify, &PyDict_Type, &options) &&
              options_from_dict(options, &agent->options);
    Py_XDECREF(pair);
    agent->verify = ok && verify;
    agent->set_up = ok;
    return ok;
}

static bool
make_jar(AgentObject *agent)
{
    if (agent->jar == NULL) {
        agent->jar = cookie_jar_new();
        if (agent->jar == NULL) {
            PyErr_NoMemory();
            return false;
        }
        cookie_jar_send_secure(agent->jar);
    }
    return true;
}

static struct fast_connections *
connections_of(AgentObject *agent)
{
    return agent->pool != NULL ? &agent->pool->own : &agent->own;
}

bool
agent_attach(AgentObject *agent, struct exchange *x)
{
    bool cookies = agent->cookiejar != Py_None;
    struct fast_connections *own = connections_of(agent);
    if ((!agent->set_up && !set_up(agent)) ||
        !fast_connections_open(own, x->url) ||
        (cookies && !make_jar(agent))) {
        return false;
    }
    x->connections = own->connections;
    x->resend = x->upload == NULL;
    x->cookies = cookies ? cookie_jar_ref(agent->jar) : NULL;
    x->options = options_ref(agent->options);
    x->verify = agent->verify;
    return true;
}

PyDoc_STRVAR(close_doc,
             "Closes the connections; the next request opens new ones.");

static PyObject *
agent_close(AgentObject *agent, PyObject *unused)
{
    return fast_connections_drop(connections_of(agent));
}

int
agent_leave(AgentObject *agent)
{
    return agent->pool != NULL && Py_REFCNT(agent->pool) > 1
               ? 0
               : drop_result(fast_connections_drop(connections_of(agent)));
}

/* --- Cookies, for the jar that shows them. */

static PyObject *
agent_cookie_list(AgentObject *agent, PyObject *unused)
{
    return cookies_list(agent->jar);
}

static PyObject *
agent_cookie_version(AgentObject *agent, PyObject *unused)
{
    return cookies_version(agent->jar);
}

static PyObject *
agent_cookie_set(AgentObject *agent, PyObject *args)
{
    return make_jar(agent) ? cookies_set(agent->jar, args) : NULL;
}

static PyObject *
agent_cookie_delete(AgentObject *agent, PyObject *args)
{
    return cookies_delete(agent->jar, args);
}

/* --- Attributes. */

static PyObject *
get_made(AgentObject *agent, PyObject **slot, PyObject *maker)
{
    if (*slot == NULL) {
        *slot = PyObject_CallOneArg(maker, (PyObject *)agent);
    }
    return Py_XNewRef(*slot);
}

static PyObject *
get_default_headers(AgentObject *agent, void *closure)
{
    return get_made(agent, &agent->default_headers,
                    fast_helpers.default_headers);
}

static PyObject *
get_cookiejar(AgentObject *agent, void *closure)
{
    return get_made(agent, &agent->cookiejar, fast_helpers.cookiejar);
}

/* Whoever wants to see the connections gets them as an object, which has them
   from then on. */
static PyObject *
get_clientpool(AgentObject *agent, void *closure)
{
    if (agent->pool == NULL) {
        PyObject *pool =
            PyObject_CallOneArg(fast_helpers.clientpool, (PyObject *)agent);
        if (pool == NULL || !PyObject_TypeCheck(pool, Pool_Type)) {
            return pool;
        }
        agent->pool = (PoolObject *)pool;
        agent->pool->own = agent->own;
        agent->own = (struct fast_connections){0};
    }
    return Py_NewRef(agent->pool);
}

static int
set_slot(PyObject **slot, PyObject *value)
{
    Py_XSETREF(*slot, Py_XNewRef(value));
    return 0;
}

static int
set_default_headers(AgentObject *agent, PyObject *value, void *closure)
{
    return set_slot(&agent->default_headers, value);
}

static int
set_clientpool(AgentObject *agent, PyObject *value, void *closure)
{
    if (value == NULL || !PyObject_TypeCheck(value, Pool_Type)) {
        PyErr_SetString(PyExc_TypeError,
                        "clientpool must be an HTTPClientPool");
        return -1;
    }
    Py_XSETREF(agent->pool, (PoolObject *)Py_NewRef(value));
    return 0;
}

/* None switches cookies off. The contents of another jar replace ours. */
static int
set_cookiejar(AgentObject *agent, PyObject *value, void *closure)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "cookiejar cannot be deleted");
        return -1;
    }
    if (value == Py_None) {
        return set_slot(&agent->cookiejar, Py_None);
    }
    if (agent->cookiejar == Py_None) {
        Py_CLEAR(agent->cookiejar);
    }
    PyObject *jar = get_cookiejar(agent, NULL);
    PyObject *r = jar == NULL || jar == value
                      ? Py_XNewRef(jar)
                      : PyObject_CallMethodOneArg(jar, names.replace, value);
    Py_XDECREF(jar);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

static PyGetSetDef agent_getset[] = {
    {"default_headers", (getter)get_default_headers,
     (setter)set_default_headers, "What every request sends.", NULL},
    {"cookiejar", (getter)get_cookiejar, (setter)set_cookiejar,
     "The cookies; None: they are not looked at.", NULL},
    {"clientpool", (getter)get_clientpool, (setter)set_clientpool,
     "The connections.", NULL},
    {NULL},
};

static PyMemberDef agent_members[] = {
    {"max_redirects", T_LONG, offsetof(AgentObject, max_redirects), 0,
     "How many redirects one request may follow."},
    {"max_retries", T_LONG, offsetof(AgentObject, max_retries), 0,
     "How often a request that took too long is tried again."},
    {"retry_delay", T_DOUBLE, offsetof(AgentObject, retry_delay), 0,
     "Seconds between two tries."},
    {NULL},
};

static PyMethodDef agent_methods[] = {
    {"close", (PyCFunction)agent_close, METH_NOARGS, close_doc},
    {"_cookie_list", (PyCFunction)agent_cookie_list, METH_NOARGS,
     "As SessionBase._cookie_list()."},
    {"_cookie_version", (PyCFunction)agent_cookie_version, METH_NOARGS,
     "As SessionBase._cookie_version()."},
    {"_cookie_set", (PyCFunction)agent_cookie_set, METH_VARARGS,
     "As SessionBase._cookie_set()."},
    {"_cookie_delete", (PyCFunction)agent_cookie_delete, METH_VARARGS,
     "As SessionBase._cookie_delete()."},
    {NULL},
};

/* --- The type. */

static int
agent_init(AgentObject *agent, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"max_redirects",   "max_retries", "retry_delay",
                            "connection_timeout", "network_timeout",
                            "concurrency", NULL};
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "lldddi", words, &agent->max_redirects,
            &agent->max_retries, &agent->retry_delay,
            &agent->connection_timeout, &agent->network_timeout,
            &agent->own.concurrency)) {
        return -1;
    }
    return 0;
}

static int
agent_traverse(AgentObject *agent, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(agent));
    Py_VISIT(agent->default_headers);
    Py_VISIT(agent->cookiejar);
    Py_VISIT(agent->pool);
    return 0;
}

static int
agent_clear(AgentObject *agent)
{
    Py_CLEAR(agent->default_headers);
    Py_CLEAR(agent->cookiejar);
    Py_CLEAR(agent->pool);
    return 0;
}

static void
agent_dealloc(AgentObject *agent)
{
    PyTypeObject *type = Py_TYPE(agent);
    PyObject_GC_UnTrack(agent);
    agent_clear(agent);
    fast_connections_free(&agent->own);
    cookie_jar_free(agent->jar);
    options_unref(agent->options);
    type->tp_free(agent);
    Py_DECREF(type);
}

PyDoc_STRVAR(agent_doc,
             "UserAgentBase(max_redirects, max_retries, retry_delay, "
             "connection_timeout, network_timeout, concurrency)\n\n"
             "The native base of UserAgent.");

static PyType_Slot agent_slots[] = {
    {Py_tp_doc, (void *)agent_doc},
    {Py_tp_init, agent_init},
    {Py_tp_traverse, agent_traverse},
    {Py_tp_clear, agent_clear},
    {Py_tp_dealloc, agent_dealloc},
    {Py_tp_methods, agent_methods},
    {Py_tp_getset, agent_getset},
    {Py_tp_members, agent_members},
    {0, NULL},
};

static PyType_Spec agent_spec = {
    .name = "_locust.UserAgentBase",
    .basicsize = sizeof(AgentObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = agent_slots,
};

int
agent_module_exec(PyObject *module)
{
    Agent_Type = (PyTypeObject *)PyType_FromSpec(&agent_spec);
    return Agent_Type == NULL ? -1 : PyModule_AddType(module, Agent_Type);
}
