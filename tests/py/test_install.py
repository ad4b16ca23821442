"""make install: everything is where it belongs, below DESTDIR too, and goes away again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from serving import BUILDDIR, plain_environment

pytestmark = pytest.mark.plain("files are copied")

SOURCE = Path(__file__).resolve().parents[2]


def make(*arguments):
    environment = {name: value for name, value in plain_environment().items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", "-C", BUILDDIR, *arguments], env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def variable(name):
    """A directory as the Makefile has it."""
    rule = f"--eval=print-it: ; @echo '[$({name})]'"
    return make("-s", rule, "print-it").split("[")[1].split("]")[0]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """The directory that was installed to, as DESTDIR."""
    stage = tmp_path_factory.mktemp("stage")
    make("install", f"DESTDIR={stage}")
    return stage


def test_files_are_in_place(stage):
    package = Path(f"{stage}{variable('pkgpydir')}")
    for source in (SOURCE / "pymod").rglob("*.py"):
        installed = package / source.relative_to(SOURCE / "pymod")
        assert installed.read_bytes() == source.read_bytes()
    assert (package / "_locust.so").is_file()
    assert list(package.glob("locust/__pycache__/__init__.*.pyc"))
    assert Path(f"{stage}{variable('man1dir')}/locust.1").is_file()
    assert Path(f"{stage}{variable('bashcompdir')}/locust").is_file()
    assert Path(f"{stage}{variable('zshcompdir')}/_locust").is_file()
    assert os.access(f"{stage}{variable('bindir')}/locust", os.X_OK)


def test_plain_python_finds_the_package(stage):
    link = Path(f"{stage}{variable('pythondir')}/locust")
    assert link.is_symlink()
    assert link.resolve() == Path(f"{stage}{variable('pkgpydir')}/locust").resolve()
    environment = {**os.environ, "PYTHONPATH": str(link.parent)}
    done = subprocess.run([sys.executable, "-c", "import locust; print(locust.__file__)"],
                          cwd="/", env=environment, capture_output=True, text=True)
    assert (done.stderr, done.stdout) == ("", f"{link}/__init__.py\n")


def test_installed_program_uses_the_installed_package(stage):
    environment = {**plain_environment(), "PYTHONPATH": ""}
    done = subprocess.run([f"{stage}{variable('bindir')}/locust", "-V"], cwd="/", env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{stage}{variable('pkgpydir')}" in os.path.normpath(done.stdout), done.stdout


def test_another_locust_is_not_overwritten(tmp_path):
    other = Path(f"{tmp_path}{variable('pythondir')}/locust/__init__.py")
    other.parent.mkdir(parents=True)
    other.write_text("# somebody else's\n")
    with pytest.raises(AssertionError, match="is not ours"):
        make("install", f"DESTDIR={tmp_path}")
    assert other.read_text() == "# somebody else's\n"


def test_uninstall_leaves_no_file(tmp_path):
    make("install", f"DESTDIR={tmp_path}")
    make("uninstall", f"DESTDIR={tmp_path}")
    assert [path for path in tmp_path.rglob("*") if not path.is_dir() or path.is_symlink()] == []
