/*
 * StatsEntry.response_times and the other maps: dicts that show what C
 * counts and may be changed.
 *
 * A view is a real dict (a defaultdict or an OrderedDict, as in Locust), so
 * that everything one does with a dict works. Before it is read it is brought
 * up to date, if C has counted anything since; after it was changed it is
 * carried over to C. Between two looks at it, it costs nothing. An entry that
 * is reset, or is assigned another map, leaves its views behind as they are:
 * ordinary dicts from then on.
 */
#include "config.h"
#include "stats/internal.h"

#include "base/lookup.h"

/* Lies behind what the base type has of an object. */
struct view {
    StatsEntryObject *owner;    /* NULL: left behind */
    enum map_kind kind;
    bool fresh;                 /* it shows what the three below belong to */
    int64_t requests, failures;
    uint32_t generation;
};

static PyTypeObject *CountsView_Type;   /* a defaultdict(int) */
static PyTypeObject *CacheView_Type;    /* an OrderedDict */

static PyTypeObject *
base_of(PyObject *self)
{
    return Py_TYPE(self)->tp_base;
}

static struct view *
view_of(PyObject *self)
{
    return (struct view *)((char *)self + base_of(self)->tp_basicsize);
}

static bool
is_view(PyObject *object)
{
    return Py_IS_TYPE(object, CountsView_Type) ||
           Py_IS_TYPE(object, CacheView_Type);
}

/* Calls the base type's method. args is a tuple. */
static PyObject *
call_base(PyObject *self, const char *name, PyObject *args, PyObject *kwargs)
{
    PyObject *r = NULL;
    PyObject *method = PyObject_GetAttrString((PyObject *)base_of(self), name);
    PyObject *head = PyTuple_Pack(1, self);
    PyObject *full = head == NULL ? NULL : PySequence_Concat(head, args);
    if (method != NULL && full != NULL) {
        r = PyObject_Call(method, full, kwargs);
    }
    Py_XDECREF(method);
    Py_XDECREF(head);
    Py_XDECREF(full);
    return r;
}

/* --- Up to date, in both directions. */

static bool
is_fresh(const struct view *v)
{
    const struct stats_entry *e = v->owner->entry;
    return v->fresh && v->requests == e->requests &&
           v->failures == e->failures && v->generation == e->generation;
}

static void
mark_fresh(struct view *v)
{
    const struct stats_entry *e = v->owner->entry;
    v->requests = e->requests;
    v->failures = e->failures;
    v->generation = e->generation;
    v->fresh = true;
}

