/*
 * The program: starts the embedded CPython as python3 would start, with our
 * own modules in front of everything else, and hands over to
 * locust/__main__.py. Exit codes, tracebacks and the death by Ctrl-C are
 * those of Py_RunMain().
 */
#include "config.h"
#include <Python.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/memory.h"
#include "module.h"

#define STRINGIFY_(x) #x
#define STRINGIFY(x)  STRINGIFY_(x)
#define SITE_PACKAGES                                                         \
    "lib/python" STRINGIFY(PY_MAJOR_VERSION) "." STRINGIFY(PY_MINOR_VERSION)  \
    "/site-packages"

/* Joins directory and file into path. Returns whether it fits and exists. */
static int
exists(char path[PATH_MAX], const char *directory, const char *file)
{
    int n = snprintf(path, PATH_MAX, "%s/%s", directory, file);
    return n > 0 && n < PATH_MAX && access(path, F_OK) == 0;
}

/* The directory of this very program, without symbolic links; "" if the
   system does not tell. */
static void
program_directory(char directory[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", directory, PATH_MAX - 1);
    directory[n < 0 ? 0 : n] = '\0';
    char *slash = strrchr(directory, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
}

/* Where the Python half is: beside the program in a build tree, below the
   same prefix as the program, or where it was configured to be installed.
   Returns 0, or -1 after saying so. */
static int
find_modules(char modules[PATH_MAX])
{
    char here[PATH_MAX], path[PATH_MAX];
    program_directory(here);
    static const char *const places[] = {"python", "../lib/locust/python"};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (exists(modules, here, places[i]) &&
            exists(path, modules, "locust/__main__.py")) {
            return 0;
        }
    }
    if (exists(path, LOCUST_MODULES, "locust/__main__.py")) {
        snprintf(modules, PATH_MAX, "%s", LOCUST_MODULES);
        return 0;
    }
    fprintf(stderr,
            "locust: its Python modules are neither beside %s/locust nor in "
            "%s; run 'make' or 'make install' again\n",
            here, LOCUST_MODULES);
    return -1;
}

/* The python3 of the active virtual environment, if there is one that fits
   the embedded version; else the one whose library this is. */
static void
find_interpreter(char python[PATH_MAX])
{
    char path[PATH_MAX];
    const char *venv = getenv("VIRTUAL_ENV");
    if (venv != NULL && *venv != '\0') {
        if (exists(path, venv, SITE_PACKAGES) &&
            exists(python, venv, "bin/python3")) {
            return;
        }
        fprintf(stderr,
                "locust: warning: VIRTUAL_ENV=%s has no %s: its packages are "
                "not used\n",
                venv, SITE_PACKAGES);
    }
    snprintf(python, PATH_MAX, "%s", PYTHON_PROGRAM);
}

/* Our modules come first, then what PYTHONPATH says. */
static PyStatus
set_module_path(PyConfig *config, const char *modules)
{
    const char *more = getenv("PYTHONPATH");
    size_t size = strlen(modules) + (more != NULL ? strlen(more) : 0) + 2;
    char *all = malloc(size);
    if (all == NULL) {
        return PyStatus_NoMemory();
    }
    snprintf(all, size, "%s%s%s", modules, more && *more ? ":" : "",
             more != NULL ? more : "");
    PyStatus status =
        PyConfig_SetBytesString(config, &config->pythonpath_env, all);
    free(all);
    return status;
}

static PyStatus
configure(PyConfig *config, int argc, char **argv, const char *modules)
{
    char python[PATH_MAX], script[PATH_MAX];
    find_interpreter(python);
    if (!exists(script, modules, "locust/__main__.py")) {
        return PyStatus_Error("locust/__main__.py has gone");
    }
    /* The arguments are ours, not the interpreter's; and the current
       directory is not to be searched before the standard library. */
    config->parse_argv = 0;
    config->safe_path = 1;
    /* Until locust.main takes Ctrl-C over, it simply ends us: with CPython's
       handler it would be a fatal error while the interpreter starts. */
    config->install_signal_handlers = 0;
    PyStatus status = PyConfig_SetBytesArgv(config, argc, argv);
    if (!PyStatus_Exception(status)) {
        status = PyConfig_SetBytesString(config, &config->home, PYTHON_HOME);
    }
    if (!PyStatus_Exception(status)) {
        status =
            PyConfig_SetBytesString(config, &config->executable, python);
    }
    if (!PyStatus_Exception(status)) {
        status = PyConfig_SetBytesString(config, &config->base_executable,
                                         PYTHON_PROGRAM);
    }
    if (!PyStatus_Exception(status)) {
        status =
            PyConfig_SetBytesString(config, &config->run_filename, script);
    }
    if (!PyStatus_Exception(status)) {
        status = set_module_path(config, modules);
    }
    return status;
}

/* Standard streams that are closed (2>&-) lead nowhere instead: else the next
   file or socket would take their number, and get what is meant for them. */
static void
open_standard_streams(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);     /* the lowest that is free */
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

int
main(int argc, char **argv)
{
    char modules[PATH_MAX];
    open_standard_streams();
    memory_serve_openssl();
    if (find_modules(modules) < 0) {
        return 1;
    }
    /* As CPython's own start does it: a write that fails says so. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (PyImport_AppendInittab("_locust", PyInit__locust) < 0) {
        fputs("locust: out of memory\n", stderr);
        return 1;
    }
    PyPreConfig preconfig;
    PyPreConfig_InitPythonConfig(&preconfig);
    preconfig.parse_argv = 0;
    PyStatus status = Py_PreInitialize(&preconfig);
    if (!PyStatus_Exception(status)) {
        PyConfig config;
        PyConfig_InitPythonConfig(&config);
        status = configure(&config, argc, argv, modules);
        if (!PyStatus_Exception(status)) {
            status = Py_InitializeFromConfig(&config);
        }
        PyConfig_Clear(&config);
    }
    if (PyStatus_Exception(status)) {
        Py_ExitStatusException(status);
    }
    return Py_RunMain();
}
