"""What is printed while --live has the terminal: kept in lines, within bounds."""

import io
from collections import deque

from locust._live import LONGEST_LINE, KeptOutput


def kept():
    lines = deque()
    return lines, KeptOutput(lines, io.TextIOWrapper(io.BytesIO(), encoding="latin-1", errors="strict"))


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


def test_what_code_asks_of_a_stream():
    lines, output = kept()
    assert output.buffer.write(b"raw \xc3\xbc\n\xff") == 8
    assert output.buffer.write(memoryview(b"\n")) == 1
    print("text", file=output, flush=True)
    assert texts(lines) == ["raw \u00fc", "\ufffd", "text"]
    assert (output.encoding, output.errors, output.isatty()) == ("latin-1", "strict", False)
    output.buffer.flush()
