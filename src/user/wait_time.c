/*
 * between(), constant(), constant_pacing(), constant_throughput().
 *
 * They return WaitTime objects, which behave as functions do: put on a class
 * they become methods and get the instance. The loop of a task set recognises
 * them and asks for the number without a Python call.
 */
#include "user/internal.h"

#include <stddef.h>
#include <structmember.h>

#include "base/clock.h"
#include "user/choice.h"

enum kind { BETWEEN, CONSTANT, PACING };

typedef struct {
    PyObject_HEAD
    enum kind kind;
    double min, span;           /* BETWEEN; PACING: min is the period */
    PyObject *value;            /* CONSTANT; owned */
    vectorcallfunc vectorcall;
} WaitTimeObject;

static PyTypeObject *WaitTime_Type;

bool
wait_time_check(PyObject *callable)
{
    return Py_IS_TYPE(callable, WaitTime_Type);
}

/* --- What they compute. */

/* The pacing of a user or task set; NULL for any other object, which has it
   in ordinary attributes. */
static struct pacing *
native_pacing(PyObject *instance)
{
    if (PyObject_TypeCheck(instance, User_Type)) {
        return &((UserObject *)instance)->pacing;
    }
    if (PyObject_TypeCheck(instance, TaskSet_Type)) {
        return &((TaskSetObject *)instance)->pacing;
    }
    return NULL;
}

static int
get_double(PyObject *obj, PyObject *name, double *value)
{
    PyObject *attribute = PyObject_GetAttr(obj, name);
    *value = attribute != NULL ? PyFloat_AsDouble(attribute) : -1;
    Py_XDECREF(attribute);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

static int
set_double(PyObject *obj, PyObject *name, double value)
{
    PyObject *number = PyFloat_FromDouble(value);
    int result = number != NULL ? PyObject_SetAttr(obj, name, number) : -1;
    Py_XDECREF(number);
    return result;
}

/* What is left of the period, from the start of the last turn to the start of
   the next. A time that is still to come is one of time.time(): locustfiles
   that set _cp_last_run themselves do it so. */
static double
pace(double period, struct pacing *p)
{
    double now = clock_perf();
    double ran = (p->last_run > now ? clock_wall() : now) - p->last_run -
                 p->last_wait;
    p->last_run = now;
    p->last_wait = ran < period ? period - ran : 0;
    return p->last_wait;
}

static PyObject *
pace_anything(double period, PyObject *instance)
{
    struct pacing p;
    if (get_double(instance, names._cp_last_run, &p.last_run) < 0 ||
        get_double(instance, names._cp_last_wait_time, &p.last_wait) < 0) {
        return NULL;
    }
    double wait = pace(period, &p);
    if (set_double(instance, names._cp_last_run, p.last_run) < 0 ||
        set_double(instance, names._cp_last_wait_time, p.last_wait) < 0) {
        return NULL;
    }
    return PyFloat_FromDouble(wait);
}

PyObject *
wait_time_call(PyObject *wait_time, PyObject *instance)
{
    WaitTimeObject *self = (WaitTimeObject *)wait_time;
    if (self->kind == CONSTANT) {
        return Py_NewRef(self->value);
    }
    if (self->kind == BETWEEN) {
        double fraction = choice_fraction();
        return fraction == -1 && PyErr_Occurred()
                   ? NULL
                   : PyFloat_FromDouble(self->min + fraction * self->span);
    }
    struct pacing *p = native_pacing(instance);
    return p != NULL ? PyFloat_FromDouble(pace(self->min, p))
                     : pace_anything(self->min, instance);
}

/* --- The type. */

static PyObject *
wait_time_vectorcall(PyObject *self, PyObject *const *args, size_t nargsf,
                     PyObject *kwnames)
{
    Py_ssize_t n = PyVectorcall_NARGS(nargsf);
    if (n != 1 || (kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0)) {
        PyErr_Format(PyExc_TypeError,
                     "a wait time function takes one argument, the user or "
                     "task set, but %zd were given; assign it to the class, "
                     "not to an instance",
                     n);
        return NULL;
    }
    return wait_time_call(self, args[0]);
}

static PyObject *
wait_time_descr_get(PyObject *self, PyObject *obj, PyObject *type)
{
    return obj == NULL || obj == Py_None ? Py_NewRef(self)
                                         : PyMethod_New(self, obj);
}

static PyObject *
wait_time_repr(WaitTimeObject *self)
{
    if (self->kind == CONSTANT) {
        return PyUnicode_FromFormat("constant(%R)", self->value);
    }
    char text[80];
    if (self->kind == BETWEEN) {
        snprintf(text, sizeof(text), "between(%g, %g)", self->min,
                 self->min + self->span);
    }
    else {
        snprintf(text, sizeof(text), "constant_pacing(%g)", self->min);
    }
    return PyUnicode_FromString(text);
}

static int
wait_time_traverse(WaitTimeObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->value);
    return 0;
}

