"""Users: construction, life cycle, stopping."""

import gc
import sys
import time
import weakref

import pytest
from _locust import Greenlet, GreenletExit, Group
from fake import Environment, messages, run

from locust import HttpUser, TaskSet, User, constant, task
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from locust.user import users
from locust.user.task import DefaultTaskSet


def stopping_task(user):
    raise StopUser


class Idle(User):
    """Waits for ever after its first task."""

    wait_time = constant(60)

    def on_stop(self):
        self.stopped = self._state

    @task
    def work(self):
        pass


def started(user_class=Idle, turns=3):
    """A user that has had some turns of the processor."""
    group, user = Group(), user_class(Environment())
    user.start(group)
    for _ in range(turns):
        Greenlet.spawn(int).join()
    return user


def test_attributes_of_a_new_user():
    environment = Environment()
    user = User(environment)
    assert user.environment is environment
    assert (user._state, user._greenlet, user._taskset_instance) == (None, None, None)
    assert (user.greenlet, user._cp_last_wait_time) == (None, 0)
    assert abs(user._cp_last_run - time.perf_counter()) < 5
    assert not hasattr(user, "_group") and not hasattr(user, "group")
    assert (User.host, User.weight, User.fixed_count, User.tasks) == (None, 1, 0, [])
    assert user.wait_time() == 0 and user.context() == {} and user.context() is not user.context()


def test_the_environment_is_needed():
    with pytest.raises(TypeError):
        User()


def test_without_super_init_there_is_no_environment():
    class Careless(User):
        def __init__(self, environment):
            pass

    with pytest.raises(AttributeError):
        Careless(Environment()).environment


def test_a_class_may_have_an_attribute_environment():
    class Mine(User):
        environment = None

    environment = Environment()
    assert Mine(environment).environment is environment


def test_init_is_cooperative():
    class Mixin:
        def __init__(self):
            self.mixed = True

    class First(User, Mixin):
        pass

    class Second(Mixin, User):
        def __init__(self, environment):
            User.__init__(self, environment)
            Mixin.__init__(self)

    assert First(Environment()).mixed and Second(environment=Environment()).mixed


def test_json_and_fullname():
    class Mine(User):
        host = "http://h"
        weight = 2

        @task(2)
        def work(self):
            pass

    assert Mine.json() == {"host": "http://h", "weight": 2, "fixed_count": 0, "tasks": ["work", "work"]}
    assert Mine.fullname() == f"{__name__}.test_json_and_fullname.Mine"


def test_life():
    life = []

    class Mine(User):
        def on_start(self):
            life.append((self._state, type(self._taskset_instance)))

        @task
        def work(self):
            life.append(self._state)
            raise StopUser

        def on_stop(self):
            life.append(type(sys.exc_info()[1]))

    run(Mine)
    assert life == [("running", DefaultTaskSet), "running", StopUser]


def test_start_gives_the_greenlet():
    group, user = Group(), User(Environment())
    greenlet = user.start(group)
    assert greenlet is user.greenlet is user._greenlet and greenlet.args == (user,)
    assert user.group is user._group is group and list(group) == [greenlet]
    greenlet.kill()


def test_start_with_another_kind_of_group():
    class Spawner:
        def spawn(self, function, *args):
            return Greenlet.spawn(function, *args)

    user = type("Mine", (User,), {"tasks": [stopping_task]})(Environment())
    greenlet = user.start(Spawner())
    greenlet.join()
    assert user.greenlet is greenlet and greenlet.successful()


def test_run_may_be_overridden():
    ran = []

    class Mine(User):
        def run(self):
            ran.append(self._state)

    run(Mine)
    assert ran == [None]


@pytest.mark.parametrize("exception", [StopUser, StopTest, GreenletExit])
@pytest.mark.parametrize("where", ["on_start", "task"])
def test_exceptions_that_end_a_user_in_order(exception, where, caplog):
    class Mine(User):
        stopped = False

        def on_start(self):
            if where == "on_start":
                raise exception("on purpose")

        @task
        def work(self):
            raise exception

        def on_stop(self):
            self.stopped = True

    user = run(Mine)
    assert user.stopped and user.greenlet.successful()
    logged = where == "on_start" and exception is not GreenletExit
    assert [m.split("\n")[0] for m in messages(caplog, "locust.user.users")] == ["on purpose"] * logged


def test_an_error_in_on_start_kills_the_user(caplog, capfd):
    class Mine(User):
        stopped = False

        def on_start(self):
            raise ValueError("no login")

        def on_stop(self):
            self.stopped = True

    user = run(Mine)
    assert isinstance(user.greenlet.exception, ValueError) and not user.stopped
    (message,) = messages(caplog, "locust.user.users")
    assert message.startswith("no login\nTraceback") and message.endswith("ValueError: no login\n")
    # The log has the traceback; the line is all that is said besides, and the same each time.
    assert capfd.readouterr().err == "<Greenlet: run_user(Mine)> failed with ValueError\n\n"


def test_an_error_in_on_stop_kills_the_user(capfd):
    class Mine(User):
        tasks = [stopping_task]

        def on_stop(self):
            raise ValueError("no logout")

    assert isinstance(run(Mine).greenlet.exception, ValueError)
    said = capfd.readouterr().err
    assert said.count("no logout") == 2, "where it is raised, and what"
    assert said.endswith("ValueError: no logout\n<Greenlet: run_user(Mine)> failed with ValueError\n\n")


