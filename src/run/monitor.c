/*
 * The processor and memory use of this process, sampled every
 * CPU_MONITOR_INTERVAL seconds (locust.runners), with a warning when the
 * processor is the limit.
 *
 * The green thread that does it holds its runner only while it samples, so
 * that a runner nobody needs any more goes away.
 */
#include "config.h"
#include "run/internal.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/names.h"
#include "green/group.h"

struct sample {
    int64_t wall, cpu;          /* ns; wall is 0 before the first */
};

/* Processor time of all threads of the process so far. */
static int64_t
cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Percent of one core since the last sample; 0 the first time. */
static double
cpu_percent(struct sample *last)
{
    struct sample now = {.wall = clock_ns(), .cpu = cpu_ns()};
    double percent = 0;
    if (last->wall != 0 && now.wall > last->wall) {
        percent = 100.0 * (double)(now.cpu - last->cpu) /
                  (double)(now.wall - last->wall);
    }
    *last = now;
    return (double)(int64_t)(percent * 10 + 0.5) / 10;
}

/* Resident bytes, or -1 with an exception set. */
static long long
resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long long pages = 0, resident = -1;
    int n = 0;
    if (f != NULL) {
        n = fscanf(f, "%lld %lld", &pages, &resident);
        fclose(f);
    }
    if (n != 2) {
        PyErr_SetString(PyExc_OSError,
                        "cannot read the memory use of this process from "
                        "/proc/self/statm");
        return -1;
    }
    return resident * sysconf(_SC_PAGESIZE);
}

static int
fire_usage(RunnerObject *self, PyObject *event, bool with_memory)
{
    PyObject *kwargs =
        Py_BuildValue("{sOsO}", "environment", self->environment, "cpu_usage",
                      self->current_cpu_usage);
    int result = -1;
    if (kwargs != NULL &&
        (!with_memory || PyDict_SetItemString(kwargs, "memory_usage",
                                              self->current_memory_usage) ==
                             0)) {
        result = event_fire_of(self->environment, event, kwargs);
    }
    Py_XDECREF(kwargs);
    return result;
}

static int
warn_of_cpu(RunnerObject *self, PyObject *threshold)
{
    if (fire_usage(self, names.cpu_warning, false) < 0) {
        return -1;
    }
    if (self->cpu_warning_emitted) {
        return 0;
    }
    self->cpu_warning_emitted = true;
    return log_line(NULL, "warning",
                   "CPU usage above %S%%! The load generator itself may be "
                   "what limits the throughput.",
                   threshold);
}

static int
take_sample(RunnerObject *self, struct sample *last)
{
    long long bytes = resident_bytes();
    if (bytes < 0) {
        return -1;
    }
    PyObject *cpu = PyFloat_FromDouble(cpu_percent(last));
    PyObject *memory = PyLong_FromLongLong(bytes);
    PyObject *threshold = NULL;
    int result = -1;
    if (cpu != NULL && memory != NULL) {
        Py_XSETREF(self->current_cpu_usage, Py_NewRef(cpu));
        Py_XSETREF(self->current_memory_usage, Py_NewRef(memory));
        threshold = lookup("locust.runners", "CPU_WARNING_THRESHOLD");
    }
    if (threshold != NULL) {
        int above = PyObject_RichCompareBool(cpu, threshold, Py_GT);
        if (above == 0 || (above > 0 && warn_of_cpu(self, threshold) == 0)) {
            result = fire_usage(self, names.usage_monitor, true);
        }
    }
    Py_XDECREF(threshold);
    Py_XDECREF(memory);
    Py_XDECREF(cpu);
    return result;
}

/* Seconds until the next sample, or -1 with an exception set. */
static double
interval(void)
{
    PyObject *value = lookup("locust.runners", "CPU_MONITOR_INTERVAL");
    double seconds = value != NULL ? PyFloat_AsDouble(value) : -1;
    Py_XDECREF(value);
    return PyErr_Occurred() ? -1 : seconds < 0 ? 0 : seconds;
}

int
runner_monitor(RunnerObject *self)
{
    struct sample last = {0};
    for (;;) {
        double seconds;
        if (take_sample(self, &last) < 0 || (seconds = interval()) < 0 ||
            green_sleep(seconds) < 0) {
            return -1;
        }
    }
}

/* One sample if the runner is still there: 1, 0 when it has gone, -1. */
static int
sample_if_alive(PyObject *weakref, struct sample *last)
{
    PyObject *runner;
    int result = weakref_get(weakref, &runner);
    if (result <= 0) {
        return result;
    }
    if (take_sample((RunnerObject *)runner, last) < 0) {
        PyObject *said = run_failed(((RunnerObject *)runner)->environment);
        result = said == NULL ? -1 : 0;
        Py_XDECREF(said);
    }
    Py_DECREF(runner);
    return result;
}

static PyObject *
monitor_body(struct green *green)
{
    struct sample last = {0};
    for (;;) {
        int alive = sample_if_alive(green->target, &last);
        if (alive <= 0) {
            return alive < 0 ? NULL : Py_NewRef(Py_None);
        }
        double seconds = interval();
        if (seconds < 0 || green_sleep(seconds) < 0) {
            return NULL;
        }
    }
}

static PyObject *
own_body(struct green *green)
{
    RunnerObject *self = (RunnerObject *)green->target;
    PyObject *r = PyObject_CallMethodNoArgs((PyObject *)self,
                                            names.monitor_cpu_and_memory);
    return r != NULL ? r : run_failed(self->environment);
}

/* Whether the runner's class has another monitor_cpu_and_memory(). */
static int
is_overridden(RunnerObject *self)
{
    PyObject *ours = PyObject_GetAttr((PyObject *)Runner_Type,
                                      names.monitor_cpu_and_memory);
    PyObject *its = PyObject_GetAttr((PyObject *)Py_TYPE(self),
                                     names.monitor_cpu_and_memory);
    int result = ours == NULL || its == NULL ? -1 : ours != its;
    Py_XDECREF(ours);
    Py_XDECREF(its);
    return result;
}

static struct green *
new_monitor(RunnerObject *self)
{
    int overridden = is_overridden(self);
    if (overridden != 0) {
        return overridden < 0
                   ? NULL
                   : green_new(NULL, own_body, (PyObject *)self, NULL);
    }
    PyObject *weakref = PyWeakref_NewRef((PyObject *)self, NULL);
    struct green *g = weakref != NULL
                          ? green_new(NULL, monitor_body, weakref, NULL)
                          : NULL;
    Py_XDECREF(weakref);
    return g;
}

int
runner_start_monitor(RunnerObject *self)
{
    struct green *g = new_monitor(self);
    if (g == NULL) {
        return -1;
    }
    int result = group_start(self->greenlet, g);
    Py_DECREF(g);
    return result;
}
