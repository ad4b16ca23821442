/*
 * What the files of this room share among themselves and nobody else needs.
 */
#ifndef LOCUST_COOP_INTERNAL_H
#define LOCUST_COOP_INTERNAL_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define METHOD(name, function, flags) \
    {name, (PyCFunction)(void (*)(void))(function), flags, NULL}
#define FASTCALL_KEYWORDS (METH_FASTCALL | METH_KEYWORDS)

/* --- replace.c: methods of other people's types. */

/* One method: what it is called, what replaces it (NULL: nothing), where the
   original is kept (a method descriptor; NULL if nobody asks for it). */
struct replacement {
    PyMethodDef def;
    PyObject **original;
};

/* Puts them into the type, up to the first without a name. What has been
   replaced before stays. 0, or -1 with an exception set. */
int replace_methods(PyTypeObject *type, struct replacement *replacements);

/* Any attribute of a type. 0, or -1 with an exception set. */
int replace_attribute(PyTypeObject *type, const char *name, PyObject *value);

/* Calls an original with self in front of the arguments. */
PyObject *call_original(PyObject *original, PyObject *self,
                        PyObject *const *args, Py_ssize_t n,
                        PyObject *kwnames);

/* --- lot.c: the parking lot. */

/* How many wait there: nobody needs to be woken if there are none. */
extern size_t lot_waiting;

/* Waits for what an address stands for; at the end of the queue, or in front of
   it if it had been woken in vain before. Parks. 0: woken, 1: time is up
   (negative: never), -1: exception. */
int lot_park(const void *key, double timeout, bool again);

/* Wakes the first of those who wait for it. Any OS thread with the GIL. */
void lot_wake_one(const void *key);

int lot_init(void);

/* --- coop.c */

/* After a look, without waiting, at what may be ready later: whoever looks again
   and again must not keep the others from making it so. Lets them run once, if
   who calls may wait. 0, or -1 with an exception set. */
int coop_let_others_run(void);

/* --- Time limits. */

/* What is as good as without end; more would not fit. */
#define SECONDS_MAX 1e9

/* The moment when so many seconds are over; -1 for none (negative seconds). */
static inline int64_t
deadline_in(double seconds)
{
    return seconds < 0 || seconds > SECONDS_MAX
               ? -1
               : clock_ns() + (int64_t)(seconds * 1e9);
}

/* The same for a socket's time limit, in ns. */
static inline int64_t
deadline_in_ns(int64_t timeout)
{
    return timeout < 0 || timeout > INT64_MAX / 2 ? -1
                                                  : clock_ns() + timeout;
}

/* How many seconds are left: negative without end, else 0 or more. */
static inline double
deadline_left(int64_t deadline)
{
    if (deadline < 0) {
        return -1;
    }
    int64_t left = deadline - clock_ns();
    return left > 0 ? (double)left * 1e-9 : 0;
}

static inline bool
deadline_is_over(int64_t deadline)
{
    return deadline >= 0 && clock_ns() >= deadline;
}

/* --- sock.c: the C part of a socket object. */

extern PyTypeObject *socket_type;       /* NULL until looked up */

/* Finds _socket.socket and makes sure that it looks as expected. */
int socket_type_find(void);

/* The descriptor, and the time limit in ns (-1: none, 0: never wait) of an
   instance of socket_type. */
int socket_fd(PyObject *sock);
int64_t socket_timeout(PyObject *sock);

/* Calls an original method of object so that it does not wait: for as long,
   sock is non-blocking. NULL with an exception set, maybe that it would have to
   wait. */
PyObject *socket_attempt(PyObject *sock, PyObject *original, PyObject *object,
                         PyObject *const *args, Py_ssize_t n,
                         PyObject *kwnames);

/* Waits until a socket is ready, or the deadline has come: then TimeoutError
   with that text is set. Parks. 0 or -1. */
int socket_wait(int fd, int events, int64_t deadline, const char *text);

/* --- resolve.c */

/* An address with a host name in it, as the socket's methods take it: the same
   with the name looked up. New reference, or NULL with an exception set. */
PyObject *resolve_address(PyObject *sock, PyObject *address);

/* --- What the files do when asked to. Each may be called again. */

PyObject *coop_patch_locks(PyObject *module, PyObject *unused);
PyObject *coop_watch_lock(PyObject *module, PyObject *lock);
PyObject *coop_acquire_for_sure(PyObject *module, PyObject *lock);
PyObject *coop_patch_socket(PyObject *module, PyObject *unused);
PyObject *coop_patch_tls(PyObject *module, PyObject *unused);
PyObject *coop_patch_epoll(PyObject *module, PyObject *unused);
PyObject *coop_patch_simple_queue(PyObject *module, PyObject *unused);

int thread_module_exec(PyObject *module);
int select_module_exec(PyObject *module);
int poll_module_exec(PyObject *module);
int resolve_module_exec(PyObject *module);
int offload_module_exec(PyObject *module);

#endif