@pytest.mark.parametrize("reschedule, raised", [(True, RescheduleTaskImmediately), (False, RescheduleTask)])
def test_interrupt_in_a_task_of_a_user_kills_it(reschedule, raised, capfd):
    class Mine(User):
        stopped = False

        @task
        def work(self):
            raise InterruptTaskSet(reschedule)

        def on_stop(self):
            self.stopped = True

    user = run(Mine)
    assert type(user.greenlet.exception) is raised and not user.stopped
    capfd.readouterr()


# --- Stopping.


def test_a_waiting_user_is_killed():
    user = started()
    assert user._state == "waiting"
    assert user.stop() is True
    assert user.greenlet.dead and user.stopped == "waiting" and user._state == "waiting"


def busy_user():
    class Busy(User):
        done = stopped = False

        @task
        def work(self):
            Greenlet.spawn_later(0.05, int).join()
            self.done = True

        def on_stop(self):
            self.stopped = True

    return started(Busy)


def test_a_running_user_finishes_its_task():
    user = busy_user()
    assert user._state == "running"
    assert user.stop() is False
    assert user._state == "stopping" and not user.greenlet.dead
    user.greenlet.join()
    assert user.done and user.stopped and user.greenlet.successful() and user._state == "stopping"


def test_force_ends_a_running_user_at_once():
    user = busy_user()
    assert user.stop(force=True) is True
    assert user.greenlet.dead and user.stopped and not user.done


def test_stop_in_an_unexpected_state():
    with pytest.raises(Exception, match="unexpected state"):
        User(Environment()).stop()
    user = busy_user()
    user.stop()
    with pytest.raises(Exception, match="Tried to stop User in an unexpected state"):
        user.stop()
    user.greenlet.kill()


def test_a_user_that_has_not_begun_never_will():
    user = started(turns=0)
    assert user.stop() is True
    assert user.greenlet.dead and user._state is None and not hasattr(user, "stopped")


def test_a_user_may_stop_itself():
    class Mine(User):
        stopped = False

        @task
        def work(self):
            self.stop(force=True)

        def on_stop(self):
            self.stopped = True

    assert run(Mine).stopped


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("swallow", [False, True])
def test_on_stop_may_wait_and_run_tasks(force, swallow):
    log = []

    class Inner(TaskSet):
        @task
        def inner(self):
            log.append("inner")
            self.interrupt()

    class Outer(TaskSet):
        @task
        def outer(self):
            try:
                time.sleep(10)
            except GreenletExit:
                if not swallow:
                    raise

        def on_stop(self):
            self.wait()
            log.append("set waited")

    class Mine(User):
        wait_time = constant(0.01)
        tasks = [Outer]

        def on_stop(self):
            self.wait()
            log.append("user waited")
            with pytest.raises(RescheduleTaskImmediately):
                Inner(self).run()

    group, user = Group(), Mine(Environment())
    user.start(group)
    time.sleep(0.03)
    if not force:
        user._state = "waiting"
    assert user.stop(force=force) is True
    assert log == ["set waited", "user waited", "inner"] and user.greenlet.dead


def test_a_user_that_has_deleted_its_root(capfd):
    class Mine(User):
        def on_start(self):
            del self._taskset_instance

    user = run(Mine)
    assert type(user.greenlet.exception) is AttributeError
    assert "'Mine' object has no attribute '_taskset_instance'" in capfd.readouterr().err


def test_killone_of_the_group_is_used():
    killed = []

    class Mine(Group):
        def killone(self, greenlet, *args, **kwargs):
            killed.append(greenlet)
            return super().killone(greenlet, *args, **kwargs)

    group, user = Mine(), Idle(Environment())
    greenlet = user.start(group)
    greenlet.join(timeout=0.01)
    user.stop()
    assert killed == [greenlet]


# --- Memory.


def test_users_are_freed():
    class Mine(User):
        tasks = [stopping_task]

    user = run(Mine)
    gone = weakref.ref(user)
    user.me = user
    del user
    gc.collect()
    assert gone() is None


def test_a_dead_user_is_freed_without_the_collector():
    class Inner(TaskSet):
        tasks = [stopping_task]

    gc.disable()
    try:
        user = run(type("Mine", (User,), {"tasks": [Inner]}))
        gone = weakref.ref(user)
        user._taskset_instance = user._greenlet = None
        del user
        assert gone() is None
    finally:
        gc.enable()


# --- HttpUser.


@pytest.fixture
def sessions(monkeypatch):
    """The sessions that were made."""
    made = []

    class HttpSession:
        trust_env = True

        def __init__(self, **kwargs):
            self.kwargs = kwargs
            made.append(self)

    monkeypatch.setattr(users, "HttpSession", HttpSession)
    return made


@pytest.mark.parametrize("host", ["http://h", ""])
def test_http_user_has_a_session(sessions, host):
    class Mine(HttpUser):
        pass

    Mine.host = host
    environment = Environment()
    user = Mine(environment)
    assert [user.client] == sessions and user.client.trust_env is False
    assert user.client.kwargs == {
        "base_url": host,
        "request_event": environment.events.request,
        "user": user,
        "pool_manager": None,
    }


def test_http_user_needs_a_host(sessions):
    assert HttpUser.abstract
    with pytest.raises(StopTest, match="You must specify the base host."):
        HttpUser(Environment())
