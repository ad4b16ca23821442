"""What Python code may rely on while it changes places with others on green threads.

CPython's versions differ in what they keep per thread state; this is where that shows.
"""

import contextvars
import ctypes
import functools
import gc
import os
import subprocess
import sys
import threading
import weakref

import pytest
from _locust import Greenlet, sleep
from real_thread import RealThread

SANITIZERS = bool(os.environ.get("LOCUST_SANITIZERS"))


def run_all(*functions):
    """Runs each in a green thread of its own; their results."""
    threads = [Greenlet.spawn(function) for function in functions]
    return [thread.get() for thread in threads]


def others_go_on(recurse):
    """Runs something that recurses for ever beside two that do not; what it died of."""
    done = []

    def steady():
        for _ in range(20):
            sleep(0)
            done.append(sum(range(100)))

    def deep():
        sleep(0)
        try:
            recurse()
        except RecursionError as error:
            sleep(0)
            return error
        raise AssertionError("no end was found")

    error, *_ = run_all(deep, steady, steady)
    assert done == [4950] * 40
    return error


def python_calls():
    def f(n):
        return f(n + 1) + 1

    f(0)


def python_calls_c_calls_python():
    def f(n):
        return functools.reduce(lambda a, b: f(n + 1), [1, 2])

    f(0)


def sort_keys():
    def f(n):
        return sorted([2, 1], key=lambda x: f(n + 1))

    f(0)


def slots():
    class Mirror:
        def __getattr__(self, name):
            return getattr(self, name + "x")

        def __repr__(self):
            return repr(self)

    with pytest.raises(RecursionError):
        repr(Mirror())
    return Mirror().a


def nested_lists():
    nested = []
    for _ in range(200_000):
        nested = [nested]
    try:
        repr(nested)
    finally:
        while nested:
            nested = nested[0]


def constructors():
    class Egg:
        def __init__(self):
            self.hen = Egg()

    Egg()


@pytest.mark.parametrize(
    "recurse", [python_calls, python_calls_c_calls_python, sort_keys, slots, nested_lists, constructors]
)
def test_recursion_ends_in_the_one_that_recurses(recurse):
    assert "maximum recursion depth" in str(others_go_on(recurse)).lower()


def test_recursion_depths_do_not_add_up():
    def down(n):
        if n == 0:
            sleep(0)
            return 0
        return down(n - 1) + 1

    depth = sys.getrecursionlimit() * 3 // 4
    assert run_all(*[lambda: down(depth)] * 20) == [depth] * 20


def test_limit_holds_again_after_an_overflow():
    def again():
        for _ in range(3):
            with pytest.raises(RecursionError):
                python_calls()
            sleep(0)
        return "still here"

    assert run_all(*[again] * 5) == ["still here"] * 5


# --- Callbacks from C.

COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


def qsort(numbers, visit):
    """Sorted by the C library, which calls back; visit() is called each time."""
    array = (ctypes.c_int * len(numbers))(*numbers)

    def compare(a, b):
        visit()
        return a[0] - b[0]

    libc = ctypes.CDLL(None)
    libc.qsort(array, len(numbers), ctypes.sizeof(ctypes.c_int), COMPARE(compare))
    return list(array)


def test_ctypes_calls_back():
    assert run_all(lambda: qsort([3, 1, 2], list)) == [[1, 2, 3]]


def test_ctypes_callbacks_change_places():
    """Ten sorts at once; each comparison lets the others run, with C frames in between."""
    results = run_all(*[lambda: qsort(list(range(30, 0, -1)), lambda: sleep(0))] * 10)
    assert results == [list(range(1, 31))] * 10


def test_ctypes_callbacks_from_another_os_thread():
    """The interpreter's lock goes to and fro between the hub's thread and another."""
    seen = []

    def elsewhere():
        for _ in range(50):
            seen.append(qsort([2, 1], list))

    thread = RealThread(target=elsewhere)
    thread.start()

    def here():
        while thread.is_alive():
            qsort([5, 4, 3], lambda: sleep(0))
        return "done"

    assert run_all(here, here) == ["done", "done"]
    thread.join()
    assert seen == [[1, 2]] * 50


