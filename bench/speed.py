"""What requests cost, pair by pair, against what was promised of them.

    .venv/bin/pip install django-rest-knox djangorestframework-api-key     (once)
    .venv/bin/python -m bench.speed [PAIRS] [REQUESTS]

The two sides of a line run in process, in turn, on SQLite with the same settings. What counts
is the median of the ratios pair by pair: the machine's speed drifts, the pairs share it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROMISES = (
    ("rest-note", "token-authentication", 1.0),
    ("rest-note", "knox", 1.0),
    ("rest-note", "api-key", 1.0),
    ("rest-note-100k-tokens", "rest-note", 1.05),
    ("rest-mistyped", "rest-unknown", 1.0),
    ("rest-list-again", "rest-list", 0.5),
    ("note-md", "note-html", 1.2),
    ("note-md-unconverted", "note-html", 2.0),
    ("note-md-again", "note-md", 1.0),
    ("feed-md", "feed-html", 1.5),
    ("feed-md-unconverted", "feed-html", 5.0),
)


class Process:
    """One side's process."""

    def __init__(self, name: str, folder: Path) -> None:
        settings = {
            "HARMONIC_VAR": str(folder / name),
            "BENCH_DATABASE": str(folder / f"{name}.sqlite3"),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "bench.sides", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **settings},
        )
        assert self._line() == "ready", name

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def seconds(self, count: int) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return float(self._line()) / count

    def stop(self) -> None:
        self.process.communicate()


def compare(first: str, second: str, pairs: int, count: int) -> tuple[float, float, list[float]]:
    """Return both medians in microseconds, and the sorted ratios of the pairs."""
    with tempfile.TemporaryDirectory() as folder:
        sides = [Process(name, Path(folder)) for name in (first, second)]
        for side in sides:
            side.seconds(count)
        rows = [tuple(side.seconds(count) for side in sides) for _ in range(pairs)]
        for side in sides:
            side.stop()
    ours, theirs = (statistics.median(column) * 1e6 for column in zip(*rows, strict=True))
    return ours, theirs, sorted(mine / other for mine, other in rows)


def main(pairs: int = 9, count: int = 60) -> None:
    print(f"{pairs} pairs of {count} requests each, in process, SQLite; microseconds, medians\n")
    print("| this | against | µs | µs | ratio (least to most) | promised | kept |")
    print("|---|---|---|---|---|---|---|")
    for first, second, promised in PROMISES:
        ours, theirs, ratios = compare(first, second, pairs, count)
        ratio = statistics.median(ratios)
        spread = f"{ratio:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        kept = "yes" if ratio <= promised else "no"
        row = (first, second, f"{ours:.0f}", f"{theirs:.0f}", spread, f"≤ {promised}", kept)
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
