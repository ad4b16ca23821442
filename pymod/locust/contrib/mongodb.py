"""Users of MongoDB. Needs pymongo."""

import locust
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from ..user.users import User
from ._measure import Stopwatch

__all__ = ["MongoDBClient", "MongoDBUser"]


class MongoDBClient(MongoClient):
    """A MongoClient with a database, whose queries are requests of type MONGODB."""

    def __init__(self, conn_string, db_name, request_event=None):
        super().__init__(conn_string)
        self.db = self[db_name]
        self._request_event = request_event

    def execute_query(self, collection_name, query):
        """Finds documents, all of them, and drops them."""
        watch, error = Stopwatch(), None
        try:
            for _document in self.db[collection_name].find(query):
                pass
        except PyMongoError as e:
            error = e
        (self._request_event or locust.events.request).fire(
            request_type="MONGODB",
            name="QUERY",
            response_time=int(watch.milliseconds()),
            response_length=0,
            exception=error,
        )


class MongoDBUser(User):
    """Has a client for conn_string and db_name, attributes of the class."""

    abstract = True
    conn_string: str
    db_name: str

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.client = MongoDBClient(self.conn_string, self.db_name, self.environment.events.request)

    def on_stop(self):
        """Closes the connections."""
        self.client.close()
