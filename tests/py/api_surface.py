"""Compares the package locust with api_surface.txt.

As a program it prints a table of all names, in Markdown, and ends with 1 if one is
missing or different: python3 tests/py/api_surface.py. Run by the Python of real Locust
(LOCUST_REF_PYTHON), the same comparison shows whether the list itself is right.
"""

import importlib
import inspect
import pathlib
import sys
import types

SURFACE = pathlib.Path(__file__).with_name("api_surface.txt")


def names(path=SURFACE):
    """Yields (module, name, description) for each line of the list."""
    module = None
    for line in path.read_text().splitlines():
        if line.startswith("["):
            module = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, description = line.partition(" ")
            yield module, name, description


class Instances:
    """Makes, when asked, what the list calls Name()."""

    def __init__(self):
        self.made = {}

    def __getitem__(self, name):
        if name not in self.made:
            self.made[name] = getattr(self, name)()
        return self.made[name]

    def __getattr__(self, name):
        """A class that is made without arguments."""
        for module in ("env", "event", "exception", "log", "stats"):
            if made := getattr(importlib.import_module(f"locust.{module}"), name, None):
                return made
        raise AttributeError(name)

    def User(self):
        from locust import User, task

        class Somebody(User):
            @task
            def idle(self):
                """Gives the class a task."""

        return Somebody(self["Environment"])

    def TaskSet(self):
        from locust import TaskSet

        return TaskSet(self["User"])

    def LocalRunner(self):
        runner = self["Environment"].create_local_runner()
        runner.greenlet.kill(block=False)
        return runner

    def FastHttpUser(self):
        from locust import FastHttpUser, task

        class Somebody(FastHttpUser):
            host = "http://127.0.0.1"

            @task
            def idle(self):
                """Gives the class a task."""

        return Somebody(self["Environment"])

    def FastHttpSession(self):
        return self["FastHttpUser"].client

    def LocustUserAgent(self):
        return self["FastHttpSession"].client

    def HTTPClientPool(self):
        return self["LocustUserAgent"].clientpool

    def FastResponse(self):
        """Of a request that nobody answers, with catch_response."""
        return self["FastHttpSession"].get("http://127.0.0.1:1/", catch_response=True)

    def FastRequest(self):
        return self["FastResponse"].request

    def WorkerNode(self):
        from locust.runners import WorkerNode

        return WorkerNode("id")

    def Message(self):
        from locust.rpc.protocol import Message

        return Message("type", None, "node")

    def StatsEntry(self):
        from locust.stats import StatsEntry

        return StatsEntry(self["RequestStats"], "name", "GET")

    def StatsError(self):
        from locust.stats import StatsError

        return StatsError("GET", "name", "error")

    def StatsCSV(self):
        from locust.stats import StatsCSV

        return StatsCSV(self["Environment"], [0.5])


def defect(module, name, description, instances):
    """What is wrong with a name, or None."""
    owner, _, attribute = name.rpartition(".")
    try:
        thing = importlib.import_module(module)
        if owner.endswith("()"):
            return None if hasattr(instances[owner[:-2]], attribute) else "missing"
    except (ImportError, AttributeError) as error:
        return f"cannot be had: {error}"
    for part in filter(None, owner.split(".")):
        thing = getattr(thing, part, None)
    try:
        value = getattr(thing, attribute)
        raw = inspect.getattr_static(thing, attribute)
    except AttributeError:
        return "missing"
    return unlike(value, raw, description)


def unlike(value, raw, description):
    kind, _, rest = description.partition(" ")
    if kind == "attribute":
        return None
    if kind == "module":
        return None if isinstance(value, types.ModuleType) else f"not a module but {value!r}"
    if kind == "=":
        return None if repr(value) == rest else f"is {value!r}, not {rest}"
    if kind == "property":
        return None if inspect.isdatadescriptor(raw) else f"not a property but {raw!r}"
    if kind == "class":
        if not inspect.isclass(value):
            return f"not a class but {value!r}"
        return signature_defect(value, rest, bound=True) if rest else None
    if kind == "classmethod":
        if not isinstance(raw, classmethod | types.ClassMethodDescriptorType):
            return f"not a class method but {raw!r}"
        return signature_defect(value, rest, bound=True)
    if not callable(value):
        return f"not callable: {value!r}"
    return signature_defect(value, description) if description.startswith("(") else None


def parameters(text):
    """The parameters that a text of the list names."""
    scope = {}
    exec(f"def described{text}: pass", {"__builtins__": __builtins__}, scope)
    return list(inspect.signature(scope["described"]).parameters.values())


def signature_defect(value, text, bound=False):
    wanted = parameters(text)
    if bound and wanted and wanted[0].name == "cls":
        wanted = wanted[1:]
    try:
        have = list(inspect.signature(value).parameters.values())
    except (TypeError, ValueError):
        return "does not tell its parameters"
    if wanted and wanted[0].name in ("self", "_self", "instance") and have:
        wanted, have = wanted[1:], have[1:]
    for want, has in zip(wanted, have, strict=False):
        if (want.name, want.kind) != (has.name, has.kind):
            return f"parameter {has} instead of {want}"
        if want.default is not ... and repr(want.default) != repr(has.default):
            return f"parameter {has} instead of {want}"
    if len(have) < len(wanted):
        return f"parameter {wanted[len(have)]} is missing"
    for extra in have[len(wanted) :]:
        if extra.default is extra.empty and extra.kind not in (extra.VAR_POSITIONAL, extra.VAR_KEYWORD):
            return f"parameter {extra} must be given"
    return None


def main():
    instances = Instances()
    defects = 0
    print("| module | name | is | seen |\n| --- | --- | --- | --- |")
    for module, name, description in names():
        found = defect(module, name, description, instances)
        defects += found is not None
        cell = description.replace("|", "\\|")
        print(f"| {module} | {name} | `{cell}` | {(found or 'as described').replace('|', chr(92) + '|')} |")
    print(f"\n{defects} of {sum(1 for _ in names())} are not as described.")
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
