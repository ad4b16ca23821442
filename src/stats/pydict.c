/*
 * RequestStats.entries and .errors: real dicts, so that everything one does
 * with a dict works, whose contents C fills in.
 *
 * C adds an entry here in the moment in which it comes into being, and that
 * is the only way in which they change by themselves. Whatever Python changes
 * is carried over to C at once: after any changing method the C collection is
 * made anew from the dict. A dict that its RequestStats has dropped (by
 * clear_all() or an assignment) is an ordinary dict from then on.
 */
#include "config.h"
#include "stats/internal.h"

typedef struct {
    PyDictObject dict;
    PyObject *stats;
} ViewObject;

PyTypeObject *EntriesDict_Type;
PyTypeObject *ErrorsDict_Type;

PyObject *
view_new(PyTypeObject *type, PyObject *stats)
{
    return PyObject_CallOneArg((PyObject *)type, stats);
}

static int
view_init(ViewObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"request_stats", NULL};
    PyObject *stats;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", keywords, &stats)) {
        return -1;
    }
    Py_XSETREF(self->stats, Py_NewRef(stats));
    return 0;
}

static int
view_traverse(ViewObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->stats);
    return PyDict_Type.tp_traverse((PyObject *)self, visit, arg);
}

static int
view_clear_refs(ViewObject *self)
{
    Py_CLEAR(self->stats);
    return PyDict_Type.tp_clear((PyObject *)self);
}

static void
view_dealloc(ViewObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self->stats);
    PyDict_Type.tp_dealloc((PyObject *)self);
    Py_DECREF(type);
}

/* --- Carrying changes over to C. */

static int
check_value(PyObject *key, PyObject *value, PyTypeObject *type)
{
    if (!PyObject_TypeCheck(value, type)) {
        PyErr_Format(PyExc_TypeError, "%R: expected %.100s, not %.100s", key,
                     type->tp_name, Py_TYPE(value)->tp_name);
        return -1;
    }
    return 0;
}

static int
check_values(PyObject *dict, PyTypeObject *type)
{
    PyObject *key, *value;
    for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &value);) {
        if (check_value(key, value, type) < 0) {
            return -1;
        }
    }
    return 0;
}

PyObject *
view_entries(PyObject *dict)
{
    PyObject *key, *value, *list = PyList_New(0);
    for (Py_ssize_t at = 0;
         list != NULL && PyDict_Next(dict, &at, &key, &value);) {
        if (check_value(key, value, StatsEntry_Type) < 0 ||
            PyList_Append(list, value) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

/* Makes C find an entry under the key that it has in the dict, whatever it is
   called. A key that is no (name, method) stands for nothing. */
static int
set_key(RequestStatsObject *stats, PyObject *key, struct stats_entry *e)
{
    struct py_key k;
    if (!PyTuple_Check(key) || PyTuple_GET_SIZE(key) != 2) {
        return 0;
    }
    if (key_from(&k, PyTuple_GET_ITEM(key, 1), PyTuple_GET_ITEM(key, 0)) <
        0) {
        return -1;
    }
    int r = 0;
    struct stats_key own = entry_key(e);
    if (!key_equal(&own, &k.key)) {
        stats_lock(stats->core);
        r = entry_set_key(e, &k.key);
        stats_unlock(stats->core);
    }
    key_release(&k);
    if (r < 0) {
        PyErr_NoMemory();
    }
    return r;
}

/* The same for all. A copy is walked through: str() of a key may change the
   dict. */
static int
set_keys(RequestStatsObject *stats, PyObject *dict)
{
    PyObject *items = PyDict_Items(dict);
    int r = items == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; r == 0 && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GET_ITEM(items, i);
        PyObject *entry = PyTuple_GET_ITEM(item, 1);
        r = set_key(stats, PyTuple_GET_ITEM(item, 0),
                    ((StatsEntryObject *)entry)->entry);
    }
    Py_XDECREF(items);
    return r;
}

int
view_apply(RequestStatsObject *stats, PyObject *dict)
{
    bool errors = PyObject_TypeCheck(dict, ErrorsDict_Type);
    if (check_values(dict, errors ? StatsError_Type : StatsEntry_Type) < 0 ||
        (!errors && set_keys(stats, dict) < 0)) {
        return -1;
    }
    size_t n = 0;
    void **items = PyMem_New(void *, (size_t)PyDict_Size(dict) + 1);
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyObject *key, *value;
    for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &value);) {
        items[n++] = errors ? (void *)((StatsErrorObject *)value)->record
                            : (void *)((StatsEntryObject *)value)->entry;
    }
    int r = errors ? stats_set_errors(stats->core,
                                      (struct stats_error **)items, n)
                   : stats_set_entries(stats->core,
                                       (struct stats_entry **)items, n);
    PyMem_Free(items);
    if (r < 0) {
        PyErr_NoMemory();
    }
    return r;
}

/* Carries the dict over, if it is the one in use. */
static int
changed(ViewObject *self)
{
    if (self->stats == NULL ||
        !PyObject_TypeCheck(self->stats, RequestStats_Type)) {
        return 0;
    }
    RequestStatsObject *stats = (RequestStatsObject *)self->stats;
    if (stats->entries != (PyObject *)self &&
        stats->errors != (PyObject *)self) {
        return 0;
    }
    return view_apply(stats, (PyObject *)self);
}

static int
view_assign(ViewObject *self, PyObject *key, PyObject *value)
{
    int r = PyDict_Type.tp_as_mapping->mp_ass_subscript((PyObject *)self, key,
                                                        value);
    return r < 0 ? -1 : changed(self);
}

