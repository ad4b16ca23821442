"""The options of Locust 0.x do what their successors do."""

import pytest

from locust.argument_parser import LocustArgumentParser, get_parser
from locust.legacy import options


@pytest.fixture
def parser(monkeypatch):
    monkeypatch.setattr(options, "_told", set())
    parser = LocustArgumentParser(prog="locust", default_config_files=[])
    parser.add_argument("--worker", action="store_true", default=False)
    parser.add_argument("-P", "--web-port", type=int, default=8089)
    parser.add_argument("-u", "--users", type=int, dest="num_users", default=None)
    return parser


def test_what_they_store(parser, capsys):
    options.add_old_options(parser)
    assert vars(parser.parse_args([])) == {"worker": False, "web_port": 8089, "num_users": None, "slave": None}
    parsed = parser.parse_args(["--slave", "--port", "80", "-c", "1", "--clients", "2"])
    assert vars(parsed) == {"worker": True, "web_port": 80, "num_users": 2, "slave": None}
    assert capsys.readouterr().err.splitlines() == [
        "locust: warning: --slave is of Locust 0.x: write --worker",
        "locust: warning: --port is of Locust 0.x: write --web-port",
        "locust: warning: -c is of Locust 0.x: write --users",
        "locust: warning: --clients is of Locust 0.x: write --users",
    ]


def test_names_that_are_taken_stay(parser):
    parser.add_argument("-c", default="mine")
    options.add_old_options(parser)
    assert vars(parser.parse_args(["-c", "x", "--clients", "3"]))["c"] == "x"


def test_they_are_not_shown_to_anybody():
    parser = get_parser(default_config_files=[])
    old = {name for names in (*options.RENAMED, *options.REFUSED) for name in names}
    assert old <= set(parser._option_string_actions)
    assert not any(name in parser.format_help() for name in old if name.startswith("--"))
    assert not {"locust_0_x"} & set(vars(parser.parse_args([])))
