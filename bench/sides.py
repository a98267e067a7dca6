"""The sides of the comparisons, each in its own process with its own settings.

A side prepares its database. For each line `COUNT` on standard input, it runs that many requests
through the whole WSGI application and prints the seconds taken. With `COUNT again`, the requests
are conditional, with the `ETag` of the response.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

TEXT = "Sharpen weekly.\n\nSee the rota.\n\n" + "A line of an ordinary note. " * 20
FEED = 50
MANY_TOKENS = 100_000
Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


@dataclass
class Side:
    """One kind of request: the application, the WSGI environment and the expected status."""

    application: Application
    values: dict[str, Any]
    status: str = "200"
    before: Callable[[], None] = field(default=lambda: None)
    body: bytes = b""


def environ(host: str, path: str, **headers: str) -> dict[str, Any]:
    path, _, query = path.partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": f"{host}:8000",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }


def request(side: Side) -> tuple[str, dict[str, str], bytes]:
    seen: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
        seen.extend([status, dict(headers)])

    answer = side.application({**side.values, "wsgi.input": io.BytesIO(side.body)}, start_response)
    body = b"".join(answer)
    answer.close()
    return seen[0], seen[1], body


# --- Harmonic -------------------------------------------------------------------------------


class Demo:
    """The demo world with a note to read and a feed of 50 items."""

    host = "garden.localhost"

    def __init__(self, tokens: int = 0, scope: str = "read") -> None:
        os.environ["DJANGO_SETTINGS_MODULE"] = "harmonic.settings"
        os.environ["HARMONIC_LOG_LEVEL"] = "WARNING"
        import django

        django.setup()
        from django.core.management import call_command
        from django.core.wsgi import get_wsgi_application
        from django.utils import timezone

        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        from collectives.notes.actions import create_note
        from harmonic.access.access_as import access_as
        from harmonic.demo import seed
        from harmonic.kernel.database.tenancy import tenant_bound
        from harmonic.management.commands.create_token import issue_token

        seed.build()
        access = access_as("garden", "alice", "kitchen", now=timezone.now())
        with tenant_bound(access.tenant.id):
            for number in range(FEED):
                values = {"title": f"Read me {number}", "text": TEXT}
                self.note = seed.perform_action(create_note, access, None, values).object
        if tokens:
            call_command("seed_bulk", notes=0, tokens=tokens, collectives=1, stdout=io.StringIO())
        who = {"tenant": "garden", "user": "alice", "agent": None}
        self.token = issue_token(who, {"name": "bench", "read_write": scope})
        self.application = get_wsgi_application()
        self.user_id, self.tenant_id = access.user.user_id, access.tenant.id

    def by_token(self, path: str, **headers: str) -> Side:
        bearer = {"authorization": f"Bearer {self.token}", **headers}
        return Side(self.application, environ(self.host, path, **bearer))

    def by_session(self, path: str) -> Side:
        from django.conf import settings
        from django.contrib.sessions.backends.db import SessionStore
        from django.utils import timezone

        from harmonic.access import sessions

        session = SessionStore()
        sessions.start(session, self.user_id, self.tenant_id, timezone.now())
        session.save()
        cookie = f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
        return Side(self.application, environ(self.host, path, cookie=cookie, accept="text/html"))

    @property
    def rest_note(self) -> str:
        return f"/collectives/kitchen/api/v1/notes/{self.note.id}"

    @property
    def note_page(self) -> str:
        return f"/collectives/kitchen/n/{self.note.truncated_id}"


def nothing_new() -> Side:
    """Return the request for changes of the feed after the last one."""
    demo = Demo()
    from django.utils import timezone

    from collectives.items.models import Item

    Item.unscoped.update(last_activity_at=timezone.now() - timedelta(hours=1))
    _, _, body = request(demo.by_token(f"{FEED_PATH}.md"))
    cursor = body.decode().partition("\nnext_since: ")[2].partition("\n")[0]
    return demo.by_token(f"{FEED_PATH}.md?since={cursor}")


def without_conversions(side: Side) -> Side:
    from harmonic.kernel.rendering import markdown

    side.before = markdown._conversions._entries.clear
    return side


def again(side: Side) -> Side:
    """Return the same request with the `ETag` of its response."""
    _, headers, _ = request(side)
    return replace(
        side, values={**side.values, "HTTP_IF_NONE_MATCH": headers["ETag"]}, status="304"
    )


def mistyped(side: Side) -> Side:
    side.values["HTTP_AUTHORIZATION"] = "Bearer hmn_" + "0" * 42
    side.status = "401"
    return side


def unknown(side: Side) -> Side:
    from tokens import secret

    side.values["HTTP_AUTHORIZATION"] = f"Bearer {secret.new()}"
    side.status = "401"
    return side


FEED_PATH = "/collectives/kitchen"
REST_LIST = f"{FEED_PATH}/api/v1/notes?limit={FEED}"


def rest_note(tokens: int = 0) -> Side:
    made = Demo(tokens)
    return made.by_token(made.rest_note)


def rest_write() -> Side:
    return posting(Demo(scope="write").by_token(f"{FEED_PATH}/api/v1/notes"), {"text": TEXT})


def posting(side: Side, values: Any) -> Side:
    body = json.dumps(values).encode()
    sent = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    return replace(side, values={**side.values, "REQUEST_METHOD": "POST", **sent}, body=body)


def decided_once(side: Side) -> Side:
    """Skip the second access check in the transaction, which the product never does."""
    from harmonic.kernel import pipeline

    def first(action: Any, access: Any) -> Any:
        return replace(access, is_writing=True)

    pipeline._decided = first
    return side


def note_md() -> Side:
    made = Demo()
    return made.by_token(f"{made.note_page}.md")


def note_mcp() -> Side:
    """Return the call of the tool that reads the page of a note."""
    made = Demo()
    call = {"name": "fetch_page", "arguments": {"path": made.note_page}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    accept = "application/json, text/event-stream"
    return posting(made.by_token("/mcp", accept=accept), message)


def note_html() -> Side:
    made = Demo()
    return made.by_session(made.note_page)


# --- The others -----------------------------------------------------------------------------


def start_project() -> tuple[Application, Any, Any]:
    """Return the baseline application, its user and one row."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.baseline.settings"
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    # The table of notes refers to that of users, which is created first.
    call_command("migrate", verbosity=0)
    call_command("migrate", verbosity=0, run_syncdb=True)
    from bench.baseline.models import Note

    user = get_user_model().objects.create_user("alice")
    note = Note.objects.create(title="Read me", text=TEXT, created_by=user)
    return get_wsgi_application(), user, note


