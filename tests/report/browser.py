#!/usr/bin/env python3
"""Opens a page in headless Chromium, runs a script in it, and fails when the page misbehaves.

browser.py FILE.html [--script EXPRESSION.js] [--screenshot OUT.png] [--full-page] [--width W] [--height H] [--scale S]
           [--dark] [--print OUT.pdf]

The script is one expression, a promise is awaited; its value is printed as JSON. Exit status 1, with messages on
stderr, when the page logged an error, threw, or requested anything but itself and data: URIs; 77 without Chromium.
Chromium is spoken to in the DevTools protocol over a pipe (https://chromedevtools.github.io/devtools-protocol/).
"""

import argparse
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
DEADLINE_SECONDS = 50


class Browser:
    """A Chromium process with one page."""

    def __init__(self, program, profile, deadline):
        self.deadline = deadline
        to_browser_read, self.to_browser = os.pipe()
        self.from_browser, from_browser_write = os.pipe()

        def place_pipes():  # the protocol is spoken on descriptors 3 and 4
            read, write = os.dup(to_browser_read), os.dup(from_browser_write)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--host-resolver-rules=MAP * ~NOTFOUND", "--hide-scrollbars", "--force-color-profile=srgb",
             f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            close_fds=False, preexec_fn=place_pipes, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_browser_read)
        os.close(from_browser_write)
        self.received = b""
        self.number = 0
        self.session = None
        self.events = []

    def read_message(self):
        while b"\0" not in self.received:
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([self.from_browser], [], [], left)[0]:
                raise TimeoutError(f"the browser did not answer within {DEADLINE_SECONDS} s")
            part = os.read(self.from_browser, 1 << 20)
            if not part:
                raise ConnectionError("the browser ended")
            self.received += part
        message, self.received = self.received.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read_message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, event):
        while not any(message.get("method") == event for message in self.events):
            self.events.append(self.read_message())

    def open(self, url, options):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=options.width, height=options.height,
                  deviceScaleFactor=options.scale, mobile=options.width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if options.dark else "light"}])
        self.call("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def evaluate(self, expression):
        """The expression's value; raises what it threw."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError("the script threw: " + description(result["exceptionDetails"]))
        return result["result"].get("value")

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(5)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()


def description(exception):
    return exception.get("exception", {}).get("description") or exception.get("text", "unknown")


def faults(events, url):
    """What the page did that a report must not do."""
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            yield "exception: " + description(parameters["exceptionDetails"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "assert", "warning"):
            yield "console: " + " ".join(str(a.get("value", a.get("description"))) for a in parameters["args"])
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            yield "log: " + parameters["entry"]["text"]
        elif method == "Network.requestWillBeSent":
            requested = parameters["request"]["url"]
            if requested.split("#")[0] != url and not requested.startswith("data:"):
                yield "request: " + requested


def run(options, browser):
    url = pathlib.Path(options.page).resolve().as_uri()
    browser.open(url, options)
    value = browser.evaluate(pathlib.Path(options.script).read_text(encoding="utf-8")) if options.script else None
    if options.screenshot:
        picture = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=options.full_page)
        pathlib.Path(options.screenshot).write_bytes(base64.b64decode(picture["data"]))
    if options.print:
        document = browser.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        pathlib.Path(options.print).write_bytes(base64.b64decode(document["data"]))
    browser.evaluate("1")  # what the page has logged until now has arrived with the answer
    print(json.dumps(value))
    found = list(faults(browser.events, url))
    for fault in found:
        print("browser.py: " + fault, file=sys.stderr)
    return 1 if found else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("page")
    parser.add_argument("--script")
    parser.add_argument("--screenshot")
    parser.add_argument("--print")
    parser.add_argument("--full-page", action="store_true")
    parser.add_argument("--width", type=int, default=1400)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    program = shutil.which("chromium")
    if program is None:
        print("browser.py: there is no chromium", file=sys.stderr)
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="twintrack-browser-", ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile, time.monotonic() + DEADLINE_SECONDS)
        try:
            return run(options, browser)
        except (OSError, RuntimeError) as error:
            print(f"browser.py: {error}", file=sys.stderr)
            return 1
        finally:
            browser.close()


if __name__ == "__main__":
    sys.exit(main())
