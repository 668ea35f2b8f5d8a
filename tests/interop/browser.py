"""A headless Chromium, spoken to through chromedriver by WebDriver over loopback, with nothing but the standard library."""
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

DRIVERS = ["chromedriver", "/usr/lib/chromium/chromedriver"]
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Backspace": "\ue003", "Left": "\ue012", "Up": "\ue013",
        "Right": "\ue014", "Down": "\ue015"}


def find(names):
    return next((path for path in map(shutil.which, names) if path), None)


class BrowserError(Exception):
    pass


class Browser:
    def __init__(self, width=1400, height=900, scale=1):
        self.driver_path, browser = find(DRIVERS), find(BROWSERS)
        if not self.driver_path or not browser:
            raise FileNotFoundError("no chromium or no chromedriver")
        self.folder = tempfile.mkdtemp(prefix="heaptap-browser-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.base = "http://127.0.0.1:%d" % port
        self.driver = subprocess.Popen([self.driver_path, "--port=%d" % port], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True)
        self.session = None
        try:
            self.wait_for_driver()
            arguments = ["--headless=new", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--mute-audio",
                         "--disable-background-networking", "--disable-component-update", "--disable-sync",
                         "--user-data-dir=" + self.folder, "--window-size=%d,%d" % (width, height),
                         "--force-device-scale-factor=%g" % scale]
            if os.geteuid() == 0:
                arguments.append("--no-sandbox")
            options = {"binary": browser, "args": arguments}
            wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                      "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
            answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}}, 60)
            self.session = "/session/" + answer["sessionId"]
            # What the browser's own first page still fetches is not what a test looks at.
            self.open("about:blank")
            self.log("performance")
        except BaseException:
            self.close()
            raise

    def wait_for_driver(self):
        for _ in range(200):
            try:
                if self.call("GET", "/status")["ready"]:
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
        raise BrowserError("chromedriver does not answer")

    def call(self, method, path, body=None, timeout=120):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=timeout) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise BrowserError(json.load(error)["value"]["message"]) from None

    def send(self, path, body=None):
        return self.call("POST", self.session + path, body or {})

    def open(self, url):
        self.send("/url", {"url": url})

    def run(self, script, *arguments):
        """The value that the body of a function of the page returns."""
        return self.send("/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, *arguments):
        """The value that the body of a function passes to its last argument, a callback."""
        return self.send("/execute/async", {"script": script, "args": list(arguments)})

    def frame(self):
        """Waits until what was asked for has been drawn."""
        self.wait("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(0)))")

    def devtools(self, command, **parameters):
        return self.send("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def log(self, kind):
        return self.send("/se/log", {"type": kind})

    def mouse(self, x, y, is_click=False):
        actions = [{"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)}]
        if is_click:
            actions += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self.send("/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]})

    def type(self, *keys):
        """Texts are typed; the names of KEYS are pressed."""
        actions = []
        for key in keys:
            for letter in KEYS.get(key) or key:
                actions += [{"type": "keyDown", "value": letter}, {"type": "keyUp", "value": letter}]
        self.send("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def size(self, width, height, scale=1):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                      mobile=False)

    def scheme(self, name):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def screenshot(self, path):
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.call("GET", self.session + "/screenshot")))

    def close(self):
        try:
            if self.session:
                self.call("DELETE", self.session, timeout=20)
        except (OSError, BrowserError):
            pass
        try:
            os.killpg(self.driver.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.driver.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
