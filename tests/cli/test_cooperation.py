"""The program with users who wait in the standard library, and in libraries over it."""

import signal
import time

LOCUSTFILE = """
import asyncio, http.server, queue, socket, subprocess, threading, time
import requests
from locust import User, constant, events, task

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.2)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *args):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 200

server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
lock = threading.Lock()
done = []

async def pause():
    await asyncio.sleep(0.2)

class Everything(User):
    wait_time = constant(0)

    @task
    def wait_everywhere(self):
        assert requests.get(url).text == "ok"
        assert subprocess.check_output(["sh", "-c", "sleep 0.2; echo out"]) == b"out\\n"
        threading.Event().wait(0.2)
        asyncio.run(pause())
        thread = threading.Thread(target=time.sleep, args=(0.2,))
        thread.start()
        thread.join()
        with lock:
            time.sleep(0.001)
        done.append(self)
        time.sleep(1000)

@events.test_start.add_listener
def watch(environment, **kwargs):
    def quit_when_done():
        began = time.monotonic()
        while len(done) < 50:
            time.sleep(0.01)
        print("all of them within the time of ten:", time.monotonic() - began < 10, flush=True)
        environment.runner.quit()
    threading.Thread(target=quit_when_done, daemon=True).start()
"""

WAITING = """
import queue, select, socket, subprocess, threading
from locust import User, constant

held = threading.Lock()
held.acquire()
one, other = socket.socketpair()
listener = socket.create_server(("127.0.0.1", 0))
child = subprocess.Popen(["sleep", "1000"], stdout=subprocess.PIPE)

class Waiter(User):
    abstract = True
    wait_time = constant(0)
    fixed_count = 1

    def on_stop(self):
        print("stopped", type(self).__name__, flush=True)

for name, function in {
    "Lock": held.acquire, "Queue": queue.Queue().get, "Simple": queue.SimpleQueue().get, "Event": threading.Event().wait,
    "Receive": lambda: one.recv(1), "Accept": listener.accept, "Select": lambda: select.select([one], [], []),
    "Child": child.wait, "Pipe": child.stdout.read, "Condition": lambda: condition(),
}.items():
    cls = type(name, (Waiter,), {"abstract": False, "tasks": [lambda self, function=function: (print("begun", flush=True), function())]})
    globals()[name] = cls
del cls

def condition():
    with (c := threading.Condition()):
        c.wait()
"""


def test_users_wait_side_by_side(run):
    r = run("--headless", "-u", "50", "-r", "50", "--only-summary", locustfile=LOCUSTFILE, timeout=100)
    assert (r.code, r.out) == (0, "all of them within the time of ten: True\n"), r


def test_a_stop_reaches_users_wherever_they_wait(start):
    program = start("--headless", "-u", "10", "-r", "10", "--only-summary", locustfile=WAITING)
    for _ in range(1000):
        if program.out.read_text().count("begun") == 10:
            break
        time.sleep(0.02)
    program.send(signal.SIGTERM)
    r = program.finish()
    assert r.code == 0 and r.out.count("begun") == 10, r
    names = sorted(line.split()[1] for line in r.out.splitlines() if line.startswith("stopped"))
    assert names == sorted("Lock Queue Simple Event Receive Accept Select Child Pipe Condition".split()), r
