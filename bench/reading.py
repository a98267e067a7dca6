"""Measure the length of pages in estimated tokens, whole and in part.

    .venv/bin/python -m bench.reading

Serve the demo world from a temporary folder and read it with a token of Alice.
"""

from __future__ import annotations

import json

from bench.load import NOTES, request, served

PARTS = ("", "?view=brief", "?actions=none", "?sections=text&actions=none")


def estimate(port: int, path: str, token: str) -> int:
    """Return a quarter of the document's characters, as `Content-Tokens-Estimate` does."""
    status, body = request(port, "GET", path, token)
    assert status == 200, path
    return -(-len(body.decode()) // 4)


def note_path(port: int, token: str, title: str) -> str:
    _, body = request(port, "GET", f"{NOTES}?limit=200", token)
    return str(next(note["path"] for note in json.loads(body) if note["title"] == title))


def main() -> None:
    with served() as (server, token):
        pages = ["/whoami", "/collectives/kitchen", "/collectives/kitchen/settings"]
        pages.append(note_path(server.port, token, "Welcome to the kitchen"))
        print("| page |", " | ".join(part or "whole" for part in PARTS), "|")
        print("|---" * (len(PARTS) + 1) + "|")
        for page in pages:
            costs = [str(estimate(server.port, page + part, token)) for part in PARTS]
            print(f"| `{page}` |", " | ".join(costs), "|")


if __name__ == "__main__":
    main()
