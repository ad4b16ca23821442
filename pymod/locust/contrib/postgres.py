"""Users of PostgreSQL. Needs psycopg 3."""

import locust
import psycopg

from ..user.users import User
from ._measure import report, result_of

__all__ = ["PostgresClient", "PostgresUser"]


class PostgresClient:
    """A connection, whose queries are requests named execute_query."""

    def __init__(self, conn_string, request_event=None):
        self.connection = psycopg.connect(conn_string)
        self._request_event = request_event

    def execute_query(self, query):
        """Executes a query, and drops what it gives."""
        outcome = result_of(self.connection.execute, query)
        kind = "postgres_success" if outcome["success"] else "postgres_failure"
        report(self._request_event or locust.events.request, kind, "execute_query", outcome)

    def close(self):
        """Ends the connection."""
        self.connection.close()


class PostgresUser(User):
    """Has a client for conn_string, an attribute of the class."""

    abstract = True
    conn_string: str

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.client = PostgresClient(self.conn_string, self.environment.events.request)

    def on_stop(self):
        """Closes the connection."""
        self.client.close()