/* Calls dict's method of that name, then carries the result over. */
static PyObject *
call_dict(ViewObject *self, const char *name, PyObject *args,
          PyObject *kwargs)
{
    PyObject *r = NULL, *full = NULL;
    PyObject *method = PyObject_GetAttrString((PyObject *)&PyDict_Type, name);
    PyObject *head = PyTuple_Pack(1, (PyObject *)self);
    if (method != NULL && head != NULL) {
        full = PySequence_Concat(head, args);
    }
    if (full != NULL) {
        r = PyObject_Call(method, full, kwargs);
    }
    if (r != NULL && changed(self) < 0) {
        Py_CLEAR(r);
    }
    Py_XDECREF(method);
    Py_XDECREF(head);
    Py_XDECREF(full);
    return r;
}

#define CHANGING(name) \
    PyDoc_STRVAR(view_##name##_doc, "As dict." #name "()."); \
    static PyObject *view_##name(ViewObject *self, PyObject *args, \
                                 PyObject *kwargs) \
    { \
        return call_dict(self, #name, args, kwargs); \
    }

CHANGING(clear)
CHANGING(pop)
CHANGING(popitem)
CHANGING(setdefault)
CHANGING(update)
CHANGING(__ior__)

PyDoc_STRVAR(entries_missing_doc, "Makes the entry.");

static PyObject *
entries_missing(ViewObject *self, PyObject *key)
{
    PyObject *name, *method;
    if (!PyTuple_Check(key) || PyTuple_GET_SIZE(key) != 2) {
        PyErr_SetObject(PyExc_KeyError, key);
        return NULL;
    }
    name = PyTuple_GET_ITEM(key, 0);
    method = PyTuple_GET_ITEM(key, 1);
    if (stats_of(self->stats) == NULL) {
        return NULL;
    }
    RequestStatsObject *stats = (RequestStatsObject *)self->stats;
    if (stats->entries == (PyObject *)self) {
        return PyObject_CallMethod(self->stats, "get", "OO", name, method);
    }
    PyObject *entry =
        PyObject_CallFunction((PyObject *)StatsEntry_Type, "OOO", self->stats,
                              name, method);
    if (entry != NULL && PyDict_SetItem((PyObject *)self, key, entry) < 0) {
        Py_CLEAR(entry);
    }
    return entry;
}

#define BOTH METH_VARARGS | METH_KEYWORDS

#define CHANGING_METHODS \
    METHOD("clear", view_clear, BOTH), METHOD("pop", view_pop, BOTH), \
        METHOD("popitem", view_popitem, BOTH), \
        METHOD("setdefault", view_setdefault, BOTH), \
        METHOD("update", view_update, BOTH), \
        METHOD("__ior__", view___ior__, BOTH)

PyDoc_STRVAR(view_getstate_doc, "The RequestStats.");

static PyObject *
view_getstate(ViewObject *self, PyObject *unused)
{
    return Py_NewRef(self->stats != NULL ? self->stats : Py_None);
}

PyDoc_STRVAR(view_setstate_doc, "Takes what __getstate__() gave.");

static PyObject *
view_setstate(ViewObject *self, PyObject *stats)
{
    Py_XSETREF(self->stats, Py_NewRef(stats));
    Py_RETURN_NONE;
}

#define COPYING_METHODS \
    METHOD("__getstate__", view_getstate, METH_NOARGS), \
        METHOD("__setstate__", view_setstate, METH_O)

static PyMethodDef errors_methods[] = {
    CHANGING_METHODS,
    COPYING_METHODS,
    {NULL},
};

static PyMethodDef entries_methods[] = {
    CHANGING_METHODS,
    COPYING_METHODS,
    METHOD("__missing__", entries_missing, METH_O),
    {NULL},
};

PyDoc_STRVAR(errors_doc, "Errors by key, in the order in which they came.");

static PyType_Slot errors_slots[] = {
    {Py_tp_doc, (void *)errors_doc},
    {Py_tp_init, view_init},
    {Py_tp_traverse, view_traverse},
    {Py_tp_clear, view_clear_refs},
    {Py_tp_dealloc, view_dealloc},
    {Py_tp_methods, errors_methods},
    {Py_mp_ass_subscript, view_assign},
    {0, NULL},
};

static PyType_Spec errors_spec = {
    .name = "_locust.ErrorsDict",
    .basicsize = sizeof(ViewObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = errors_slots,
};

PyDoc_STRVAR(entries_doc,
             "EntriesDict(request_stats)\n--\n\n"
             "Entries by (name, method). One that is missing is made.");

static PyType_Slot entries_slots[] = {
    {Py_tp_doc, (void *)entries_doc},
    {Py_tp_init, view_init},
    {Py_tp_traverse, view_traverse},
    {Py_tp_clear, view_clear_refs},
    {Py_tp_dealloc, view_dealloc},
    {Py_tp_methods, entries_methods},
    {Py_mp_ass_subscript, view_assign},
    {0, NULL},
};

static PyType_Spec entries_spec = {
    .name = "locust.stats.EntriesDict",
    .basicsize = sizeof(ViewObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = entries_slots,
};

static PyTypeObject *
add_dict_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type =
        PyType_FromSpecWithBases(spec, (PyObject *)&PyDict_Type);
    if (type != NULL && PyModule_AddType(module, (PyTypeObject *)type) < 0) {
        Py_CLEAR(type);
    }
    return (PyTypeObject *)type;
}

int
pydict_exec(PyObject *module)
{
    EntriesDict_Type = add_dict_type(module, &entries_spec);
    ErrorsDict_Type = add_dict_type(module, &errors_spec);
    return EntriesDict_Type == NULL || ErrorsDict_Type == NULL ? -1 : 0;
}
