"""Users of Qdrant. Needs qdrant-client."""

from __future__ import annotations

from qdrant_client import QdrantClient

from ..user.users import User
from ._measure import report, result_of

__all__ = ["QdrantLocustClient", "QdrantUser"]


class QdrantLocustClient:
    """A QdrantClient and one collection.

    Its methods return dictionaries: success, response_time, result or exception.
    """

    def __init__(self, url, collection_name, api_key=None, timeout=60, **kwargs):
        self.url = url
        self.collection_name = collection_name
        self.api_key = api_key
        self.timeout = timeout
        self.client = QdrantClient(url=url, api_key=api_key, timeout=timeout, **kwargs)

    def close(self):
        """Closes the connections."""
        self.client.close()

    def create_collection(self, vectors_config, **kwargs):
        """Creates the collection, unless it is there."""
        if not self.client.collection_exists(collection_name=self.collection_name):
            self.client.create_collection(
                collection_name=self.collection_name, vectors_config=vectors_config, **kwargs
            )

    def upsert(self, points):
        """Writes points."""
        return result_of(self.client.upsert, collection_name=self.collection_name, points=points)

    def search(self, query, limit=10, query_filter=None, search_params=None, with_payload=True):
        """Looks for points near to one. Finding nothing is no success."""
        return result_of(
            self.client.query_points,
            collection_name=self.collection_name,
            query=query,
            limit=limit,
            query_filter=query_filter,
            search_params=search_params,
            with_payload=with_payload,
            is_empty=lambda found: len(found.points) == 0,
        )

    def scroll(self, scroll_filter=None, limit=10, with_payload=True):
        """Reads points one after the other; next_offset says where to go on."""
        outcome = result_of(
            self.client.scroll,
            collection_name=self.collection_name,
            scroll_filter=scroll_filter,
            limit=limit,
            with_payload=with_payload,
            is_empty=lambda found: len(found[0]) == 0,
        )
        if "result" in outcome:
            outcome["result"], outcome["next_offset"] = outcome["result"]
        return outcome

    def delete(self, points_selector):
        """Deletes points."""
        return result_of(
            self.client.delete,
            collection_name=self.collection_name,
            points_selector=points_selector,
        )


class QdrantUser(User):
    """The client's methods, each call of which is a request of type qdrant."""

    abstract = True

    url: str = "http://localhost:6333"
    api_key: str | None = None
    collection_name: str | None = None
    timeout: int = 60
    vectors_config = None
    """If it is given, the collection is created with it."""
    client_kwargs: dict | None = None
    collection_kwargs: dict | None = None

    def __init__(self, environment):
        super().__init__(environment)
        if self.collection_name is None:
            raise ValueError("'collection_name' must be provided for QdrantUser")
        self.client_type = "qdrant"
        self.client = QdrantLocustClient(
            url=self.url,
            collection_name=self.collection_name,
            api_key=self.api_key,
            timeout=self.timeout,
            **(self.client_kwargs or {}),
        )
        if self.vectors_config is not None:
            self.client.create_collection(
                vectors_config=self.vectors_config, **(self.collection_kwargs or {})
            )

    def _counted(self, name, outcome):
        report(self.environment.events.request, self.client_type, name, outcome)
        return outcome

    def upsert(self, points):
        """See QdrantLocustClient."""
        return self._counted("upsert", self.client.upsert(points))

    def search(self, query, limit=10, query_filter=None, search_params=None, with_payload=True):
        """See QdrantLocustClient."""
        outcome = self.client.search(query, limit, query_filter, search_params, with_payload)
        return self._counted("search", outcome)

    def scroll(self, scroll_filter=None, limit=10, with_payload=True):
        """See QdrantLocustClient."""
        return self._counted("scroll", self.client.scroll(scroll_filter, limit, with_payload))

    def delete(self, points_selector):
        """See QdrantLocustClient."""
        return self._counted("delete", self.client.delete(points_selector))

    def on_stop(self):
        """Closes the connections."""
        self.client.close()
