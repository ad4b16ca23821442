"""OS threads: those of threading are green once locust has been imported."""

import time

import _locust_coop


class RealThread:
    """As threading.Thread, on an OS thread of its own."""

    def __init__(self, target):
        self.target = target
        self.ended = False

    def _run(self):
        try:
            self.target()
        finally:
            self.ended = True

    def start(self):
        """Begins."""
        _locust_coop.original("_thread", "start_new_thread")(self._run, ())

    def is_alive(self):
        """Whether it runs."""
        return not self.ended

    def join(self, seconds=60):
        """Waits for the end, while the green threads run."""
        end = time.monotonic() + seconds
        while not self.ended:
            assert time.monotonic() < end, "it hangs"
            time.sleep(0.001)


def elsewhere(function):
    """Calls it in another OS thread; what it raised there, if not its result."""
    results = []

    def call():
        try:
            results.append(function())
        except BaseException as error:
            results.append(error)

    thread = RealThread(target=call)
    thread.start()
    thread.join()
    return results[0]
