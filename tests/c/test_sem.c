/*
 * The semaphore that locks and queues wait with: what is given goes to whoever
 * waits longest and is never lost, among green threads and other OS threads;
 * and calls that the hub makes.
 */
#include "config.h"
#include <Python.h>

#include <pthread.h>
#include "green/callback.h"
#include "green/green.h"
#include "green/sem.h"
#include "greens.h"
#include "unit.h"

static struct sem sem;
static int order[8], ended;

/* Takes one, and says so; target is its number. */
static PyObject *
take_one(struct green *self)
{
    long number = PyLong_AsLong(self->target);
    int taken = sem_take(&sem, -1);
    if (taken > 0) {
        order[ended++] = (int)number;
    }
    return taken < 0 ? NULL : PyLong_FromLong(taken);
}

static void
spawn_waiters(struct green **three)
{
    sem = (struct sem){0};
    ended = 0;
    spawn_three(three, take_one);
    assert_int_equal(ended, 0);
}

static void
release(struct green **three)
{
    release_three(three);
    assert_null(sem.waiters.first);
}

static void
what_is_there_is_taken_at_once(void **state)
{
    sem = (struct sem){.count = 2};
    assert_int_equal(sem_take(&sem, 0), 1);
    assert_int_equal(sem_take(&sem, -1), 1);
    assert_int_equal(sem_take(&sem, 0), 0);
    assert_int_equal(sem_take(&sem, 0.005), 0);
    sem_give(&sem);
    assert_int_equal(sem.count, 1);
}

static void
nobody_overtakes(void **state)
{
    struct green *three[3];
    spawn_waiters(three);
    sem_give(&sem);
    /* It belongs to the first, though that one has not run yet. */
    assert_int_equal(sem_take(&sem, 0), 0);
    settle();
    assert_int_equal(ended, 1);
    sem_give(&sem);
    sem_give(&sem);
    settle();
    assert_int_equal(ended, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(order[i], i);
    }
    assert_int_equal(sem.count, 0);
    release(three);
}

static void
the_killed_pass_it_on(void **state)
{
    struct green *three[3];
    spawn_waiters(three);
    sem_give(&sem);
    assert_int_equal(green_throw(three[0], Green_Exit), 0);
    assert_int_equal(green_throw(three[1], Green_Exit), 0);
    settle();
    assert_int_equal(ended, 1);
    assert_int_equal(order[0], 2);
    release(three);
    spawn_waiters(three);
    sem_give(&sem);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(green_throw(three[i], Green_Exit), 0);
    }
    settle();
    assert_int_equal(ended, 0);
    assert_int_equal(sem.count, 1);
    release(three);
}

/* --- Another OS thread. */

enum { EXCHANGES = 200 };

static struct sem there, back;
static int failures;

static void *
answer(void *unused)
{
    PyGILState_STATE state = PyGILState_Ensure();
    for (int i = 0; i < EXCHANGES; i++) {
        failures += sem_take(&there, i % 2 ? -1 : 60) != 1;
        sem_give(&back);
    }
    failures += sem_take(&there, 0) != 0;
    failures += sem_take(&there, 0.005) != 0;
    PyGILState_Release(state);
    return NULL;
}

static PyObject *
tick(struct green *self)
{
    for (;;) {
        order[0]++;
        if (green_sleep(0.0005) < 0) {
            return NULL;
        }
    }
}

static void
other_threads_wait_and_are_waited_for(void **state)
{
    pthread_t thread;
    order[0] = 0;
    struct green *ticker = spawn(tick, 0);
    assert_int_equal(pthread_create(&thread, NULL, answer, NULL), 0);
    for (int i = 0; i < EXCHANGES; i++) {
        sem_give(&there);
        assert_int_equal(sem_take(&back, -1), 1);
    }
    assert_int_equal(green_sleep(0.01), 0);
    assert_true(order[0] > 1);
    Py_BEGIN_ALLOW_THREADS
    pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS
    assert_int_equal(failures, 0);
    assert_null(there.waiters.first);
    assert_int_equal(green_kill(ticker, NULL), 0);
    Py_DECREF(ticker);
}

/* --- Calls that the hub makes. */

static PyObject *
numbers(void)
{
    PyObject *list = PyList_New(0);
    assert_non_null(list);
    return list;
}

static PyObject *
call_append(PyObject *list, PyObject *number)
{
    PyObject *append = PyObject_GetAttrString(list, "append");
    PyObject *args = PyTuple_Pack(1, number);
    PyObject *call = hub_call_soon(append, args);
    assert_non_null(call);
    Py_DECREF(append);
    Py_DECREF(args);
    return call;
}

static void *
call_from_there(void *list)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *call = call_append(list, Py_True);
    Py_DECREF(call);
    PyGILState_Release(state);
    return NULL;
}

static void
calls_are_made_in_order(void **state)
{
    PyObject *list = numbers();
    PyObject *first = call_append(list, Py_None);
    PyObject *stopped = call_append(list, Py_False);
    PyObject *r = PyObject_CallMethod(stopped, "stop", NULL);
    Py_XDECREF(r);
    assert_int_equal(PyList_GET_SIZE(list), 0);
    settle();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, call_from_there, list), 0);
    while (PyList_GET_SIZE(list) < 2) {
        assert_int_equal(green_sleep(0.001), 0);
    }
    pthread_join(thread, NULL);
    assert_ptr_equal(PyList_GET_ITEM(list, 0), Py_None);
    assert_ptr_equal(PyList_GET_ITEM(list, 1), Py_True);
    Py_DECREF(first);
    Py_DECREF(stopped);
    Py_DECREF(list);
}

static void
links_are_called_once(void **state)
{
    PyObject *list = numbers(), *links = NULL;
    PyObject *append = PyObject_GetAttrString(list, "append");
    assert_int_equal(links_add(&links, append), 0);
    assert_int_equal(links_add(&links, append), 0);
    assert_int_equal(links_remove(&links, append), 0);
    assert_int_equal(links_add(&links, Py_None), -1);
    PyErr_Clear();
    links_call(&links, Py_True);
    assert_null(links);
    links_call(&links, Py_True);
    settle();
    assert_int_equal(PyList_GET_SIZE(list), 1);
    Py_DECREF(append);
    Py_DECREF(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_taken_at_once),
        cmocka_unit_test(nobody_overtakes),
        cmocka_unit_test(the_killed_pass_it_on),
        cmocka_unit_test(other_threads_wait_and_are_waited_for),
        cmocka_unit_test(calls_are_made_in_order),
        cmocka_unit_test(links_are_called_once),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
