"""Calendar files of events (content 25.7, RFC 5545)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from icalendar import Calendar

from tests.commitments.rows import propose, row_at
from tests.commitments.test_create import EVENT
from tests.commitments.test_reading import api
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on

TITLE = "Dinner; with soup, bread\\salt & a name that is longer than seventy-five octets öööööööö"


def event_in(body: bytes) -> Any:
    calendar = Calendar.from_ical(body)
    (event,) = calendar.walk("VEVENT")
    return event


@pytest.mark.rule("commitments.calendar")
@on(HTML, MARKDOWN, REST)
def test_readers_can_download_a_calendar_event(call):
    path = propose(title=TITLE, location="Hall, 2nd floor", description="Bring\nbowls.", **EVENT)

    response = call("alice").get(f"{path}.ics").response

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "attachment" in response.headers["Content-Disposition"]
    event = event_in(response.content)
    assert event["SUMMARY"] == TITLE
    assert event["LOCATION"] == "Hall, 2nd floor"
    assert event["DESCRIPTION"] == "Bring\nbowls."
    assert event["UID"].startswith(str(row_at(path).id))
    assert event["URL"].endswith(path)
    assert event["DTSTART"].dt == datetime(2031, 5, 13, 18, tzinfo=UTC)
    assert event["DTEND"].dt == datetime(2031, 5, 13, 20, tzinfo=UTC)


@pytest.mark.rule("commitments.calendar")
def test_the_lines_of_a_calendar_file_are_folded_and_escaped(world):
    path = propose(title=TITLE, **EVENT)

    body = Caller(REST, "bob").get(f"{path}.ics").response.content

    lines = body.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert rb"Dinner\; with soup\, bread\\salt" in body
    for needed in (b"VERSION:2.0", b"PRODID:", b"DTSTAMP:"):
        assert needed in body


@pytest.mark.rule("commitments.calendar")
def test_an_event_from_midnight_to_midnight_is_an_all_day_event(world):
    kitchen = world.collective("kitchen")
    type(kitchen).unscoped.filter(pk=kitchen.pk).update(timezone="Pacific/Auckland")
    days = {"starts_at": "2031-05-12T12:00:00Z", "ends_at": "2031-05-14T12:00:00Z"}
    path = propose(subtype="calendar_event", **days)

    event = event_in(Caller(REST, "bob").get(f"{path}.ics").response.content)

    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2031, 5, 13), date(2031, 5, 15))
    assert "13 May 2031 to 14 May 2031" in Caller(HTML, "bob").get(path).text


@pytest.mark.rule("commitments.calendar")
def test_the_api_sends_the_calendar_file_to_a_client_that_prefers_it(world):
    path = propose(**EVENT)
    client = Caller(REST, "bob").client

    def accepted(accept: str) -> str:
        answer = client.get(api(path), headers={"accept": accept})
        assert answer.status_code == 200
        return answer.headers["Content-Type"].partition(";")[0]

    assert accepted("text/calendar") == "text/calendar"
    assert accepted("text/calendar, application/json;q=0.5") == "text/calendar"
    assert accepted("application/json, text/calendar;q=0.5") == "application/json"
    assert accepted("*/*") == "application/json"
    assert accepted("text/*") == "application/json"


@pytest.mark.rule("commitments.calendar")
@on(HTML, MARKDOWN, REST)
def test_a_calendar_file_is_not_found_or_refused_like_the_commitment(world, call, surface):
    path, action = propose(**EVENT), propose()

    call("bob").get(f"{action}.ics").assert_refused(404)
    call("carol").get(f"{path}.ics").assert_refused(302 if surface == HTML else 403)
    Caller(REST, "bob").act("delete_commitment", path).assert_done()
    call("bob").get(f"{path}.ics").assert_refused(404)
    if surface == REST:
        answer = call("bob").client.get(api(action), headers={"accept": "text/calendar"})
        assert answer.status_code == 404
