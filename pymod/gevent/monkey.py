"""Makes what the standard library offers for waiting let the other green threads run.

locust does that itself when it is imported: to ask for it again changes nothing, before or after.

    python -m gevent.monkey [--no-PART ...] script.py [argument ...]
"""

from __future__ import annotations

import sys

import _locust_coop
from _locust_coop import is_object_patched, saved

__all__ = [
    "patch_all",
    "patch_builtins",
    "patch_dns",
    "patch_os",
    "patch_queue",
    "patch_select",
    "patch_signal",
    "patch_socket",
    "patch_ssl",
    "patch_subprocess",
    "patch_sys",
    "patch_thread",
    "patch_time",
    "get_original",
    "is_module_patched",
    "is_object_patched",
    "patch_module",
    "main",
    "MonkeyPatchWarning",
]


class MonkeyPatchWarning(RuntimeWarning):
    """gevent warns with it of patches that come too late. (Here they never do.)"""


def patch_all(**which) -> bool:
    """Patches everything, but for the parts that are False: socket, dns, time, select, thread, os, ssl, subprocess, queue."""
    _locust_coop.patch(**which)
    return True


def _patcher(part: str):
    def patch(*args, **kwargs) -> None:
        _locust_coop.patch_parts((part,))

    patch.__name__ = patch.__qualname__ = f"patch_{part}"
    patch.__doc__ = f"Patches {part}."
    return patch


patch_builtins = _patcher("builtins")
patch_contextvars = _patcher("contextvars")
patch_dns = _patcher("dns")
patch_os = _patcher("os")
patch_queue = _patcher("queue")
patch_select = _patcher("select")
patch_signal = _patcher("signal")
patch_ssl = _patcher("ssl")
patch_subprocess = _patcher("subprocess")
patch_sys = _patcher("sys")
patch_thread = _patcher("thread")
patch_time = _patcher("time")


def patch_socket(dns=True, aggressive=True) -> None:
    """Patches socket, and the lookup of names."""
    _locust_coop.patch_parts(("socket", "dns") if dns else ("socket",))


def is_module_patched(mod_name: str) -> bool:
    """Whether anything of that module has been patched."""
    return _locust_coop.is_patched(mod_name)


def get_original(mod_name: str, item_name):
    """What a name of a module was before it was patched; for a list of names, a list."""
    if isinstance(item_name, str):
        return _locust_coop.original(mod_name, item_name)
    return [_locust_coop.original(mod_name, name) for name in item_name]


def patch_module(target_module, source_module, items=None, **kwargs) -> bool:
    """Puts names of one module (those in items, or in its __implements__) into another."""
    for name in items if items is not None else source_module.__implements__:
        known = saved.setdefault(target_module.__name__, {})
        known.setdefault(name, getattr(target_module, name, None))
        setattr(target_module, name, getattr(source_module, name))
    return True


def _arguments(args: list[str]) -> tuple[dict[str, bool], list[str]]:
    """The options before the script, and the rest."""
    which: dict[str, bool] = {}
    while args and args[0].startswith("--"):
        option = args.pop(0)[2:]
        if option.startswith("no-"):
            which[option[3:]] = False
        elif option not in ("verbose", "module"):
            which[option] = True
    return which, args


def main(args: list[str] | None = None) -> None:
    """What ``python -m gevent.monkey`` does."""
    import runpy

    as_module = "--module" in (args := list(sys.argv[1:] if args is None else args))
    which, rest = _arguments(args)
    if not rest:
        print(__doc__)
        return
    unknown = [name for name in which if name not in _locust_coop.PARTS]
    if unknown:
        sys.exit(f"{__doc__}\n\nCannot patch {unknown[0]!r}")
    patch_all(**which)
    sys.argv[:] = rest
    if as_module:
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        import os

        sys.path[0] = os.path.dirname(rest[0])
        runpy.run_path(rest[0], run_name="__main__")


if __name__ == "__main__":
    main()
