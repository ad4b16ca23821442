"""Every option of Locust is either there or refused, and none is unknown."""

import json
import os
import subprocess
import sys

import pytest

from locust import argument_parser
from locust._missing import MISSING
from locust.legacy.options import PLACES, REFUSED, RENAMED

REFERENCE = os.environ.get("LOCUST_REF_PYTHON")
OLD = {names[0] for names in (*RENAMED, *REFUSED)} - set(PLACES)
OURS = {"--io-threads", "--stack-size"} | OLD

LIST = """
import json
from locust.argument_parser import get_parser
print(json.dumps({
    action.option_strings[0]: [action.option_strings, action.dest, action.default, getattr(action, "env_var", None)]
    for action in get_parser(default_config_files=())._actions if action.option_strings
}))
"""


@pytest.fixture(params=MISSING, ids=lambda option: option.names[0])
def option(request):
    return request.param


@pytest.fixture
def refused(monkeypatch, tmp_path, capsys):
    """refused(args...): what is said about them."""
    for name in [name for name in os.environ if name.startswith("LOCUST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["locust"])

    def refused(*args):
        said = []
        for parse in (argument_parser.parse_locustfile_option, argument_parser.get_parser().parse_args):
            with pytest.raises(SystemExit) as end:
                parse(list(args))
            assert end.value.code == 2
            said.append(capsys.readouterr().err)
        assert said[0] == said[1]
        return said[0].partition(" is not there yet: ")[0].removeprefix("locust: error: ")

    return refused


def test_on_the_command_line(refused, option):
    for name in option.names:
        assert refused(name, *([] if option.is_flag() else ["1"])) == option.names[0]


def test_in_the_environment(refused, option, monkeypatch):
    (action,) = [a for a in argument_parser.get_parser()._actions if option.names[0] in a.option_strings]
    if action.env_var is None:
        pytest.skip("it has no variable")
    monkeypatch.setenv(action.env_var, "1")
    assert refused() == f"{option.names[0]} ({action.env_var})"


def test_in_a_configuration_file(refused, option, tmp_path):
    (tmp_path / "locust.conf").write_text(f"{option.names[0][2:]} = 1\n")
    assert refused() == f"{option.names[0]} (locust.conf)"


def options_of(python, **environment):
    done = subprocess.run([python, "-c", LIST], capture_output=True, text=True, check=True,
                          env={**os.environ, **environment})
    return json.loads(done.stdout)


@pytest.mark.skipif(not REFERENCE, reason="LOCUST_REF_PYTHON is not set")
def test_the_parser_knows_what_locusts_knows():
    theirs = options_of(REFERENCE, PYTHONPATH="", LD_PRELOAD="")
    ours = options_of(sys.executable)
    assert {name: option for name, option in ours.items() if name not in OURS} == theirs
