/*
 * The live view for Python, which says when to take samples and to draw. The
 * process has one terminal, so there is one view.
 */
#include "config.h"
#include "report/pyreport.h"

#include <errno.h>
#include <string.h>

#include "report/live.h"
#include "report/screen.h"
#include "stats/pystats.h"

static struct live live;
static struct buf frame;        /* kept for the next one */

PyDoc_STRVAR(live_open_doc,
             "live_open(terminal)\n\n"
             "Takes the terminal behind a file descriptor; OSError if it is "
             "none.");

static PyObject *
live_open(PyObject *module, PyObject *args)
{
    int fd;
    if (!PyArg_ParseTuple(args, "i", &fd)) {
        return NULL;
    }
    int error = screen_open(fd);
    if (error != 0) {
        errno = error;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    memset(&live, 0, sizeof(live));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(live_close_doc,
             "live_close()\n\nGives the terminal back, if it is taken.");

static PyObject *
live_close(PyObject *module, PyObject *unused)
{
    screen_close();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(live_take_doc,
             "live_take(stats, users)\n\nTakes a sample for the charts.");

static PyObject *
live_take_py(PyObject *module, PyObject *args)
{
    PyObject *stats;
    int users, window;
    double now;
    if (!PyArg_ParseTuple(args, "Oi", &stats, &users)) {
        return NULL;
    }
    struct stats *s = stats_of(stats);
    if (s == NULL || snapshots_wanted(&window) < 0 || stats_now(&now) < 0) {
        return NULL;
    }
    live_take(&live, s, users, now, window);
    Py_RETURN_NONE;
}

/* The strings of a tuple, borrowed from it; PyMem_Free() them. NULL with an
   exception set. */
static const char **
strings_from(PyObject *tuple, size_t *n)
{
    *n = (size_t)PyTuple_GET_SIZE(tuple);
    const char **list = PyMem_New(const char *, *n + 1);
    if (list == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < *n; i++) {
        list[i] = PyUnicode_AsUTF8(PyTuple_GET_ITEM(tuple, (Py_ssize_t)i));
        if (list[i] == NULL) {
            PyMem_Free(list);
            return NULL;
        }
    }
    return list;
}

PyDoc_STRVAR(live_draw_doc,
             "live_draw(stats, users, state, host, elapsed, limit, log, "
             "colour, blocks)\n\n"
             "Draws a frame. log is a tuple of lines.");

static PyObject *
live_draw(PyObject *module, PyObject *args)
{
    PyObject *stats, *log;
    struct live_view view = {0};
    int colour, blocks;
    if (!PyArg_ParseTuple(args, "OissddO!pp", &stats, &view.users,
                          &view.state, &view.host, &view.elapsed, &view.limit,
                          &PyTuple_Type, &log, &colour, &blocks)) {
        return NULL;
    }
    struct stats *s = stats_of(stats);
    const char **lines =
        s == NULL ? NULL : strings_from(log, &view.log_count);
    if (lines == NULL) {
        return NULL;
    }
    view.log = lines;
    view.colour = colour;
    view.blocks = blocks;
    screen_size(&view.columns, &view.rows);
    frame.length = 0;
    int result = live_frame(&frame, &live, s, &view);
    PyMem_Free(lines);
    if (result < 0) {
        return PyErr_NoMemory();
    }
    return PyBool_FromLong(screen_put(&frame));
}

static PyMethodDef functions[] = {
    {"live_open", live_open, METH_VARARGS, live_open_doc},
    {"live_close", live_close, METH_NOARGS, live_close_doc},
    {"live_take", live_take_py, METH_VARARGS, live_take_doc},
    {"live_draw", live_draw, METH_VARARGS, live_draw_doc},
    {NULL},
};

int
live_module_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
