"""@task, @tag, which tasks a class gets, and filtering by tags."""

import logging

import pytest
from fake import messages

from locust import SequentialTaskSet, TaskSet, User, tag, task
from locust.user.task import TaskHolder, TaskSetMeta, filter_tasks_by_tags, get_tasks_from_base_classes
from locust.user.users import UserMeta


def one(user):
    pass


def two(user):
    pass


def test_task_marks_the_function_itself():
    def plain(self):
        pass

    assert task(plain) is plain and plain.locust_task_weight == 1
    assert task(3)(plain) is plain and plain.locust_task_weight == 3
    assert task()(plain).locust_task_weight == 1
    assert task(weight=7)(plain).locust_task_weight == 7


def test_run_cannot_be_a_task():
    def run(self):
        pass

    with pytest.raises(Exception, match="run"):
        task(run)
    with pytest.raises(Exception, match="run"):
        task(2)(run)


@pytest.mark.parametrize("name", ["on_start", "on_stop"])
def test_on_start_as_a_task_gives_a_warning(name, caplog):
    def function(self):
        pass

    function.__name__ = name
    assert task(function).locust_task_weight == 1
    (message,) = messages(caplog, "root", logging.WARNING)
    assert name in message


@pytest.mark.parametrize("base", [User, TaskSet])
def test_order_is_bases_then_tasks_then_decorated(base):
    class Parent(base):
        @task
        def inherited(self):
            pass

    class Child(Parent):
        @task(2)
        def decorated(self):
            pass

        tasks = [one, (two, 2)]

        @task
        class Nested(TaskSet):
            pass

    assert Parent.tasks == [Parent.inherited]
    assert Child.tasks == [Parent.inherited, one, two, two, Child.decorated, Child.decorated, Child.Nested]


@pytest.mark.parametrize("tasks", [{one: 2, two: 1}, [(one, 2), two], (one, one, two), [(one, 2), (two, 1), (one, 0)]])
def test_forms_of_tasks(tasks):
    assert type("U", (User,), {"tasks": tasks}).tasks == [one, one, two]


def test_tasks_may_be_a_set_or_none():
    assert set(type("U", (User,), {"tasks": {one, two}}).tasks) == {one, two}
    assert type("U", (User,), {"tasks": None}).tasks == []


def test_a_pair_must_be_one():
    with pytest.raises(ValueError):
        type("U", (User,), {"tasks": [(one, 1, 2)]})


def test_diamonds_and_overridden_methods_are_not_taken_out():
    class Base(User):
        @task
        def work(self):
            pass

    class Left(Base):
        pass

    class Right(Base):
        @task
        def work(self):
            pass

    class Both(Left, Right):
        def work(self):
            pass

    assert Both.tasks == [Base.work, Base.work, Right.work]


def test_mixins_without_tasks_give_none():
    class Mixin:
        @task
        def work(self):
            pass

    class Mine(Mixin, User):
        pass

    assert Mine.tasks == []


def test_weights():
    assert type("U", (User,), {"x": task(0)(lambda self: None)}).tasks == []
    with pytest.raises(TypeError):
        type("U", (User,), {"x": task(1.5)(lambda self: None)})


def test_weight_of_nested_classes_is_inherited():
    @task(3)
    class Outside(TaskSet):
        pass

    class Mine(User):
        class Inside(Outside):
            pass

    assert Mine.tasks == [Mine.Inside] * 3


def test_objects_that_invent_attributes_are_no_tasks():
    class Inventive:
        def __getattr__(self, name):
            return 1

    class Mine(User):
        helper = Inventive()

    assert Mine.tasks == []


def test_abstract_is_not_inherited():
    class Base(User):
        abstract = True

    class Child(Base):
        pass

    assert User.abstract and Base.abstract and Child.abstract is False


def test_task_set_is_deprecated():
    class Tasks(TaskSet):
        pass

    with pytest.warns(DeprecationWarning, match="task_set"):
        type("Mine", (User,), {"task_set": Tasks})


def test_metaclasses_can_be_combined():
    class Meta(UserMeta):
        def __new__(mcs, name, bases, body):
            body["extra"] = task(one)
            body["tasks"] = get_tasks_from_base_classes(bases, body)
            return type.__new__(mcs, name, bases, body)

    class Mine(User, metaclass=Meta):
        pass

    assert Mine.tasks == [one]
    del one.locust_task_weight


