"""``python -m locust``, and what the program runs."""

import signal
import sys
from importlib.util import find_spec

NEEDS = {"configargparse": "ConfigArgParse", "requests": "requests"}
"""What we import that is not Python's own: the names of modules and of packages."""


def borrow_packages() -> None:
    """Lets a virtual environment that lacks what we need find the base interpreter's copies.

    They come last on the path, so that nothing of the environment's own is replaced.
    """
    import subprocess

    ask = [sys._base_executable, "-I", "-c", "import site; print(*site.getsitepackages(), sep='\\n')"]
    try:
        directories = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"locust: cannot ask {ask[0]} for its packages: {error}", file=sys.stderr)
        return
    sys.path.extend(d for d in directories.splitlines() if d not in sys.path)


def missing() -> list[str]:
    """The packages that we need and that cannot be imported."""
    return [package for module, package in NEEDS.items() if find_spec(module) is None]


def find_needs() -> None:
    """Sees to it that what we need can be imported, or says what to install."""
    if missing() and sys.prefix != sys.base_prefix:
        borrow_packages()
    if packages := missing():
        debian = " ".join(f"python3-{package.lower()}" for package in packages)
        sys.exit(
            f"locust: these packages are missing: {' '.join(packages)}\n"
            f"Install them: {sys.executable} -m pip install {' '.join(packages)} (Debian: apt install {debian})"
        )


def let_interrupts_end_us() -> None:
    """Ctrl-C simply ends the program until main() takes it over.

    The first import of signal has made it a KeyboardInterrupt, and a traceback of our own imports.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    let_interrupts_end_us()
    find_needs()
    from locust.main import main

    sys.exit(main())
