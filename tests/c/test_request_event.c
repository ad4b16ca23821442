/*
 * The request event as clients fire it: as a struct, to listeners in C and in
 * Python.
 */
#include "config.h"
#include <Python.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "embed.h"
#include "event/event.h"

static PyObject *globals;       /* of the Python side of the tests */

static const char python_side[] =
    "import sys, types\n"
    "sys.path.insert(0, 'python')\n"
    "from _locust import EventHook\n"
    "from locust.exception import StopUser\n"
    "log = types.ModuleType('locust.log')\n"
    "sys.modules['locust.log'] = log\n"
    "calls = []\n"
    "def record(**kwargs): calls.append(kwargs)\n"
    "def stop(**kwargs): raise StopUser\n"
    "class Custom(EventHook):\n"
    "    def fire(self, **kwargs): calls.append(('custom', kwargs))\n"
    "class Anything:\n"
    "    def fire(self, **kwargs): calls.append(('anything', kwargs))\n";

/* The value of a Python expression. */
static PyObject *
value(const char *expression)
{
    PyObject *v = PyRun_String(expression, Py_eval_input, globals, globals);
    if (v == NULL) {
        PyErr_Print();
    }
    assert_non_null(v);
    return v;
}

static bool
holds(const char *expression)
{
    PyObject *v = value(expression);
    int result = PyObject_IsTrue(v);
    Py_DECREF(v);
    return result == 1;
}

static void
do_python(const char *statements)
{
    PyObject *r = PyRun_String(statements, Py_file_input, globals, globals);
    if (r == NULL) {
        PyErr_Print();
    }
    assert_non_null(r);
    Py_DECREF(r);
}

static int
setup(void **state)
{
    if (embed_python() < 0) {
        return -1;
    }
    globals = PyDict_New();
    PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins());
    do_python(python_side);
    return 0;
}

static int
setup_hook(void **state)
{
    do_python("calls.clear(); hook = EventHook()");
    return 0;
}

/* --- A listener in C. */

static int heard;
static struct request_report last;
static Py_ssize_t name_refs;

static int
listen(PyObject *owner, const struct request_report *report)
{
    heard++;
    last = *report;
    name_refs = Py_REFCNT(report->name);
    if (owner == Py_False) {
        PyErr_SetNone(PyExc_SystemExit);
        return -1;
    }
    return 0;
}

static void
add_listener(PyObject *owner)
{
    PyObject *listener = request_listener_new(owner, listen);
    assert_non_null(listener);
    PyDict_SetItemString(globals, "listener", listener);
    Py_DECREF(listener);
    do_python("hook.add_listener(listener)");
    heard = 0;
}

/* Fires a report at a hook (an expression). */
static int
fire_at(const char *hook, struct request_report report)
{
    PyObject *h = value(hook);
    PyObject *type = PyUnicode_FromString("GET");
    PyObject *name = PyUnicode_FromFormat("/%s", "page");
    report.request_type = type;
    report.name = name;
    int result = event_fire_request(h, &report);
    Py_DECREF(type);
    Py_DECREF(name);
    Py_DECREF(h);
    return result;
}

/* --- Tests. */

static void
test_only_c_listeners_cost_no_objects(void **state)
{
    add_listener(Py_None);
    assert_int_equal(fire_at("hook", (struct request_report){
                                         .timed = true,
                                         .response_time = 12.5,
                                         .response_length = 1LL << 40}),
                     0);
    assert_int_equal(heard, 1);
    assert_true(last.response_time == 12.5);
    assert_int_equal(last.response_length, 1LL << 40);
    assert_int_equal(name_refs, 1);
}

static void
test_order_is_kept_among_both_kinds(void **state)
{
    do_python("hook.add_listener(record)");
    add_listener(Py_None);
    do_python("hook.add_listener(record)");
    assert_int_equal(fire_at("hook", (struct request_report){0}), 0);
    assert_true(heard == 1 && name_refs > 1);
    assert_true(holds("len(calls) == 2 and calls[0] is not calls[1]"));
}

static void
test_python_listeners_get_keywords(void **state)
{
    do_python("hook.add_listener(record)");
    fire_at("hook", (struct request_report){.response_length = 3});
    assert_true(holds(
        "calls == [dict(request_type='GET', name='/page', response_time=None,"
        " response_length=3, exception=None, context={})]"));
}

