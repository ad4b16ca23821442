"""The options of Locust, one by one, as options.txt lists them; and none that is listed nowhere."""

import argparse
import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import locust
from locust import argument_parser
from locust.legacy.options import PLACES, REFUSED, RENAMED

REFERENCE = os.environ.get("LOCUST_REF_PYTHON")
OLD = {names[0] for names in (*RENAMED, *REFUSED)}
OURS = {
    "--abort-on-threshold",
    "--http-version",
    "--init",
    "--io-threads",
    "--junit-xml",
    "--live",
    "--resolve",
    "--source-address",
    "--stack-size",
    "--threshold",
    "--threshold-exit-code",
}
COLUMNS = ("group", "names", "metavar", "kind", "default", "env_var", "key", "dest", "hidden")

# What a kind of value takes, what comes of it, and what it refuses.
KINDS = {
    "str": ("x y", "x y", None),
    "int": ("7", 7, "x"),
    "int above 0": ("7", 7, "0"),
    "float above 0": ("0.5", 0.5, "0"),
    "timespan": ("1m5s", 65, "1.5"),
    "level": ("debug", "DEBUG", "loud"),
    "json": ('{"user_class_name": "A"}', [{"user_class_name": "A"}], "{}"),
}

LIST = """
import json
from locust.argument_parser import get_parser
print(json.dumps({
    action.option_strings[0]: [action.option_strings, action.dest, action.default, action.metavar,
                               action.nargs, getattr(action, "env_var", None), action.help == "==SUPPRESS=="]
    for action in get_parser(default_config_files=())._actions if action.option_strings
}))
"""


def table():
    lines = (Path(__file__).parent / "options.txt").read_text().splitlines()
    for line in lines:
        if line and not line.startswith("#"):
            row = dict(zip(COLUMNS, (cell.strip() for cell in line.split("|")), strict=True))
            row["names"] = row["names"].split()
            yield row


ROWS = list(table())
NAMED = [row for row in ROWS if row["names"]]


def name_of(row):
    return max(row["names"], key=len, default=row["dest"])


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "argv", ["locust"])
    for key in [k for k in os.environ if k.startswith("LOCUST_")]:
        monkeypatch.delenv(key)
    monkeypatch.setattr(locust, "events", locust.event.Events())


@pytest.fixture(params=NAMED, ids=name_of)
def row(request):
    return request.param


def action_of(row):
    wanted = row["names"] or [row["dest"]]
    (action,) = [a for a in argument_parser.get_parser()._actions if (a.option_strings or [a.dest]) == wanted]
    return action


def parsed(row, *args):
    return getattr(argument_parser.get_parser().parse_args(list(args)), row["dest"])


def refused(capsys, *args):
    with pytest.raises(SystemExit) as end:
        argument_parser.get_parser().parse_args(list(args))
    assert end.value.code == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("locust: error: ") and said.err.count("\n") == 1
    return said.err


def takes_value(row):
    return row["kind"].partition(" *")[0] in KINDS


def value_of(row):
    """A value, what comes of it, and a bad one."""
    text, value, bad = KINDS[row["kind"].partition(" *")[0]]
    return text, [value] if row["kind"].endswith("*") else value, bad


def test_declared(row):
    action = action_of(row)
    assert action.dest == row["dest"]
    assert (action.metavar or "") in ("", row["metavar"])
    assert bool(action.metavar) or row["metavar"] in ("", row["dest"].upper())
    assert (action.help == argparse.SUPPRESS) == (row["hidden"] == "hidden")
    assert action.nargs == {"*": "*"}.get(row["kind"][-1], 0 if row["kind"] in ("flag", "help", "version") else action.nargs)
    if row["default"]:
        default = ast.literal_eval(row["default"])
        assert action.default == default and type(action.default) is type(default)
    assert (action.env_var or "") == row["env_var"]


def test_given_on_the_command_line(row, capsys):
    if row["kind"] == "flag":
        assert all(parsed(row, name) is True for name in row["names"])
        assert "ignored explicit argument 'x'" in refused(capsys, f"{name_of(row)}=x")
    elif takes_value(row):
        text, value, bad = value_of(row)
        for name in row["names"]:
            assert parsed(row, name, text) == value
            joined = f"{name}={text}" if name.startswith("--") else name + text
            assert parsed(row, joined) == value
        if bad is not None:
            assert f"argument {'/'.join(row['names'])}: " in refused(capsys, name_of(row), bad)
        if not row["kind"].endswith("*"):
            assert "expected one argument" in refused(capsys, name_of(row))
    elif row["kind"] == "refused":
        args = ["x"] if row["metavar"] else []
        assert f"argument {name_of(row)}: " in refused(capsys, name_of(row), *args)


