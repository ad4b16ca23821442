"""What ./bootstrap.sh test says at its end, whatever goes wrong on the way. The tools that it calls are fakes."""

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.plain("the tools that the script calls are fakes: no code of ours is run")

BOOTSTRAP = Path(__file__).resolve().parents[2] / "bootstrap.sh"

MAKE = """#!/bin/sh
# make -C BUILD ... TARGET: does what the test has written down in the files of BUILD.
while [ $# -gt 0 ]; do
    case $1 in
    -C) build=$2; shift ;;
    check | lint | check-aarch64) target=$1 ;;
    esac
    shift
done
plan=plans/$build-${target:-all}
[ "${target-}" != check ] || for log in "plans/$build-c"/*.log; do
    [ ! -f "$log" ] || { mkdir -p "$build/tests/c" && cp "$log" "$build/tests/c/"; }
done
[ ! -f "$plan" ] || . "$plan"
"""

GOOD_C = """[==========] Running 2 test(s).
[ RUN      ] one
[       OK ] one
[==========] 2 test(s) run.
[  PASSED  ] 2 test(s).
PASS tests/c/test_good (exit status: 0)
"""

BAD_C = """[ RUN      ] one
[       OK ] one
[  ERROR   ] --- 0x1 != 0x2
[   LINE   ] --- t.c:7: error: Failure!
[  FAILED  ] two
[  ERROR   ] three
[  PASSED  ] 1 test(s).
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] two

 2 FAILED TEST(S)
FAIL tests/c/test_bad (exit status: 2)
"""

PYTEST = """py/test_a.py::test_a PASSED
py/test_a.py::test_b[x y] FAILED
py/test_a.py::test_c SKIPPED (no time)
py/test_a.py::test_c PASSED
"""

WORKERS = """py/test_a.py::test_a
py/test_b.py::test_b[x y]
[gw0] PASSED py/test_a.py::test_a
py/test_a.py::test_c
[gw1] FAILED py/test_b.py::test_b[x y]
[gw0] SKIPPED py/test_a.py::test_c
""".replace("\n", " \n")

SUMMARY = """FAILED not this one
==================== 9 passed in 0.01s ====================
=========================== short test summary info ============================
FAILED py/test_a.py::test_b[x y] - assert 1 == 2
ERROR py/test_a.py::test_c - OSError
============== 1 failed, 2 passed, 1 skipped, 1 error in 63.42s (0:01:03) ===============
"""

GOOD_PYTEST = "py/test_a.py::test_a PASSED\n============== 1 passed, 1 skipped in 0.42s ===============\n"


class Tree:
    """A source tree in which only bootstrap.sh is real."""

    def __init__(self, top):
        self.top = top
        (top / "bootstrap.sh").write_text(BOOTSTRAP.read_text())
        self.script("tools/make", MAKE)
        self.script("tools/apt-get", "#!/bin/sh\nexit 1\n")
        self.script("tools/dpkg-query", "#!/bin/sh\nprintf installed\n")
        self.script("configure", "#!/bin/sh\n: >config.status\nmkdir -p tests/c\n")
        for build in "build", "build-san":
            self.plan(build, "check", GOOD_PYTEST)
            self.c(build, "test_good", GOOD_C)

    def script(self, name, text):
        path = self.top / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def plan(self, build, target, says="", code=0):
        """What make TARGET prints in a build, and how it ends."""
        (self.top / "plans").mkdir(exist_ok=True)
        (self.top / f"plans/{build}-{target}").write_text(f"cat <<'EOF'\n{says}EOF\nexit {code}\n")

    def c(self, build, name, log):
        """The log that a test in C leaves."""
        (self.top / f"plans/{build}-c").mkdir(parents=True, exist_ok=True)
        (self.top / f"plans/{build}-c/{name}.log").write_text(log)

    def test(self):
        """Exit code, what failed, the last line."""
        done = subprocess.run(["sh", "bootstrap.sh", "test"], cwd=self.top, capture_output=True, text=True,
                              env={**os.environ, "PATH": f"{self.top}/tools:{os.environ['PATH']}"})
        *lines, last = done.stdout.splitlines()
        failed = []
        while lines and lines[-1].startswith("FAILED "):
            failed.insert(0, lines.pop()[len("FAILED "):])
        return done.returncode, failed, last


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_all_is_well(tree):
    tree.plan("build", "check-aarch64", "[  PASSED  ] 10 test(s).\n")
    assert tree.test() == (0, [], "16 passed, 0 failed")