static void
test_optional_keywords(void **state)
{
    do_python("hook.add_listener(record); context = {'a': 1}");
    PyObject *context = value("context"), *error = value("ValueError('x')");
    fire_at("hook", (struct request_report){.timed = true,
                                            .response_time = 1,
                                            .exception = error,
                                            .context = context,
                                            .response = Py_True,
                                            .url = "http://h/",
                                            .start_time = 5});
    assert_true(holds("calls[0].pop('exception').args == ('x',)"));
    assert_true(holds("calls[0]['context'] is context"));
    assert_true(holds(
        "calls == [dict(request_type='GET', name='/page', response_time=1.0,"
        " response_length=0, context={'a': 1}, response=True, url='http://h/',"
        " start_time=5.0)]"));
    fire_at("hook", (struct request_report){.url = ""});
    assert_true(holds("'url' in calls[1] and 'response' not in calls[1] and "
                      "'start_time' not in calls[1]"));
    Py_DECREF(context);
    Py_DECREF(error);
}

static void
test_stop_user_keeps_later_listeners_from_hearing(void **state)
{
    do_python("hook.add_listener(stop)");
    add_listener(Py_None);
    PyObject *stop_user = value("StopUser");
    assert_int_equal(fire_at("hook", (struct request_report){0}), -1);
    assert_true(PyErr_ExceptionMatches(stop_user));
    PyErr_Clear();
    Py_DECREF(stop_user);
    assert_int_equal(heard, 0);
}

static void
test_a_c_listener_may_fail(void **state)
{
    add_listener(Py_False);
    assert_int_equal(fire_at("hook", (struct request_report){0}), -1);
    assert_true(PyErr_ExceptionMatches(PyExc_SystemExit));
    PyErr_Clear();
}

static void
test_other_hooks_are_fired_by_their_own_fire(void **state)
{
    fire_at("Custom()", (struct request_report){0});
    fire_at("Anything()", (struct request_report){0});
    assert_true(holds("[kind for kind, _ in calls] == ['custom', 'anything']"));
    assert_true(holds("calls[0][1] == calls[1][1] != {}"));
    do_python("hook.fire = record");
    fire_at("hook", (struct request_report){0});
    assert_true(holds("calls[2]['name'] == '/page'"));
    PyObject *nothing = value("object()");
    struct request_report report = {.request_type = Py_None, .name = Py_None};
    assert_int_equal(event_fire_request(nothing, &report), -1);
    assert_true(PyErr_ExceptionMatches(PyExc_AttributeError));
    PyErr_Clear();
    Py_DECREF(nothing);
}

static void
test_python_code_fires_at_c_listeners(void **state)
{
    add_listener(Py_None);
    do_python("hook.fire(request_type='GET', name='n', response_time=2,"
              " response_length=7.0, exception='', extra=1)");
    assert_int_equal(heard, 1);
    assert_true(last.timed && last.response_time == 2);
    assert_true(last.response_length == 7 && last.exception == NULL);
    do_python("hook.fire(request_type=None, name=3, response_time=None,"
              " response_length=0, exception=404, start_time=1.5)");
    assert_true(!last.timed && last.exception != NULL);
    assert_true(last.start_time == 1.5);
}

static void
test_a_listener_needs_four_keywords(void **state)
{
    add_listener(Py_None);
    do_python("try: listener(request_type='GET', name='n', response_time=1)\n"
              "except TypeError as e: calls.append(str(e))\n"
              "try: listener(1)\n"
              "except TypeError as e: calls.append(str(e))\n");
    assert_int_equal(heard, 0);
    assert_true(holds("len(calls) == 2 and 'response_length' in calls[0]"));
}

static void
test_a_figure_that_is_none_is_left_out(void **state)
{
    add_listener(Py_None);
    do_python("try: listener(request_type='GET', name='n', response_time='x',"
              " response_length=1)\n"
              "except TypeError as e: calls.append(str(e))\n");
    assert_int_equal(heard, 1);
    assert_true(!last.timed && last.response_length == 1);
    assert_true(holds("len(calls) == 1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_only_c_listeners_cost_no_objects,
                               setup_hook),
        cmocka_unit_test_setup(test_order_is_kept_among_both_kinds,
                               setup_hook),
        cmocka_unit_test_setup(test_python_listeners_get_keywords, setup_hook),
        cmocka_unit_test_setup(test_optional_keywords, setup_hook),
        cmocka_unit_test_setup(
            test_stop_user_keeps_later_listeners_from_hearing, setup_hook),
        cmocka_unit_test_setup(test_a_c_listener_may_fail, setup_hook),
        cmocka_unit_test_setup(test_other_hooks_are_fired_by_their_own_fire,
                               setup_hook),
        cmocka_unit_test_setup(test_python_code_fires_at_c_listeners,
                               setup_hook),
        cmocka_unit_test_setup(test_a_listener_needs_four_keywords,
                               setup_hook),
        cmocka_unit_test_setup(test_a_figure_that_is_none_is_left_out,
                               setup_hook),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
