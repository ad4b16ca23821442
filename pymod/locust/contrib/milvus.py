"""Users of Milvus. Needs pymilvus, which talks gRPC."""

from __future__ import annotations

from abc import ABC, abstractmethod

import _locust_coop

_locust_coop.patch()

from pymilvus import MilvusClient  # noqa: E402

from ..user.users import User  # noqa: E402
from ._measure import report, result_of  # noqa: E402

__all__ = ["BaseClient", "MilvusUser", "MilvusV2Client"]


def _nothing_found(found) -> bool:
    return len(found) == 0 or all(len(hits) == 0 for hits in found)


def _hit_id(hit):
    get = getattr(hit, "get", None)
    return get("id") if get else None


class BaseClient(ABC):
    """What a client for MilvusUser has to offer.

    All but the first two methods return dictionaries: see result_of().
    """

    @abstractmethod
    def close(self) -> None:
        """Closes the connections."""

    @abstractmethod
    def create_collection(self, schema, index_params, **kwargs) -> None:
        """Creates the collection."""

    @abstractmethod
    def insert(self, data):
        """Adds entities."""

    @abstractmethod
    def upsert(self, data):
        """Adds or replaces entities."""

    @abstractmethod
    def search(
        self,
        data,
        anns_field,
        limit,
        filter="",
        search_params=None,
        output_fields=None,
        calculate_recall=False,
        ground_truth=None,
    ):
        """Looks for entities near to vectors."""

    @abstractmethod
    def hybrid_search(self, reqs, ranker, limit, output_fields=None):
        """Several searches in one."""

    @abstractmethod
    def query(self, filter, output_fields=None):
        """Finds entities by a condition."""

    @abstractmethod
    def delete(self, filter):
        """Deletes entities."""


class MilvusV2Client(BaseClient):
    """A MilvusClient and one collection."""

    def __init__(self, uri, collection_name, token="root:Milvus", db_name="default", timeout=60):
        self.uri = uri
        self.collection_name = collection_name
        self.token = token
        self.db_name = db_name
        self.timeout = timeout
        self.client = MilvusClient(uri=uri, token=token, db_name=db_name, timeout=timeout)

    def close(self):
        """Closes the connections."""
        self.client.close()

    def create_collection(self, schema, index_params, **kwargs):
        """Creates the collection."""
        self.client.create_collection(
            collection_name=self.collection_name, schema=schema, index_params=index_params, **kwargs
        )

    def insert(self, data):
        """Adds entities."""
        return result_of(self.client.insert, collection_name=self.collection_name, data=data)

    def upsert(self, data):
        """Adds or replaces entities."""
        return result_of(self.client.upsert, collection_name=self.collection_name, data=data)

    def search(
        self,
        data,
        anns_field,
        limit,
        filter="",
        search_params=None,
        output_fields=None,
        calculate_recall=False,
        ground_truth=None,
    ):
        """Finding nothing is no success.

        With calculate_recall and ground_truth the result has recall, 0 to 1.
        """
        outcome = result_of(
            self.client.search,
            collection_name=self.collection_name,
            data=data,
            anns_field=anns_field,
            filter=filter,
            limit=limit,
            search_params=search_params,
            output_fields=["id"] if output_fields is None else output_fields,
            is_empty=_nothing_found,
        )
        if calculate_recall and ground_truth is not None and outcome["success"]:
            outcome["recall"] = self.get_recall(outcome["result"], ground_truth, limit)
        return outcome

    def hybrid_search(self, reqs, ranker, limit, output_fields=None):
        """Finding nothing is no success."""
        return result_of(
            self.client.hybrid_search,
            collection_name=self.collection_name,
            reqs=reqs,
            ranker=ranker,
            limit=limit,
            output_fields=["id"] if output_fields is None else output_fields,
            timeout=self.timeout,
            is_empty=_nothing_found,
        )

    @staticmethod
    def get_recall(search_results, ground_truth, limit=None):
        """Which part of the first limit true ids the first search has found; 0.0 if unknown."""
        try:
            hits = search_results[0] if isinstance(search_results[0], list) else search_results
            found = [_hit_id(hit) for hit in hits]
            wanted = len(found) if limit is None else limit
            if len(ground_truth) < wanted:
                return 0.0
            truth = set(ground_truth[:wanted])
            return len(truth.intersection(found)) / len(truth)
        except (IndexError, TypeError, ZeroDivisionError):
            return 0.0

    def query(self, filter, output_fields=None):
        """Finding nothing is no success."""
        return result_of(
            self.client.query,
            collection_name=self.collection_name,
            filter=filter,
            output_fields=["id"] if output_fields is None else output_fields,
            is_empty=lambda found: len(found) == 0,
        )

    def delete(self, filter):
        """Deletes entities."""
        return result_of(self.client.delete, collection_name=self.collection_name, filter=filter)


class MilvusUser(User):
    """The client's methods, each call of which is a request of type milvus."""

    abstract = True

    def __init__(
        self,
        environment,
        uri="http://localhost:19530",
        token="root:Milvus",
        collection_name="test_collection",
        db_name="default",
        timeout=60,
        schema=None,
        index_params=None,
        **kwargs,
    ):
        super().__init__(environment)
        for name, value in (("uri", uri), ("collection_name", collection_name)):
            if value is None:
                raise ValueError(f"'{name}' must be provided for MilvusUser")
        self.client_type = "milvus"
        self.client: BaseClient = MilvusV2Client(
            uri=uri, token=token, collection_name=collection_name, db_name=db_name, timeout=timeout
        )
        if schema is not None:
            self.client.create_collection(schema=schema, index_params=index_params, **kwargs)

    def _counted(self, name, outcome):
        report(self.environment.events.request, self.client_type, name, outcome)
        return outcome

    def insert(self, data):
        """See MilvusV2Client."""
        return self._counted("insert", self.client.insert(data))

    def upsert(self, data):
        """See MilvusV2Client."""
        return self._counted("upsert", self.client.upsert(data))

    def search(
        self,
        data,
        anns_field,
        limit,
        filter="",
        search_params=None,
        output_fields=None,
        calculate_recall=False,
        ground_truth=None,
    ):
        """See MilvusV2Client.

        The recall is counted as a request of that name, with its percentage as the time.
        """
        outcome = self.client.search(
            data,
            anns_field,
            limit,
            filter,
            search_params,
            output_fields,
            calculate_recall,
            ground_truth,
        )
        self._counted("search", outcome)
        if "recall" in outcome:
            self._counted("recall", {"response_time": outcome["recall"] * 100})
        return outcome

    def hybrid_search(self, reqs, ranker, limit, output_fields=None):
        """See MilvusV2Client."""
        outcome = self.client.hybrid_search(reqs, ranker, limit, output_fields)
        return self._counted("hybrid_search", outcome)

    def query(self, filter, output_fields=None):
        """See MilvusV2Client."""
        return self._counted("query", self.client.query(filter, output_fields))

    def delete(self, filter):
        """See MilvusV2Client."""
        return self._counted("delete", self.client.delete(filter))

    def on_stop(self):
        """Closes the connections."""
        self.client.close()
