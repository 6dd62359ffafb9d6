"""A real browser, and pages of others that are open in it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

PATIENCE_SECONDS = 120
NAMES = "MAP *.example 127.0.0.1"
"""Every name of this kind leads to this machine, as its owner may make it do."""

PAGE = """<!doctype html><title>other</title>
<script>
const target = TARGET, mutations = MUTATIONS, report = {};
const address = (name) => target + "?query=" + encodeURIComponent(mutations[name]);
const settled = (promise) => promise.then(() => true, () => false);
const loaded = (element) => new Promise((done) => {
  element.onload = element.onerror = () => done();
  document.documentElement.append(element);
});
const post = (name, type, more) => fetch(target, {
  method: "POST", headers: {"Content-Type": type},
  body: JSON.stringify({query: mutations[name]}), ...more,
});
async function submitted(name, method, enctype) {
  const frame = document.createElement("iframe"), form = document.createElement("form");
  frame.name = name;
  const value = document.createElement("input");
  value.name = "query";
  value.value = mutations[name];
  Object.assign(form, {method, enctype, target: name});
  form.action = method == "get" ? target : address(name);
  form.append(value);
  document.documentElement.append(form);
  const done = loaded(frame);
  form.submit();
  await done;
}
async function attack() {
  await loaded(Object.assign(document.createElement("img"), {src: address("image")}));
  await loaded(Object.assign(document.createElement("iframe"), {src: address("frame")}));
  await loaded(Object.assign(document.createElement("script"), {src: address("script")}));
  await settled(fetch(address("fetch"), {mode: "no-cors"}));
  report.answered = await settled(fetch(address("fetch answered")));
  await settled(fetch(address("text"), {
    method: "POST", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body: "x",
  }));
  await settled(post("types", "text/plain; application/json", {mode: "no-cors"}));
  report.json = await settled(post("json", "application/json", {}));
  navigator.sendBeacon(address("beacon"), "x");
  await submitted("form by get", "get", "application/x-www-form-urlencoded");
  await submitted("form", "post", "text/plain");
  report.socket = await new Promise((done) => {
    const socket = new WebSocket(target.replace("http", "ws"), "graphql-ws");
    socket.onopen = () => done(true);
    socket.onerror = () => done(false);
  });
  await fetch("/report", {method: "POST", body: JSON.stringify(report)});
}
window.onload = attack;
</script>
"""

ATTACKS = (
    *("image", "frame", "script", "fetch", "fetch answered", "text", "types", "json", "beacon"),
    *("form by get", "form"),
)


def require_browser() -> str:
    """The browser's program; a test that needs one is skipped where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("there is no browser here: apt-get install chromium")


@contextlib.contextmanager
def _browser(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            *(require_browser(), "--headless=new", "--no-sandbox", "--disable-gpu"),
            *("--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={profile}"),
            *(f"--host-resolver-rules={NAMES}", *arguments),
        ]
        browser = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        try:
            yield browser
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(browser.pid, signal.SIGKILL)
            browser.communicate()


def shown(address: str, seconds: int = 30) -> str:
    """What a page consists of once it has had so long, by its own clock, to load."""
    with _browser(f"--virtual-time-budget={seconds * 1000}", "--dump-dom", address) as browser:
        return browser.communicate(timeout=PATIENCE_SECONDS)[0]


def visited(host: str, target: str, mutations: dict[str, str]) -> dict[str, bool]:
    """Visit a page of `host` that tries each mutation on `target`; what the page got to see."""
    reports: queue.Queue[dict[str, bool]] = queue.Queue()
    page = PAGE.replace("TARGET", json.dumps(target)).replace("MUTATIONS", json.dumps(mutations))

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(page.encode())

        def do_POST(self) -> None:
            reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with _browser(f"http://{host}:{other.server_port}/"):
            report = reports.get(timeout=PATIENCE_SECONDS)
        other.shutdown()
    return report
