"""The lifetime of a new token: units, maximum, and the notice of a cut."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from tests.fixtures.world import World
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
IN_A_YEAR = datetime(2027, 12, 1, 12, tzinfo=UTC)
CREATE = "/u/bob/settings/tokens/new/actions/create_api_token"
NOTICE = "The lifetime was cut to 12 months"


def created(page: Any, duration: int, unit: str) -> tuple[datetime, bool]:
    """Return the expiry of a new token, and whether the response says that its lifetime was cut."""
    sent = {"name": "new", "duration": str(duration), "duration_unit": unit}
    answer = page("bob", at=NOW).post(CREATE, sent)
    assert answer.status_code == 200
    return ApiToken.unscoped.get(name="new").expires_at, NOTICE in answer.content.decode()


@pytest.mark.parametrize(
    ("duration", "unit", "expires_at"),
    [
        (90, "minute(s)", datetime(2026, 12, 1, 13, 30, tzinfo=UTC)),
        (12, "hour(s)", datetime(2026, 12, 2, 0, tzinfo=UTC)),
        (365, "day(s)", IN_A_YEAR),
        (2, "week(s)", datetime(2026, 12, 15, 12, tzinfo=UTC)),
        (3, "month(s)", datetime(2027, 3, 1, 12, tzinfo=UTC)),
        (12, "month(s)", IN_A_YEAR),
        (1, "year(s)", IN_A_YEAR),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_a_lifetime_within_twelve_months_is_kept(
    page: Any, world: World, duration: int, unit: str, expires_at: datetime
):
    assert created(page, duration, unit) == (expires_at, False)


@pytest.mark.parametrize(
    ("duration", "unit"),
    [
        (366, "day(s)"),
        (53, "week(s)"),
        (8761, "hour(s)"),
        (13, "month(s)"),
        (2, "year(s)"),
        (10**18, "minute(s)"),
        (10**18, "year(s)"),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_a_longer_lifetime_is_cut_and_the_answer_says_so(
    page: Any, world: World, duration: int, unit: str
):
    assert created(page, duration, unit) == (IN_A_YEAR, True)
