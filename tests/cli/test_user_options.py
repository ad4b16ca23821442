"""Options that change user classes or tell of them: --config-users, --equal-weights, --show-task-ratio."""

import json

import pytest

FILE = """
from locust import TaskSet, User, constant, events, task

class Inner(TaskSet):
    @task(3)
    def deep(self):
        pass

class A(User):
    wait_time = constant(100)
    tasks = {Inner: 2}

    @task
    def one(self):
        pass

    @task
    def two(self):
        pass

class B(User):
    weight = 3
    wait_time = constant(100)

    @task
    def one(self):
        pass

@events.test_start.add_listener
def show(environment, **kwargs):
    for c in environment.user_classes:
        print(c.__name__, c.weight, c.host, c.fixed_count, sorted(t.__name__ for t in c.tasks))
    print(environment.profile)
    environment.runner.quit()
"""


def shown(run, *args):
    r = run("--headless", "--only-summary", *args, locustfile=FILE)
    assert r.code == 0, r
    return r.out.splitlines()


def test_as_it_is(run):
    assert shown(run) == ["A 1 None 0 ['Inner', 'Inner', 'one', 'two']", "B 3 None 0 ['one']", "None"]


def test_equal_weights(run):
    lines = shown(run, "--equal-weights", "--profile", "night")
    assert lines == ["A 1 None 0 ['deep', 'one', 'two']", "B 1 None 0 ['one']", "night"]


@pytest.mark.parametrize(
    "configs",
    [
        ['{"user_class_name": "A", "weight": 5, "tasks": ["one", "nobody"]}', '{"user_class_name": "B", "host": "http://b"}'],
        ['[{"user_class_name": "A", "weight": 5, "tasks": ["one"]}, {"user_class_name": "B", "host": "http://b"}]'],
        ["configs.json"],
    ],
)
def test_config_users(run, directory, configs):
    everything = [
        {"user_class_name": "A", "weight": 5, "tasks": ["one"]},
        {"user_class_name": "B", "host": "http://b"},
    ]
    (directory / "configs.json").write_text(json.dumps(everything))
    assert shown(run, "--config-users", *configs)[:2] == ["A 5 None 0 ['one']", "B 3 http://b 0 ['one']"]


def test_config_users_in_the_environment(run):
    env = {"LOCUST_CONFIG_USERS": '{"user_class_name": "A", "fixed_count": 2}'}
    r = run("--headless", "--only-summary", locustfile=FILE, env=env)
    assert r.out.startswith("A 1 None 2 "), r


@pytest.mark.parametrize(
    ("config", "code", "said"),
    [
        ("{", 2, "must be a valid JSON string or file: "),
        ("missing.json", 2, "No such file or directory: 'missing.json'"),
        ("bad.json", 2, "must be a valid JSON string or file: "),
        ('{"weight": 1}', 2, "The user config must specify a user_class_name"),
        ("[1]", 2, "The user config must specify a user_class_name"),
        ("5", 2, "The user config must specify a user_class_name"),
        ('{"user_class_name": "Nobody"}', 255, "Error applying user config: "),
        ('{"user_class_name": "A", "__class__": 5}', 255, "Error applying user config: "),
    ],
)
def test_bad_configs(run, directory, config, code, said):
    (directory / "bad.json").write_bytes(b"\xff{")
    r = run("--headless", "--config-users", config, locustfile=FILE)
    assert r.code == code and said in r.err and r.out == "", r
    assert ("locust: error: argument --config-users: " in r.err) == (code == 2)


RATIO = """
 Task ratio per User class
--------------------------------------------------------------------------------
 25.0       A
   50.0       Inner
     100.0      deep
   25.0       one
   25.0       two
 75.0       B
   100.0      one

 Total task ratio
--------------------------------------------------------------------------------
 25.0       A
   12.5       Inner
     12.5       deep
   6.2        one
   6.2        two
 75.0       B
   75.0       one
"""


def test_task_ratio(run):
    r = run("--show-task-ratio", locustfile=FILE)
    assert (r.code, [line.rstrip() for line in r.out.splitlines()]) == (0, RATIO.splitlines())
    assert r.messages() == ["Starting Locust 2.46.3"]


def test_task_ratio_as_json(run):
    r = run("--show-task-ratio-json", "--headless", "B", locustfile=FILE)
    ratio = {"B": {"ratio": 1.0, "tasks": {"one": {"ratio": 1.0}}}}
    assert r.code == 0 and json.loads(r.out) == {"per_class": ratio, "total": ratio}


def test_both_are_shown_after_the_configuration(run):
    config = '{"user_class_name": "B", "weight": 1}'
    r = run("--show-task-ratio", "--config-users", config, "--equal-weights", locustfile=FILE)
    assert r.code == 0 and r.out.count(" 50.0       A ") == 2 and "Inner" in r.out, r
