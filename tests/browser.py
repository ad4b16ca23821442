"""A headless Chromium for tests, driven over WebDriver, with nothing but the standard library.

    with Browser() as browser:
        browser.open(path.as_uri())
        browser.run("return document.title")

What the page wrote to the console and which addresses it asked for is kept by the browser: console(), requests().
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from serving import plain_environment, read_line

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
CHROMEDRIVER = os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver")
MISSING = None if CHROMIUM and CHROMEDRIVER else (
    "no Chromium with its WebDriver here (Debian: chromium, chromium-driver; or set CHROMIUM and CHROMEDRIVER)"
)

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
START_TIMEOUT = 60
ANSWER_TIMEOUT = 120


class Browser:
    """A browser with an empty profile, as a context manager."""

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        self.driver = subprocess.Popen(
            [CHROMEDRIVER, "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**plain_environment(), "HOME": self.profile},
        )
        try:
            self.url = f"http://127.0.0.1:{self._port()}"
            self._open_session()
        except BaseException:
            self._end()
            raise
        return self

    def _port(self):
        """chromedriver says on which port it listens."""
        deadline = time.monotonic() + START_TIMEOUT
        while line := read_line(self.driver.stdout, deadline):
            if "successfully" in line:
                return int(line.rstrip(". \n").split()[-1])
        raise RuntimeError("chromedriver did not start")

    def _open_session(self):
        options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={self.profile}/data"]}
        capabilities = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self.url += f"/session/{answer['sessionId']}"

    def __exit__(self, *_):
        try:
            self._call("DELETE", "")
        finally:
            self._end()

    def _end(self):
        self.driver.terminate()
        try:
            self.driver.wait(20)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()
        self.driver.stdout.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _call(self, method, path, body=None):
        data = None if method == "DELETE" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as e:
            raise RuntimeError(f"{method} {path}: {e.read().decode()[:500]}") from e

    # --- What tests do.

    def open(self, url):
        """Opens an address and waits until it is loaded."""
        self._call("POST", "/url", {"url": url})

    def run(self, script, *args):
        """Runs the body of a function in JavaScript, and gives what it returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def wait(self, script, timeout=20):
        """Runs it until it returns something true, and gives that."""
        deadline = time.monotonic() + timeout
        while not (result := self.run(script)):
            assert time.monotonic() < deadline, f"still not true: {script}"
            time.sleep(0.05)
        return result

    def actions(self, sources):
        """Performs input actions, as the WebDriver standard describes them."""
        self._call("POST", "/actions", {"actions": sources})

    def command(self, name, **params):
        """Sends a command of the DevTools protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": name, "params": params})

    def size(self, width, height=900, mobile=False):
        """Sets the size of the window, in CSS pixels."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile
        )

    def prefer(self, scheme):
        """Makes the reader's system light or dark."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def screenshot(self, whole=False):
        """A picture of the window, or of the whole page, as PNG."""
        return base64.b64decode(
            self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        )

    def pdf(self):
        """The page as it is printed."""
        return base64.b64decode(self.command("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])

    def console(self):
        """What was written to the console since it was last asked, as (level, text)."""
        return [(entry["level"], entry["message"]) for entry in self._call("POST", "/se/log", {"type": "browser"})]

    def requests(self):
        """The addresses that were asked for since that was last asked, without those of the browser's own pages."""
        entries = self._call("POST", "/se/log", {"type": "performance"})
        events = [json.loads(entry["message"])["message"] for entry in entries]
        urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith("chrome://")]
