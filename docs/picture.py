"""Makes docs/picture.svg: the live view of a real run against the demo site.

    python3 docs/picture.py build docs/picture.svg

It needs a build, and nothing but the standard library.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from html import escape
from pathlib import Path

COLUMNS, ROWS = 120, 32
CELL_WIDTH, CELL_HEIGHT = 8.4, 18
SECONDS = 40
SHOT = 31
"""When the picture is taken: the charts have something to show."""

COLOURS = {"31": "#ff7b7f", "32": "#4ade80", "36": "#2dd4bf", "2": "#97a1b0", "1": "#ffffff"}
PLAIN = "#d5dae2"


def record(build, site):
    """All that a run writes to its terminal until the picture is taken."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    locustfile = Path(__file__).resolve().parents[1] / "examples/quickstart/locustfile.py"
    load = ["-u", "400", "-r", "15", "-t", f"{SECONDS}s"]
    command = [build / "locust", "--headless", "--live", *load, "-f", locustfile, "-H", site]
    environment = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    environment.pop("NO_COLOR", None)
    program = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    text, end = b"", time.monotonic() + SHOT
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            text += os.read(ours, 65536)
    program.terminate()
    while program.poll() is None:
        if select.select([ours], [], [], 0.1)[0]:
            os.read(ours, 65536)
    return text.decode(errors="replace")


def last_frame(text):
    """The lines of the last whole frame."""
    return text.split("\033[H")[-2].replace("\r", "").split("\n")


def spans(line):
    """Pieces of a line: (column, colour, text)."""
    column, colour, pieces = 0, PLAIN, []
    for part in re.split(r"(\033\[[\d;]*[A-Za-z])", line):
        if part.startswith("\033"):
            if part.endswith("m"):
                colour = COLOURS.get(part[2:-1], PLAIN)
        elif part := part[: COLUMNS - column]:
            pieces.append((column, colour, part))
            column += len(part)
    return pieces


def block(column, row, colour, eighths):
    """A block of a chart: fonts leave gaps between them."""
    height = CELL_HEIGHT * eighths / 8
    x, y = column * CELL_WIDTH, (row + 1) * CELL_HEIGHT - height
    size = f'width="{CELL_WIDTH:.1f}" height="{height:.2f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{colour}"/>'


def drawn(pieces, row):
    """The elements of a line."""
    for column, colour, text in pieces:
        for i, c in enumerate(text):
            if "\u2581" <= c <= "\u2588":
                yield block(column + i, row, colour, ord(c) - 0x2580)
        for word in re.finditer(r"[^\s\u2581-\u2588]+(?: [^\s\u2581-\u2588]+)*", text):
            x, y = (column + word.start()) * CELL_WIDTH, row * CELL_HEIGHT + 13.5
            width = len(word[0]) * CELL_WIDTH
            place = f'x="{x:.1f}" y="{y:.1f}" textLength="{width:.1f}"'
            yield f'<text {place} fill="{colour}">{escape(word[0])}</text>'


def svg(lines):
    """The picture."""
    width, height = COLUMNS * CELL_WIDTH + 32, len(lines) * CELL_HEIGHT + 28
    parts = [element for row, line in enumerate(lines) for element in drawn(spans(line), row)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" '
        'font-size="13.5">\n<title>A run with --live</title>\n'
        '<rect width="100%" height="100%" rx="8" fill="#0d1015"/>\n'
        '<g transform="translate(16 14)" shape-rendering="crispEdges">\n'
        + "\n".join(parts)
        + "\n</g>\n</svg>\n"
    )


def main():
    """Runs the demo site and a test, and draws it."""
    build, output = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    site = subprocess.Popen([build / "demo-site", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        url = site.stdout.readline().split()[-1]
        frame = "\n".join(last_frame(record(build, url))).replace(url, "http://127.0.0.1:8000")
        lines = re.sub(r"\S+/INFO/", "host/INFO/", frame).split("\n")
    finally:
        site.terminate()
        site.wait()
    output.write_text(svg(lines), "utf-8")


if __name__ == "__main__":
    main()
