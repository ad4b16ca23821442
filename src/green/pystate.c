/*
 * What it takes, version by version, to give a C stack a PyThreadState of its
 * own while the OS thread stays the same.
 *
 * 3.11   PyThreadState_Swap changes the current state but not the thread
 *        specific slot that PyGILState_Ensure trusts: with a stale slot a
 *        ctypes callback waits for the GIL that its own thread holds. The
 *        slot's key is in the interpreter's internals.
 * 3.12   Swap keeps both in step.
 * 3.13   Swap also releases and takes the GIL; it works, and costs more. The
 *        flag that a signal has come, or a pending call, is now one of the
 *        runtime's main state alone: a busy green thread would never see it.
 *        So whichever state is active on that OS thread is made the main one,
 *        and takes along what its predecessor has not seen to yet.
 *        Trace and profile functions (all versions) are a state's own, with
 *        the interpreter counting the states that have one from 3.12 on: so
 *        they are set by PyEval_SetTrace() and its like, while the state is
 *        the active one. sys.monitoring is the interpreter's.
 * 3.14   The interpreter compares the stack pointer with the OS thread's
 *        stack, and must be told of each foreign one.
 */
#include <patchlevel.h>
#include <stdbool.h>

#define HAS_THREAD_SLOT (PY_VERSION_HEX < 0x030c0000)
#define HAS_MAIN_STATE  (PY_VERSION_HEX >= 0x030d0000)

#if HAS_THREAD_SLOT || HAS_MAIN_STATE
#define Py_BUILD_CORE 1         /* must come before Python.h */
#endif

#include "green/pystate.h"

#include "base/prefetch.h"

#if HAS_THREAD_SLOT || HAS_MAIN_STATE
#include "internal/pycore_runtime.h"
#endif
#if HAS_MAIN_STATE
#include "internal/pycore_ceval.h"

/* Whether signals are for the hub's OS thread. */
static bool hub_is_main;
#endif

/* What of a state is used at each switch and each call. */
#define STATE_SOON 384

/* The innermost frames: a task, and what it called. */
#define FRAMES_SOON 640

#if PY_VERSION_HEX >= 0x030e0000 && PY_VERSION_HEX < 0x030e0100
#error "CPython 3.14.0 cannot run on foreign C stacks; use 3.14.1 or later"
#endif

int
pystate_init(void)
{
#if HAS_THREAD_SLOT
    /* The slot must be the one we think it is: a runtime that was built from
       other headers would be corrupted silently. */
    if (PyThread_tss_get(&_PyRuntime.gilstate.autoTSSkey) !=
        PyThreadState_Get()) {
        PyErr_SetString(PyExc_SystemError,
                        "this Python does not match the headers that locust "
                        "was built with, or it runs in a sub-interpreter");
        return -1;
    }
#endif
#if HAS_MAIN_STATE
    hub_is_main = _PyRuntime.main_tstate == PyThreadState_Get();
#endif
    return 0;
}

PyThreadState *
pystate_new(char *low, char *top)
{
    PyThreadState *state = PyThreadState_New(PyInterpreterState_Get());
#if PY_VERSION_HEX >= 0x030e0000
    if (state != NULL && PyUnstable_ThreadState_SetStackProtection(
                             state, low, (size_t)(top - low)) < 0) {
        PyErr_Clear();
        pystate_free(state);
        return NULL;
    }
#else
    (void)low;
    (void)top;
#endif
    return state;
}

#if HAS_MAIN_STATE
static void
make_main(PyThreadState *to, PyThreadState *from)
{
    /* In this order: what comes meanwhile is for the new one. */
    __atomic_store_n(&_PyRuntime.main_tstate, to, __ATOMIC_SEQ_CST);
    uintptr_t pending =
        __atomic_load_n(&from->eval_breaker, __ATOMIC_SEQ_CST) &
        (_PY_SIGNALS_PENDING_BIT | _PY_CALLS_TO_DO_BIT);
    if (pending != 0) {
        __atomic_fetch_or(&to->eval_breaker, pending, __ATOMIC_SEQ_CST);
    }
}
#endif

void
pystate_activate(PyThreadState *to)
{
#if HAS_MAIN_STATE
    PyThreadState *from = PyThreadState_Swap(to);
    if (hub_is_main) {
        make_main(to, from);
    }
#else
    PyThreadState_Swap(to);
#endif
#if HAS_THREAD_SLOT
    PyThread_tss_set(&_PyRuntime.gilstate.autoTSSkey, to);
#endif
}

void
pystate_follow_tracing(const PyThreadState *active,
                       const PyThreadState *other)
{
    if (active->c_tracefunc != other->c_tracefunc ||
        active->c_traceobj != other->c_traceobj) {
        PyEval_SetTrace(other->c_tracefunc, other->c_traceobj);
    }
    if (active->c_profilefunc != other->c_profilefunc ||
        active->c_profileobj != other->c_profileobj) {
        PyEval_SetProfile(other->c_profilefunc, other->c_profileobj);
    }
}

void
pystate_prefetch(const PyThreadState *state)
{
    prefetch(state, STATE_SOON);
}

void
pystate_prefetch_frames(const PyThreadState *state)
{
    if (state != NULL && state->datastack_top != NULL) {
        prefetch((const char *)state->datastack_top - FRAMES_SOON,
                 FRAMES_SOON + 2 * CACHE_LINE);
    }
}

void
pystate_free(PyThreadState *state)
{
    PyThreadState_Clear(state);
    PyThreadState_Delete(state);
}
