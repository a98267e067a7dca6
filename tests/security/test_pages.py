"""The pages of the security log."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.utils import timezone

from accounts import security_words
from accounts.models import SecurityEvent
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.registry import actions
from tests.fixtures.world import World, make_token
from tests.markdown.reading import read
from tests.security.conftest import markdown

pytestmark = pytest.mark.django_db

OWN, TENANT = "/settings/security", "/tenant-admin/security"


def write(world: World, handle: str, event: str, count: int = 1, **data: Any) -> None:
    """Write events of a person, a second apart, the last one now."""
    user = world.user(handle)
    with tenant_bound(world.tenant().id):
        for number in range(count):
            SecurityEvent(
                tenant_id=world.tenant().id,
                at=timezone.now() - timedelta(seconds=count - number),
                event=event,
                severity="info",
                user=user,
                subject_id=data.get("subject_id", user.id),
                ip="203.0.113.7",
                data={key: value for key, value in data.items() if key != "subject_id"},
            ).save()


def test_people_see_events_about_themselves_and_their_agents(page: Any, world: World) -> None:
    make_token("alice", agent="scout")
    write(world, "bob", "token_deleted", name="bob's own")

    document = markdown(page("alice"), OWN)

    assert "Token “scout in a test” of scout was created" in document
    assert "bob's own" not in document


def test_an_admins_address_is_hidden_from_the_subject(page: Any, world: World) -> None:
    write(world, "alice", "admin_action", subject_id=world.user("bob").id, is_admin=True)

    own, tenant = markdown(page("bob"), OWN), markdown(page("alice"), TENANT)

    assert "Bob is now a tenant admin" in own
    assert "203.0.113.7" not in own
    assert "203.0.113.7" in tenant


@pytest.mark.parametrize(("handle", "status"), [("alice", 200), ("bob", 403), ("carol", 403)])
def test_only_tenant_admins_see_the_tenants_log(page: Any, handle: str, status: int) -> None:
    assert page(handle).get(TENANT).status_code == status


def test_the_tenants_log_requires_recent_verification(page: Any) -> None:
    answer = page("alice", at=timezone.now() - timedelta(hours=1, minutes=5)).get(TENANT)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/reverify?scope=admin")


def test_events_of_another_tenant_are_not_shown(page: Any, world: World) -> None:
    make_token("dave", tenant="summit")

    assert "dave in a test" not in markdown(page("alice"), TENANT)


def test_html_and_markdown_show_the_same_events(page: Any, world: World) -> None:
    write(world, "alice", "token_deleted", name="deploy <b>script</b>")
    alice = page("alice")

    rows = BeautifulSoup(alice.get(OWN).content, "html.parser").select("tbody tr")

    said = rows[0].select_one("th")
    assert said is not None
    assert said.get_text(strip=True) == "Token “deploy <b>script</b>” was deleted"
    assert "Token “deploy \\<b\\>script\\</b\\>” was deleted" in markdown(alice, OWN)


@pytest.mark.meets("events on a page of the security log")
def test_events_come_newest_first_in_pages_of_fifty(page: Any, world: World) -> None:
    for number in range(60):
        write(world, "alice", "token_deleted", name=f"number {number}")
    alice = page("alice")
    path, met = f"{OWN}.md?event=token_deleted", []

    while path:
        seen = read(alice.get(path).content.decode())
        met.append([text for text in seen.texts if text.startswith("Token “number")])
        older = [link for link in seen.targets if "cursor=" in link]
        path = older[0].replace(OWN, f"{OWN}.md") if older else ""

    assert [len(rows) for rows in met] == [50, 10]
    assert [text for rows in met for text in rows] == [
        f"Token “number {number}” was deleted" for number in reversed(range(60))
    ]


def test_the_log_filters_by_event_and_person(page: Any, world: World) -> None:
    write(world, "bob", "login_success")
    write(world, "carol", "logout")
    alice = page("alice")

    by_event = markdown(alice, f"{TENANT}?event=logout")
    by_person = markdown(alice, f"{TENANT}?who=@bob")

    assert "Signed out" in by_event
    assert "Signed in" not in by_event
    assert "/u/bob" in by_person
    assert "/u/carol" not in by_person
    assert "No events match" in markdown(alice, f"{TENANT}?who=nobody-at-all")
    assert "No events match" in markdown(alice, f"{TENANT}?event=nothing")


SENTENCES = [
    ("logout", {"reason": "session_idle_timeout"}, "Signed out after being inactive"),
    ("login_failure", {}, "A wrong password was entered for Alice"),
    ("reverification_success", {"scope": "admin"}, "Confirmed the password for the admin"),
    ("reverification_failure", {"scope": "api_tokens"}, "Entered a wrong password to confirm"),
    ("token_created", {"name": "ci"}, "Token “ci” was created"),
    ("token_renamed", {"name": "ci", "old_name": "x"}, "Token “x” was renamed to “ci”"),
    ("token_created", {}, "Token “Unnamed” was created"),
    ("token_rotated", {"name": "ci"}, "Token “ci” was rotated"),
    ("tokens_ended", {}, "All tokens were revoked"),
    ("api_flag_changed", {"is_on": False}, "The API was disabled for the whole tenant"),
    ("admin_action", {"removed": True}, "Alice was removed from the tenant"),
    ("admin_action", {"is_admin": False}, "Alice is no longer a tenant admin"),
    # Older releases recorded a deletion as a change of the profile.
    ("user_action", {"action": "update_profile", "deleted": True}, "The agent Alice was deleted"),
    ("admin_action", {"action": "an_action_of_later"}, "An action of later"),
    ("permission_denied", {"action": "vote", "code": "x"}, "The action “vote” was refused: x"),
    ("permission_denied", {"code": "not_a_member"}, "A write was refused: not a member"),
    (
        "permission_denied",
        {"code": "api_disabled_collective"},
        "A write was refused: the API is disabled in the collective",
    ),
    ("rate_limited", {"limit": "writes"}, "the limit of writes was reached"),
    ("rate_limited", {}, "Sign-in was blocked"),
    ("content_deleted", {}, "Deleted another member's note"),
    ("2fa_enabled", {}, "2fa enabled"),
]


@pytest.mark.parametrize(("event", "data", "said"), SENTENCES)
def test_every_recorded_event_has_a_sentence(
    page: Any, world: World, event: str, data: dict[str, Any], said: str
) -> None:
    write(world, "alice", event, **data)

    texts = read(markdown(page("alice"), f"{OWN}?event={event}")).texts

    assert any(said in text for text in texts)


def test_the_filter_offers_exactly_the_recorded_events() -> None:
    root = Path(settings.BASE_DIR)
    rooms = ("accounts", "tokens", "collectives", "harmonic", "api")
    sources = [path.read_text() for room in rooms for path in (root / room).rglob("*.py")]

    recorded = {
        name for source in sources for name in re.findall(r'audit\.record\(\s*"(\w+)"', source)
    }

    of_actions = {action.logged.event for action in actions().values() if action.logged}
    assert recorded | of_actions == set(security_words.NAMES)


def test_every_event_of_the_filter_has_a_sentence() -> None:
    assert set(security_words.NAMES) == {*security_words.PLAIN, *security_words.SENTENCES}


def test_the_event_of_a_switch_names_the_collective(page: Any, world: World) -> None:
    page("alice").post(
        "/collectives/kitchen/settings/actions/update_collective_settings.json",
        json.dumps({"feature_api": False}),
        content_type="application/json",
    )

    assert "The API was disabled in Kitchen Crew" in markdown(page("alice"), OWN)


def test_the_security_pages_are_linked_from_settings(page: Any) -> None:
    alice = page("alice")

    assert f'href="{OWN}"' in alice.get("/u/alice/settings").content.decode()
    assert f'href="{TENANT}"' in alice.get("/tenant-admin").content.decode()
    assert OWN not in alice.get("/u/scout/settings").content.decode()
