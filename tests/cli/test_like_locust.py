"""The same command line, given to real Locust, must have the same outcome.

LOCUST_REF is the command that runs real Locust; without it these tests are skipped.
"""

import os
import re
import shlex

import pytest

REFERENCE = os.environ.get("LOCUST_REF")
pytestmark = pytest.mark.skipif(not REFERENCE, reason="LOCUST_REF is not set: no real Locust to compare with")

HEAD = "from locust import *\nfrom locust.exception import *\nimport time\n"
A = HEAD + "class A(User):\n    wait_time = constant(0.3)\n    def on_stop(self): print('on_stop')\n"
TASK = "    @task\n    def t(self): {}\n"
SHAPE = "class S(LoadTestShape):\n    def tick(self):\n        "
RATIOS = A + TASK.format("pass") + "class T(TaskSet):\n" + 2 * TASK.replace(" t", " t1").format("pass")
RATIOS += "class B(User):\n    weight = 2.5\n    wait_time = constant(9)\n    tasks = {T: 2, A.t: 1}\n"
PLAIN = A + TASK.format("pass")

CASES = [
    (PLAIN, "--headless -u 3 -r 2 -t 3"),
    (PLAIN, "--headless -u 0 -t 1"),
    (PLAIN, "--headless -u 2 -t 2 --reset-stats --only-summary"),
    (PLAIN, "--headless -u 2 -t 1 -L warning"),
    (PLAIN, "--headless Nope A"),
    (PLAIN, "-l"),
    (PLAIN, "-f missing.py"),
    (PLAIN, "-l -f ."),
    (PLAIN, "--hedless"),
    (PLAIN, "-u x"),
    (PLAIN, "-r -1"),
    (PLAIN, "-t 1.5"),
    (PLAIN, "--config missing.conf"),
    (PLAIN, "--headless -t 1 --only-summary -- A"),
    ("x = 1\n", "--headless"),
    (A + TASK.format("1/0"), "--headless -t 1 --only-summary"),
    (A + TASK.format("1/0"), "--headless -t 1 --only-summary --exit-code-on-error 0"),
    (A + TASK.format("raise StopUser"), "--headless -t 1 -u 3 -r 3 --only-summary"),
    (A + TASK.format("raise RescheduleTask"), "--headless -t 1 --only-summary"),
    (A + TASK.format("self.environment.runner.quit(); print('after')"), "--headless --only-summary"),
    (A + TASK.format("time.sleep(3); print('done')"), "--headless -t 1 -s 1 --only-summary"),
    (A + TASK.format("time.sleep(1.5); print('done')"), "--headless -t 1 -s 5 --only-summary"),
    (A + TASK.format("raise SystemExit(4)"), "--headless -t 1 --only-summary"),
    (PLAIN + "class B(A): fixed_count = 2\nclass C(A): weight = 3\n", "--headless -u 9 -r 9 -t 1 --only-summary"),
    (PLAIN + "class B(A): fixed_count = 2\nclass C(A): weight = 3\n", "--headless -u 9 -r 9 -t 1 --only-summary C B"),
    (PLAIN + "@events.quitting.add_listener\ndef f(**kw): 1/0\n", "--headless -t 1 --only-summary"),
    (PLAIN + "@events.test_start.add_listener\ndef f(**kw): raise SystemExit(6)\n", "--headless -t 1 --only-summary"),
    (PLAIN + SHAPE + "return (2, 5) if self.get_run_time() < 1.5 else None\n", "--headless -u 2 --only-summary"),
    (
        PLAIN + "class B(A): pass\n" + SHAPE + "return [(2, 5, None), (4, 5, [B]), (4, 5, [B]), (1, 5), None]"
        "[int(self.get_run_time())]\n",
        "--headless --only-summary",
    ),
    (PLAIN + SHAPE + "1/0\n", "--headless --only-summary"),
    (PLAIN + SHAPE + "raise StopTest('m')\n", "--headless --only-summary"),
    (PLAIN + SHAPE + "raise SystemExit(6)\n", "--headless --only-summary"),
    (PLAIN + SHAPE + "self.runner.quit()\n", "--headless --only-summary"),
    (PLAIN + SHAPE.replace("def", "use_common_options = True\n    def") + "pass\n", "--headless -u 2 --only-summary"),
    (RATIOS, "--show-task-ratio"),
    (RATIOS, "--show-task-ratio -u 7 A"),
    (RATIOS, "--show-task-ratio-json"),
    (RATIOS, "--headless --equal-weights -u 4 -r 4 -t 1 --only-summary"),
    (RATIOS, """--headless -t 1 -u 5 -r 5 --only-summary --config-users '{"user_class_name": "B", "weight": 4}'"""),
    (RATIOS, """--headless --config-users '{"user_class_name": "X"}'"""),
    (RATIOS, "--headless --config-users nothing.json"),
    (PLAIN + SHAPE + "pass\nT = S\n", "--headless --only-summary"),
    (A + TASK.format("pass") + "    def __init__(self, e): raise StopTest('m')\n", "--headless -t 1 --only-summary"),
]


def masked(text):
    """Without what differs from run to run, and without tracebacks and gevent's own notices."""
    text = re.sub(r"^\[[\d\-]+ [\d:,]+\] [^/]+/", "", text, flags=re.M)
    text = re.sub(r"Starting Locust \S+", "Starting Locust", text)
    text = re.sub(r"^Traceback.*\n(?:[ \t].*\n)*(?:\S.*\n)?", "", text, flags=re.M)
    text = re.sub(r"^(?:\S+Z )?<[Gg]reenlet.* failed with .*\n", "", text, flags=re.M)
    own = "Error applying user config|greater than |have no impact on |Unable to open config file: |Unhandled exception in greenlet: "
    text = re.sub(f"({own}).*", r"\1", text)
    # How often something is repeated depends on the moment at which the run time ends.
    return re.sub(r"^(.*\n)\1+", r"\1", re.sub(r"\n+", "\n", text), flags=re.M).strip()


@pytest.mark.parametrize("text, args", CASES)
def test_same_outcome(run, text, args):
    theirs = run(*shlex.split(args), locustfile=text, program=shlex.split(REFERENCE))
    ours = run(*shlex.split(args), locustfile=text)
    assert ours.code == theirs.code, (ours, theirs)
    assert ours.out == theirs.out, (ours, theirs)
    assert masked(ours.err) == masked(theirs.err)
