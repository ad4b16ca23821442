"""What is sent between nodes, and given to listeners of custom messages."""


class Message:
    """A message: its type, what it carries, and the node it is from or for."""

    def __init__(self, message_type, data, node_id):
        self.type = message_type
        self.data = data
        self.node_id = node_id

    def __repr__(self) -> str:
        return f"<Message {self.type}:{self.node_id}>"
