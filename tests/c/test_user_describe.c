/*
 * What is said about the current user when its stack overflows.
 */
#include "config.h"
#include <Python.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "embed.h"
#include "user/user.h"

static PyObject *
describe(PyObject *module, PyObject *unused)
{
    char buffer[200];
    return PyUnicode_FromString(
        user_describe_current(buffer, sizeof(buffer)));
}

static PyMethodDef describe_def = {"describe", describe, METH_NOARGS, NULL};

static const char script[] =
    "import sys\n"
    "sys.path.insert(0, 'python')\n"
    "from _locust import Greenlet, Group\n"
    "from locust import TaskSet, User, task\n"
    "from locust.exception import StopUser\n"
    "said = []\n"
    "class Basket(TaskSet):\n"
    "    def on_start(self): self.schedule_task(self.look)\n"
    "    def look(self): said.append(describe())\n"
    "    @task\n"
    "    def fill(self):\n"
    "        said.append(describe())\n"
    "        raise StopUser\n"
    "class Shop(User):\n"
    "    tasks = [Basket]\n"
    "    def on_start(self): said.append(describe())\n"
    "    def on_stop(self): said.append(describe())\n"
    "group = Group()\n"
    "Shop(None).start(group)\n"
    "group.join()\n"
    "Greenlet.spawn(lambda x: said.append(describe()), 1).join()\n"
    "said.append(describe())\n"
    "assert said == ['class Shop, outside its tasks',\n"
    "    'class Shop, task Basket.look', 'class Shop, task Basket.fill',\n"
    "    'class Shop, outside its tasks', '', ''], said\n";

static void
test_class_and_task_are_named(void **state)
{
    PyObject *globals = PyDict_New();
    PyObject *function = PyCFunction_New(&describe_def, NULL);
    PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins());
    PyDict_SetItemString(globals, "describe", function);
    PyObject *r = PyRun_String(script, Py_file_input, globals, globals);
    if (r == NULL) {
        PyErr_Print();
    }
    assert_non_null(r);
    Py_DECREF(r);
    Py_DECREF(function);
    Py_DECREF(globals);
}

static int
setup(void **state)
{
    return embed_python();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_class_and_task_are_named),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
