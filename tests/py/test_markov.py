"""MarkovTaskSet: its decorators, what is wrong with a chain, and the way through it."""

import logging
import random
import types

import pytest
from fake import Environment, messages, run

from locust import MarkovTaskSet, TaskSet, User, constant, tag, task, transition, transitions
from locust.exception import LocustError, StopUser
from locust.user import markov_taskset
from locust.user.markov_taskset import (
    InvalidTransitionError,
    MarkovTaskSetMeta,
    MarkovTaskTagError,
    NoMarkovTasksError,
    NonMarkovTaskTransitionError,
    get_markov_tasks,
    is_markov_task,
    to_weighted_list,
    validate_no_unreachable_tasks,
)
from locust.user.task import filter_tasks_by_tags, is_markov_taskset


def state(name, **weights):
    """A task with these transitions."""

    def function(self):
        self.user.path.append(name)
        if len(self.user.path) == self.user.length:
            raise StopUser

    function.__name__ = name
    return transitions(weights)(function)


def chain(*functions, **body):
    return MarkovTaskSetMeta("Chain", (MarkovTaskSet,), {f.__name__: f for f in functions} | body)


def walk(cls, length):
    """The names of the first tasks that a user runs."""
    path = []
    run(type("Walker", (User,), {"tasks": [cls], "path": path, "length": length, "wait_time": constant(0)}))
    return path


# --- Decorators.


def test_transitions_add_up_on_the_function():
    def function(self):
        pass

    assert transition("a")(function) is function and function.transitions == {"a": 1}
    assert transition("b", weight=3)(function) is function
    assert transitions(["c", ("d", 2)])(function) is function
    assert transitions({"a": 5})(function) is function
    assert function.transitions == {"a": 5, "b": 3, "c": 1, "d": 2}
    assert is_markov_task(function) and not is_markov_task(walk)


def test_helpers():
    a, b = state("a", b=1), state("b", a=1)
    assert get_markov_tasks({"x": 1, "b": b, "a": a, "walk": walk}) == [b, a]
    assert to_weighted_list({"a": 2, "b": 0, "c": 1}) == ["a", "a", "c"]


def test_the_names_are_of_the_package():
    assert transition is markov_taskset.transition and transitions is markov_taskset.transitions
    assert MarkovTaskSet.abstract and MarkovTaskSet.tasks == [] and not hasattr(MarkovTaskSet, "current")


# --- What is wrong with a chain.


def test_the_exceptions_are_misuse():
    for cls in (NoMarkovTasksError, InvalidTransitionError, NonMarkovTaskTransitionError, MarkovTaskTagError):
        assert issubclass(cls, LocustError)


def test_a_chain_needs_tasks():
    with pytest.raises(NoMarkovTasksError, match="No Markov tasks defined in class Chain"):
        chain(task(walk))
    assert chain(abstract=True).abstract
    del walk.locust_task_weight


def test_abstract_and_tasks_are_not_inherited():
    class Base(MarkovTaskSet):
        abstract = True

        @transition("nowhere")
        def a(self):
            pass

    assert Base.a.transitions == {"nowhere": 1}
    with pytest.raises(NoMarkovTasksError):

        class Child(Base):
            pass


def test_a_transition_needs_a_target():
    with pytest.raises(InvalidTransitionError, match="Transition to b from a .*no such element exists on class Chain"):
        chain(state("a", b=1))


def test_a_target_needs_transitions():
    with pytest.raises(NonMarkovTaskTransitionError, match="Chain.b cannot be used as a target for a transition"):
        chain(state("a", b=1), b=lambda self: None)


def test_unreachable_tasks_give_a_warning(caplog):
    tasks = [state("a", b=1, c=0), state("b", a=1), state("c", a=1), state("d", c=1)]
    chain(*tasks)
    (message,) = messages(caplog, "root", logging.WARNING)
    assert "unreachable in class Chain" in message
    assert sorted(name for name in "abcd" if f"'{name}'" in message) == ["c", "d"]


