"""What every test stands on: the database, and the people of the demo world."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from django.db import connection

if find_spec("tests.fixtures") and find_spec("tests.fixtures.world"):
    pytest_plugins = ["tests.fixtures.world"]


def pytest_report_header() -> str:
    return f"database: {connection.vendor}"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Give each run its own SQLite file: runs side by side do not meet, threads of one do."""
    if connection.vendor == "sqlite":
        path = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(path)
