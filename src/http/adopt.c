/*
 * Responses that requests made, on the slow way, as responses of ours.
 *
 * The attributes of both are one dict, so that a hook or an adapter which has
 * kept the response of requests sees what a locustfile does to ours. The body
 * stays with requests' code, which reads it from response.raw.
 */
#include "config.h"
#include "http/response.h"

#include "base/names.h"

/* Takes over url, name, length and time from (url, name, length, ms). */
static bool
take_description(ResponseObject *r, struct call *call, PyObject *told)
{
    PyObject *url, *name, *ms;
    int named = PyObject_IsTrue(call->name);
    if (named < 0 ||
        !PyArg_ParseTuple(told, "OOnO", &url, &name, &r->length, &ms)) {
        return false;
    }
    r->reported_url = Py_NewRef(url);
    r->name = Py_NewRef(named ? call->name : name);
    if (ms != Py_None) {
        r->response_time = PyFloat_AsDouble(ms);
    }
    return !PyErr_Occurred();
}

static bool
describe(ResponseObject *r, SessionObject *session, struct call *call,
         PyObject *plain)
{
    PyObject *told = PyObject_CallFunctionObjArgs(
        helpers.describe, (PyObject *)session, plain, call->url,
        call->stream != NULL ? call->stream : Py_None, NULL);
    bool ok = told != NULL && take_description(r, call, told);
    Py_XDECREF(told);
    return ok;
}

/* A response of ours with the attributes of requests' one; or that itself, if
   it is ours already: one that stands for a failure. */
static ResponseObject *
with_attributes_of(PyObject *plain)
{
    PyTypeObject *type = (PyTypeObject *)helpers.response_class;
    if (PyObject_TypeCheck(plain, Response_Type)) {
        return (ResponseObject *)Py_NewRef(plain);
    }
    PyObject *attributes = PyObject_GetAttr(plain, names.__dict__);
    ResponseObject *r =
        attributes == NULL ? NULL : (ResponseObject *)type->tp_alloc(type, 0);
    if (r != NULL && (!PyDict_Check(attributes) ||
                      PyObject_SetAttr((PyObject *)r, names.__dict__,
                                       attributes) < 0)) {
        Py_CLEAR(r);
    }
    if (r != NULL) {
        r->lazy = Py_NewRef(attributes);
        r->in_python = true;
    }
    Py_XDECREF(attributes);
    return r;
}

PyObject *
response_of(PyObject *unused, PyObject *plain)
{
    if (!PyObject_TypeCheck(plain, Response_Type) &&
        !PyObject_HasAttrString(plain, "status_code")) {
        PyErr_SetString(PyExc_TypeError, "it must be a requests.Response");
        return NULL;
    }
    return (PyObject *)with_attributes_of(plain);
}

PyObject *
response_adopt(SessionObject *session, struct call *call, PyObject *plain,
               double start_time, double response_time)
{
    ResponseObject *r = with_attributes_of(plain);
    if (r == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError,
                            "an adapter or a hook gave something that is no "
                            "requests.Response");
        }
        return NULL;
    }
    r->start_time = start_time;
    r->response_time = response_time;
    Py_XSETREF(r->hook, Py_NewRef(session->request_event));
    Py_XSETREF(r->request_type, Py_NewRef(call->method));
    Py_CLEAR(r->name);
    Py_CLEAR(r->reported_url);
    int caught = call->catch_response == NULL
                     ? 0
                     : PyObject_IsTrue(call->catch_response);
    r->catch_response = caught > 0;
    bool ok = caught >= 0 && describe(r, session, call, plain);
    if (ok) {
        Py_XSETREF(r->context, response_merge_context(session->user,
                                                      call->context));
    }
    if (!ok || PyErr_Occurred()) {
        Py_CLEAR(r);
    }
    return (PyObject *)r;
}
