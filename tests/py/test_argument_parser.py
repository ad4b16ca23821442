"""argument_parser and the helpers around it, as locustfiles and plugins use them."""

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