def test_class_keywords_reach_init_subclass():
    class Base(User):
        def __init_subclass__(cls, flavour=None, **kwargs):
            super().__init_subclass__(**kwargs)
            cls.flavour = flavour

    class Mine(Base, flavour="sweet"):
        pass

    assert Mine.flavour == "sweet"


def test_what_has_tasks_is_a_task_holder():
    assert isinstance(TaskSet, TaskHolder) and isinstance(TaskSet, TaskSetMeta)


def test_sequence_is_in_order_of_the_body():
    class Base(SequentialTaskSet):
        @task
        def first(self):
            pass

    class Mine(Base):
        @task(2)
        def a(self):
            pass

        tasks = [one, two]

        @task
        class Nested(TaskSet):
            pass

        @task
        def b(self):
            pass

    assert Mine.tasks == [Base.first, Mine.a, Mine.a, one, two, Mine.Nested, Mine.b]
    assert type("S", (SequentialTaskSet,), {"tasks": {one: 2, two: 1}}).tasks == [one, one, two]
    pair = (one, 2)
    assert type("S", (SequentialTaskSet,), {"tasks": [pair]}).tasks == [pair]


@pytest.mark.parametrize("tasks", [(one,), None, {one}])
def test_sequence_wants_a_list_or_dict(tasks):
    with pytest.raises(ValueError):
        type("S", (SequentialTaskSet,), {"tasks": tasks})


# --- Tags.


def test_tag_needs_names():
    with pytest.raises(ValueError):
        tag()
    with pytest.raises(ValueError):

        @tag
        def work(self):
            pass


def test_tags_add_up():
    @tag("a")
    @task
    @tag("b", "c")
    def work(self):
        pass

    assert work.locust_tag_set == {"a", "b", "c"} and work.locust_task_weight == 1


def test_tagging_a_class_tags_its_tasks():
    @tag("all")
    class Tasks(TaskSet):
        @task
        def a(self):
            pass

        @tag("own")
        @task
        def b(self):
            pass

        @task
        class Nested(TaskSet):
            @task
            def c(self):
                pass

    assert Tasks.a.locust_tag_set == {"all"}
    assert Tasks.b.locust_tag_set == {"all", "own"}
    assert Tasks.Nested.c.locust_tag_set == {"all"}
    assert Tasks.tasks == [Tasks.a, Tasks.b, Tasks.Nested]


def tagged_user():
    class Mine(User):
        @tag("x")
        @task(2)
        def x(self):
            pass

        @tag("x", "y")
        @task
        def xy(self):
            pass

        @task
        def none(self):
            pass

        @task
        class Nested(TaskSet):
            @tag("y")
            @task
            def y(self):
                pass

    return Mine


@pytest.mark.parametrize(
    "include, exclude, left",
    [
        (None, None, ["x", "x", "xy", "none", "Nested"]),
        ({"x"}, None, ["x", "x", "xy"]),
        ({"y"}, None, ["xy", "Nested"]),
        (None, {"x"}, ["none", "Nested"]),
        ({"x"}, {"y"}, ["x", "x"]),
        (None, {"y"}, ["x", "x", "none"]),
        ({"x", "y"}, {"other"}, ["x", "x", "xy", "Nested"]),
    ],
)
def test_filter(include, exclude, left):
    user_class = tagged_user()
    filter_tasks_by_tags(user_class, include, exclude)
    assert [t.__name__ for t in user_class.tasks] == left


@pytest.mark.parametrize("include", [set(), {"unknown"}])
def test_filtering_everything_warns(include, caplog):
    user_class = tagged_user()
    filter_tasks_by_tags(user_class, include)
    assert user_class.tasks == [] and user_class.Nested.tasks == []
    warnings = messages(caplog, "root", logging.WARNING)
    assert [w.split(" had no tasks left after filtering")[0] for w in warnings] == ["Nested", "Mine"]


def test_tags_are_not_blamed_for_a_class_without_tasks(caplog):
    class Idle(User):
        pass

    filter_tasks_by_tags(Idle)
    told = messages(caplog, "root", logging.WARNING)
    assert told == ["Idle has no tasks; it will do nothing but log errors"]


def test_each_task_is_asked_once():
    user_class = tagged_user()
    filter_tasks_by_tags(user_class, {"y"}, checked={user_class.x: True, user_class.Nested: False})
    assert [t.__name__ for t in user_class.tasks] == ["x", "x", "xy"]
