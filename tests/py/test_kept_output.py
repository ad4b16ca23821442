"""What is printed while --live has the terminal: kept in lines, within bounds."""

import io
from collections import deque

from locust._live import LONGEST_LINE, KeptOutput


def kept():
    lines = deque()
    return lines, KeptOutput(lines, io.StringIO())


def texts(lines):
    return [text for _stream, text in lines]


def test_lines():
    lines, output = kept()
    assert output.write("a\nb") == 3
    output.write("c\n\nd")
    assert texts(lines) == ["a", "bc", ""] and output.begun == "d"


def test_a_line_without_end_does_not_grow_for_ever():
    lines, output = kept()
    for _ in range(3 * LONGEST_LINE):
        output.write(".")
    assert len(output.begun) <= LONGEST_LINE
    assert "".join(texts(lines)) + output.begun == "." * 3 * LONGEST_LINE