static int
empty(PyObject *self)
{
    PyObject *none = PyTuple_New(0);
    PyObject *r = none == NULL ? NULL : call_base(self, "clear", none, NULL);
    Py_XDECREF(none);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

/* Counts are changed in place, so that who iterates over them can go on. */
static int
refresh(PyObject *self)
{
    struct view *v = view_of(self);
    if (v->owner == NULL || is_fresh(v)) {
        return 0;
    }
    if (v->kind == MAP_CACHE && empty(self) < 0) {
        return -1;
    }
    Py_ssize_t n = map_fill(self, v->owner->entry, v->kind);
    if (n >= 0 && n < PyDict_Size(self)) {
        n = empty(self) < 0 ? -1
                            : map_fill(self, v->owner->entry, v->kind);
    }
    if (n < 0) {
        return -1;
    }
    mark_fresh(v);
    return 0;
}

/* Carries it over to C, by reading it like any other mapping: so it must not
   be brought up to date meanwhile. */
static int
changed(PyObject *self)
{
    struct view *v = view_of(self);
    if (v->owner == NULL) {
        return 0;
    }
    mark_fresh(v);
    if (map_apply(v->owner->entry, self, v->owner->stats, v->kind) < 0) {
        v->fresh = false;
        return -1;
    }
    mark_fresh(v);
    return 0;
}

/* --- Life. */

static PyObject *
new_view(StatsEntryObject *owner, enum map_kind kind)
{
    PyTypeObject *type = kind == MAP_CACHE ? CacheView_Type : CountsView_Type;
    PyTypeObject *base = type->tp_base;
    PyObject *args = kind == MAP_CACHE
                         ? PyTuple_New(0)
                         : PyTuple_Pack(1, (PyObject *)&PyLong_Type);
    PyObject *self = args == NULL ? NULL : base->tp_new(type, args, NULL);
    if (self != NULL) {
        *view_of(self) = (struct view){.kind = kind};
        if (base->tp_init(self, args, NULL) < 0) {
            Py_CLEAR(self);
        }
    }
    Py_XDECREF(args);
    if (self != NULL) {
        view_of(self)->owner = (StatsEntryObject *)Py_NewRef(owner);
        owner->views[kind] = self;
    }
    return self;
}

PyObject *
view_get(StatsEntryObject *owner, enum map_kind kind)
{
    PyObject *self = owner->views[kind] != NULL
                         ? Py_NewRef(owner->views[kind])
                         : new_view(owner, kind);
    if (self != NULL && refresh(self) < 0) {
        Py_CLEAR(self);
    }
    return self;
}

static void
disown(PyObject *self)
{
    struct view *v = view_of(self);
    StatsEntryObject *owner = v->owner;
    v->owner = NULL;
    if (owner != NULL) {
        owner->views[v->kind] = NULL;
        Py_DECREF(owner);
    }
}

int
view_leave(StatsEntryObject *owner, enum map_kind kind)
{
    PyObject *self = owner->views[kind];
    if (self == NULL) {
        return 0;
    }
    Py_INCREF(self);
    int r = refresh(self);
    if (r == 0) {
        disown(self);
    }
    Py_DECREF(self);
    return r;
}

int
view_leave_all(StatsEntryObject *owner)
{
    for (int kind = 0; kind < MAP_KINDS; kind++) {
        if (view_leave(owner, kind) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A base that is a heap type (defaultdict is one since 3.12) sees to the
   object's reference to its type, as subclasses made by Python rely on. */
static bool
base_holds_type(PyObject *self)
{
    return (base_of(self)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
}

static int
view_traverse(PyObject *self, visitproc visit, void *arg)
{
    if (!base_holds_type(self)) {
        Py_VISIT(Py_TYPE(self));
    }
    Py_VISIT(view_of(self)->owner);
    return base_of(self)->tp_traverse(self, visit, arg);
}

static int
view_clear_refs(PyObject *self)
{
    disown(self);
    return base_of(self)->tp_clear(self);
}

static void
view_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    bool held = base_holds_type(self);
    PyObject_GC_UnTrack(self);
    disown(self);
    type->tp_base->tp_dealloc(self);
    if (!held) {
        Py_DECREF(type);
    }
}

/* --- Reading. */

static Py_ssize_t
view_length(PyObject *self)
{
    return refresh(self) < 0 ? -1 : PyDict_Size(self);
}

static int
view_contains(PyObject *self, PyObject *key)
{
    return refresh(self) < 0 ? -1 : PyDict_Contains(self, key);
}

static PyObject *
view_item(PyObject *self, PyObject *key)
{
    return refresh(self) < 0 ? NULL
                          : PyDict_Type.tp_as_mapping->mp_subscript(self, key);
}

static PyObject *
view_iter(PyObject *self)
{
    return refresh(self) < 0 ? NULL : base_of(self)->tp_iter(self);
}

/* What it would be without us: copies, sums and pickles are ordinary. */
static PyObject *
plain(PyObject *object)
{
    if (!is_view(object)) {
        return Py_NewRef(object);
    }
    if (refresh(object) < 0) {
        return NULL;
    }
    PyObject *base = (PyObject *)base_of(object);
    PyObject *copy = view_of(object)->kind == MAP_CACHE
                         ? PyObject_CallNoArgs(base)
                         : PyObject_CallOneArg(base, (PyObject *)&PyLong_Type);
    if (copy != NULL && PyObject_IsTrue(object) == 1) {
        PyObject *r = PyObject_CallMethod(copy, "update", "O", object);
        if (r == NULL) {
            Py_CLEAR(copy);
        }
        Py_XDECREF(r);
    }
    return copy;
}

static PyObject *
view_repr(PyObject *self)
{
    PyObject *copy = plain(self);
    PyObject *repr = copy == NULL ? NULL : PyObject_Repr(copy);
    Py_XDECREF(copy);
    return repr;
}

static PyObject *
view_compare(PyObject *self, PyObject *other, int op)
{
    if (refresh(self) < 0 || (is_view(other) && refresh(other) < 0)) {
        return NULL;
    }
    return base_of(self)->tp_richcompare(self, other, op);
}

static PyObject *
view_or(PyObject *left, PyObject *right)
{
    PyObject *a = plain(left), *b = plain(right);
    PyObject *r = a == NULL || b == NULL ? NULL : PyNumber_Or(a, b);
    Py_XDECREF(a);
    Py_XDECREF(b);
    return r;
}

PyDoc_STRVAR(view_copy_doc, "copy($self, /)\n--\n\nAn ordinary copy.");

static PyObject *
view_copy(PyObject *self, PyObject *unused)
{
    return plain(self);
}

PyDoc_STRVAR(view_reduce_doc, "Pickled as an ordinary copy.");

static PyObject *
view_reduce(PyObject *self, PyObject *protocol)
{
    PyObject *copy = plain(self);
    PyObject *r =
        copy == NULL ? NULL
                     : PyObject_CallMethod(copy, "__reduce_ex__", "O",
                                           protocol);
    Py_XDECREF(copy);
    return r;
}

#define READING(name) \
    PyDoc_STRVAR(view_##name##_doc, "As that of the base type."); \
    static PyObject *view_##name(PyObject *self, PyObject *args, \
                                 PyObject *kwargs) \
    { \
        return refresh(self) < 0 ? NULL \
                              : call_base(self, #name, args, kwargs); \
    }

PyDoc_STRVAR(view_get_item_doc, "As that of the base type.");

static PyObject *
view_get_item(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return refresh(self) < 0 ? NULL : call_base(self, "get", args, kwargs);
}

READING(items)
READING(keys)
READING(values)
READING(__reversed__)

/* --- Changing. */

static int
view_assign(PyObject *self, PyObject *key, PyObject *value)
{
    if (refresh(self) < 0 ||
        base_of(self)->tp_as_mapping->mp_ass_subscript(self, key, value) <
            0) {
        return -1;
    }
    return changed(self);
}

static PyObject *
change(PyObject *self, const char *name, PyObject *args, PyObject *kwargs)
{
    PyObject *r =
        refresh(self) < 0 ? NULL : call_base(self, name, args, kwargs);
    if (r != NULL && changed(self) < 0) {
        Py_CLEAR(r);
    }
    return r;
}

#define CHANGING(name) \
    PyDoc_STRVAR(view_##name##_doc, "As that of the base type."); \
    static PyObject *view_##name(PyObject *self, PyObject *args, \
                                 PyObject *kwargs) \
    { \
        return change(self, #name, args, kwargs); \
    }

CHANGING(clear)
CHANGING(move_to_end)
CHANGING(pop)
CHANGING(popitem)
CHANGING(setdefault)
CHANGING(update)

static PyObject *
view_ior(PyObject *self, PyObject *other)
{
    PyObject *r = PyObject_CallMethod(self, "update", "O", other);
    if (r == NULL) {
        return NULL;
    }
    Py_DECREF(r);
    return Py_NewRef(self);
}

/* --- The types. */

#define WITH_KEYWORDS METH_VARARGS | METH_KEYWORDS

#define METHODS \
    METHOD("get", view_get_item, WITH_KEYWORDS), \
        METHOD("items", view_items, WITH_KEYWORDS), \
        METHOD("keys", view_keys, WITH_KEYWORDS), \
        METHOD("values", view_values, WITH_KEYWORDS), \
        METHOD("__reversed__", view___reversed__, WITH_KEYWORDS), \
        METHOD("copy", view_copy, METH_NOARGS), \
        METHOD("__copy__", view_copy, METH_NOARGS), \
        METHOD("__reduce_ex__", view_reduce, METH_O), \
        METHOD("clear", view_clear, WITH_KEYWORDS), \
        METHOD("pop", view_pop, WITH_KEYWORDS), \
        METHOD("popitem", view_popitem, WITH_KEYWORDS), \
        METHOD("setdefault", view_setdefault, WITH_KEYWORDS), \
        METHOD("update", view_update, WITH_KEYWORDS)

static PyMethodDef counts_methods[] = {
    METHODS,
    {NULL},
};

static PyMethodDef cache_methods[] = {
    METHODS,
    METHOD("move_to_end", view_move_to_end, WITH_KEYWORDS),
    {NULL},
};

#define SLOTS(doc, methods) \
    {Py_tp_doc, doc}, {Py_tp_traverse, view_traverse}, \
        {Py_tp_clear, view_clear_refs}, {Py_tp_dealloc, view_dealloc}, \
        {Py_tp_iter, view_iter}, {Py_tp_repr, view_repr}, \
        {Py_tp_richcompare, view_compare}, {Py_tp_methods, methods}, \
        {Py_tp_hash, PyObject_HashNotImplemented}, \
        {Py_mp_length, view_length}, {Py_mp_subscript, view_item}, \
        {Py_mp_ass_subscript, view_assign}, \
        {Py_sq_contains, view_contains}, {Py_nb_or, view_or}, \
        {Py_nb_inplace_or, view_ior}, {0, NULL}

static PyType_Slot counts_slots[] = {
    SLOTS("Counts of a StatsEntry, as a defaultdict.", counts_methods),
};

static PyType_Slot cache_slots[] = {
    SLOTS("Snapshots of a StatsEntry by second, as an OrderedDict.",
          cache_methods),
};

/* A type with room for struct view behind what the base has. */
static PyTypeObject *
view_type(const char *name, PyObject *base, PyType_Slot *slots)
{
    if (base == NULL) {
        return NULL;
    }
    PyType_Spec spec = {
        .name = name,
        .basicsize = (int)(((PyTypeObject *)base)->tp_basicsize +
                           (Py_ssize_t)sizeof(struct view)),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                 Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    return (PyTypeObject *)PyType_FromSpecWithBases(&spec, base);
}

int
pyview_exec(void)
{
    PyObject *base = lookup("collections", "defaultdict");
    CountsView_Type = view_type("_locust.Counts", base, counts_slots);
    Py_XDECREF(base);
    CacheView_Type = view_type("_locust.ResponseTimesCache",
                               (PyObject *)&PyODict_Type, cache_slots);
    return CountsView_Type == NULL || CacheView_Type == NULL ? -1 : 0;
}
