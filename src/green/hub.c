/*
 * The hub: run queue, switching and the event loop.
 *
 * Invariants
 *   - Exactly one green thread is RUNNING, hub.current, and its PyThreadState
 *     is the active one.
 *   - A READY one is in the run queue; nobody else is.
 *   - hub_next() runs on the stack of whoever parks. It may come back with
 *     the very green thread that called it; then nothing is switched.
 *   - A dead one cannot free the stack it stands on: it leaves itself in
 *     hub.zombie, and whoever runs next buries it.
 *
 * Nobody starves: before each choice the inbox is emptied, and the loop is
 * polled (without waiting) if the last poll is older than POLL_NS, however
 * many are ready.
 */
#include "config.h"
#include "green/green.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/prefetch.h"
#include "base/pycompat.h"
#include "green/chunks.h"
#include "green/internal.h"
#include "green/overflow.h"
#include "green/pystate.h"
#include "green/stack.h"
#include "green/switch.h"

#ifdef WITH_SANITIZERS
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

#define POLL_NS 1000000         /* 1 ms */

/* Seconds between two looks whether other threads live that may wake us. */
#define LAST_LOOK 0.5

/* Seconds of sleep that are worth a system call to save memory. */
#define LONG_SLEEP 1.0

/* Bytes of a waiting stack that it needs on its way back into Python. */
#define STACK_SOON 1792

struct hub hub;

/* --- Run queue: a ring with hub.queue as its head. */

static void
queue_insert(struct green *g, struct green *before, struct green *after)
{
    g->prev = before;
    g->next = after;
    before->next = g;
    after->prev = g;
}

static void
queue_remove(struct green *g)
{
    g->prev->next = g->next;
    g->next->prev = g->prev;
    g->next = g->prev = NULL;
}

/* Has the memory of the next three loaded while another one runs: in three
   steps, because each tells where the next one is. */
static void
look_ahead(const struct green *first)
{
    const struct green *second = first->next;
    if (first == &hub.queue || second == &hub.queue) {
        return;
    }
    pystate_prefetch_frames(first->tstate);
    prefetch(second->sp, STACK_SOON);
    pystate_prefetch(second->tstate);
    if (second->next != &hub.queue) {
        prefetch(second->next, sizeof(*second->next));
    }
}

static struct green *
queue_pop(void)
{
    struct green *g = hub.queue.next;
    if (g == &hub.queue) {
        return NULL;
    }
    const struct green *next = g->next;
    queue_remove(g);
    look_ahead(next);
    g->state = GREEN_RUNNING;
    return g;
}

void
hub_enqueue(struct green *g)
{
    g->state = GREEN_READY;
    queue_insert(g, hub.queue.prev, &hub.queue);
}

void
hub_dequeue(struct green *g)
{
    queue_remove(g);
}

void
hub_hurry(struct green *g)
{
    if (g->state == GREEN_READY) {
        queue_remove(g);
        queue_insert(g, &hub.queue, hub.queue.next);
    }
}

void
green_ready(struct green *g)
{
    if (g->state == GREEN_PARKED) {
        hub_enqueue(g);
        if (hub.saved_tstate != NULL) {
            /* Another OS thread has the GIL while the hub polls. */
            mailbox_wake(&hub.inbox);
        }
    }
}

/* --- Those that live. */

void
hub_list(struct green *g)
{
    if (g->living_link != NULL) {
        return;
    }
    g->living_link = &hub.living;
    g->living_next = hub.living;
    if (g->living_next != NULL) {
        g->living_next->living_link = &g->living_next;
    }
    hub.living = g;
}

void
hub_unlist(struct green *g)
{
    if (g->living_link == NULL) {
        return;
    }
    *g->living_link = g->living_next;
    if (g->living_next != NULL) {
        g->living_next->living_link = g->living_link;
    }
    g->living_link = NULL;
}

/* --- The event loop. */

static void
on_gil_release(struct ev_loop *loop)
{
    if (hub.release_gil) {
        /* Before the GIL goes: others look at it as soon as they have it. */
        hub.saved_tstate = PyThreadState_Get();
        PyEval_SaveThread();
    }
}

static void
on_gil_acquire(struct ev_loop *loop)
{
    if (hub.release_gil) {
        PyEval_RestoreThread(hub.saved_tstate);
        hub.saved_tstate = NULL;
    }
}

