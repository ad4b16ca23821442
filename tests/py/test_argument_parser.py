"""argument_parser and the helpers around it, as locustfiles and plugins use them."""

import argparse
import json
import os

import pytest

import locust
from locust import argument_parser
from locust.util.directory import get_abspaths_in
from locust.util.timespan import parse_timespan
from locust.util.url import is_url


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for key in [k for k in os.environ if k.startswith("LOCUST_")]:
        monkeypatch.delenv(key)
    monkeypatch.setattr(locust, "events", locust.event.Events())


@pytest.mark.parametrize(
    "text, seconds", [("0", 0), ("20", 20), ("20s", 20), ("3m", 180), ("2h", 7200), ("1h20m", 4800), ("3h30m10s", 12610)]
)
def test_timespan(text, seconds):
    assert parse_timespan(text) == seconds


@pytest.mark.parametrize("text", ["", None, "x", "1.5", "1d", "5m1h", "1h 2m", "-1", "20s\n", "h"])
def test_bad_timespan(text):
    with pytest.raises(ValueError, match="Invalid time span format"):
        parse_timespan(text)


def test_is_url():
    assert is_url("http://x") and is_url("https://x/y.py")
    assert not any(map(is_url, ["ftp://x", "x.py", "http://", "", "http://[x"]))


def test_directory(tmp_path):
    for name in ("a.py", "_b.py", "c.txt", ".hidden/d.py", "_e/f.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = sorted(os.path.relpath(p, tmp_path) for p in get_abspaths_in(str(tmp_path), ".py"))
    assert found == [".hidden/d.py", "_e/f.py", "a.py"]


def test_defaults_are_plain_values():
    defaults = argument_parser.default_args_dict()
    assert defaults["stop_timeout"] == 0 and defaults["num_users"] is None and defaults["loglevel"] == "INFO"
    json.dumps(defaults)


def test_arguments_of_a_locustfile():
    @locust.events.init_command_line_parser.add_listener
    def add(parser):
        parser.add_argument("--my-secret", default="s", is_secret=True, help="h", env_var="MY_SECRET")
        parser.add_argument("--my-many", choices=["a", "b"], is_multiple=True, is_required=True)
        parser.add_argument("--hidden", include_in_web_ui=False)
        group = parser.add_argument_group("Mine")
        group.add_argument("--grouped", env_var="GROUPED")
        with pytest.raises(TypeError):
            group.add_argument("--other", is_secret=True)

    parser = argument_parser.get_parser()
    assert set(parser.secret_args_included_in_web_ui) == {"my_secret"}
    assert set(parser.required_args_included_in_web_ui) == {"my_many"}
    assert set(parser.multiple_args_included_in_web_ui) == {"my_many"}
    assert "hidden" not in parser.args_included_in_web_ui
    shown = argument_parser.ui_extra_args_dict([])
    assert shown == {
        "my_secret": argument_parser.UIExtraArgOptions("s", True, False, "h", False, None),
        "my_many": argument_parser.UIExtraArgOptions(None, False, True, None, True, ["a", "b"]),
    }
    assert parser.parse_args(["--grouped", "g"]).grouped == "g"


def test_action_attributes():
    parser = argument_parser.get_empty_argument_parser()
    action = parser.add_argument("--x")
    assert (action.include_in_web_ui, action.is_secret, action.is_required, action.is_multiple) == (
        True,
        False,
        False,
        False,
    )


def test_first_pass_ignores_the_rest():
    options = argument_parser.parse_locustfile_option(["--nonsense", "-f", "x.py", "-u", "5"])
    assert options.locustfile == "x.py"


def test_user_classes_from_the_environment(monkeypatch):
    monkeypatch.setenv("LOCUST_USER_CLASSES", " A  B ")
    assert argument_parser.get_parser().parse_args([]).user_classes == ["A", "B"]
    assert argument_parser.get_parser().parse_args(["C"]).user_classes == ["C"]


def test_empty_tags(monkeypatch):
    monkeypatch.setenv("LOCUST_TAGS", "")
    assert argument_parser.get_parser().parse_args([]).tags is None


FLAGS = {
    "store_true": ({"action": "store_true"}, True, False),
    "store_false": ({"action": "store_false"}, False, True),
    "store_const": ({"action": "store_const", "const": 3}, 3, None),
    "append_const": ({"action": "append_const", "const": 3}, [3], None),
    "optional": ({"action": argparse.BooleanOptionalAction}, True, False),
    "count": ({"action": "count"}, 1, None),
}


@pytest.mark.parametrize("source", ["variable", "file"])
@pytest.mark.parametrize("kind", FLAGS)
def test_flags_of_all_kinds(monkeypatch, capsys, tmp_path, kind, source):
    keywords, if_set, if_not = FLAGS[kind]

    def outcome(word):
        parser = argument_parser.get_parser()
        parser.add_argument("--flag", env_var="FLAG", **keywords)
        if source == "file":
            (tmp_path / "locust.conf").write_text(f"flag = {word}\n")
        else:
            monkeypatch.setenv("FLAG", word)
        return parser.parse_args([]).flag

    assert [outcome(word) for word in ("true", "ON", "yes", "1")] == [if_set] * 4
    assert [outcome(word) for word in ("False", "off", "no", "0")] == [if_not] * 4
    with pytest.raises(SystemExit) as end:
        outcome("maybe")
    said = capsys.readouterr().err
    assert end.value.code == 2 and "'maybe'. Expecting 'true', 'false', 'yes', 'no', 'on', 'off', '1' or '0'" in said
    if kind == "count":
        assert outcome("3") == 3


@pytest.mark.parametrize("count", ["*", "+", "?", 2])
def test_an_empty_value_is_no_list(monkeypatch, count):
    monkeypatch.setenv("LISTED", "")
    parser = argument_parser.get_parser()
    parser.add_argument("--listed", nargs=count, env_var="LISTED", default="as it was")
    assert parser.parse_args([]).listed == "as it was"


def test_an_empty_threshold(monkeypatch):
    monkeypatch.setenv("LOCUST_THRESHOLD", "")
    assert not argument_parser.get_parser().parse_args([]).thresholds