def test_given_by_its_variable(row, monkeypatch, capsys):
    if not row["env_var"]:
        monkeypatch.setenv("LOCUST_" + name_of(row)[2:].upper().replace("-", "_"), "7")
        if row["dest"] not in ("help", "version"):
            assert parsed(row) == action_of(row).default
    elif row["kind"] == "flag":
        for text, value in (("true", True), ("YES", True), ("On", True), ("1", True)):
            monkeypatch.setenv(row["env_var"], text)
            assert parsed(row) is value
        for text in ("false", "No", "off", "0"):
            monkeypatch.setenv(row["env_var"], text)
            assert parsed(row) is False
        for text in ("", "maybe"):
            monkeypatch.setenv(row["env_var"], text)
            assert f"Unexpected value for {row['env_var']}: '{text}'" in refused(capsys)
    elif row["kind"] == "refused":
        monkeypatch.setenv(row["env_var"], "x")
        refused(capsys)
    else:
        text, value, bad = value_of(row)
        monkeypatch.setenv(row["env_var"], text)
        assert parsed(row) == value
        if bad is not None:
            monkeypatch.setenv(row["env_var"], bad)
            refused(capsys)


def test_given_in_a_file(row, tmp_path, capsys):
    if row["kind"] in ("help", "version", "config"):
        pytest.skip("is of the command line only")
    if row["kind"] == "flag":
        for text in (row["key"], f"{row['key']} = yes", f"--{row['key']}: 1"):
            (tmp_path / "locust.conf").write_text(text + "\n")
            assert parsed(row) is True
        (tmp_path / "locust.conf").write_text(f"{row['key']} = maybe\n")
        refused(capsys)
    elif row["kind"] == "refused":
        (tmp_path / "locust.conf").write_text(f"{row['key']} = x\n")
        refused(capsys)
    else:
        text, value, _ = value_of(row)
        (tmp_path / "locust.conf").write_text(f"{row['key']} = {text}\n")
        assert parsed(row) == value
        (tmp_path / "locust.conf").unlink()
        (tmp_path / "pyproject.toml").write_text(f"[tool.locust]\n{row['key']} = '{text}'\n")
        assert parsed(row) == value


def test_user_classes(tmp_path, monkeypatch):
    (row,) = [row for row in ROWS if not row["names"]]
    action = action_of(row)
    assert (action.metavar, action.nargs, action.default) == (row["metavar"], "*", [])
    assert parsed(row, "A", "B", "-u", "1") == parsed(row, "-u", "1", "A", "B") == ["A", "B"]
    assert parsed(row, "-T", "x", "--", "A") == ["A"] and parsed(row, "-T", "x", "A") == []
    monkeypatch.setenv("LOCUST_USER_CLASSES", " A  B ")
    assert parsed(row) == ["A", "B"] and parsed(row, "C") == ["C"]
    monkeypatch.delenv("LOCUST_USER_CLASSES")
    (tmp_path / "locust.conf").write_text("user-classes = A\n")
    with pytest.raises(SystemExit):
        parsed(row)


def groups_of_help(capsys):
    """The options that --help shows, by group."""
    with pytest.raises(SystemExit) as end:
        argument_parser.get_parser().parse_args(["-h"])
    assert end.value.code == 0
    groups, group = {}, None
    for line in capsys.readouterr().out.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            group = groups.setdefault(line[:-1], [])
        elif line.startswith("  -"):
            words = line.split("  ")[1].replace(",", " ").split()
            group.append([word for word in words if word.startswith("-")])
    return groups


def test_help_shows_them_in_their_groups(capsys):
    shown = groups_of_help(capsys)
    wanted = {}
    for row in ROWS:
        names = wanted.setdefault(row["group"], [])
        if row["names"] and row["hidden"] != "hidden":
            names.append(row["names"])
    ours = {group: [names for names in options if names[0] not in OURS] for group, options in shown.items()}
    assert {group: ours[group] for group in wanted} == wanted
    assert [group for group in shown if group != "Examples"] == list(wanted)


def test_no_other_option_exists():
    known = {a.option_strings[0] for a in argument_parser.get_parser()._actions if a.option_strings}
    assert known - OLD - OURS == {row["names"][0] for row in NAMED}


def options_of(python, **environment):
    done = subprocess.run([python, "-c", LIST], capture_output=True, text=True, check=True,
                          env={**os.environ, **environment})
    return json.loads(done.stdout)


@pytest.mark.skipif(not REFERENCE, reason="LOCUST_REF_PYTHON is not set")
def test_real_locust_has_the_same():
    theirs = options_of(REFERENCE, PYTHONPATH="", LD_PRELOAD="")
    ours = options_of(sys.executable)
    for name in PLACES:  # refused there, old names here
        del theirs[name]
    assert {name: option for name, option in ours.items() if name not in OURS | OLD} == theirs


def test_abbreviations_are_those_of_locust():
    """Of what begins alike, options that Locust lacks count only where it has none."""
    parser = argument_parser.get_parser(default_config_files=())
    ours = {name for name in parser._option_string_actions if name.startswith("--")}
    theirs = ours - OURS - {name for names in (*RENAMED, *REFUSED) for name in names} | set(PLACES)
    assert len(theirs) > 50 and theirs < ours
    for name in ours:
        for end in range(3, len(name)):
            begin = name[:end]
            meant = {other for other in theirs if other.startswith(begin)} or {o for o in ours if o.startswith(begin)}
            assert {option[1] for option in parser._get_option_tuples(begin)} == meant, begin


@pytest.mark.parametrize("args, dest, value", [(["--li"], "list_commands", True), (["--st", "3"], "stop_timeout", 3)])
def test_abbreviations(args, dest, value):
    assert getattr(argument_parser.get_parser(default_config_files=()).parse_args(args), dest) == value
