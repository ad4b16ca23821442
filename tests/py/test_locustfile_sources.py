"""Locustfiles that are not at hand, and the JSON of --config-users."""

import argparse
import http.server
import json
import os
import tempfile
import threading

import pytest

from locust import argument_parser
from locust.argument_parser import (
    download_locustfile_from_master,
    download_locustfile_from_url,
    exit_handler,
    json_user_config,
    parse_locustfile_paths,
    parse_locustfiles_from_master,
    retrieve_locustfiles_from_master,
)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The directory for temporary files, and what is to be called at the end of the process."""
    at_exit = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(argument_parser.atexit, "register", lambda *call: at_exit.append(call))
    return tmp_path, at_exit


@pytest.fixture
def site():
    """A web site; its pages may be added to."""
    pages = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, text = pages[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args):
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        pages["url"] = f"http://127.0.0.1:{server.server_port}"
        yield pages
        server.shutdown()
        thread.join()


def test_from_a_url(site, temporary):
    directory, at_exit = temporary
    site["/some/where/my_test.py?version=3"] = 200, "print('ü')\n"
    path = download_locustfile_from_url(site["url"] + "/some/where/my_test.py?version=3")
    (own,) = directory.iterdir()
    assert path == str(own / "my_test.py") and own.stat().st_mode & 0o777 == 0o700
    assert (own / "my_test.py").read_text(encoding="utf-8") == "print('ü')\n"
    assert at_exit == [(exit_handler, path)]
    (own / "__pycache__").mkdir()
    exit_handler(path)
    assert list(directory.iterdir()) == []


def test_what_others_have_put_there_is_left_alone(site, temporary):
    directory, _ = temporary
    victim = directory / "victim"
    victim.write_text("precious")
    (directory / "my_test.py").symlink_to(victim)
    site["/my_test.py"] = 200, "x = 1\n"
    paths = [download_locustfile_from_url(site["url"] + "/my_test.py") for _ in range(2)]
    assert victim.read_text() == "precious" and len(set(paths)) == 2
    assert {os.path.basename(path) for path in paths} == {"my_test.py"}


def test_a_url_is_a_path_like_others(site, temporary, tmp_path):
    local = tmp_path / "local.py"
    local.write_text("")
    site["/far.py"] = 200, "x = 1\n"
    far = site["url"] + "/far.py"
    first, second = parse_locustfile_paths([str(local), far])
    assert first == str(local) and os.path.basename(second) == "far.py" and os.path.exists(second)


def test_a_url_without_a_name(site, temporary):
    site["/"] = 200, "x = 1\n"
    assert os.path.basename(download_locustfile_from_url(site["url"] + "/")) == "locustfile.py"


def test_the_status_does_not_count(site, temporary):
    site["/x.py"] = 404, "x = 1\n"
    assert download_locustfile_from_url(site["url"] + "/x.py")


@pytest.mark.parametrize("text", ["<html>not Python, and more than a hundred characters" + "!" * 200, "x = '\0'"])
def test_what_is_no_python(site, temporary, capsys, text):
    site["/x.py"] = 200, text
    with pytest.raises(SystemExit) as end:
        download_locustfile_from_url(site["url"] + "/x.py")
    said = capsys.readouterr().err
    assert end.value.code == 1 and "not valid python code" in said and text[:20] in said
    assert "!" * 100 not in said and temporary[1] == []


def test_nobody_there(temporary, capsys):
    with pytest.raises(SystemExit) as end:
        download_locustfile_from_url("http://127.0.0.1:9/x.py")
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith("Failed to get locustfile from: http://127.0.0.1:9/x.py. Exception: ")


def test_passwords_are_not_told(site, temporary, capsys):
    site["/x.py"] = 200, "<html>"
    for place in ("127.0.0.1:9", site["url"].removeprefix("http://")):
        with pytest.raises(SystemExit):
            download_locustfile_from_url(f"http://me:hush@{place}/x.py")
        said = capsys.readouterr().err
        assert f"Failed to get locustfile from: http://me:***@{place}/x.py" in said and "hush" not in said


def test_no_room(site, temporary, capsys, monkeypatch):
    site["/x.py"] = 200, "x = 1\n"
    monkeypatch.setattr(tempfile, "tempdir", str(temporary[0] / "missing"))
    with pytest.raises(SystemExit) as end:
        download_locustfile_from_url(site["url"] + "/x.py")
    assert end.value.code == 1 and "Could not save the locustfile" in capsys.readouterr().err


def test_removing_at_the_end(tmp_path):
    path = tmp_path / "x.py"
    path.write_text("")
    exit_handler(str(path))
    assert not path.exists() and tmp_path.exists()
    exit_handler(str(path))


def test_what_a_master_sends(temporary):
    directory, at_exit = temporary
    sources = [
        {"filename": "a.py", "contents": "x = 'ü'\n"},
        "http://of.url/b.py",
        {"filename": "../c.py", "contents": ""},
    ]
    paths = parse_locustfiles_from_master(sources)
    first, second, third = paths
    assert second == "http://of.url/b.py"
    assert [os.path.dirname(os.path.dirname(path)) for path in (first, third)] == [str(directory)] * 2
    assert [os.path.basename(path) for path in (first, third)] == ["a.py", "c.py"]
    with open(first, encoding="utf-8") as file:
        assert file.read() == "x = 'ü'\n"
    assert at_exit == [(exit_handler, first), (exit_handler, third)]


def test_a_master_is_not_there_yet(capsys):
    with pytest.raises(SystemExit) as end:
        download_locustfile_from_master("127.0.0.1", 5557)
    assert end.value.code == 2 and "is not there yet" in capsys.readouterr().err


@pytest.mark.parametrize("options", [{"worker": False}, {}])
def test_only_workers_ask_a_master(capsys, options):
    with pytest.raises(SystemExit) as end:
        retrieve_locustfiles_from_master(argparse.Namespace(**options))
    assert end.value.code == 1 and "--worker was not specified" in capsys.readouterr().err


def test_workers_ask_a_master(temporary, monkeypatch):
    asked = []

    def download(*where):
        asked.append(where)
        return [{"filename": "a.py", "contents": ""}]

    monkeypatch.setattr(argument_parser, "download_locustfile_from_master", download)
    options = argparse.Namespace(worker=True, master_host="h", master_port=1, locustfile="-")
    (path,) = argument_parser.get_locustfiles_locally(options)
    assert os.path.basename(path) == "a.py" and os.path.exists(path)
    assert asked == [("h", 1)]


def test_settings_of_users(tmp_path):
    one, two = {"user_class_name": "A", "weight": 2}, {"user_class_name": "B"}
    assert json_user_config(json.dumps(one)) == [one]
    assert json_user_config(json.dumps([one, two])) == [one, two]
    path = tmp_path / "users.json"
    path.write_text(json.dumps([two]))
    assert json_user_config(str(path)) == [two]


@pytest.mark.parametrize(
    "text, said",
    [
        ("{", "valid JSON"),
        ("", "valid JSON"),
        ("missing.json", "missing.json"),
        ('{"weight": 1}', "must specify a user_class_name"),
        ('[{"user_class_name": "A"}, {}]', "must specify a user_class_name"),
        ("[1]", "must specify a user_class_name"),
        ("null", "must specify a user_class_name"),
    ],
)
def test_wrong_settings_of_users(text, said):
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        json_user_config(text)


def test_settings_of_users_as_an_option():
    options = argument_parser.get_parser().parse_args(
        ["--config-users", '{"user_class_name": "A"}', '[{"user_class_name": "B"}, {"user_class_name": "C"}]']
    )
    assert [[c["user_class_name"] for c in part] for part in options.config_users] == [["A"], ["B", "C"]]
