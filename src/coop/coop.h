/*
 * The cooperative standard library: what Python's own modules offer for waiting
 * lets the other green threads run.
 *
 * The classes stay what they are: socket.socket, threading.Lock, RLock,
 * SimpleQueue, epoll and the TLS objects of ssl keep their types, and only
 * those of their methods that wait are replaced, in the type itself. So objects
 * that were made before are cooperative as well (the locks of logging and of
 * importlib above all), subclasses and isinstance() work as ever, and nothing
 * is paid for methods that do not wait.
 *
 * A replaced method first does what the original does, without waiting; only if
 * that does not do, its green thread parks. On any other OS thread the
 * original is called: it blocks that thread, as it always did.
 */
#ifndef LOCUST_COOP_COOP_H
#define LOCUST_COOP_COOP_H

#include <Python.h>

/* Adds the functions of this room to the module. Nothing is replaced until
   pymod/locust/_coop asks for it. 0, or -1 with an exception set. */
int coop_module_exec(PyObject *module);

/* What a call is that blocks: one that looks something up, of which a limited
   number is made at once; or one that waits for others, maybe for long, and must
   not be kept waiting by its like. */
enum offload { OFFLOAD_LOOKUP, OFFLOAD_WAIT };

/* Calls callable(*args, **kwargs) on an OS thread of its own, with the GIL, and
   waits for its result: for C code that blocks. Parks. A new reference, or NULL
   with an exception set. Whoever is thrown out of the wait leaves the call
   behind: it goes on, and its result is dropped; one that has not begun is not
   made any more. */
PyObject *offload_call(enum offload kind, PyObject *callable, PyObject *args,
                       PyObject *kwargs);

#endif
