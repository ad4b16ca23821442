"""Completion of the command line for bash and zsh, made from the parser when the program is built.

    python3 -m locust._completion bash|zsh
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import NamedTuple

from .argument_parser import get_empty_argument_parser, setup_parser_arguments

FILES = ("<filename>",)


class Option(NamedTuple):
    """What a shell needs to know of an option."""

    names: list[str]
    help: str
    value: str | None
    """What stands for its value; None: it has none."""

    choices: list[str]
    many: bool


def options() -> list[Option]:
    """Those that --help shows."""
    parser = get_empty_argument_parser(default_config_files=())
    setup_parser_arguments(parser)
    return [
        Option(
            action.option_strings,
            (action.help or "").replace("%%", "%"),
            None if action.nargs == 0 else action.metavar or action.dest,
            list(action.choices or ()),
            action.nargs in ("*", "+"),
        )
        for action in parser._actions
        if action.option_strings and action.help != argparse.SUPPRESS
    ]


BASH = """\
# Completion of locust for bash. Made from its options.
_locust()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    case $prev in
    %(locustfile)s)
        mapfile -t COMPREPLY < <(compgen -f -X '!*.py' -- "$cur"; compgen -d -- "$cur")
        compopt -o filenames 2>/dev/null
        return ;;
    %(files)s)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        compopt -o filenames 2>/dev/null
        return ;;
%(choices)s    %(values)s)
        return ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '%(names)s' -- "$cur")
    fi
}
complete -F _locust locust
"""


def bash() -> str:
    """The function for bash."""
    known = options()
    files = [name for o in known if o.value in FILES and "-f" not in o.names for name in o.names]
    plain = [o for o in known if o.value and o.value not in FILES and not o.choices and not o.many]
    values = [name for o in plain for name in o.names]
    choices = "".join(
        f"    {'|'.join(o.names)})\n"
        f"        mapfile -t COMPREPLY < <(compgen -W '{' '.join(o.choices)}' -- \"${{cur^^}}\")\n"
        "        return ;;\n"
        for o in known
        if o.choices
    )
    return BASH % {
        "locustfile": "-f|--locustfile",
        "files": "|".join(files),
        "choices": choices,
        "values": "|".join(values),
        "names": " ".join(name for o in known for name in o.names),
    }


def _quoted(text: str) -> str:
    return text.replace("'", "'\\''")


def _described(text: str) -> str:
    """The first sentence of a help text without examples, for zsh's descriptions."""
    text = re.split(r",? e\.g\. |\. (?=[A-Z])|: | \(", text)[0].rstrip(".")
    for c in "\\:[]":
        text = text.replace(c, "\\" + c)
    return _quoted(text)


def _value(option: Option) -> str:
    if option.value is None:
        return ""
    name = _quoted((option.value or "").strip("<>").replace(":", " "))
    if option.choices:
        what = f"({' '.join(option.choices)})"
    elif "-f" in option.names:
        what = '_files -g "*.py(-.)"'
    else:
        what = "_files" if option.value in FILES else " "
    return f":{name}:{what}"


def zsh() -> str:
    """The function for zsh."""
    lines = []
    for option in options():
        exclusive = " ".join(option.names)
        for name in option.names:
            many = "*" if option.many else f"({exclusive})"
            joined = "=" if option.value and name.startswith("--") else ""
            lines.append(f"    '{many}{name}{joined}[{_described(option.help)}]{_value(option)}'")
    listed = " \\\n".join([*lines, "    '*:user class: '"])
    head = "#compdef locust\n# Completion of locust for zsh. Made from its options.\n"
    return f"{head}\n_arguments -s -S \\\n{listed}\n"


def main() -> int:
    """Prints one of them."""
    shells = {"bash": bash, "zsh": zsh}
    if len(sys.argv) != 2 or sys.argv[1] not in shells:
        sys.stderr.write("usage: python3 -m locust._completion bash|zsh\n")
        return 2
    sys.stdout.write(shells[sys.argv[1]]())
    return 0


if __name__ == "__main__":
    sys.exit(main())
