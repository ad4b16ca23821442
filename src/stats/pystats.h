/*
 * Statistics as Python sees them: locust.stats.RequestStats, StatsEntry and
 * StatsError are windows on the C statistics, which remain the one truth.
 */
#ifndef LOCUST_STATS_PYSTATS_H
#define LOCUST_STATS_PYSTATS_H

#include <Python.h>

#include "stats/stats.h"

/* A listener for request events that logs into this RequestStats (or a
   subclass, whose log_request() and log_error() are called then). NULL with
   an exception set. */
PyObject *stats_listener_new(PyObject *stats);

/* The statistics behind a RequestStats; they live as long as it does. NULL
   with TypeError set for anything else. */
struct stats *stats_of(PyObject *stats);

/* Adds the types to the module. 0 or -1. */
int stats_module_exec(PyObject *module);

#endif
