"""The standard library does the same cooperatively as in plain Python."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("differential_coop.py")


def lines(*arguments):
    done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_same_in_plain_python(certs):
    files = str(certs["good"].cert), str(certs["good"].key), str(certs["ca"].cert)
    plain, green = lines(*files), lines(*files, "green")
    assert [line for line in plain if ": raised " in line.split(",")[0]] == []
    assert len(plain) > 250 and green == plain
