/*
 * Statistics as Python sees them: locust.stats.RequestStats, StatsEntry and
 * StatsError are windows on the C statistics, which remain the one truth.
 */
#ifndef LOCUST_STATS_PYSTATS_H
#define LOCUST_STATS_PYSTATS_H

#include <Python.h>

#include "stats/stats.h"

/* The statistics behind a RequestStats; they live as long as it does. NULL
   with TypeError set for anything else, and for NULL. */
struct stats *stats_of(PyObject *stats);

/* Seconds since the epoch: time.time(), which users may replace. 0, or -1 with
   an exception set. */
int stats_now(double *now);

/* How many snapshots entries are to keep, by the constants in locust.stats;
   window is then what those say (it may be NULL). -1 with an exception set. */
int snapshots_wanted(int *window);

/* An array of doubles out of a sequence of numbers; PyMem_Free() it. NULL with
   an exception set. */
double *numbers_from(PyObject *sequence, size_t *n);

/* Adds the types to the module. 0 or -1. */
int stats_module_exec(PyObject *module);

#endif