def test_failing_tests_are_named(tree):
    tree.plan("build", "check", PYTEST + SUMMARY, 2)
    tree.c("build-san", "test_bad", BAD_C)
    tree.plan("build-san", "check", GOOD_PYTEST, 2)
    code, failed, last = tree.test()
    assert (code, last) == (1, "8 passed, 4 failed")
    assert failed[:2] == [
        "build: py/test_a.py::test_b[x y] - assert 1 == 2",
        "build: py/test_a.py::test_c - OSError",
    ]
    assert sorted(failed[2:]) == [
        "build-san: tests/c/test_bad: three",
        "build-san: tests/c/test_bad: two",
    ]


def test_a_test_in_c_that_crashes(tree):
    tree.c("build", "test_crash", "[ RUN      ] one\nFAIL tests/c/test_crash (exit status: 139)\n")
    tree.c("build", "test_hang", "FAIL tests/c/test_hang (exit status: 124)\n")
    tree.c("build", "test_odd", "FAIL tests/c/test_odd (exit status: 1)\n")
    tree.c("build", "test_switch", "[  FAILED  ] deep: line 3: x == 1\nFAIL tests/c/test_switch (exit status: 1)\n")
    tree.c("build", "test_torn", "[ RUN      ] one\n")
    tree.plan("build", "check", GOOD_PYTEST, 2)
    assert tree.test() == (
        1,
        [
            "build: tests/c/test_crash was killed by signal 11",
            "build: tests/c/test_hang took too long and was ended",
            "build: tests/c/test_odd ended with 1",
            "build: tests/c/test_switch: deep",
            "build: build/tests/c/test_torn.log did not come to its end",
        ],
        "6 passed, 5 failed",
    )


def test_a_pytest_that_is_killed(tree):
    tree.plan("build", "check", PYTEST + "py/test_a.py::test_long \nmake: *** [check-local] Killed\n", 2)
    assert tree.test() == (
        1,
        [
            "build: py/test_a.py::test_b[x y]",
            "build: pytest crashed, was killed or never began; the test begun last: py/test_a.py::test_long",
        ],
        "7 passed, 2 failed",
    )


def test_workers_of_a_pytest_that_is_killed(tree):
    tree.plan("build", "check", WORKERS + "py/test_b.py::test_long \nmake: *** [check-local] Killed\n", 2)
    assert tree.test() == (
        1,
        [
            "build: py/test_b.py::test_b[x y]",
            "build: pytest crashed, was killed or never began; the test begun last: py/test_b.py::test_long",
        ],
        "6 passed, 2 failed",
    )


def test_a_pytest_with_an_error_of_its_own(tree):
    tree.plan("build", "check", "py/test_a.py::test_a PASSED\npy/test_a.py::test_b PASSED\nINTERNALERROR> Traceback\n"
              "================== 2 passed, 3 skipped in 71.52s (0:01:11) ===================\n", 2)
    assert tree.test() == (
        1,
        ["build: pytest had an internal error; the test begun last: py/test_a.py::test_b"],
        "7 passed, 1 failed",
    )


def test_a_pytest_that_never_begins(tree):
    tree.plan("build-san", "check", "make: *** tests/c/test_x.o\n", 2)
    assert tree.test() == (
        1, ["build-san: pytest crashed, was killed or never began"], "5 passed, 1 failed"
    )


def test_what_is_no_test_is_named_too_and_the_rest_is_done(tree):
    tree.plan("build", "lint", "oh\n", 1)
    tree.plan("build", "check-aarch64", "[  FAILED  ] deep: line 3: x == 1\n", 1)
    tree.plan("build-clang", "all", "oh\n", 2)
    assert tree.test() == (
        1, ["make lint in build", "make check-aarch64 in build", "building in build-clang"], "6 passed, 3 failed"
    )


def test_tests_that_fail_without_a_word(tree):
    tree.plan("build", "check", GOOD_PYTEST, 2)
    assert tree.test() == (1, ["tests in build"], "6 passed, 1 failed")


def test_results_of_an_earlier_run_do_not_count(tree):
    tree.c("build", "test_bad", BAD_C)
    tree.plan("build", "check", GOOD_PYTEST, 2)
    tree.test()
    (tree.top / "plans/build-c/test_bad.log").unlink()
    tree.plan("build", "all", "oh\n", 2)
    assert tree.test() == (1, ["building in build"], "3 passed, 1 failed")