def test_reachable_tasks_give_none(caplog):
    body = {f.__name__: f for f in (state("a", b=1), state("b", c=1), state("c", a=1))}
    tasks = list(body.values())
    assert validate_no_unreachable_tasks(tasks, body, "Chain") is tasks
    assert messages(caplog, "root", logging.WARNING) == []


def test_run_cannot_be_a_state():
    with pytest.raises(Exception, match="run") as caught:
        chain(state("run", run=1))
    assert caught.type is Exception


def test_on_start_as_a_state_gives_a_warning(caplog):
    chain(state("on_start", on_stop=1), state("on_stop", on_start=1))
    assert [m.split()[0] for m in messages(caplog, "root", logging.WARNING)] == ["on_start", "on_stop"]


def test_states_have_no_tags():
    with pytest.raises(MarkovTaskTagError, match="Tags are unsupported.*Chain.a"):
        chain(tag("x")(state("a", a=1)))


def test_a_class_is_checked_in_the_same_order_as_locust_does():
    """Missing targets before names and tags."""
    with pytest.raises(InvalidTransitionError):
        chain(tag("x")(state("run", nowhere=1)))


def test_what_a_class_is_made_of():
    a, b = state("a", b=2), state("b", a=1, b=1)
    cls = chain(a, b)
    assert cls.current is a and cls.abstract is False and cls.tasks == []
    assert (a.transitions, b.transitions) == (["b", "b"], ["a", "b"])


# --- The way through it.


def test_it_begins_with_the_first_task_and_goes_round():
    cls = chain(state("b", c=1), state("c", a=1), state("a", b=1))
    assert walk(cls, 7) == list("bcabcab")


def test_the_way_follows_the_seed():
    def make():
        return chain(state("a", a=1, b=2, c=1), state("b", a=1, c=3), state("c", a=1, b=1))

    random.seed(5)
    path = walk(make(), 200)
    # What Locust does: choose(transitions of the current one), after the choice of the chain itself.
    random.seed(5)
    random.choice([None])
    weighted = {"a": ["a", "b", "b", "c"], "b": ["a", "c", "c", "c"], "c": ["a", "b"]}
    expected = ["a"]
    while len(expected) < 200:
        expected.append(random.choice(weighted[expected[-1]]))
    assert path == expected


def test_a_replaced_choice_is_used(monkeypatch):
    monkeypatch.setattr(random, "choice", lambda names: names[-1])
    assert walk(chain(state("a", b=1, c=1), state("b", a=1), state("c", a=1, c=1)), 4) == ["a", "c", "c", "c"]


def test_each_instance_begins_anew():
    cls = chain(state("a", b=1), state("b", a=1))
    user = User(Environment())
    first, second = cls(user), cls(user)
    assert first.get_next_task() == first.a and first.get_next_task() == first.b
    assert second.get_next_task() == second.a and cls.current.__name__ == "a"


def test_get_next_task_can_be_overridden():
    class Chain(MarkovTaskSet):
        @transition("b")
        def a(self):
            raise AssertionError("is left out")

        @transition("a")
        def b(self):
            self.user.path.append("b")
            raise StopUser

        def get_next_task(self):
            skipped = super().get_next_task()
            assert isinstance(skipped, types.MethodType)
            return super().get_next_task()

    assert walk(Chain, 1) == ["b"]


def test_a_dead_end_is_an_error():
    """All weights 0: there is nothing to choose from."""
    with pytest.raises(IndexError):
        chain(state("a", a=0))(User(Environment())).get_next_task()


# --- Tags.


def test_chains_are_recognised():
    assert is_markov_taskset(MarkovTaskSet) and is_markov_taskset(task=chain(state("a", a=1)))
    assert not is_markov_taskset(TaskSet) and not is_markov_taskset(walk)

    class MoreMeta(MarkovTaskSetMeta):
        pass

    assert is_markov_taskset(MoreMeta("More", (MarkovTaskSet,), {"abstract": True}))


def test_filtering_keeps_chains(caplog):
    cls = chain(state("a", a=1))
    user_class = type("Mine", (User,), {"tasks": [cls, walk, cls]})
    filter_tasks_by_tags(user_class, {"x"})
    assert user_class.tasks == [cls, cls]
    assert messages(caplog, "root", logging.WARNING) == []
