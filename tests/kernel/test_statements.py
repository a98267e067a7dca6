"""Statements with parameters: both databases accept the same text."""

from __future__ import annotations

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("value", [1, 2])
def test_a_doubled_percent_sign_is_one_in_every_execution(value: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT '100%%', CAST(%s AS integer)", [value])

        assert cursor.fetchone() == ("100%", value)


def test_parameters_can_be_passed_by_name() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CAST(%(first)s AS integer)", {"first": 7})

        assert cursor.fetchone() == (7,)