def test_native_recursion_through_ctypes():
    """Python -> C -> Python by way of callbacks, until Python's limit; only that one ends."""
    failures = []

    def recurse():
        def again():
            if failures:
                return  # a sanitizer's qsort calls back twice
            try:
                qsort([2, 1], again)
            except RecursionError as error:
                failures.append(error)

        again()
        raise failures[0]

    # An exception that ctypes meets before it has called back is lost to the caller.
    hook, sys.unraisablehook = sys.unraisablehook, lambda event: failures.append(event.exc_value)
    try:
        error = others_go_on(recurse)
    finally:
        sys.unraisablehook = hook
    assert "maximum recursion depth" in str(error).lower()


# --- The collector.


class Thing:
    def __init__(self):
        self.me = self


def test_collector_spares_what_parked_stacks_hold():
    def hold():
        thing = Thing()
        references.append(weakref.ref(thing))
        while len(references) < 200 or not collected:
            sleep(0)
        return thing.me is thing

    def collect():
        while len(references) < 200:
            sleep(0)
        for _ in range(3):
            gc.collect()
            assert all(reference() is not None for reference in references)
            sleep(0)
        collected.append(True)
        return True

    references, collected = [], []
    assert all(run_all(collect, *[hold] * 200))
    gc.collect()
    assert not any(reference() for reference in references)


def test_collector_runs_finalizers_in_any_green_thread():
    gone = []

    class Loud(Thing):
        def __del__(self):
            gone.append(1)

    def litter():
        for i in range(2000):
            Loud()
            if i % 10 == 0:
                sleep(0)

    old = gc.get_threshold()
    gc.set_threshold(50, 2, 2)
    try:
        run_all(*[litter] * 10)
    finally:
        gc.set_threshold(*old)
    gc.collect()
    assert len(gone) == 20000


# --- Exceptions and contexts.


def test_each_handles_its_own_exception():
    def handle(n):
        assert sys.exc_info() == (None, None, None)
        try:
            raise ValueError(n)
        except ValueError as error:
            sleep(0)
            assert sys.exc_info()[1] is error
            try:
                sleep(0)
                raise KeyError(n)
            except KeyError as inner:
                sleep(0)
                assert inner.__context__ is error and error.__context__ is None
        sleep(0)
        assert sys.exc_info() == (None, None, None)
        try:
            raise IndexError(n)
        except IndexError as error:
            assert error.__context__ is None
        return n

    try:
        raise RuntimeError("the caller's")
    except RuntimeError as error:
        assert run_all(*[functools.partial(handle, n) for n in range(50)]) == list(range(50))
        assert sys.exc_info()[1] is error


def test_raise_again_after_others_have_raised():
    def again(n):
        try:
            try:
                raise ValueError(n)
            except ValueError:
                for _ in range(5):
                    sleep(0)
                raise
        except ValueError as error:
            return error.args[0]

    assert run_all(*[functools.partial(again, n) for n in range(50)]) == list(range(50))


def test_generators_wander():
    """A generator is begun in one green thread, and goes on in others."""

    def numbers():
        for n in range(30):
            try:
                raise KeyError(n)
            except KeyError:
                yield n
                sleep(0)
                assert sys.exc_info()[1].args == (n,)

    shared, taken = numbers(), []

    def take(turn):
        for n in range(turn, 30, 3):
            while len(taken) < n:
                sleep(0)
            taken.append(next(shared))
        return True

    run_all(*[functools.partial(take, turn) for turn in range(3)])
    assert taken == list(range(30))


def test_context_variables_and_thread_locals_are_each_ones_own():
    variable, local = contextvars.ContextVar("variable"), threading.local()

    def use(n):
        assert variable.get(None) is None and not hasattr(local, "n")
        variable.set(n)
        local.n = n
        sleep(0)
        return variable.get(), local.n

    assert run_all(*[functools.partial(use, n) for n in range(50)]) == [(n, n) for n in range(50)]


# --- Numbers.

MANY = """
import sys, gc
sys.path[:0] = sys.argv[2:]
from _locust import Greenlet, sleep
n, count = int(sys.argv[1]), 0

def one():
    global count
    for _ in range(3):
        try:
            raise ValueError
        except ValueError:
            sleep(0)
        count += 1
    sleep(0.01)

for round in range(2):
    threads = [Greenlet.spawn(one) for _ in range(n)]
    sleep(0)
    gc.collect()
    for thread in threads:
        thread.join()
assert all(thread.successful() for thread in threads)
print(count)
"""


def test_ten_thousand():
    """In a process of their own, which ends with them."""
    n = 500 if SANITIZERS else 10_000
    done = subprocess.run([sys.executable, "-c", MANY, str(n), *sys.path], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == (f"{n * 6}\n", "", 0)
