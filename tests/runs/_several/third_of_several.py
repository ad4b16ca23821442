"""No users here; imported by its neighbour, whose directory comes first on the path."""

VALUE = 3


def shared(user):
    """A task."""
