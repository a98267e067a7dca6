"""A pytest session that tests mutants in forks, used by `bin/mutants.py`.

Tests are collected and session fixtures are set up only once. A separate run of pytest for each
mutant would spend more time on startup than on tests.
"""

from __future__ import annotations

import contextlib
import gc
import json
import math
import os
import resource
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any

import pytest
from _pytest.config import _prepareconfig
from _pytest.main import Session
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

OPTIONS = ["--rootdir=.", "--tb=no", "-q", "-s"]
OPTIONS += ["-p", "tests.mutation", "-p", "no:randomly", "-p", "no:cacheprovider"]
# The number of tests to run on each mutant, or 0 for all.
TESTS = int(os.environ.get("MUTANTS_TESTS", "0"))
# The CPU time of each test of a mutant. A mutant that exceeds it in one test has timed out.
CPU_SECONDS = 30
# Exit codes, as mutmut stores them.
SURVIVED, KILLED, NO_TESTS, SUSPICIOUS, TIMEOUT = 0, 1, 33, 35, 36
OUT_OF_TIME = -24  # SIGXCPU
# The file in which a fork stores the name of the test that killed its mutant, or an exception.
KILLER, ERRORS = Path("killer.txt"), Path("errors.txt")
# One line per test: its name, whether it passes without a mutant, and the functions it calls.
CALLS = Path("calls.jsonl")


class Failures:
    """Pytest plugin that counts failures."""

    count = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.count += report.failed


class MutantSession:
    """A pytest session in the current directory, which contains mutated copies of modules."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._failures = Failures()
        # How many mutants each test killed, by mutated function.
        self._killers: dict[str, Counter[str]] = defaultdict(Counter)
        # Whether a test passes in a fork without a mutant. Tests that fail there are ignored.
        self._passes: dict[str, bool] = {}
        # The tests that call each function.
        self._callers: dict[str, list[str]] = defaultdict(list)
        self._silence = Path(os.devnull).open("w")  # noqa: SIM115 — the forks write to it, too
        set_mutant_under_test("")
        with contextlib.redirect_stdout(self._silence):
            config: Any = _prepareconfig(
                [*OPTIONS, "-p", "tests.mutation", *tests], [self._failures]
            )
            config._do_configure()
            self._session: Any = Session.from_config(config)
            config.hook.pytest_sessionstart(session=self._session)
            config.hook.pytest_collection(session=self._session)
            self._items = {item.nodeid: item for item in self._session.items}
            # Sets up the session's fixtures.
            first = self._session.items[0]
            config.hook.pytest_runtest_protocol(item=first, nextitem=first)
        if self._failures.count:
            raise RuntimeError(f"{first.nodeid} fails without a mutant.")
        # Exempt existing objects from garbage collection, so that forks keep sharing them.
        gc.collect()
        gc.freeze()
        self._record_calls()

    def _record_calls(self) -> None:
        """Read which tests call each function, after running the tests missing from `CALLS`."""
        known = set(read_calls())
        if new := [item for test, item in self._items.items() if test not in known]:
            pid = os.fork()
            if pid == 0:
                self._write_calls(new)
                os._exit(0)
            os.waitpid(pid, 0)
        for test, (is_passing, functions) in read_calls().items():
            if test in self._items and is_passing:
                for function in functions:
                    self._callers[function].append(test)

    def _write_calls(self, items: list[pytest.Item]) -> None:
        self._begin_fork("stats")
        self._session._setupstate.teardown_exact(items[0])
        for item, following in zip(items, [*items[1:], None], strict=True):
            self._failures.count = 0
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following or item)
            with CALLS.open("a") as calls:
                found = sorted(state()._stats)
                calls.write(json.dumps([item.nodeid, not self._failures.count, found]) + "\n")
            state()._stats.clear()

    def test(self, mutant: str) -> tuple[int, str]:
        """Test a mutant. Return mutmut's exit code and the name of the test that killed it.

        A test that also fails without a mutant does not count.
        """
        function = mutant.rpartition("__mutmut_")[0]
        while True:
            tests = list(islice(self._in_order(function), TESTS or None))
            if not tests:
                return NO_TESTS, ""
            code, killer = self._in_fork(mutant, tests)
            if code != KILLED or self._is_passing(killer):
                self._killers[function].update([killer] if killer else [])
                return code, killer

    def _is_passing(self, test: str) -> bool:
        if test not in self._passes:
            self._passes[test] = self._in_fork("", [test])[0] == SURVIVED
        return self._passes[test]

    def _in_order(self, function: str) -> Iterator[str]:
        """Yield tests of a function: those with the most kills, then one of each file in turn."""
        ranked = [test for test, _ in self._killers[function].most_common()]
        files: dict[str, list[str]] = defaultdict(list)
        for test in self._callers[function]:
            if test not in ranked:
                files[test.partition("::")[0]].append(test)
        in_turn = chain.from_iterable(zip_longest(*files.values()))
        return (test for test in chain(ranked, in_turn) if test and self._passes.get(test, True))

    def _in_fork(self, mutant: str, tests: Sequence[str]) -> tuple[int, str]:
        KILLER.unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            os._exit(self._run(mutant, tests))
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        killer = KILLER.read_text() if code == KILLED else ""
        return (TIMEOUT if code == OUT_OF_TIME else code), killer

    def _run(self, mutant: str, tests: Sequence[str]) -> int:
        """Run tests in a fork until one fails, and return the exit code."""
        self._begin_fork(mutant)
        items = [self._items[test] for test in tests]
        try:
            self._session._setupstate.teardown_exact(items[0])
            for item, following in zip(items, [*items[1:], None], strict=True):
                limit_cpu_time()
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following or item)
                if self._failures.count:
                    KILLER.write_text(item.nodeid)
                    return KILLED
        except Exception:
            ERRORS.write_text(f"{mutant}\n{traceback.format_exc()}")
            return SUSPICIOUS
        return SURVIVED

    def _begin_fork(self, mutant: str) -> None:
        gc.disable()
        for stream in (1, 2):
            os.dup2(self._silence.fileno(), stream)
        set_mutant_under_test(mutant)


def limit_cpu_time() -> None:
    """Limit the CPU time of this process until the next test.

    A limit of all tests together would count a mutant that survives many of them as timed out.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = math.ceil(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + CPU_SECONDS, hard))


def read_calls() -> dict[str, tuple[bool, list[str]]]:
    lines = CALLS.read_text().splitlines() if CALLS.exists() else []
    return {test: (is_passing, functions) for test, is_passing, functions in map(json.loads, lines)}
