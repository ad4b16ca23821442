/*
 * Notes on exceptions: class, file and line, where the traceback does not
 * show them because no Python code of the user's was running. The exceptions
 * themselves stay what they are in Locust, in kind and text; a note is one
 * more line below them.
 *
 * A note that cannot be made is left out: the exception is what matters.
 */
#include "user/internal.h"

#include <stdarg.h>

#include "base/lookup.h"

/* " (FILE, line N)" or "". New reference, or NULL with an exception set. */
static PyObject *
place_of(PyObject *thing)
{
    PyObject *function = lookup("locust.util.place", "place_of");
    PyObject *place =
        function != NULL ? PyObject_CallOneArg(function, thing) : NULL;
    Py_XDECREF(function);
    return place;
}

/* Whether an exception was raised by the call itself, not by what was
   called. */
static bool
is_call_error(PyObject *error)
{
    PyObject *tb = PyException_GetTraceback(error);
    Py_XDECREF(tb);
    return tb == NULL && PyErr_GivenExceptionMatches(error, PyExc_TypeError);
}

/* Adds a line to an exception. Takes text; NULL: there was an error. */
static void
add_note(PyObject *error, PyObject *text)
{
    PyObject *r = text != NULL
                      ? PyObject_CallMethod(error, "add_note", "O", text)
                      : NULL;
    if (r == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(r);
    Py_XDECREF(text);
}

/* Text with the name and the place of a class: format has %s, %U, and %R for
   what is to be shown, in this order. */
static PyObject *
about_class(const char *format, PyTypeObject *class, PyObject *shown)
{
    PyObject *place = place_of((PyObject *)class);
    PyObject *text = place != NULL ? PyUnicode_FromFormat(
                                         format, _PyType_Name(class), place,
                                         shown != NULL ? shown : Py_None)
                                   : NULL;
    Py_XDECREF(place);
    return text;
}

void
note_class(PyObject *object)
{
    PyObject *error = error_take();
    add_note(error, about_class("the class: %s%U", Py_TYPE(object), NULL));
    error_give(error);
}

void
note_task(PyObject *holder, PyObject *task)
{
    PyObject *error = error_take();
    if (!PyCallable_Check(task)) {
        add_note(error, about_class("among the tasks of class %s%U is %R; "
                                    "they must be functions or TaskSet "
                                    "classes",
                                    Py_TYPE(holder), task));
    }
    else if (is_call_error(error)) {
        PyObject *place = place_of(task);
        add_note(error,
                 place != NULL
                     ? PyUnicode_FromFormat(
                           "the task%U of class %s is called with one "
                           "argument: the user or task set",
                           place, _PyType_Name(Py_TYPE(holder)))
                     : NULL);
    }
    error_give(error);
}

void
note_method(PyObject *object, PyObject *name, PyObject *function)
{
    PyObject *error = error_take();
    if (is_call_error(error)) {
        PyObject *line = about_class("the class: %s%U", Py_TYPE(object), NULL);
        add_note(error, line != NULL ? PyUnicode_FromFormat(
                                           "%U is %R in %U", name, function,
                                           line)
                                     : NULL);
        Py_XDECREF(line);
    }
    error_give(error);
}

void
note_weight(PyObject *task, PyObject *weight)
{
    PyObject *error = error_take();
    PyObject *place = place_of(task);
    add_note(error, place != NULL
                        ? PyUnicode_FromFormat(
                              "the weight of task %R%U is %R; it must be a "
                              "whole number",
                              task, place, weight)
                        : NULL);
    Py_XDECREF(place);
    error_give(error);
}

void
note_wait_time(PyObject *holder, PyObject *seconds)
{
    PyObject *error = error_take();
    PyObject *type = (PyObject *)Py_TYPE(holder);
    PyObject *wait_time = NULL;
    if (seconds != NULL && !PyNumber_Check(seconds)) {
        add_note(error, about_class("wait_time of class %s%U gave %R; it must "
                                    "give a number of seconds",
                                    Py_TYPE(holder), seconds));
    }
    else if (seconds == NULL && is_call_error(error)) {
        wait_time = PyObject_GetAttr(type, names.wait_time);
        PyErr_Clear();
        add_note(error,
                 about_class("wait_time of class %s%U is %R; it must be "
                             "something like constant(5) or between(1, 5), "
                             "or a function of the user",
                             Py_TYPE(holder), wait_time));
    }
    Py_XDECREF(wait_time);
    error_give(error);
}