static void
wait_time_dealloc(WaitTimeObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->value);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *
wait_time_text_signature(PyObject *self, void *unused)
{
    return PyUnicode_FromString("(instance)");
}

static PyGetSetDef wait_time_getset[] = {
    {"__text_signature__", wait_time_text_signature},
    {NULL},
};

static PyMemberDef wait_time_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(WaitTimeObject, vectorcall),
     READONLY},
    {NULL},
};

static PyType_Slot wait_time_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, wait_time_descr_get},
    {Py_tp_repr, wait_time_repr},
    {Py_tp_traverse, wait_time_traverse},
    {Py_tp_dealloc, wait_time_dealloc},
    {Py_tp_members, wait_time_members},
    {Py_tp_getset, wait_time_getset},
    {0, NULL},
};

static PyType_Spec wait_time_spec = {
    .name = "_locust.WaitTime",
    .basicsize = sizeof(WaitTimeObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
             Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = wait_time_slots,
};

/* --- What makes them. */

static PyObject *
wait_time_new(enum kind kind, double min, double span, PyObject *value)
{
    WaitTimeObject *self = PyObject_GC_New(WaitTimeObject, WaitTime_Type);
    if (self != NULL) {
        self->kind = kind;
        self->min = min;
        self->span = span;
        self->value = Py_XNewRef(value);
        self->vectorcall = wait_time_vectorcall;
        PyObject_GC_Track(self);
    }
    return (PyObject *)self;
}

static PyObject *
between(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"min_wait", "max_wait", NULL};
    double min, max;
    return PyArg_ParseTupleAndKeywords(args, kwargs, "dd:between", keywords,
                                       &min, &max)
               ? wait_time_new(BETWEEN, min, max - min, NULL)
               : NULL;
}

static PyObject *
constant(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"wait_time", NULL};
    PyObject *value;
    return PyArg_ParseTupleAndKeywords(args, kwargs, "O:constant", keywords,
                                       &value)
               ? wait_time_new(CONSTANT, 0, 0, value)
               : NULL;
}

static PyObject *
constant_pacing(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"wait_time", NULL};
    double period;
    return PyArg_ParseTupleAndKeywords(args, kwargs, "d:constant_pacing",
                                       keywords, &period)
               ? wait_time_new(PACING, period, 0, NULL)
               : NULL;
}

static PyObject *
constant_throughput(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"task_runs_per_second", NULL};
    double rate;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "d:constant_throughput",
                                     keywords, &rate)) {
        return NULL;
    }
    if (rate == 0) {
        PyErr_SetString(PyExc_ZeroDivisionError,
                        "constant_throughput(0): no task would ever run");
        return NULL;
    }
    return wait_time_new(PACING, 1 / rate, 0, NULL);
}

PyDoc_STRVAR(between_doc,
             "between(min_wait, max_wait)\n--\n\n"
             "Waits a random time between two "
             "numbers of seconds.");
PyDoc_STRVAR(constant_doc,
             "constant(wait_time)\n--\n\nWaits so many seconds.");
PyDoc_STRVAR(constant_pacing_doc,
             "constant_pacing(wait_time)\n--\n\nWaits as long as it takes for "
             "tasks to begin every wait_time seconds.\nA task that takes "
             "longer is followed by the next at once.");
PyDoc_STRVAR(constant_throughput_doc,
             "constant_throughput(task_runs_per_second)\n--\n\n"
             "Waits as long as "
             "it takes for so many tasks to run every second.");

#define FUNCTION(name) \
    {#name, (PyCFunction)(void (*)(void))name, METH_VARARGS | METH_KEYWORDS, \
     name##_doc}

static PyMethodDef functions[] = {
    FUNCTION(between),
    FUNCTION(constant),
    FUNCTION(constant_pacing),
    FUNCTION(constant_throughput),
    {NULL},
};

int
wait_time_exec(PyObject *module)
{
    WaitTime_Type = (PyTypeObject *)PyType_FromSpec(&wait_time_spec);
    if (WaitTime_Type == NULL ||
        PyModule_AddType(module, WaitTime_Type) < 0) {
        return -1;
    }
    return PyModule_AddFunctions(module, functions);
}
