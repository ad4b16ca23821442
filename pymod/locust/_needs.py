"""What Locust imports that is not Python's own: if it is missing, the error says what to do."""

from __future__ import annotations

import sys
from importlib import import_module

import _locust

NEEDS = {"configargparse": "ConfigArgParse", "requests": "requests"}
"""The names of modules and of packages. The program looks for them before this is imported: see __main__.py."""


def import_needs() -> None:
    """Imports them, or raises ModuleNotFoundError with a text that says how to install what is missing."""
    for module, package in NEEDS.items():
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise ModuleNotFoundError(
                f"locust needs {package}, which {sys.executable} does not have: pip install {package} (Debian: "
                f"apt install python3-{package.lower()}). The Python that locust was built for is "
                f"{_locust.PYTHON_PROGRAM}: that one may have it",
                name=module,
            ) from None
