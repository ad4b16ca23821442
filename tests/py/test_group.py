"""Group: members that come and go, waiting for all of them, killing them."""

import time

import pytest
from _locust import Greenlet, GreenletExit, Group, getcurrent, sleep


def test_members_leave_when_they_end():
    group = Group()
    short, long = group.spawn(sleep, 0), group.spawn(sleep, 1000)
    assert len(group) == 2 and list(group) == [short, long] and short in group and group
    assert not group.join(timeout=0.05)
    assert list(group) == [long]
    group.discard(long)
    assert not group and group.join()
    long.kill()


def test_join_tells_whether_all_have_ended():
    group = Group()
    group.spawn(sleep, 0.02)
    assert group.join(timeout=0) is False
    assert group.join() is True and group.join(timeout=0) is True
    group.spawn(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        group.join(raise_error=True)


def test_join_waits_for_those_who_come_meanwhile():
    group, ended = Group(), []

    def first():
        sleep(0.01)
        group.spawn(lambda: (sleep(0.02), ended.append(1)))

    group.spawn(first)
    assert group.join(timeout=5) and ended == [1]


def test_kill_reaches_everybody():
    group, said = Group(), []

    def member(n):
        try:
            sleep(1000)
        except GreenletExit:
            sleep(0.01)
            said.append(n)

    members = [group.spawn(member, n) for n in range(3)]
    sleep(0)
    new, later = group.spawn(member, 7), Greenlet(member, 8)
    later.start_later(1000)
    group.add(later)
    group.kill()
    assert said == [0, 1, 2] and not group
    assert all(green.dead for green in [*members, new, later])


def test_kill_ends_members_that_are_added_by_dying_ones():
    """As users are whose on_stop begins something in their group."""
    group, said = Group(), []

    def member(n):
        try:
            sleep(1000)
        finally:
            said.append(n)
            if n:
                sleep(0.005)
                group.spawn(member, n - 1)
                sleep(0)

    group.spawn(member, 5)
    sleep(0)
    started = time.monotonic()
    group.kill()
    assert said == [5, 4, 3, 2, 1, 0] and not group
    assert time.monotonic() - started < 5


def test_kill_throws_only_once():
    group, said = Group(), []

    def member():
        for _ in range(3):
            try:
                sleep(0.02)
                said.append("slept")
            except GreenletExit:
                said.append("exit")
                group.spawn(sleep, 1000)

    group.spawn(member)
    sleep(0)
    group.kill()
    assert said == ["exit", "slept", "slept"] and not group


def test_kill_without_waiting():
    group = Group()
    members = [group.spawn(sleep, 1000) for _ in range(3)]
    sleep(0)
    group.kill(block=False)
    assert len(group) == 3
    sleep(0)
    assert not group and all(green.dead for green in members)


def test_kill_with_another_exception():
    group = Group()
    green = group.spawn(sleep, 1000)
    sleep(0)
    group.kill(KeyError("x"))
    assert green.exception.args == ("x",)


@pytest.mark.parametrize("stubborn", [True, False])
def test_kill_gives_up_when_time_is_up(stubborn):
    group, over = Group(), []

    def member():
        try:
            sleep(1000)
        except GreenletExit:
            sleep(1000)

    def endless():
        try:
            sleep(1000)
        finally:
            sleep(0.01)
            if not over:
                group.spawn(endless)
                sleep(0)

    group.spawn(member if stubborn else endless)
    sleep(0)
    started = time.monotonic()
    group.kill(timeout=0.1)
    assert 0.09 < time.monotonic() - started < 5
    assert group
    over.append(True)
    for last in group:
        last.kill(KeyError if stubborn else GreenletExit)


def test_kill_of_members_that_never_become_fewer():
    group, stop = Group(), []

    def member():
        try:
            sleep(1000)
        finally:
            if not stop:
                group.spawn(member)
                sleep(0)

    group.spawn(member)
    sleep(0)
    with pytest.raises(RuntimeError, match="1 are left after 100 rounds"):
        group.kill()
    stop.append(True)
    group.kill()
    assert not group


def test_kill_waits_for_members_that_leave_late():
    """Their end is told to others first, one of whom takes long and adds a member."""
    group, added = Group(), []

    def told(green):
        sleep(0.02)
        if not added:
            added.append(group.spawn(sleep, 1000))

    green = Greenlet(sleep, 1000)
    green.link(told)
    group.start(green)
    sleep(0)
    group.kill()
    assert not group and added[0].dead


def test_kill_by_a_member():
    group, said = Group(), []

    def member():
        try:
            group.kill()
        finally:
            said.append(getcurrent() in group)

    other = group.spawn(sleep, 1000)
    green = group.spawn(member)
    group.join()
    assert said == [True] and other.dead and green.successful()


def test_kill_by_a_member_without_waiting():
    group, said = Group(), []

    def member():
        group.kill(block=False)
        said.append("goes on")
        sleep(1000)

    other = group.spawn(sleep, 1000)
    green = group.spawn(member)
    group.join()
    assert said == ["goes on"] and other.dead and green.successful()


def test_killone():
    group = Group()
    one, two = group.spawn(sleep, 1000), group.spawn(sleep, 1000)
    sleep(0)
    group.killone(one)
    assert one.dead and list(group) == [two]
    stranger = Greenlet.spawn(sleep, 1000)
    group.killone(stranger)
    sleep(0)
    assert not stranger.dead
    stranger.kill()
    group.kill()


def test_only_greenlets_are_members():
    for call in Group().add, Group().start:
        with pytest.raises(TypeError, match="Greenlet"):
            call(5)
