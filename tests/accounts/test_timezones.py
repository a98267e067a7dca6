"""The timezone of a tenant or collective: a searchable list, and the names that are accepted."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from bs4 import BeautifulSoup

from accounts.models import Tenant
from accounts.timezones import LONG_NAMES, checked_timezone, timezone_names
from harmonic.kernel.refusals import Invalid
from tests.fixtures.surfaces import HTML, MARKDOWN, on

FORMS = ("/tenant-admin/settings", "/collectives/kitchen/settings", "/collectives/new")


@pytest.mark.parametrize("path", FORMS)
def test_the_field_offers_every_timezone(page: Any, path: str) -> None:
    document: Any = BeautifulSoup(page("alice").get(path).content, "html.parser")
    field = document.select_one("input[name=timezone]")
    offered = [option["value"] for option in document.select(f"#{field['list']} option")]

    assert offered == list(timezone_names())
    assert {"UTC", "Europe/Berlin", "America/New_York"} <= set(offered)
    assert field.get("autocomplete") != "off"


def test_every_offered_timezone_is_accepted() -> None:
    for name in timezone_names():
        assert checked_timezone(name) == name
        assert ZoneInfo(name).key == name


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("utc", "UTC"),
        ("Eastern Time (US & Canada)", "America/New_York"),
        ("Newfoundland", "America/St_Johns"),
        ("Nuku'alofa", "Pacific/Tongatapu"),
        ("Samoa", "Pacific/Apia"),
        ("Hong Kong", "Asia/Hong_Kong"),
        ("vienna", "Europe/Vienna"),
        ("US/Eastern", "US/Eastern"),
    ],
)
def test_a_timezone_is_accepted_in_any_case_and_with_spaces(sent: str, name: str) -> None:
    assert checked_timezone(sent) == name


@pytest.mark.parametrize("sent", ["Nowhere/Here", "Bielefeld", "../etc/passwd", "Europe"])
def test_an_unknown_timezone_is_refused(sent: str) -> None:
    with pytest.raises(Invalid):
        checked_timezone(sent)


@on(HTML, MARKDOWN)
def test_a_timezone_in_lower_case_is_stored_by_its_name(world: Any, call: Any) -> None:
    call("alice").act("update_tenant_settings", timezone="europe/berlin").assert_done()

    assert Tenant.objects.get(subdomain="garden").timezone == "Europe/Berlin"


def test_every_long_name_is_a_zone() -> None:
    for name in LONG_NAMES:
        assert checked_timezone(name) in available_timezones()
