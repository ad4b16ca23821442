"""--init: a locustfile to begin with, which runs, and takes the place of nothing."""

import ast
import re

import pytest
from serving import PROGRAM


def test_it_is_written_and_runs(run, directory, demo_site):
    (directory / "locustfile.py").unlink()
    r = run("--init")
    assert (r.code, r.err) == (0, "") and r.out.startswith("locustfile.py has been written"), r
    text = (directory / "locustfile.py").read_text()
    ast.parse(text)
    assert text.count("#") > 5
    r = run("--headless", "-u", "3", "-r", "3", "-t", "3", "-H", demo_site.url)
    assert r.code == 0 and max(map(int, re.findall(r"Aggregated +(\d+)", r.err))) > 0, r


@pytest.mark.parametrize("args", [["--init"], ["--init", "-f", "gone.py", "--nonsense"]])
def test_one_that_is_there_is_left_alone(run, directory, args):
    before = (directory / "locustfile.py").read_text()
    r = run(*args)
    assert (r.code, r.out, r.err) == (1, "", "locustfile.py is there already, and is left as it is\n")
    assert (directory / "locustfile.py").read_text() == before


def test_a_link_to_nothing_is_left_alone(run, directory):
    (directory / "locustfile.py").unlink()
    (directory / "locustfile.py").symlink_to("elsewhere.py")
    assert run("--init").code == 1
    assert not (directory / "elsewhere.py").exists()


def test_the_advice_cannot_be_printed(run, directory):
    (directory / "locustfile.py").unlink()
    r = run("--init", program=["sh", "-c", '"$0" "$@" >/dev/full', PROGRAM])
    assert (r.code, r.err) == (1, "locust: error: could not write to the standard output: No space left on device\n")
    assert (directory / "locustfile.py").exists()


def test_where_nothing_can_be_written(start, directory):
    program = start("--init", program=["sh", "-c", 'cd /proc && exec "$0" "$@"', PROGRAM])
    r = program.finish()
    assert r.code == 1 and r.err.startswith("locustfile.py could not be written: "), r
