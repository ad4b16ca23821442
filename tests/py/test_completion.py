"""Completion: it was made with the program, names every option, and bash and zsh can use it."""

import shutil
import subprocess

import pytest
from serving import BUILDDIR, plain_environment

from locust._completion import options

BASH = BUILDDIR / "completions" / "locust"
ZSH = BUILDDIR / "completions" / "_locust"


@pytest.fixture(autouse=True)
def made():
    if BASH.read_text().startswith(": left out"):
        pytest.skip("the Python of the build had no ConfigArgParse")


def complete(directory, *words):
    """What bash offers for the last word."""
    line = " ".join(f"'{word}'" for word in words)
    script = (
        f"source '{BASH}'; COMP_WORDS=(locust {line}); COMP_CWORD={len(words)}; _locust; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", script], cwd=directory, env=plain_environment(), capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done
    return sorted(done.stdout.split())


def test_bash(tmp_path):
    for name in ("a.py", "b.txt", "sub/c.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    names = {name for option in options() for name in option.names}
    assert len(names) > 70
    assert set(complete(tmp_path, "-")) == names
    assert complete(tmp_path, "-u", "1", "--csv") == ["--csv", "--csv-full-history"]
    assert complete(tmp_path, "-f", "") == ["a.py", "sub"]
    assert complete(tmp_path, "--config", "") == ["a.py", "b.txt", "sub"]
    assert complete(tmp_path, "-L", "w") == ["WARNING"]
    assert complete(tmp_path, "-u", "") == complete(tmp_path, "") == []


def test_zsh():
    text = ZSH.read_text()
    assert text.startswith("#compdef locust\n")
    for option in options():
        for name in option.names:
            assert f"){name}" in text or f"'*{name}" in text
    if shutil.which("zsh") is None:
        pytest.skip("zsh is missing (Debian: zsh)")
    done = subprocess.run(["zsh", "-n", str(ZSH)], capture_output=True, text=True, env=plain_environment())
    assert (done.returncode, done.stderr) == (0, "")


def test_they_are_those_of_the_source():
    from locust import _completion

    assert BASH.read_text() == _completion.bash() and ZSH.read_text() == _completion.zsh()
