"""Files with test functions of pytest instead of user classes, given to the program."""

FILE = """
def test_hello(session):
    session.get("/hello").raise_for_status()

def test_error(session):
    session.get("/error").raise_for_status()
    raise AssertionError("does not come here")
"""


def test_test_functions_are_users(run, demo_site):
    result = run("--headless", "-u", "2", "-r", "2", "-t", "1", "-H", demo_site.url, "--only-summary", locustfile=FILE)
    assert result.code == 1, result
    assert '{"test_error": 1, "test_hello": 1} (2 total users)' in result.err
    lines = [line.split() for line in result.err.splitlines() if line.startswith("GET ")]
    hello, error = (next(line for line in lines if line[1] == path) for path in ("/hello", "/error"))
    assert int(hello[2]) > 0 and hello[3].startswith("0(")
    assert int(error[2]) > 0 and error[3] == f"{error[2]}(100.00%)"
    assert "Traceback" not in result.err


def test_they_are_listed(run):
    assert run("-l", locustfile=FILE).out == "Available Users:\n    test_hello\n    test_error\n"


def test_a_file_with_neither(run):
    result = run("--headless", locustfile="x = 1\n")
    assert result.code == 1 and "No User class found!" in result.err


def test_the_fast_client(run, demo_site):
    """raise_for_status() of a FastHttpSession ends the round of a function as that of an HttpSession does."""
    fast = FILE.replace("session", "fastsession")
    result = run("--headless", "-u", "2", "-r", "2", "-t", "1", "-H", demo_site.url, "--only-summary", locustfile=fast)
    assert result.code == 1 and "LocustBadStatusCode(code=500)" in result.err, result
    assert "Traceback" not in result.err and "AssertionError" not in result.err