static void
note_poll(void)
{
    atomic_store_explicit(&hub.last_poll, clock_ns(), memory_order_relaxed);
}

static int64_t
last_poll(void)
{
    return atomic_load_explicit(&hub.last_poll, memory_order_relaxed);
}

static void
on_bell(struct ev_loop *loop, ev_io *w, int revents)
{
    mailbox_hush(&hub.inbox);
}

static void
on_signal_pipe(struct ev_loop *loop, ev_io *w, int revents)
{
    char bytes[64];
    while (read(w->fd, bytes, sizeof(bytes)) > 0) {
    }
}

/* An exception that nobody in particular caused: the main green thread gets
   it, as in gevent. Takes the error indicator. */
void
hub_throw_into_main(void)
{
    PyObject *error = error_take();
    if (error == NULL) {
        return;
    }
    if (green_throw(hub.main, error) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    Py_DECREF(error);
}

/* Runs the loop once, and all that it calls. Returns whether it should have
   waited, and had nothing to wait for. */
static bool
turn_loop(bool block)
{
    bool sleep = block && mailbox_may_sleep(&hub.inbox);
    hub.in_callback = true;
    hub.release_gil = sleep;
    int active = ev_run(hub.loop, sleep ? EVRUN_ONCE : EVRUN_NOWAIT);
    hub.release_gil = false;
    mailbox_awake(&hub.inbox);
    mailbox_open(&hub.inbox, INT_MAX, NULL);
    note_poll();
    if (PyErr_CheckSignals() < 0) {
        hub_throw_into_main();
    }
    hub.in_callback = false;
    return sleep && active == 0;
}

/* Whether there are threads of Python's that are not the hub's: each of them
   may release a lock, or put something into a queue, unless it waits itself
   for one of ours to do so. One that has just been started has a state
   already, and no number. */
static bool
has_other_threads(void)
{
    int states = 0;
    PyThreadState *t = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    for (; t != NULL; t = PyThreadState_Next(t)) {
        states++;
    }
    for (struct green *g = hub.living; g != NULL; g = g->living_next) {
        states -= g != hub.main && g->tstate != NULL;
    }
    return states - hub.helpless > 1;
}

static void
on_last_look(struct ev_loop *loop, ev_timer *w, int revents)
{
}

/* Waits for another OS thread to wake somebody, but not for ever: that thread
   may end, and so the last hope. */
static void
wait_for_other_threads(void)
{
    ev_timer look;
    ev_timer_init(&look, on_last_look, LAST_LOOK, 0);
    ev_now_update(hub.loop);
    ev_timer_start(hub.loop, &look);
    turn_loop(true);
    ev_timer_stop(hub.loop, &look);
}

/* Only the parked main green thread can be told that nobody will ever wake
   it; the others wait for ever, as they do in gevent. */
static void
report_deadlock(void)
{
    if (hub.main->state == GREEN_PARKED && hub.main->thrown == NULL) {
        if (has_other_threads()) {
            wait_for_other_threads();
            return;
        }
        PyErr_SetString(Green_LoopExit,
                        "This operation would block forever: no timer, no "
                        "descriptor and no other green thread can end it");
        PyObject *error = error_take();
        if (error != NULL) {
            green_throw(hub.main, error);
            Py_DECREF(error);
        }
    }
}

/* One turn of the event loop; waits for something to happen if block. */
static void
poll_loop(bool block)
{
    if (turn_loop(block) && hub.queue.next == &hub.queue &&
        mailbox_is_empty(&hub.inbox)) {
        report_deadlock();
    }
}

/* The green thread that runs next. Its state is RUNNING on return. */
static struct green *
hub_next(void)
{
    for (;;) {
        if (!mailbox_is_empty(&hub.inbox)) {
            hub.in_callback = true;
            mailbox_open(&hub.inbox, INT_MAX, NULL);
            hub.in_callback = false;
        }
        if (hub.queue.next == &hub.queue) {
            poll_loop(true);
        }
        else if (clock_ns() - last_poll() > POLL_NS) {
            poll_loop(false);
        }
        struct green *g = queue_pop();
        if (g != NULL) {
            return g;
        }
    }
}

/* --- Switching. */

static void
bury_zombie(void)
{
    struct green *g = hub.zombie;
    if (g == NULL) {
        return;
    }
    hub.zombie = NULL;
    /* Destructors run here, between two green threads: they cannot wait. */
    hub.in_callback = true;
    burial_begin();
    hub_release_stack(g);
    Py_DECREF(g);
    burial_end();
    hub.in_callback = false;
}

#ifdef WITH_SANITIZERS
/* What only a parked stack refers to is no leak. Frames of those that wait are
   near the top; the whole would take long to search. */
#define SEARCHED_BYTES ((size_t)256 * 1024)

static size_t
searched_bytes(void)
{
    return stack_size() < SEARCHED_BYTES ? stack_size() : SEARCHED_BYTES;
}

static void
show_to_leak_checker(struct green *g)
{
    size_t bytes = searched_bytes();
    __lsan_register_root_region(g->stack->top - bytes, bytes);
}

static void
hide_from_leak_checker(struct green *g)
{
    size_t bytes = searched_bytes();
    __lsan_unregister_root_region(g->stack->top - bytes, bytes);
}
#else
#define show_to_leak_checker(g) ((void)0)
#define hide_from_leak_checker(g) ((void)0)
#endif

void
hub_release_stack(struct green *g)
{
    hub_unlist(g);
    if (g->tstate != NULL) {
        PyThreadState *tstate = g->tstate;
        g->tstate = NULL;
        pystate_free(tstate);
    }
    if (g->stack != NULL) {
        hide_from_leak_checker(g);
        stack_free(g->stack, g->sp);
        g->stack = NULL;
    }
}

#ifdef WITH_SANITIZERS
static void
before_switch(struct green *from, struct green *to)
{
    const void *low = to->stack ? to->stack->low : hub.main_low;
    size_t size = to->stack ? (size_t)(to->stack->top - to->stack->low)
                            : hub.main_size;
    bool dying = from->state == GREEN_DEAD;
    __sanitizer_start_switch_fiber(dying ? NULL : &from->fake_stack, low,
                                   size);
}

static void
after_switch(struct green *self, struct green *from)
{
    const void *low;
    size_t size;
    __sanitizer_finish_switch_fiber(self->fake_stack, &low, &size);
    if (from == hub.main) {
        hub.main_low = low;
        hub.main_size = size;
    }
}
#else
#define before_switch(from, to)  ((void)0)
#define after_switch(self, from) ((void)0)
#endif

/* Trace and profile functions belong to the OS thread: whoever runs takes over
   those of who ran before, which may be about to be buried. */
static void
follow_tracing(const struct green *self)
{
    const PyThreadState *from = hub.switched_from->tstate;
    if (__builtin_expect(!pystate_is_traced(self->tstate) &&
                             !pystate_is_traced(from), 1)) {
        return;
    }
    /* Audit hooks and destructors run here: they cannot wait. */
    hub.in_callback = true;
    pystate_follow_tracing(self->tstate, from);
    hub.in_callback = false;
}

/* Runs another green thread until somebody switches back. */
static void
switch_to(struct green *to)
{
    struct green *self = hub.current;
    hub.current = to;
    hub.switched_from = self;
    pystate_activate(to->tstate);
    before_switch(self, to);
    green_switch(&self->sp, to->sp);
    after_switch(self, hub.switched_from);
    follow_tracing(self);
    bury_zombie();
}

/* The first frame of every green thread. */
static void
green_entry(void *argument)
{
    struct green *self = argument;
    after_switch(self, hub.switched_from);
    follow_tracing(self);
    bury_zombie();
    self->begun = true;
    green_run(self);
    if (self == hub.main) {
        hub_end_child(self);
    }
    self->state = GREEN_DEAD;
    hub.zombie = self;
    switch_to(hub_next());
    Py_FatalError("a dead green thread was resumed");
}

int
hub_prepare(struct green *g)
{
    g->stack = stack_alloc();
    if (g->stack == NULL) {
        PyErr_Format(PyExc_MemoryError,
                     "no address space for another green thread's stack of "
                     "%zu KB; a smaller one can be asked for",
                     stack_size() / 1024);
        return -1;
    }
    g->sp = green_switch_prepare(g->stack->top, green_entry, g);
    show_to_leak_checker(g);
    g->tstate = pystate_new(g->stack->low, g->stack->top);
    if (g->tstate == NULL) {
        hub_release_stack(g);
        PyErr_NoMemory();
        return -1;
    }
    hub_list(g);
    return 0;
}

/* --- Waiting. */

struct green *
green_current(void)
{
    return hub.loop != NULL && pthread_equal(hub.thread, pthread_self())
               ? hub.current
               : NULL;
}

struct green *
green_main(void)
{
    return hub.main;
}

static int
raise_thrown(struct green *self)
{
    PyObject *thrown = self->thrown;
    self->thrown = self->thrown_next;
    self->thrown_next = NULL;
    hub_raise(thrown);
    Py_DECREF(thrown);
    return -1;
}

bool
hub_is_here(void)
{
    if (green_current() != NULL) {
        return true;
    }
    PyErr_SetString(PyExc_RuntimeError,
                    "green threads, users and runners belong to one OS "
                    "thread, and this is another one");
    return false;
}

bool
green_can_park(void)
{
    return green_current() != NULL && !hub.in_callback &&
           !interpreter_is_finalizing();
}

bool
hub_may_park(void)
{
    if (!hub_is_here()) {
        return false;
    }
    if (hub.in_callback) {
        PyErr_SetString(PyExc_RuntimeError,
                        "a callback of the event loop, or a signal handler "
                        "that interrupted it, cannot wait");
        return false;
    }
    if (interpreter_is_finalizing()) {
        /* The other green threads' states are gone: nobody can be let run. */
        PyErr_SetString(PyExc_RuntimeError,
                        "Python is being shut down: nobody can wait any more");
        return false;
    }
    return true;
}

/* Parks one that may. */
static int
park(struct green *self)
{
    if (self->thrown == NULL) {
        self->state = GREEN_PARKED;
        struct green *next = hub_next();
        if (next != self) {
            switch_to(next);
        }
    }
    return self->thrown != NULL ? raise_thrown(self) : 0;
}

int
green_park(void)
{
    return hub_may_park() ? park(hub.current) : -1;
}

static void
on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct green *g = w->data;
    g->timed_out = true;
    green_ready(g);
}

