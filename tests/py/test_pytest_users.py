"""Test functions of a pytest file as users."""

import logging
import subprocess
import sys

import pytest
import requests
from fake import Environment

from locust import User
from locust.exception import CatchResponseError, StopUser
from locust.user.task import filter_tasks_by_tags
from locust.user.users import PytestUser
from locust.util.load_locustfile import is_user_class, load_locustfile_pytest

FILE = """
import pytest
from locust.exception import StopUser

calls = []

@pytest.fixture
def plain():
    return "plain"

@pytest.fixture
def of_user(user=None):
    yield user

def test_one(session):
    calls.append(("one", session))
    raise StopUser

def test_two(of_user, plain):
    calls.append(("two", of_user, plain))
    raise StopUser

class TestInClass:
    def test_none(self):
        calls.append(("none",))
        raise StopUser

def helper():
    pass
"""


@pytest.fixture
def load(tmp_path):
    """load(text) gives the user classes of a file."""

    def load(text, name="test_users_of_pytest.py"):
        path = tmp_path / name
        path.write_text(text)
        sys.modules.pop(path.stem, None)
        return load_locustfile_pytest(str(path))

    return load


def user(function, **attributes):
    """A PytestUser that calls one function with the value of its fixture."""

    class Fixture:
        @staticmethod
        def func(user):
            yield "value"

    class Function:
        fixturedef = Fixture
        obj = staticmethod(function)

    return type("Mine", (PytestUser,), {"functions": [Function], **attributes})(Environment())


def test_collection(load):
    classes = load(FILE)
    assert list(classes) == ["test_one", "test_two", "test_none"]
    for name, cls in classes.items():
        assert cls.__name__ == name and issubclass(cls, PytestUser) and is_user_class(cls)
        assert [function.name for function in cls.functions] == [name]
    assert not is_user_class(PytestUser)


def test_functions_get_their_fixtures(load):
    classes = load(FILE)
    calls = classes["test_one"].functions[0].module.calls
    for name in classes:
        one = classes[name](Environment())
        one.host = "http://127.0.0.1:9"
        with pytest.raises(StopUser):
            one.run()
        assert one._state == "running"
        if name == "test_one":
            assert one.fixtures[0].base_url == one.host and one.fixtures[0].user is one
        if name == "test_two":
            assert calls[-1] == ("two", one, "plain")
    assert [call[0] for call in calls] == ["one", "two", "none"]


def test_equal_names_are_one_class(load):
    classes = load("class TestA:\n def test_x(self): pass\nclass TestB:\n def test_x(self): pass\n")
    assert [(name, len(cls.functions)) for name, cls in classes.items()] == [("test_x", 2)]


def test_missing_and_ambiguous_fixtures(load):
    with pytest.raises(ValueError, match="Could not find fixture for parameter 'nothing' in test_x"):
        load("def test_x(nothing): pass\n")
    text = "import pytest\n@pytest.fixture\ndef session(): pass\ndef test_x(session): pass\n"
    with pytest.raises(ValueError, match="Multiple fixtures found for parameter 'session' in test_x"):
        load(text, "test_two_fixtures.py")


def test_functions_are_called_round_and_round():
    seen = []

    def function(value):
        seen.append(value)
        if len(seen) == 3:
            raise StopUser

    one = user(function)
    with pytest.raises(StopUser):
        one.run()
    assert seen == ["value"] * 3 and one.fixtures == ["value"]


@pytest.mark.parametrize(
    "error", [requests.ConnectionError("x"), requests.HTTPError("x"), CatchResponseError("x")]
)
def test_failed_requests_go_on(error, caplog):
    caplog.set_level(logging.DEBUG, "locust.user.users")
    errors = [StopUser(), error, error]

    def function(value):
        raise errors.pop()

    with pytest.raises(StopUser):
        user(function).run()
    assert [record.levelname for record in caplog.records] == ["DEBUG"] * 2


@pytest.mark.parametrize("error", [requests.exceptions.MissingSchema("x"), AssertionError("x")])
def test_other_exceptions_end_the_user(error):
    def function(value):
        raise error

    with pytest.raises(type(error)):
        user(function).run()


def test_a_stop_ends_it_after_its_function():
    done = []

    def function(value):
        assert one._state == "running"
        done.append("begun")
        one._state = "stopping"
        done.append("ended")

    one = user(function)
    one.run()
    assert one._state == "stopping" and done == ["begun", "ended"]


def test_filtering_by_tags_says_nothing(caplog):
    cls = type(user(lambda value: None))
    filter_tasks_by_tags(cls, {"x"})
    assert cls.tasks == [] and caplog.records == []
    filter_tasks_by_tags(type("Other", (User,), {"functions": []}), {"x"})
    assert len(caplog.records) == 1


def test_without_pytest_it_says_what_to_do(tmp_path):
    script = (
        "import sys; sys.modules['pytest'] = None\n"
        "from locust.util.load_locustfile import load_locustfile_pytest\n"
        "load_locustfile_pytest('file.py')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "file.py has no User class" in done.stderr and "python3-pytest" in done.stderr


def test_the_plugin_under_pytest(tmp_path, demo_site):
    file = tmp_path / "test_plain.py"
    file.write_text(
        "def test_a(session):\n"
        "    assert session.user is None\n"
        "    assert session.get('/hello').text.count('Hello!')\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_locust.plugin", "-p", "no:cacheprovider"]
    command += ["--host", demo_site.url, "-c", "/dev/null", "--rootdir", str(tmp_path), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
