/*
 * For tests in C that run Python code: the interpreter that the program
 * embeds, with our module and the packages that belong to it.
 */
#ifndef LOCUST_TESTS_EMBED_H
#define LOCUST_TESTS_EMBED_H

#include "config.h"
#include <Python.h>

#include "module.h"

#ifdef WITH_SANITIZERS
/* What a finished interpreter still holds is not ours to judge; the program,
   which runs the same code, is judged. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *
__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

/* Starts Python as the program does. 0, or -1 after saying why. */
static int
embed_python(void)
{
    if (PyImport_AppendInittab("_locust", PyInit__locust) < 0) {
        return -1;
    }
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0;
    PyStatus status =
        PyConfig_SetBytesString(&config, &config.home, PYTHON_HOME);
    if (!PyStatus_Exception(status)) {
        status = PyConfig_SetBytesString(&config, &config.executable,
                                         PYTHON_PROGRAM);
    }
    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        fprintf(stderr, "%s: %s\n", status.func ? status.func : "Python",
                status.err_msg ? status.err_msg : "does not start");
        return -1;
    }
    return 0;
}

#endif