int
green_park_for(double seconds)
{
    if (!hub_may_park()) {
        return -1;
    }
    struct green *self = hub.current;
    ev_now_update(hub.loop);
    ev_timer_init(&self->timer, on_timer, seconds > 0 ? seconds : 0, 0);
    self->timer.data = self;
    self->timed_out = false;
    ev_timer_start(hub.loop, &self->timer);
    int result = park(self);
    ev_timer_stop(hub.loop, &self->timer);
    return result < 0 ? -1 : self->timed_out;
}

/* What was touched below this frame (imports, JSON, anything recursive) would
   stay resident while it sleeps. */
static void
trim_stack(struct green *self)
{
    if (self->stack != NULL) {
        stack_trim(self->stack, __builtin_frame_address(0));
    }
}

/* The current one is in the run queue: the first of it goes on. */
static int
yield_ready(struct green *self)
{
    struct green *next = hub_next();
    if (next != self) {
        switch_to(next);
    }
    return self->thrown != NULL ? raise_thrown(self) : 0;
}

int
green_sleep(double seconds)
{
    if (!hub_may_park()) {
        return -1;
    }
    struct green *self = hub.current;
    if (seconds >= LONG_SLEEP) {
        trim_stack(self);
    }
    if (seconds > 0) {
        return green_park_for(seconds) < 0 ? -1 : 0;
    }
    hub_enqueue(self);
    return yield_ready(self);
}

