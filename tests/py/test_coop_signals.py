"""Signals while the main green thread waits in the standard library."""

import subprocess
import sys

INTERRUPTED = """
import os, queue, select, socket, subprocess, threading
import locust
from _locust import Greenlet

lock, again = threading.Lock(), threading.RLock()
lock.acquire()
Greenlet.spawn(again.acquire).join()
one, other = socket.socketpair()
waits = {
    "lock": lock.acquire, "rlock": again.acquire, "recv": lambda: one.recv(1), "queue": queue.SimpleQueue().get,
    "event": threading.Event().wait, "select": lambda: select.select([one], [], []),
    "child": subprocess.Popen(["sleep", "1000"]).wait, "accept": socket.create_server(("127.0.0.1", 0)).accept,
}
for name, wait in waits.items():
    killer = subprocess.Popen(f"sleep 0.1; kill -INT {os.getpid()}", shell=True)
    try:
        wait()
    except KeyboardInterrupt:
        print(name, flush=True)
    killer.wait()
waits["child"].__self__.kill()
"""

HANDLED = """
import asyncio, os, signal, subprocess
import locust

async def main():
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, came.set)
    killer = await asyncio.create_subprocess_shell(f"sleep 0.1; kill -USR1 {os.getpid()}")
    await asyncio.wait_for(came.wait(), 80)
    return await killer.wait()

print(asyncio.run(main()), asyncio.run(main()))
"""


def printed(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_ctrl_c_reaches_every_wait():
    assert printed(INTERRUPTED) == ["lock", "rlock", "recv", "queue", "event", "select", "child", "accept"]


def test_handlers_of_asyncio():
    assert printed(HANDLED) == ["0", "0"]
