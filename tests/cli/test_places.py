"""Mistakes in a locustfile: which class, file and line, though no code of its own was running."""

import re

import pytest

HEAD = "from locust import SequentialTaskSet, TaskSet, User, between, constant, task\n"


def user(body, first="@task\n    def t(self): pass"):
    """Class A begins in line 3."""
    return f"{HEAD}\nclass A(User):\n    wait_time = constant(0.2)\n    {first}\n    {body}\n"


CASES = {
    "wait_time is a number": (user("wait_time = 5"), "wait_time of class A (*, line 3) is 5; ", 1),
    "wait_time is a list": (user("wait_time = [1, 2]"), "wait_time of class A (*, line 3) is [1, 2]; ", 1),
    "wait_time gives a str": (user("def wait_time(self): return '1'"), "wait_time of class A (*, line 3) gave '1'; ", 1),
    "wait_time gives nothing": (user("def wait_time(self): pass"), "wait_time of class A (*, line 3) gave None; ", 1),
    "constant of a str": (user("wait_time = constant('1')"), "wait_time of class A (*, line 3) gave '1'; ", 1),
    "wait_time has no argument": (user("def wait_time(): return 1"), "wait_time of class A (*, line 3) is <function ", 1),
    "no wait_time": (user("wait_time = None"), "MissingWaitTimeError: A has no wait_time", 1),
    "no wait_time, where": (user("wait_time = None"), "the class: A (*, line 3)", 1),
    "wait_time of a task set": (
        HEAD + "class T(TaskSet):\n    wait_time = 7\n    @task\n    def t(self): pass\n\n"
        "class A(User):\n    tasks = [T]\n    wait_time = constant(1)\n",
        "wait_time of class T (*, line 2) is 7; ",
        1,
    ),
    "a task that is no function": (user("tasks = [5]", "pass"), "among the tasks of class A (*, line 3) is 5; ", 1),
    "a task that is a name": (user("tasks = ['t']", "pass"), "among the tasks of class A (*, line 3) is 't'; ", 1),
    "a task without argument": (user("", "@task\n    def t(): pass"), "the task (*, line 5) of class A is called with one", 1),
    "no tasks": (user("", "pass"), "the class: A (*, line 3)", 1),
    "no tasks but an empty task set": (
        HEAD + "class T(TaskSet):\n    pass\n\nclass A(User):\n    tasks = [T]\n    wait_time = constant(0.2)\n",
        "the class: A (*, line 5)",
        1,
    ),
    "on_start is no function": (user("on_start = 5"), "on_start is 5 in the class: A (*, line 3)", 0),
    "weight of a task": (user("", "@task('3')\n    def t(self): pass"), "the weight of task <function *> (*, line 5) is '3'; ", 1),
    "weight in tasks": (user("tasks = {t: 1.5}", "def t(self): pass"), "the weight of task <function *> (*, line 5) is 1.5; ", 1),
    "weight of a class": (user("weight = '3'"), "weight of class A (*, line 3) is '3'; it must be a number", 1),
    "fixed_count of a class": (user("fixed_count = '3'"), "fixed_count of class A (*, line 3) is '3'; it must be a number", 1),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_located(run, directory, name):
    text, said, code = CASES[name]
    r = run("--headless", "--only-summary", "-t", "1", locustfile=text)
    assert r.code == code, r
    pattern = re.escape(said).replace(r"\(\*,", r"\(\S*locustfile\.py,").replace(r"\*", r"[^\n]*")
    assert re.search(pattern, r.err), r


@pytest.mark.parametrize("wait_time", ["constant(-1)", "lambda self: -1", "lambda self: float('nan')"])
def test_odd_numbers_are_no_wait(run, wait_time):
    text = f"{HEAD}class A(User):\n    wait_time = {wait_time}\n    turns = 0\n" + (
        "    @task\n    def t(self):\n        A.turns += 1\n"
        "        if A.turns > 100: print('many'); self.environment.runner.quit()\n"
    )
    r = run("--headless", "--only-summary", "-t", "20", locustfile=text)
    assert (r.code, r.out) == (0, "many\n") and "Traceback" not in r.err, r


def test_what_the_users_own_code_raises_is_left_alone(run):
    for body in "wait_time = lambda self: 1 + 'a'", "tasks = [lambda user: 1 + 'a']", "on_start = lambda self: 1 + 'a'":
        r = run("--headless", "--only-summary", "-t", "1", locustfile=user(body, "pass" if "tasks" in body else "@task\n    def t(self): pass"))
        assert "TypeError: unsupported operand" in r.err and "class A" not in r.err, r


@pytest.mark.parametrize("text, shown", [
    ("import os\n1 / 0\n", 'Traceback (most recent call last):\n  File "*", line 2, in <module>\n'),
    ("def f(:\n    pass\n", '  File "*", line 1\n    def f(:\n'),
])
def test_an_error_of_a_locustfile_is_shown_from_its_own_line_on(run, text, shown):
    r = run("--headless", locustfile=text)
    assert r.code == 1 and r.out == ""
    assert re.match(re.escape(shown).replace(r"\*", r"\S*locustfile\.py"), r.err), r
    assert r.err.count("File ") == 1 and r.err.splitlines()[-1].startswith(("ZeroDivisionError: ", "SyntaxError: "))
