"""How long one REST read of a note takes, against REST framework's own token check.

    .venv/bin/python -m bench.rest_read [PAIRS] [REQUESTS]

Both sides run in process, in turn, on SQLite with the same settings. What counts is the
median of the ratios pair by pair: the machine's speed drifts, the pairs share it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


class Side:
    """One side's process."""

    def __init__(self, name: str, folder: Path) -> None:
        settings = {"HARMONIC_VAR": str(folder / name), "BENCH_DATABASE": str(folder / "base.db")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.sides", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **settings},
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def seconds(self, count: int) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return float(self._line())

    def stop(self) -> None:
        self.process.communicate()


def main(pairs: int = 15, count: int = 300) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sides = [Side(name, Path(folder)) for name in ("harmonic", "baseline")]
        for side in sides:
            side.seconds(count)
        rows = [tuple(side.seconds(count) / count for side in sides) for _ in range(pairs)]
        for side in sides:
            side.stop()
    ours, theirs = (statistics.median(column) * 1e6 for column in zip(*rows, strict=True))
    ratios = sorted(mine / other for mine, other in rows)
    print(f"{pairs} pairs of {count} requests, in process, SQLite")
    print(f"Harmonic, a note by Bearer token         {ours:7.0f} µs (median)")
    print(f"REST framework, TokenAuthentication      {theirs:7.0f} µs (median)")
    median = statistics.median(ratios)
    print(f"ratio {median:.2f} (median of pairs; {ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