int
green_yield_to(struct green *g)
{
    if (!hub_may_park()) {
        return -1;
    }
    struct green *self = hub.current;
    hub_enqueue(self);
    hub_hurry(self);
    hub_hurry(g);
    return yield_ready(self);
}

/* --- From outside. */

struct mailbox *
hub_inbox(void)
{
    return &hub.inbox;
}

struct ev_loop *
hub_loop(void)
{
    return hub.loop;
}

void
hub_hold(void)
{
    hub.holds++;
    ev_ref(hub.loop);
}

void
hub_release(void)
{
    hub.holds--;
    ev_unref(hub.loop);
}

/* --- Beginning. */

/* Starts a watcher that does not keep the loop alive. */
static void
start_in_background(ev_io *w)
{
    ev_io_start(hub.loop, w);
    ev_unref(hub.loop);
}

static void
stop_in_background(ev_io *w)
{
    ev_ref(hub.loop);
    ev_io_stop(hub.loop, w);
}

static int
open_bell(void)
{
    if (mailbox_init(&hub.inbox) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    ev_io_init(&hub.bell, on_bell, hub.inbox.fd, EV_READ);
    start_in_background(&hub.bell);
    return 0;
}

/* signal.set_wakeup_fd(); returns the old one, -1 for none, or -2 with an
   exception set. */
static int
set_wakeup_fd(int fd)
{
    PyObject *signal = PyImport_ImportModule("signal");
    PyObject *old = signal == NULL ? NULL : PyObject_CallMethod(
        signal, "set_wakeup_fd", "i", fd);
    Py_XDECREF(signal);
    if (old == NULL) {
        return -2;
    }
    int old_fd = (int)PyLong_AsLong(old);
    Py_DECREF(old);
    return old_fd;
}

/* Python's own C handler writes a byte here when a signal comes, so that one
   that arrives just before the poll ends it. Users may take the slot (asyncio
   does); then a signal that interrupts the poll is still seen. */
static int
watch_signals(void)
{
    int fds[2];
    hub.signal_fd = -1;
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (set_wakeup_fd(fds[1]) == -2) {
        close(fds[0]);
        close(fds[1]);
        if (PyErr_ExceptionMatches(PyExc_ValueError)) {
            PyErr_Clear();      /* not Python's main thread: no signals here */
            return 0;
        }
        return -1;
    }
    hub.signal_fd = fds[1];
    ev_io_init(&hub.signal_io, on_signal_pipe, fds[0], EV_READ);
    start_in_background(&hub.signal_io);
    return 0;
}

/* The pipe for signals as a child's own, unless somebody else has the slot. */
static int
rewatch_signals(void)
{
    int old = hub.signal_fd;
    if (old < 0) {
        return 0;
    }
    close(hub.signal_io.fd);
    int slot = set_wakeup_fd(-1);
    if (slot >= 0 && slot != old) {
        hub.signal_fd = -1;
        close(old);
        return set_wakeup_fd(slot) == -2 ? -1 : 0;
    }
    close(old);
    return slot == -2 ? -1 : watch_signals();
}

static int
open_loop(void)
{
    hub.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    if (hub.loop == NULL) {
        PyErr_SetString(PyExc_OSError, "libev found no way to poll");
        return -1;
    }
    hub.loops++;
    ev_set_loop_release_cb(hub.loop, on_gil_release, on_gil_acquire);
    return 0;
}

/* Stops whatever runs in the loop for those who are dead, and for the hub. */
static void
stop_watchers(const struct green *survivor)
{
    hub_end_fd_waits(survivor);
    while (hub.holds > 0) {
        hub_release();
    }
    stop_in_background(&hub.bell);
    if (hub.signal_fd >= 0) {
        stop_in_background(&hub.signal_io);
    }
}

int
hub_reopen(const struct green *survivor)
{
    stop_watchers(survivor);
    if (survivor != NULL) {
        ev_loop_fork(hub.loop);
    }
    else {
        ev_loop_destroy(hub.loop);
        if (open_loop() < 0) {
            return -1;
        }
    }
    mailbox_close(&hub.inbox);  /* its letters are for those who are dead */
    return open_bell() < 0 ? -1 : rewatch_signals();
}

int
hub_init(void)
{
    if (hub.loop != NULL) {
        if (pthread_equal(hub.thread, pthread_self())) {
            return 0;
        }
        PyErr_SetString(PyExc_RuntimeError,
                        "green threads belong to the thread that imported "
                        "locust first");
        return -1;
    }
    if (pystate_init() < 0) {
        return -1;
    }
    chunks_init();
    hub.queue.next = hub.queue.prev = &hub.queue;
    hub.thread = pthread_self();
    hub.main = green_new(NULL, NULL, NULL, NULL);
    if (hub.main == NULL) {
        return -1;
    }
    hub.main->state = GREEN_RUNNING;
    hub.main->begun = true;
    hub.main->tstate = PyThreadState_Get();
    hub.current = hub.main;
    if (open_loop() < 0 || open_bell() < 0) {
        return -1;
    }
    note_poll();
    if (overflow_watch() < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return watch_signals() < 0 || burial_init() < 0 ? -1 : hub_watch_forks();
}
