"""Fixtures and settings of all tests: database, static files, Hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.test import override_settings
from hypothesis import HealthCheck, settings
from whitenoise import WhiteNoise

from accounts.append_only import deletion_allowed

# No deadlines, because machines can be slow; derandomized, so that runs are repeatable.
settings.register_profile(
    "house", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

pytest_plugins = ["tests.fixtures.world", "tests.fixtures.surfaces", "tests.fixtures.performing"]


def pytest_report_header() -> str:
    return f"database: {connection.vendor}"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Give each run its own SQLite file, which its threads share."""
    if connection.vendor == "sqlite":
        path = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(path)


@pytest.fixture(scope="session", autouse=True)
def collected_static_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Collect the static files for this run, so that tests do not depend on `var/`."""
    with (
        override_settings(STATIC_ROOT=tmp_path_factory.mktemp("static")),
        pytest.MonkeyPatch.context() as patch,
    ):
        call_command("collectstatic", interactive=False, verbosity=0)
        patch.setattr(WhiteNoise, "update_files_dictionary", read_once())
        yield


def read_once() -> Callable[[WhiteNoise, str, str], None]:
    """Return a method of WhiteNoise that reads each folder once for all clients.

    Each client loads the middleware, which would take longer than its request.
    """
    plain = WhiteNoise.update_files_dictionary
    known: dict[tuple[str, str], dict[str, Any]] = {}

    def read(self: WhiteNoise, root: str, prefix: str) -> None:
        if (root, prefix) not in known:
            plain(self, root, prefix)
            known[root, prefix] = dict(self.files)
        self.files.update(known[root, prefix])

    return read


@pytest.fixture(scope="session", autouse=True)
def emptied_with_the_security_log() -> Iterator[None]:
    """Allow tests with real transactions to empty the database including the security log."""
    operations = type(connection.ops)
    plain = operations.execute_sql_flush

    def flush(self: BaseDatabaseOperations, sql_list: list[str]) -> None:
        with deletion_allowed():
            plain(self, sql_list)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "execute_sql_flush", flush)
        yield
