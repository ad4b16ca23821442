"""MariaDB, with PyMySQL."""

import os

import pytest
from programs import Directory, Program, free_port, program, run
from users import USERS, all_at_once

pymysql = pytest.importorskip("pymysql")
WAIT = 0.2


@pytest.fixture(scope="module")
def port():
    install, server, port = program("mariadb-install-db"), program("mariadbd", "mysqld"), free_port()
    user = [f"--user={'root' if os.geteuid() == 0 else os.environ.get('USER', 'mysql')}"]
    with Directory() as directory:
        data = directory / "data"
        run([install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db", *user])
        command = [server, "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1", *user]
        command += [f"--socket={directory}/socket", f"--pid-file={directory}/pid", "--innodb-flush-log-at-trx-commit=0"]
        with Program(command, port, directory):
            yield port


def test_users_with_a_connection_each(port):
    def use(n):
        connection = pymysql.connect(host="127.0.0.1", port=port, user="root")
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT SLEEP(%s)", (WAIT,))
            cursor.execute("SELECT %s * 2, %s", (n, "ü"))
            return cursor.fetchone()

    assert all_at_once(use, wait=WAIT) == [(2 * n, "ü") for n in range(USERS)]
