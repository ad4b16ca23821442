/*
 * The room's entry for Python: conversions, and the functions of the module.
 *
 * Users may replace locust.stats.bucket_response_time at any time, so the
 * module's dict is looked at for every request.
 */
#include "config.h"
#include "stats/internal.h"

#include <math.h>

#include "base/clock.h"
#include "event/event.h"

static PyObject *globals;           /* of locust.stats; NULL: not imported */
static PyObject *bucket_name;       /* "bucket_response_time" */
static PyObject *native_bucket;     /* our function of that name */
static PyObject *time_globals;      /* of the module time */
static PyObject *time_name;         /* "time" */
static PyObject *native_time;       /* time.time as it was at first */

/* What Locust keeps beyond the window of current percentiles. */
#define SNAPSHOTS_BEYOND (STATS_SNAPSHOTS - 10)
#define GREATEST_WINDOW 3600

PyObject *
stats_global(const char *name)
{
    PyObject *value = globals ? PyDict_GetItemString(globals, name) : NULL;
    if (value == NULL) {
        PyErr_Format(PyExc_RuntimeError,
                     "locust.stats has no %s (import locust.stats first, and "
                     "do not delete its names)", name);
    }
    return Py_XNewRef(value);
}

/* --- What users may replace. */

int
stats_now(double *now)
{
    PyObject *function = PyDict_GetItemWithError(time_globals, time_name);
    if (function == native_time) {
        *now = clock_wall();
        return 0;
    }
    if (function == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_RuntimeError, "time.time was deleted");
        }
        return -1;
    }
    Py_INCREF(function);        /* it might replace itself */
    PyObject *r = PyObject_CallNoArgs(function);
    *now = r == NULL ? -1 : PyFloat_AsDouble(r);
    Py_DECREF(function);
    Py_XDECREF(r);
    return *now == -1 && PyErr_Occurred() ? -1 : 0;
}

int
snapshots_wanted(int *window)
{
    PyObject *value =
        globals == NULL
            ? NULL
            : PyDict_GetItemString(globals,
                                   "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW");
    long n = value == NULL ? 10 : PyLong_AsLong(value);
    if (n == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (n < 0 || n > GREATEST_WINDOW) {
        PyErr_Format(PyExc_ValueError,
                     "locust.stats.CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW "
                     "is %ld, but must be between 0 and %d", n,
                     GREATEST_WINDOW);
        return -1;
    }
    if (window != NULL) {
        *window = (int)n;
    }
    return (int)n + SNAPSHOTS_BEYOND;
}

/* --- Conversions. */

PyObject *
utf8_of(PyObject *str)
{
    PyObject *bytes =
        str == NULL
            ? NULL
            : PyUnicode_AsEncodedString(str, "utf-8", "backslashreplace");
    Py_XDECREF(str);
    return bytes;
}

/* str(), or what there is to say if that fails: a request is counted
   whatever it is called. */
static PyObject *
safe_str(PyObject *object)
{
    PyObject *text = PyObject_Str(object);
    if (text == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
        text = PyUnicode_FromFormat("<%s, whose str() failed>",
                                    _PyType_Name(Py_TYPE(object)));
    }
    return text;
}

/* UTF-8 of a str, or of what str() makes of something else. */
static const char *
text_from(PyObject *object, PyObject **held, size_t *len)
{
    Py_ssize_t n;
    if (PyUnicode_Check(object)) {
        const char *utf8 = PyUnicode_AsUTF8AndSize(object, &n);
        if (utf8 != NULL) {
            *len = (size_t)n;
            return utf8;
        }
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            return NULL;
        }
        PyErr_Clear();          /* lone surrogates: shown, not refused */
    }
    *held = utf8_of(safe_str(object));
    if (*held == NULL) {
        return NULL;
    }
    *len = (size_t)PyBytes_GET_SIZE(*held);
    return PyBytes_AS_STRING(*held);
}

