"""Chromium and the real server: gunicorn, with its own database and port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "harmonic-demo-password"
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()


@dataclass(frozen=True)
class Answer:
    status: int
    text: str


@dataclass(frozen=True)
class Server:
    port: int
    environment: Mapping[str, str] = field(default_factory=dict, compare=False)

    def url(self, path: str = "", tenant: str = "garden") -> str:
        host = f"{tenant}.localhost" if tenant else "localhost"
        return f"http://{host}:{self.port}{path}"

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Run background jobs, as the other half of `make run` does."""
        command = [sys.executable, "manage.py", "work"]
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(self.environment), stdout=subprocess.DEVNULL
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)

    def manage(self, *words: str) -> None:
        """Run a management command on the server's database."""
        command = [sys.executable, "manage.py", *words]
        subprocess.run(
            command, cwd=ROOT, env=dict(self.environment), check=True, capture_output=True
        )

    def get(self, path: str, token: str = "", tenant: str = "garden") -> Answer:
        """Send a request as a program does, without the browser."""
        headers = {"Host": f"{tenant}.localhost:{self.port}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urlopen(request, timeout=10) as response:
                return Answer(response.status, response.read().decode())
        except HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the demo world as `make run` does."""
    port = free_port()
    folder = tmp_path_factory.mktemp("var")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "HARMONIC_ENV": "local",
        "HARMONIC_VAR": str(folder),
        "HARMONIC_PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }
    python = sys.executable
    subprocess.run(
        [python, "manage.py", "prepare"], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    command = [python, "-m", "gunicorn", "--config", "python:harmonic.server.config"]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        served = Server(port, environment)
        wait_for(served, process)
        yield served
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended while it started"
        try:
            if server.get("/login").status == 200:
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the server did not answer within 30 seconds")


def chromium_path() -> str | None:
    names = (os.environ.get("HARMONIC_CHROMIUM", ""), "chromium", "chromium-browser")
    found = (shutil.which(name) for name in (*names, "google-chrome") if name)
    return next((path for path in found if path), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium; set HARMONIC_CHROMIUM")
    # Playwright runs an event loop, which Django takes for asynchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Visit:
    """A page of a browser, and the warnings and errors on its console."""

    page: Page
    server: Server
    # Status of the last page opened.
    status: int = 0
    console: list[str] = field(default_factory=list)

    def open(self, path: str, tenant: str = "garden") -> Page:
        response = self.page.goto(self.server.url(path, tenant))
        self.status = response.status if response else 0
        if "/reverify" in self.page.url and not path.startswith("/reverify"):
            self.page.get_by_label("Password").fill(PASSWORD)
            self.page.get_by_role("button", name="Confirm").click()
        return self.page

    def sign_in(self, email: str, tenant: str = "garden") -> None:
        self.page.goto(self.server.url("/login", tenant))
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.locator("main").get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(self.server.url("/", tenant))


Visitor = Callable[..., Visit]


@pytest.fixture(scope="session")
def visitor(server: Server, chromium: Browser) -> Iterator[Visitor]:
    """Return a function that opens a fresh browser profile: `visitor("alice", width=360)`."""
    contexts: list[BrowserContext] = []

    def visit(
        who: str = "",
        *,
        tenant: str = "garden",
        width: int = 1280,
        scheme: str = "light",
        script: bool = True,
        zone: str | None = None,
        touch: bool = False,
    ) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            has_touch=touch,
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
            timezone_id=zone,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        made = Visit(context.new_page(), server)
        made.page.on("console", lambda message: note(made, message.type, message.text))
        made.page.on("pageerror", lambda error: note(made, "error", str(error)))
        if who:
            made.sign_in(f"{who}@example.com", tenant)
        return made

    yield visit
    for context in contexts:
        context.close()


def note(visit: Visit, kind: str, text: str) -> None:
    if kind in {"error", "warning"}:
        visit.console.append(text)
