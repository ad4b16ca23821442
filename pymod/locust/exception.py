"""The exceptions that Locust raises, and those that locustfiles raise to steer it."""


class LocustError(Exception):
    """Locust was used in a way that cannot work."""


class ResponseError(Exception):
    """Raised in a block with catch_response=True: the request has failed."""


class CatchResponseError(Exception):
    """What response.failure() wraps its argument in, if that is no exception."""


class MissingWaitTimeError(LocustError):
    """Neither a user nor its task set says how long to wait between tasks."""


class InterruptTaskSet(Exception):
    """Leaves the current task set.

    With reschedule, the parent goes on with its next task at once; otherwise it waits first.
    """

    def __init__(self, reschedule: bool = True):
        self.reschedule = reschedule


class StopTest(Exception):
    """Stops the test."""


class StopUser(Exception):
    """Stops the user that raises it."""


class RescheduleTask(Exception):
    """Ends the current task as if it had returned; the user waits, then goes on."""


class RescheduleTaskImmediately(Exception):
    """Ends the current task; the user goes on with the next one without waiting."""


class RPCError(Exception):
    """Master and worker cannot talk."""


class RPCSendError(Exception):
    """A message could not be sent."""


class RPCReceiveError(Exception):
    """A message that came in cannot be read; addr says from whom."""

    def __init__(self, *args, addr=None):
        super().__init__(*args)
        self.addr = addr


class RunnerAlreadyExistsError(Exception):
    """An Environment can have one runner only."""


def __getattr__(name):
    """Names of Locust 0.x."""
    from .legacy.names import old_name

    return old_name(__name__, name)
