"""What is sent between nodes, and given to listeners of custom messages."""

import datetime
import sys

__all__ = ["Message", "decode", "encode"]

_TIME_FORMAT = "%Y%m%dT%H:%M:%S.%f"


def _msgpack():
    """Only who sends anything needs it."""
    try:
        import msgpack
    except ImportError as error:
        raise ImportError(
            "Messages between nodes need the package msgpack: "
            f"{sys.executable} -m pip install msgpack (Debian: apt install python3-msgpack)"
        ) from error
    return msgpack


def _is_object_id(obj) -> bool:
    bson = sys.modules.get("bson")  # where there is an ObjectId, it has been imported
    return bson is not None and isinstance(obj, getattr(bson, "ObjectId", ()))


def _object_id(text: str):
    try:
        from bson import ObjectId
    except ImportError as error:
        raise ImportError(
            "A message contains an ObjectId; to read it the package pymongo (or bson) is needed: "
            f"{sys.executable} -m pip install pymongo"
        ) from error
    return ObjectId(text)


def encode(obj):
    """For msgpack: what it does not know, as what it knows."""
    if isinstance(obj, datetime.datetime):
        return {"__datetime__": True, "as_str": obj.strftime(_TIME_FORMAT)}
    if _is_object_id(obj):
        return {"__ObjectId__": True, "as_str": str(obj)}
    return obj


def decode(obj: dict):
    """For msgpack: what encode() has made of a value, as that value again."""
    if "__datetime__" in obj:
        return datetime.datetime.strptime(obj["as_str"], _TIME_FORMAT)
    if "__ObjectId__" in obj:
        return _object_id(obj["as_str"])
    return obj


class Message:
    """A message: its type, what it carries, and the node it is from or for."""

    def __init__(self, message_type, data, node_id):
        self.type = message_type
        self.data = data
        self.node_id = node_id

    def __repr__(self) -> str:
        return f"<Message {self.type}:{self.node_id}>"

    def serialize(self) -> bytes:
        """As it is sent."""
        return _msgpack().dumps((self.type, self.data, self.node_id), default=encode)

    @classmethod
    def unserialize(cls, data: bytes) -> "Message":
        """The message that was sent so."""
        parts = _msgpack().loads(data, raw=False, strict_map_key=False, object_hook=decode)
        return cls(*parts)