def token_authentication() -> Side:
    application, user, note = start_project()
    from rest_framework.authtoken.models import Token

    token = Token.objects.create(user=user)
    values = environ("localhost", f"/notes/{note.pk}/", authorization=f"Token {token.key}")
    return Side(application, values)


def knox() -> Side:
    application, user, note = start_project()
    from knox.models import AuthToken

    _, token = AuthToken.objects.create(user)
    values = environ("localhost", f"/knox/{note.pk}/", authorization=f"Token {token}")
    return Side(application, values)


def api_key() -> Side:
    application, _, note = start_project()
    from rest_framework_api_key.models import APIKey

    _, key = APIKey.objects.create_key(name="bench")
    values = environ("localhost", f"/api-key/{note.pk}/", authorization=f"Api-Key {key}")
    return Side(application, values)


SIDES: dict[str, Callable[[], Side]] = {
    "rest-note": rest_note,
    "rest-note-100k-tokens": lambda: rest_note(MANY_TOKENS),
    "rest-mistyped": lambda: mistyped(rest_note()),
    "rest-unknown": lambda: unknown(rest_note()),
    "rest-list": lambda: Demo().by_token(REST_LIST),
    "rest-write": rest_write,
    "rest-write-decided-once": lambda: decided_once(rest_write()),
    "note-md": note_md,
    "note-md-unconverted": lambda: without_conversions(note_md()),
    "note-html": note_html,
    "note-mcp": note_mcp,
    "feed-md": lambda: Demo().by_token(f"{FEED_PATH}.md"),
    "feed-md-nothing-new": nothing_new,
    "feed-md-unconverted": lambda: without_conversions(Demo().by_token(f"{FEED_PATH}.md")),
    "feed-html": lambda: Demo().by_session(FEED_PATH),
    "token-authentication": token_authentication,
    "knox": knox,
    "api-key": api_key,
}


def serve(side: Side) -> None:
    status, _, body = request(side)
    assert status.startswith(side.status), (status, body)
    if side.values["PATH_INFO"].startswith("/notes/"):
        assert json.loads(body)["text"] == TEXT
    print("ready", flush=True)
    for line in sys.stdin:
        count, *how = line.split()
        print(spent(again(side) if how else side, int(count)), flush=True)


def spent(side: Side, count: int) -> float:
    seconds = 0.0
    for _ in range(count):
        side.before()
        started = time.perf_counter()
        status, _, _ = request(side)
        seconds += time.perf_counter() - started
        assert status.startswith(side.status), status
    return seconds


if __name__ == "__main__":
    serve(SIDES[sys.argv[1]]())
