"""Virtual environments: VIRTUAL_ENV makes the program what python3 would be there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from serving import BUILDDIR, plain_environment

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
MAIN = Path(__file__).resolve().parents[2] / "pymod/locust/__main__.py"

WHERE = """
import json, site, sys
print(json.dumps({
    "prefix": sys.prefix,
    "exec_prefix": sys.exec_prefix,
    "base_prefix": sys.base_prefix,
    "executable": sys.executable,
    "site": [p for p in sys.path if p.startswith(sys.prefix) and p.endswith("-packages")],
    "user site": site.ENABLE_USER_SITE,
}))
"""

NOBODY = """
from locust import User, task

class Nobody(User):
    @task
    def t(self):
        pass
"""

ORIGIN = """
import json, sys
import locust, argparse, helper
print(json.dumps({
    "locust": locust.__file__,
    "helper": helper.__file__,
    "last": sys.path[-1],
    "gevent": getattr(sys.modules.get("gevent"), "__file__", ""),
}))
"""


def make_venv(directory, *options):
    """An environment as python3 makes it, with a locust, a gevent and a helper of its own."""
    command = [sys.executable, "-m", "venv", "--without-pip", *options, str(directory)]
    subprocess.run(command, check=True, env=plain_environment())
    for name in ("locust", "gevent", "helper"):
        package = directory / "lib" / PYTHON / "site-packages" / name
        package.mkdir()
        (package / "__init__.py").write_text("# of the environment\n")
    return directory


@pytest.fixture(scope="module")
def venv(tmp_path_factory):
    return make_venv(tmp_path_factory.mktemp("venv") / "env")


def first_line(result):
    assert result.code == 0, result
    return json.loads(result.out.splitlines()[0])


def in_venv(venv, **more):
    """The environment that its bin/activate makes."""
    return {"VIRTUAL_ENV": str(venv), "PATH": f"{venv}/bin:{os.environ['PATH']}", **more}


def test_it_is_what_python3_is_there(run, venv):
    environment = {**plain_environment(), "PYTHONPATH": ""}
    said = subprocess.run([venv / "bin/python3", "-c", WHERE], env=environment, check=True,
                          capture_output=True, text=True).stdout
    r = run("--list", locustfile=WHERE + NOBODY, env=in_venv(venv))
    assert first_line(r) == json.loads(said)
    assert json.loads(said)["prefix"] == str(venv)


def test_our_locust_comes_before_another(run, venv):
    where = first_line(run("--list", locustfile=ORIGIN + NOBODY, env=in_venv(venv)))
    assert where["locust"] == str(BUILDDIR / "python/locust/__init__.py")
    assert where["helper"].startswith(str(venv))
    assert not where["gevent"].startswith(str(venv))


def test_what_we_need_is_borrowed_if_it_is_missing(run, venv):
    locustfile = "import requests, sys\nprint(requests.__file__, *sys.path, sep='\\n', end='\\n\\n')\n" + NOBODY
    r = run("--list", locustfile=locustfile, env=in_venv(venv))
    assert r.code == 0, r
    origin, *path = r.out.split("\n\n")[0].splitlines()
    own = path.index(f"{venv}/lib/{PYTHON}/site-packages")
    (home,) = [i for i, directory in enumerate(path) if origin == f"{directory}/requests/__init__.py"]
    assert own < home


def test_nothing_is_borrowed_if_nothing_is_missing(run, tmp_path):
    venv = make_venv(tmp_path / "env")
    packages = venv / "lib" / PYTHON / "site-packages"
    import configargparse
    import requests

    roots = {Path(configargparse.__file__).parent, Path(requests.__file__).parents[1]}
    for root in roots:
        for entry in root.iterdir():
            if entry.name != "__pycache__" and not (packages / entry.name).exists():
                (packages / entry.name).symlink_to(entry)
    where = first_line(run("--list", locustfile=ORIGIN + NOBODY, env=in_venv(venv)))
    assert where["last"] == str(packages)


def test_system_packages_if_it_has_them(run, tmp_path):
    venv = make_venv(tmp_path / "env", "--system-site-packages")
    r = run("--list", locustfile="import helper\nprint(helper.__file__)\n" + NOBODY, env=in_venv(venv))
    assert r.code == 0 and r.out.startswith(str(venv)), r


def test_one_of_another_version_is_not_used(run, tmp_path):
    (tmp_path / "old/lib/python2.7/site-packages").mkdir(parents=True)
    r = run("--list", locustfile=WHERE + NOBODY, env=in_venv(tmp_path / "old"))
    assert not first_line(r)["prefix"].startswith(str(tmp_path))
    assert r.err.startswith(
        f"locust: warning: VIRTUAL_ENV={tmp_path}/old has no lib/{PYTHON}/site-packages: its packages are not used\n"
    )


def test_missing_packages_are_named():
    done = subprocess.run([sys.executable, "-S", "-E", MAIN], capture_output=True, text=True,
                          env=plain_environment())
    assert done.returncode == 1
    assert done.stderr == (
        "locust: these packages are missing: ConfigArgParse requests\n"
        f"Install them: {sys.executable} -m pip install ConfigArgParse requests "
        "(Debian: apt install python3-configargparse python3-requests)\n"
    )


def test_a_program_that_imports_locust_is_told_what_is_missing():
    done = subprocess.run([sys.executable, "-S", "-c", "import locust"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        f"ModuleNotFoundError: locust needs ConfigArgParse, which {sys.executable} does not have: "
        "pip install ConfigArgParse (Debian: apt install python3-configargparse). The Python that locust was built for is /"
    )
