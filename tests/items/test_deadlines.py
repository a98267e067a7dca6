"""Times of deadlines as people and programs send them (content 1.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from collectives.items import deadlines
from collectives.items.deadlines import FlexibleTime, TypedTime
from harmonic.access.access_as import access_as
from harmonic.kernel.parameters.fields import EARLIEST, LATEST
from harmonic.kernel.refusals import Invalid

NOW = datetime(2026, 5, 13, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")


def typed(text: Any) -> TypedTime:
    return FlexibleTime().to_internal_value(text)


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("1778673600", datetime(2026, 5, 13, 12, tzinfo=UTC)),
        (1778673600, datetime(2026, 5, 13, 12, tzinfo=UTC)),
        ("90s", NOW + timedelta(seconds=90)),
        ("15M", NOW + timedelta(minutes=15)),
        ("2h", NOW + timedelta(hours=2)),
        ("3d", NOW + timedelta(days=3)),
        ("1w", NOW + timedelta(weeks=1)),
        ("2026-06-01T17:00", datetime(2026, 6, 1, 15, tzinfo=UTC)),
        ("2026-06-01T17:00Z", datetime(2026, 6, 1, 17, tzinfo=UTC)),
        ("2026-06-01T17:00:00", datetime(2026, 6, 1, 17, tzinfo=UTC)),
        ("2026-06-01T17:00:00-04:00", datetime(2026, 6, 1, 21, tzinfo=UTC)),
        ("2026-06-01 17:00:00 UTC", datetime(2026, 6, 1, 17, tzinfo=UTC)),
        ("2026-06-01", datetime(2026, 6, 1, tzinfo=UTC)),
        ("999999999999w", LATEST),
        ("999999999999999", LATEST),
    ],
)
def test_a_time_is_read_in_the_forms_that_people_type(sent: Any, moment: datetime) -> None:
    assert typed(sent).at(NOW, BERLIN) == moment


@pytest.mark.parametrize("sent", ["", "tomorrow", "3y", "17:00", "2026-13-01", "-3d", True, 12, []])
def test_other_texts_are_refused(sent: Any) -> None:
    with pytest.raises(ValidationError) as refusal:
        typed(sent)

    assert "not_a_time" in str(refusal.value.get_codes())


@given(
    st.datetimes(),
    st.sampled_from(sorted(available_timezones())),
)
def test_every_local_time_has_a_moment_in_every_zone(local: datetime, zone: str) -> None:
    sent = local.strftime("%Y").zfill(4) + local.strftime("-%m-%dT%H:%M")

    moment = typed(sent).at(NOW, ZoneInfo(zone))

    assert EARLIEST <= moment <= LATEST
    if EARLIEST < moment < LATEST:
        assert abs(moment.replace(tzinfo=None) - local) < timedelta(days=1, hours=3)


def test_no_deadline_is_in_a_hundred_years_and_is_closed_by_hand() -> None:
    never = deadlines.no_deadline(NOW)

    assert never == NOW.replace(year=2126)
    assert deadlines.is_manual(never, NOW)
    assert not deadlines.is_manual(NOW.replace(year=2070), NOW)
    leap_day = datetime(2000, 2, 29, tzinfo=UTC)
    assert deadlines.no_deadline(leap_day) == datetime(2100, 2, 28, tzinfo=UTC)


def test_an_item_is_closed_from_its_deadline_on() -> None:
    assert deadlines.is_closed(NOW, NOW)
    assert not deadlines.is_closed(NOW + timedelta(microseconds=1), NOW)


@pytest.mark.django_db
def test_the_option_of_a_form_chooses_the_deadline(with_tenant: Any) -> None:
    with with_tenant():
        access = access_as("garden", "alice", "kitchen", now=NOW)
        past = typed("2020-01-01")
        chosen = deadlines.chosen_deadline

        assert chosen(access, None) is None
        assert chosen(access, None, option="no_deadline") == deadlines.no_deadline(NOW)
        assert chosen(access, past, option="close_at_critical_mass") == deadlines.no_deadline(NOW)
        assert chosen(access, typed("3d"), option="close_now") == NOW
        assert chosen(access, typed("3d"), option="datetime") == NOW + timedelta(days=3)
        assert chosen(access, past) == NOW
        with pytest.raises(Invalid):
            chosen(access, None, option="datetime")


@pytest.mark.django_db
def test_a_local_time_is_in_the_zone_of_the_collective_unless_another_is_sent(
    world: Any, with_tenant: Any
) -> None:
    with with_tenant():
        kitchen = world.collective("kitchen")
        kitchen.timezone = "Pacific/Auckland"
        kitchen.save()
        access = access_as("garden", "alice", "kitchen", now=NOW)
        sent = typed("2026-06-01T17:00")

        assert deadlines.resolved(access, sent) == datetime(2026, 6, 1, 5, tzinfo=UTC)
        assert deadlines.resolved(access, sent, "europe/berlin").hour == 15
        with pytest.raises(Invalid):
            deadlines.resolved(access, sent, "Europe/Atlantis")
