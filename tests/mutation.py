"""Pytest plugin for mutation tests, used by `bin/mutants.py` (`docs/mutants.md`).

Each mutant is tested in a process forked from one that has the test database in memory and has
imported all tests.
"""

from __future__ import annotations

import gc
import os
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import utils

if TYPE_CHECKING:
    from harmonic.kernel.database.prepared import Prepared

# Tests that read the source code or the defaults of a function, which are replaced here.
READS_SOURCES = frozenset(
    {
        "tests/access/test_isolation.py::test_only_known_modules_query_across_tenants",
        "tests/limits/test_lists.py::test_an_unpaginated_list_is_cut_with_a_next_link",
    }
)

# Number of cases to run for each test; 0 means all.
CASES = int(os.environ.get("MUTANTS_CASES", "0"))

_set_up = utils.setup_databases
_databases: list[Any] = []


def pytest_configure() -> None:
    """Use one database in memory for all runs of this process and its forks."""
    utils.setup_databases = _kept_databases
    utils.teardown_databases = lambda *args, **options: None


def _kept_databases(*args: Any, **options: Any) -> Any:
    if not _databases:
        connection.settings_dict["TEST"]["NAME"] = ":memory:"
        _databases.append(_set_up(*args, **options))
    return _databases[0]


# --- Prepared queries -----------------------------------------------------------------------

_prepared: list[Prepared[Any]] = []


def pytest_collection_finish(session: pytest.Session) -> None:
    from harmonic.kernel.database.prepared import Prepared

    prepared = [each for each in gc.get_objects() if issubclass(type(each), Prepared)]
    _prepared[:] = [each for each in prepared if hasattr(each._build, "__wrapped__")]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Compile mutated queries again for each test while it is recorded what tests call."""
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        _forget()


def _forget() -> None:
    """Forget the statements of mutated functions, which were compiled before a mutant's fork."""
    for each in _prepared:
        each._statement.cache_clear()


os.register_at_fork(after_in_child=_forget)


# --- Tests ----------------------------------------------------------------------------------


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests with real transactions: threads cannot share a database in memory.

    For tests with many cases, run `MUTANTS_CASES` of them.
    """
    # This imports models, so Django must be set up first.
    from tests.fixtures.world import is_transactional

    usable = [
        item for item in items if not is_transactional(item) and name_of(item) not in READS_SOURCES
    ]
    chosen = [case for _, cases in groupby(usable, name_of) for case in spread(list(cases))]
    left_out = set(items) - set(chosen)
    items[:] = chosen
    config.hook.pytest_deselected(items=list(left_out))


def name_of(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def spread(cases: list[pytest.Item]) -> list[pytest.Item]:
    """Return the cases to run, evenly spaced."""
    return cases[:: -(-len(cases) // CASES)] if CASES else cases
