"""The two sides of the comparison, each a process of its own with its own settings.

A side prepares its database, then answers each line `COUNT` on standard input with the
seconds that so many requests took, in process, through the whole WSGI application.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

TEXT = "Sharpen weekly.\n\nSee the rota.\n\n" + "A line of an ordinary note. " * 20
Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


def environ(host: str, path: str, authorization: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": host,
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": f"{host}:8000",
        "HTTP_ACCEPT": "application/json",
        "HTTP_AUTHORIZATION": authorization,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def request(application: Application, values: dict[str, Any]) -> tuple[str, bytes]:
    seen: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
        seen.append(status)

    answer = application({**values, "wsgi.input": io.BytesIO()}, start_response)
    body = b"".join(answer)
    answer.close()
    return seen[0], body


def harmonic() -> tuple[Application, dict[str, Any]]:
    """One REST read of a note with a Bearer token, through the whole access path."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "harmonic.settings"
    os.environ["HARMONIC_LOG_LEVEL"] = "ERROR"
    import django

    django.setup()
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    from collectives.notes.actions import create_note
    from harmonic import demo
    from harmonic.acting import access_as
    from harmonic.kernel.tenancy import tenant_bound
    from harmonic.management.commands.create_token import plaintext_for

    demo.build()
    access = access_as("garden", "alice", "kitchen", now=timezone.now())
    with tenant_bound(access.tenant.id):
        note = demo.do(create_note, access, None, {"title": "Read me", "text": TEXT}).object
    who = {"tenant": "garden", "user": "alice", "agent": None}
    token = plaintext_for(who, {"name": "bench", "read_write": "read"})
    path = f"/collectives/kitchen/api/v1/notes/{note.id}"
    return get_wsgi_application(), environ("garden.localhost", path, f"Bearer {token}")


def baseline() -> tuple[Application, dict[str, Any]]:
    """One row through a generic view, with REST framework's token authentication."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.baseline.settings"
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from rest_framework.authtoken.models import Token

    call_command("migrate", verbosity=0, run_syncdb=True)
    from bench.baseline.models import Note

    user = get_user_model().objects.create_user("alice")
    token = Token.objects.create(user=user)
    note = Note.objects.create(title="Read me", text=TEXT, created_by=user)
    path = f"/notes/{note.pk}/"
    return get_wsgi_application(), environ("localhost", path, f"Token {token.key}")


def serve(make: Callable[[], tuple[Application, dict[str, Any]]]) -> None:
    application, values = make()
    status, body = request(application, values)
    assert status.startswith("200"), (status, body)
    assert json.loads(body)["text"] == TEXT
    print("ready", flush=True)
    for line in sys.stdin:
        count = int(line)
        started = time.perf_counter()
        for _ in range(count):
            request(application, values)
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    serve({"harmonic": harmonic, "baseline": baseline}[sys.argv[1]])
