/*
 * The extension is the core library and nothing else; a library needs one
 * file of its own, and this is it.
 */
#include "module.h"

/* Keeps the linker from leaving the module's one entry point behind. */
PyObject *(*const locust_extension_entry)(void) = PyInit__locust;
