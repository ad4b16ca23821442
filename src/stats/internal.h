/* What the Python half of the room shares. All of it needs the GIL. */
#ifndef LOCUST_STATS_INTERNAL_H
#define LOCUST_STATS_INTERNAL_H

#include "stats/pystats.h"

#define METHOD(name, function, flags) \
    {name, (PyCFunction)(void (*)(void))function, flags, function##_doc}

typedef struct {
    PyObject_HEAD
    struct stats *core;
    PyObject *entries;          /* EntriesDict: (name, method) -> StatsEntry */
    PyObject *errors;           /* ErrorsDict: key -> StatsError */
    PyObject *total;            /* StatsEntry */
    PyObject *history;
    PyObject *dict;
    PyObject *weakrefs;
} RequestStatsObject;

/* Method and name as Python gave them. In an object each is owned, and NULL
   unless it is something else than the text that C has. */
struct py_names {
    PyObject *method, *name;
};

/* The maps that a StatsEntry has. */
enum map_kind {
    MAP_TIMES,                  /* response_times */
    MAP_REQUESTS,               /* num_reqs_per_sec */
    MAP_FAILURES,               /* num_fail_per_sec */
    MAP_CACHE,                  /* response_times_cache */
    MAP_KINDS
};

typedef struct {
    PyObject_HEAD
    struct stats_entry *entry;
    PyObject *stats;            /* RequestStats, or what the user gave */
    struct py_names given;
    PyObject *views[MAP_KINDS]; /* those in use; borrowed: they hold this */
    PyObject *dict;
    PyObject *weakrefs;
} StatsEntryObject;

typedef struct {
    PyObject_HEAD
    struct stats_error *record;
    PyObject *error;            /* as it was given: an exception or a str */
    PyObject *stats;            /* RequestStats; NULL: belongs to none */
    struct py_names given;
    PyObject *dict;
    PyObject *weakrefs;
} StatsErrorObject;

extern PyTypeObject *RequestStats_Type;
extern PyTypeObject *StatsEntry_Type;
extern PyTypeObject *StatsError_Type;
extern PyTypeObject *EntriesDict_Type;
extern PyTypeObject *ErrorsDict_Type;

/* --- pystats.c: what Python gives, as C needs it. */

/* A name of the Python module locust.stats, where users change constants and
   functions. New reference; NULL with an exception set. */
PyObject *stats_global(const char *name);

/* A key out of two Python objects. The pointers in it are good until
   key_release(). */
struct py_key {
    struct stats_key key;
    PyObject *held[2];          /* NULL: borrowed from the caller's str */
};

/* The texts of two names: of str() of what is no str, "" for None as a
   method. 0, or -1 with an exception set. */
int key_from(struct py_key *k, PyObject *method, PyObject *name);
void key_release(struct py_key *k);

/* Keeps (or lets go of) what C's text does not say. */
void names_give(struct py_names *own, PyObject *method, PyObject *name);
void names_drop(struct py_names *own);

/* What was given, or else C's text. New reference; NULL with an exception
   set. */
PyObject *name_shown(PyObject *given, const char *text, size_t len);

/* The same, but C's text for what other processes could not read. */
PyObject *name_portable(PyObject *given, const char *text, size_t len);

/* A sample of now; response_time may be None. 0, or -1 with an exception. */
int sample_from(struct stats_sample *sample, PyObject *response_time,
                PyObject *content_length);

/* Fills in sample->bucket from sample->ms by the function that stands in
   locust.stats. 0, or -1 with an exception set. */
int sample_bucket(struct stats_sample *sample);

/* Takes a str (NULL: passes on) and gives its UTF-8 as bytes, with lone
   surrogates shown as escapes. New reference; NULL with an exception set. */
PyObject *utf8_of(PyObject *str);

/* The time of a request as Python gave it: whole says whether it was an int.
   0, or -1 with an exception set. */
int time_from(PyObject *response_time, double *ms, bool *whole);

/* An int if it is whole, else a float. */
PyObject *number_from(double x);

/* The lock of a RequestStats; anything else has none. */
void lock_stats(PyObject *stats);
void unlock_stats(PyObject *stats);

/* --- pyentry.c */

/* The StatsEntry that looks at this entry, made if need be. New reference;
   NULL with an exception set. */
PyObject *entry_object(struct stats_entry *e, PyObject *stats);
PyObject *entry_name(StatsEntryObject *self, void *unused);
PyObject *entry_method(StatsEntryObject *self, void *unused);

int entry_strip(StatsEntryObject *self);
int pyentry_exec(PyObject *module);

/* --- pyserialize.c */

/* The serialized form. New reference; NULL with an exception set. */
PyObject *entry_serialize(StatsEntryObject *self);

/* Sets what data has; what it has not keeps its value, what is unknown is left
   out. Names are not set. 0, or -1 with an exception set. */
int entry_fill(PyObject *self, PyObject *data);

/* --- pymaps.c */

/* Enters in a dict what C holds; it must be an OrderedDict for the cache.
   Returns how many items there are, or -1 with an exception set. */
Py_ssize_t map_fill(PyObject *dict, const struct stats_entry *e,
                    enum map_kind kind);

/* Makes C hold what a mapping holds. 0, or -1 with an exception set, and then
   nothing is changed. */
int map_apply(struct stats_entry *e, PyObject *dict, PyObject *stats,
              enum map_kind kind);

/* --- pyview.c */

/* The dict that shows a map of the entry. New reference; NULL with an
   exception set. */
PyObject *view_get(StatsEntryObject *owner, enum map_kind kind);

/* Cuts such a dict (or all of them) off, with what it shows now. 0 or -1. */
int view_leave(StatsEntryObject *owner, enum map_kind kind);
int view_leave_all(StatsEntryObject *owner);
int pyview_exec(void);

/* --- pyerror.c */

/* The text that tells errors apart: a str as it is, else its repr, with
   memory addresses masked. New reference; NULL with an exception set. */
PyObject *error_text(PyObject *error);

PyObject *error_name(StatsErrorObject *self, void *unused);
PyObject *error_method(StatsErrorObject *self, void *unused);

/* The key under which Locust files an error; also noted in the record. New
   reference; NULL with an exception set. */
PyObject *error_file(struct stats_error *record, PyObject *method,
                     PyObject *name, PyObject *text);

/* The StatsError that looks at a new record of this error. New reference;
   NULL with an exception set. */
PyObject *error_object(struct stats_error *record, PyObject *error,
                       PyObject *stats);
int pyerror_exec(PyObject *module);

/* --- pycollection.c */
int request_stats_log(RequestStatsObject *self, PyObject *method,
                      PyObject *name, const struct stats_sample *sample);
int request_stats_log_error(RequestStatsObject *self, PyObject *method,
                            PyObject *name, PyObject *error);

/* Sees to it that an entry has its object, and the names that were given. e is
   NULL when C had no memory. 0, or -1 with an exception set. */
int introduce_entry(RequestStatsObject *self, struct stats_entry *e,
                    const struct py_names *names);

/* The same for an error, which the caller holds, and the dict for it. key is
   its key there; NULL: Locust's. */
int introduce_error(RequestStatsObject *self, struct stats_error *record,
                    PyObject *errors, PyObject *error, PyObject *key,
                    const struct py_names *names);
int pycollection_exec(PyObject *module);

/* --- pylistener.c */

/* Whether StatsEntry.log() and .log_error() are those in C. 1, 0, or -1 with
   an exception set. */
int entries_are_ours(void);

/* If they are not: calls them for the total and the entry. 0, or -1 with an
   exception set. */
int entries_log(RequestStatsObject *self, PyObject *method, PyObject *name,
                const struct stats_sample *sample);
int entries_log_error(RequestStatsObject *self, PyObject *method,
                      PyObject *name, PyObject *error);

/* Adds stats_listener(); the types must be there. 0 or -1. */
int pylistener_exec(PyObject *module);

/* --- pymerge.c */
int pymerge_exec(PyObject *module);

/* --- pycopy.c: __getstate__() and __setstate__() of the four types. */
extern const char getstate_doc[], setstate_doc[];
PyObject *entry_getstate(PyObject *self, PyObject *unused);
PyObject *entry_setstate(PyObject *self, PyObject *state);
PyObject *error_getstate(PyObject *self, PyObject *unused);
PyObject *error_setstate(PyObject *self, PyObject *state);
PyObject *collection_getstate(PyObject *self, PyObject *unused);
PyObject *collection_setstate(PyObject *self, PyObject *state);
PyObject *collection_copy(PyObject *self, PyObject *unused);

#define COPYING(kind) \
    {"__getstate__", kind##_getstate, METH_NOARGS, getstate_doc}, \
    { \
        "__setstate__", kind##_setstate, METH_O, setstate_doc \
    }

/* --- pytables.c */
int pytables_exec(PyObject *module);

/* --- pydict.c */

/* An EntriesDict or ErrorsDict of this RequestStats, empty. */
PyObject *view_new(PyTypeObject *type, PyObject *stats);

/* Makes the C collection hold what a dict of the RequestStats holds. 0, or -1
   with an exception set. */
int view_apply(RequestStatsObject *stats, PyObject *dict);

/* What an EntriesDict holds as a list; every item is a StatsEntry, whatever
   dict.__setitem__() has put there. NULL with an exception set. */
PyObject *view_entries(PyObject *dict);
int pydict_exec(PyObject *module);

#endif
