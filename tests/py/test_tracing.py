"""sys.settrace(), sys.setprofile() and what is made of them: they see what green threads do."""
import cProfile
import pstats
import sys

import pytest
from _locust import Greenlet, sleep


def work():
    return 1


def loop(times=3):
    for _ in range(times):
        work()
        sleep(0)


class Seen(list):
    """A trace or profile function that notes the calls of functions of this file."""

    def __call__(self, frame, event, arg):
        if event == "call" and frame.f_code.co_filename == __file__:
            self.append(frame.f_code.co_name)
        return self


KINDS = [(sys.settrace, sys.gettrace), (sys.setprofile, sys.getprofile)]


@pytest.fixture(params=KINDS, ids=["trace", "profile"])
def hooks(request):
    put, get = request.param
    before = get()
    yield put, get
    put(before)


def test_one_that_begins_later_is_seen(hooks):
    put, _ = hooks
    seen = Seen()
    put(seen)
    Greenlet.spawn(loop).join()
    put(None)
    assert seen.count("work") == 3 and seen.count("loop") == 1


def test_one_that_runs_already_is_seen(hooks):
    put, get = hooks
    seen = Seen()
    running = Greenlet.spawn(loop, 4)
    sleep(0)
    put(seen)
    sleep(0)
    assert seen.count("work") == 1
    put(None)
    sleep(0)
    assert seen.count("work") == 1, "it is no longer traced"
    running.join()
    assert get() is None


def test_what_one_sets_holds_for_the_others(hooks):
    put, get = hooks
    seen = Seen()
    other = Greenlet.spawn(loop, 4)
    sleep(0)
    Greenlet.spawn(put, seen).join()        # dead and buried, and its function still holds
    assert get() is seen
    sleep(0)
    Greenlet.spawn(put, None).join()
    assert get() is None
    count = seen.count("work")
    assert count >= 1
    other.join()
    assert seen.count("work") == count


def test_many_with_one_function(hooks):
    put, get = hooks
    seen = Seen()
    put(seen)
    for g in [Greenlet.spawn(loop) for _ in range(20)]:
        g.join()
    assert get() is seen
    put(None)
    assert seen.count("work") == 60


def test_a_profiler_sees_green_threads():
    profile = cProfile.Profile()
    profile.enable()
    for g in [Greenlet.spawn(loop) for _ in range(5)]:
        g.join()
    profile.disable()
    calls = {key[2]: row[1] for key, row in pstats.Stats(profile).stats.items()}
    assert calls["work"] == 15


def test_what_a_replaced_function_leaves_behind_may_not_wait(hooks):
    """Its destructor runs between two green threads."""
    put, _ = hooks
    errors = []

    class Last(Seen):
        def __del__(self):
            try:
                sleep(0.001)
            except RuntimeError as e:
                errors.append(e)

    running = Greenlet.spawn(loop, 5)
    sleep(0)
    put(Last())
    sleep(0)
    put(None)
    running.join()
    assert len(errors) == 1
