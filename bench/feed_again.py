"""What reading a feed of fifty items costs as Markdown: the first time, and again with its tag.

    .venv/bin/python -m bench.feed_again [REQUESTS]

In process, on SQLite, with the demo world and sixty notes more. The parts are measured
within the full answer.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

TEXT = "Sharpen weekly.\n\nSee the rota.\n\n" + "A line of an ordinary note. " * 20
PATH = "/collectives/kitchen.md"


def prepared() -> Any:
    """Return the client of a member of a collective with many notes."""
    folder = tempfile.mkdtemp()
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "harmonic.settings",
        "HARMONIC_VAR": folder,
        "HARMONIC_LOG_LEVEL": "ERROR",
    }
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from collectives.feed import pages
    from harmonic import demo
    from tests.fixtures.world import make_token

    call_command("migrate", verbosity=0)
    demo.build()
    vars(pages)["MARKDOWN_PAGE"] = 50
    headers = {"host": "garden.localhost", "authorization": f"Bearer {make_token('alice')}"}
    client = Client(headers=headers)
    for number in range(60):
        values = {"title": f"Note {number}", "text": TEXT}
        client.post("/collectives/kitchen/note/actions/create_note", values)
    return client


def timed(spent: list[float], function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        answer = function(*args, **kwargs)
        spent.append(time.perf_counter() - start)
        return answer

    return run


def milliseconds(spent: list[float]) -> float:
    return statistics.median(spent) * 1e3


def main(count: int = 100) -> None:
    client = prepared()
    from harmonic.kernel import documents
    from harmonic.kernel.pages import registered

    page = registered()["collectives.show"]
    shown: list[float] = []
    rendered: list[float] = []
    object.__setattr__(page, "show", timed(shown, page.show))
    documents.markdown_of = timed(rendered, documents.markdown_of)
    full: list[float] = []
    again: list[float] = []
    first = timed(full, client.get)(PATH)
    tag = {"if-none-match": first["ETag"]}
    for _ in range(count):
        assert timed(full, client.get)(PATH).status_code == 200
        timed(again, client.get)(PATH, headers=tag)
    print(f"{count} requests of each kind, in process, SQLite, medians")
    print(f"the full answer    {milliseconds(full):5.1f} ms, {len(first.content)} bytes")
    print(f"  its queries      {milliseconds(shown):5.1f} ms")
    print(f"  its Markdown     {milliseconds(rendered):5.1f} ms")
    print(f"304 by its tag     {milliseconds(again):5.1f} ms, 0 bytes")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