int
key_from(struct py_key *k, PyObject *method, PyObject *name)
{
    k->held[0] = k->held[1] = NULL;
    k->key.method = "";
    k->key.method_len = 0;
    if (method != Py_None) {
        k->key.method = text_from(method, &k->held[0], &k->key.method_len);
    }
    if (k->key.method != NULL) {
        k->key.name = text_from(name, &k->held[1], &k->key.name_len);
    }
    if (k->key.method == NULL || k->key.name == NULL) {
        key_release(k);
        return -1;
    }
    return 0;
}

void
key_release(struct py_key *k)
{
    Py_CLEAR(k->held[0]);
    Py_CLEAR(k->held[1]);
}

/* Whether C's text of it says all that there is to say. An object that cannot
   be a key is one that its text stands for. */
static bool
is_said(PyObject *name)
{
    if (PyUnicode_Check(name)) {
        return true;
    }
    if (PyObject_Hash(name) == -1) {
        PyErr_Clear();
        return true;
    }
    return false;
}

void
names_give(struct py_names *own, PyObject *method, PyObject *name)
{
    Py_XSETREF(own->method, is_said(method) ? NULL : Py_NewRef(method));
    Py_XSETREF(own->name, is_said(name) ? NULL : Py_NewRef(name));
}

void
names_drop(struct py_names *own)
{
    Py_CLEAR(own->method);
    Py_CLEAR(own->name);
}

PyObject *
name_shown(PyObject *given, const char *text, size_t len)
{
    return given != NULL ? Py_NewRef(given)
                         : PyUnicode_FromStringAndSize(text, (Py_ssize_t)len);
}

PyObject *
name_portable(PyObject *given, const char *text, size_t len)
{
    bool portable = given == Py_None ||
                    (given != NULL && PyLong_CheckExact(given));
    return name_shown(portable ? given : NULL, text, len);
}

static int
check_finite(double x)
{
    if (!isfinite(x)) {
        PyObject *never = PyLong_FromDouble(x);     /* says what is wrong */
        Py_XDECREF(never);
        return -1;
    }
    return 0;
}

int
sample_bucket(struct stats_sample *sample)
{
    if (check_finite(sample->ms) < 0) {
        return -1;
    }
    PyObject *function =
        globals ? PyDict_GetItemWithError(globals, bucket_name) : NULL;
    if (function == NULL || function == native_bucket) {
        sample->bucket = bucket_round(sample->ms);
        return PyErr_Occurred() ? -1 : 0;
    }
    Py_INCREF(function);        /* it might replace itself */
    PyObject *ms = sample->whole ? PyLong_FromDouble(sample->ms)
                                 : PyFloat_FromDouble(sample->ms);
    PyObject *r = ms ? PyObject_CallOneArg(function, ms) : NULL;
    sample->bucket = r ? PyFloat_AsDouble(r) : -1;
    Py_DECREF(function);
    Py_XDECREF(ms);
    Py_XDECREF(r);
    if (sample->bucket == -1 && PyErr_Occurred()) {
        return -1;
    }
    return check_finite(sample->bucket);
}

int
time_from(PyObject *response_time, double *ms, bool *whole)
{
    *whole = PyLong_Check(response_time);
    *ms = PyFloat_AsDouble(response_time);
    return *ms == -1 && PyErr_Occurred() ? -1 : 0;
}

int
sample_from(struct stats_sample *sample, PyObject *response_time,
            PyObject *content_length)
{
    *sample = (struct stats_sample){.timed = response_time != Py_None};
    if (stats_now(&sample->now) < 0) {
        return -1;
    }
    if (sample->timed &&
        (time_from(response_time, &sample->ms, &sample->whole) < 0 ||
         sample_bucket(sample) < 0)) {
        return -1;
    }
    return event_length(content_length, &sample->length);
}

PyObject *
number_from(double x)
{
    return x == floor(x) && fabs(x) < 0x1p63 ? PyLong_FromDouble(x)
                                             : PyFloat_FromDouble(x);
}

