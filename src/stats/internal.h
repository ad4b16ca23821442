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

typedef struct {
    PyObject_HEAD
    struct stats_entry *entry;
    PyObject *stats;            /* RequestStats, or what the user gave */
    PyObject *dict;
    PyObject *weakrefs;
} StatsEntryObject;

typedef struct {
    PyObject_HEAD
    struct stats_error *record;
    PyObject *error;            /* as it was given: an exception or a str */
    PyObject *stats;            /* RequestStats; NULL: belongs to none */
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

/* 0, or -1 with an exception set. None as a method is "". */
int key_from(struct py_key *k, PyObject *method, PyObject *name);
void key_release(struct py_key *k);

/* A sample of now; response_time may be None. 0, or -1 with an exception. */
int sample_from(struct stats_sample *sample, PyObject *response_time,
                PyObject *content_length);

/* Fills in sample->bucket from sample->ms by the function that stands in
   locust.stats. 0, or -1 with an exception set. */
int sample_bucket(struct stats_sample *sample);

/* Takes a str (NULL: passes on) and gives its UTF-8 as bytes, with lone
   surrogates shown as escapes. New reference; NULL with an exception set. */
PyObject *utf8_of(PyObject *str);

/* An int if it is whole, else a float. */
PyObject *number_from(double x);

/* The lock of a RequestStats; anything else has none. */
void lock_stats(PyObject *stats);
void unlock_stats(PyObject *stats);

/* --- pyentry.c */

/* The StatsEntry that looks at this entry, made if need be. New reference;
   NULL with an exception set. */
PyObject *entry_object(struct stats_entry *e, PyObject *stats);
PyObject *entry_serialize(StatsEntryObject *self);
int entry_strip(StatsEntryObject *self);
int pyentry_exec(PyObject *module);

/* --- pyerror.c */

/* The text that tells errors apart: a str as it is, else its repr, with
   memory addresses masked. New reference; NULL with an exception set. */
PyObject *error_text(PyObject *error);

/* The key under which Locust files an error: SHA-256 of method, name and
   text. New reference; NULL with an exception set. */
PyObject *error_key(PyObject *method, PyObject *name, PyObject *text);

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
int pycollection_exec(PyObject *module);

/* --- pydict.c */

/* An EntriesDict or ErrorsDict of this RequestStats, empty. */
PyObject *view_new(PyTypeObject *type, PyObject *stats);

/* Makes the C collection hold what a dict of the RequestStats holds. 0, or -1
   with an exception set. */
int view_apply(RequestStatsObject *stats, PyObject *dict);
int pydict_exec(PyObject *module);

#endif
