"""Compare the cost of requests pair by pair with the promised ratios.

    .venv/bin/pip install django-rest-knox djangorestframework-api-key     (once)
    .venv/bin/python -m bench.speed [PAIRS] [REQUESTS] [--postgres]

The two sides of a comparison alternate, on SQLite with the same settings, or each with its own
database on a temporary PostgreSQL server. The result is the median of the ratios of all pairs,
because both sides of a pair are affected equally by changes in the machine's speed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import uuid
from contextlib import nullcontext
from pathlib import Path

import psycopg

from tests import postgres

PROMISES = (
    ("rest-note", "token-authentication", 0.9),
    ("rest-write", "rest-write-decided-once", 1.2),
    ("rest-note", "knox", 1.0),
    ("rest-note", "api-key", 1.0),
    ("rest-note-100k-tokens", "rest-note", 1.05),
    ("rest-mistyped", "rest-unknown", 1.0),
    ("rest-list-again", "rest-list", 0.75),
    ("note-md", "note-html", 1.2),
    ("note-md-unconverted", "note-html", 2.0),
    ("note-mcp", "note-md", 1.2),
    ("note-md-again", "note-md", 1.0),
    ("feed-md-again", "feed-md", 1.0),
    ("feed-md-nothing-new", "feed-md", 0.34),
    ("feed-md", "feed-html", 1.5),
    ("feed-md-unconverted", "feed-html", 5.0),
)
AGAIN = "-again"


class Process:
    """The process of one side."""

    def __init__(self, name: str, folder: Path, server: str) -> None:
        url = new_database(server) if server else f"sqlite:///{folder / name}.sqlite3"
        settings = {"HARMONIC_VAR": str(folder / name), "DATABASE_URL": url}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "bench.sides", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **settings},
        )
        assert self._line() == "ready", name
        if server:
            with psycopg.connect(url, autocommit=True) as connection:
                # Autovacuum does this later; the planner needs the statistics now.
                connection.execute("ANALYZE")

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def seconds(self, count: int, how: str = "") -> float:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{count} {how}\n")
        self.process.stdin.flush()
        return float(self._line()) / count

    def stop(self) -> None:
        self.process.communicate()


def new_database(server: str) -> str:
    """Create an empty database on a PostgreSQL server, and return its URL."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return server.rpartition("/")[0] + f"/{name}"


def compare(
    first: str, second: str, pairs: int, count: int, server: str
) -> tuple[float, float, list[float]]:
    """Return both medians in microseconds, and the sorted ratios of the pairs.

    Conditional requests alternate with unconditional ones in one process, because the difference
    between two processes can be larger than the savings.
    """
    with tempfile.TemporaryDirectory() as folder:
        names = [second] if first == f"{second}{AGAIN}" else [first, second]
        processes = [Process(name, Path(folder), server) for name in names]
        if len(names) == 1:
            pairs, count = pairs * count, 1
        sides = [(processes[0], "again" if len(names) == 1 else ""), (processes[-1], "")]
        for process, how in sides:
            process.seconds(count, how)
        rows = [tuple(process.seconds(count, how) for process, how in sides) for _ in range(pairs)]
        for process in processes:
            process.stop()
    ours, theirs = (statistics.median(column) * 1e6 for column in zip(*rows, strict=True))
    return ours, theirs, sorted(mine / other for mine, other in rows)


def table(pairs: int, count: int, server: str) -> None:
    where = "PostgreSQL" if server else "SQLite"
    print(f"{pairs} pairs of {count} requests each, in process, {where}; microseconds, medians\n")
    print("| request | compared with | µs | µs | ratio (min to max) | promised | met |")
    print("|---|---|---|---|---|---|---|")
    for first, second, promised in PROMISES:
        ours, theirs, ratios = compare(first, second, pairs, count, server)
        ratio = statistics.median(ratios)
        spread = f"{ratio:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        met = "yes" if ratio <= promised else "no"
        row = (first, second, f"{ours:.0f}", f"{theirs:.0f}", spread, f"≤ {promised}", met)
        print(f"| {' | '.join(row)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=int, nargs="?", default=9)
    parser.add_argument("requests", type=int, nargs="?", default=60)
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    with postgres.server() if options.postgres else nullcontext("") as server:
        table(options.pairs, options.requests, server)


if __name__ == "__main__":
    main()
