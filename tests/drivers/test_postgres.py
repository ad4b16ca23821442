"""PostgreSQL, with psycopg2 (its wait callback) and psycopg 3."""

import select

import pytest
from programs import Directory, Program, as_somebody, free_port, program, run
from users import USERS, all_at_once

WAIT = 0.2


@pytest.fixture(scope="module")
def where():
    prefix, uid, gid = as_somebody("postgres")
    initdb, postgres, port = program("initdb"), program("postgres"), free_port()
    with Directory(uid, gid) as directory:
        data = directory / "data"
        run([*prefix, initdb, "-D", data, "-U", "locust", "-A", "trust", "--no-sync", "-E", "UTF8"], cwd=directory)
        command = [*prefix, postgres, "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={directory}"]
        with Program([*command, "-c", "fsync=off", "-c", "max_connections=60"], port, directory, cwd=directory):
            yield f"host=127.0.0.1 port={port} user=locust dbname=postgres"


def wait_for(connection):
    """What psycogreen does: waits as the connection says."""
    from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE

    while (state := connection.poll()) != POLL_OK:
        assert state in (POLL_READ, POLL_WRITE)
        reads, writes = ([connection], []) if state == POLL_READ else ([], [connection])
        select.select(reads, writes, [])


def queries(connect, n):
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", (WAIT,))
        cursor.execute("SELECT %s::int * 2, %s", (n, "ü"))
        return cursor.fetchone()


def test_psycopg2(where):
    psycopg2 = pytest.importorskip("psycopg2")
    from psycopg2.extensions import set_wait_callback

    set_wait_callback(wait_for)
    try:
        assert all_at_once(lambda n: queries(lambda: psycopg2.connect(where), n), wait=WAIT) == [(2 * n, "ü") for n in range(USERS)]
    finally:
        set_wait_callback(None)


def test_psycopg(where):
    psycopg = pytest.importorskip("psycopg")
    assert all_at_once(lambda n: queries(lambda: psycopg.connect(where), n), wait=WAIT) == [(2 * n, "ü") for n in range(USERS)]
