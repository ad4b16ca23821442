"""Whose gevent it is; and that what its tests ask for is what the real one does."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import gevent
import greenlet
import pytest
from both import REFERENCE, needs_reference

import locust

HERE = Path(__file__).resolve().parent
OURS = HERE.parents[1] / "pymod"


@needs_reference
@pytest.mark.parametrize("name", ["test_gevent.py", "test_gevent_net.py"])
def test_the_real_gevent_passes_the_same_tests(tmp_path, name):
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LD_PRELOAD")}
    command = [REFERENCE, "-m", "pytest", "-q", "--noconftest", "-c", "/dev/null", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, HERE / name], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


NAMES = """
import importlib, json, sys
import gevent
modules = ["gevent", "greenlet"] + [f"gevent.{name}" for name in sys.argv[1].split()]
print(json.dumps({name: getattr(importlib.import_module(name), "__all__", []) for name in modules}))
"""

NOT_OURS = {
    "gevent.core": "embeddable_backends get_header_version get_version recommended_backends supported_backends time",
    "gevent.util": "GreenletTree assert_switches",
    "greenlet": "_C_API",
}


@needs_reference
def test_the_real_names_are_there():
    from test_gevent import MODULES

    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LD_PRELOAD")}
    command = [REFERENCE, "-c", NAMES, " ".join(name for name in MODULES if name not in ("events", "resolver"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    for name, names in json.loads(done.stdout).items():
        ours = importlib.import_module(name)
        missing = {n for n in names if not hasattr(ours, n) and (n == "_C_API" or not n.startswith("_"))}
        assert missing == set(NOT_OURS.get(name, "").split()), name


def test_a_module_is_found_while_it_is_imported(monkeypatch):
    """As an OS thread meets it that comes in between: known to Python, and not yet the package's."""
    from gevent import pywsgi

    monkeypatch.delattr(gevent, "pywsgi")
    assert gevent.pywsgi is pywsgi


def test_ours_is_imported():
    for module in gevent, greenlet:
        assert Path(module.__file__).resolve().is_relative_to(OURS)
    assert isinstance(locust.env.Environment().create_local_runner().user_greenlets, gevent.pool.Group)


@pytest.fixture
def another(tmp_path):
    """An environment in which python3 finds another gevent before ours."""
    (tmp_path / "gevent").mkdir()
    (tmp_path / "gevent" / "__init__.py").write_text("spawn = None\n")
    return {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ['PYTHONPATH']}"}


def test_ours_is_imported_after_locust_though_another_is_found_first(another):
    code = "import locust, gevent; print(gevent.spawn(lambda: 5).get())"
    done = subprocess.run([sys.executable, "-c", code], env=another, capture_output=True, text=True)
    assert done.stdout == "5\n", done.stderr


def test_another_that_was_imported_before_is_refused(another):
    done = subprocess.run([sys.executable, "-c", "import gevent, locust"], env=another, capture_output=True, text=True)
    assert done.returncode == 1 and "ImportError: gevent was imported before locust, from " in done.stderr