void
lock_stats(PyObject *stats)
{
    if (stats != NULL && PyObject_TypeCheck(stats, RequestStats_Type)) {
        stats_lock(((RequestStatsObject *)stats)->core);
    }
}

void
unlock_stats(PyObject *stats)
{
    if (stats != NULL && PyObject_TypeCheck(stats, RequestStats_Type)) {
        stats_unlock(((RequestStatsObject *)stats)->core);
    }
}

struct stats *
stats_of(PyObject *stats)
{
    if (stats == NULL || !PyObject_TypeCheck(stats, RequestStats_Type)) {
        PyErr_Format(PyExc_TypeError, "expected RequestStats, not %.100s",
                     stats == NULL ? "nothing" : Py_TYPE(stats)->tp_name);
        return NULL;
    }
    return ((RequestStatsObject *)stats)->core;
}

/* --- Functions of the module. */

PyDoc_STRVAR(py_stats_bind_doc,
             "stats_bind(globals)\n\n"
             "Names the dict of locust.stats, where constants and functions "
             "that users may replace are looked up.");

static PyObject *
py_stats_bind(PyObject *module, PyObject *dict)
{
    if (!PyDict_CheckExact(dict)) {
        PyErr_SetString(PyExc_TypeError, "stats_bind() needs a dict");
        return NULL;
    }
    Py_XSETREF(globals, Py_NewRef(dict));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(py_bucket_response_time_doc,
             "bucket_response_time($module, response_time)\n--\n\n"
             "The bucket in which a response time (ms) is counted: rounded "
             "to two digits, below 100 to whole ones.");

static PyObject *
py_bucket_response_time(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"response_time", NULL};
    double ms;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "d", keywords, &ms) ||
        check_finite(ms) < 0) {
        return NULL;
    }
    return PyLong_FromDouble(bucket_round(ms));
}

double *
numbers_from(PyObject *sequence, size_t *n)
{
    PyObject *fast = PySequence_Fast(sequence, "percentiles: not a sequence");
    if (fast == NULL) {
        return NULL;
    }
    *n = (size_t)PySequence_Fast_GET_SIZE(fast);
    double *numbers = PyMem_New(double, *n + 1);
    if (numbers == NULL) {
        PyErr_NoMemory();
    }
    for (size_t i = 0; numbers != NULL && i < *n; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(fast, (Py_ssize_t)i);
        numbers[i] = PyFloat_AsDouble(item);
        if (numbers[i] == -1 && PyErr_Occurred()) {
            PyMem_Free(numbers);
            numbers = NULL;
        }
    }
    Py_DECREF(fast);
    return numbers;
}

static PyMethodDef functions[] = {
    METHOD("stats_bind", py_stats_bind, METH_O),
    METHOD("bucket_response_time", py_bucket_response_time,
           METH_VARARGS | METH_KEYWORDS),
    {NULL},
};

/* Remembers time.time as it is, to notice when it is replaced. */
static int
find_time(void)
{
    PyObject *module = PyImport_ImportModule("time");
    if (module == NULL) {
        return -1;
    }
    time_globals = Py_NewRef(PyModule_GetDict(module));
    time_name = PyUnicode_InternFromString("time");
    native_time = PyObject_GetAttrString(module, "time");
    Py_DECREF(module);
    return time_name == NULL || native_time == NULL ? -1 : 0;
}

int
stats_module_exec(PyObject *module)
{
    bucket_name = PyUnicode_InternFromString("bucket_response_time");
    if (bucket_name == NULL || find_time() < 0 || pyview_exec() < 0 ||
        pydict_exec(module) < 0 ||
        pyentry_exec(module) < 0 || pyerror_exec(module) < 0 ||
        pycollection_exec(module) < 0 || pymerge_exec(module) < 0 ||
        pylistener_exec(module) < 0 || pytables_exec(module) < 0 ||
        PyModule_AddFunctions(module, functions) < 0) {
        return -1;
    }
    native_bucket = PyObject_GetAttr(module, bucket_name);
    return native_bucket == NULL ? -1 : 0;
}
