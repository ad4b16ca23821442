/* How native threads get hold of Python. */
#ifndef LOCUST_BASE_ATTACH_H
#define LOCUST_BASE_ATTACH_H

#include <Python.h>

/* Makes the calling OS thread, which has no PyThreadState, one that may run
   Python, and takes the GIL. NULL without memory. Unlike PyGILState_Ensure()
   it leaves no lock of the interpreter's behind in a child that another thread
   forks meanwhile. */
PyThreadState *python_attach(void);

/* The end of that; releases the GIL. */
void python_detach(PyThreadState *state);

/* Has forks wait for threads that are about to attach. Once, before the first
   of them. 0, or -1 with an exception set. */
int python_watch_forks(void);

#endif
