"""Bounds that have no test elsewhere."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Tenant, TenantUser, User
from api.v1 import users
from collectives import queries
from collectives.administration import pages as admin
from collectives.cycles.windows import MAX_DISTANCE
from collectives.feed import pages as feed_pages
from collectives.feed import queries as feed
from collectives.items.models import Pin
from collectives.models import Collective, CollectiveMember, Invite
from collectives.notes.models import Note
from collectives.profiles import pages as profiles
from harmonic.kernel.http.selection import NAMED
from harmonic.kernel.parameters.decoding import MAX_DEPTH
from harmonic.site import front_door
from tests.fixtures.world import World, anonymous_client
from tests.limits.conftest import KITCHEN, REST, Write, post
from tests.limits.test_lists import pages_of
from tokens import queries as token_queries
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db


def members_of(world: World, count: int) -> list[TenantUser]:
    """Return new people who are members of the kitchen."""
    tenant, kitchen = world.tenant(), world.collective("kitchen")
    names = [f"Person {number:03}" for number in range(count)]
    moments = {"created_at": world.now, "updated_at": world.now}
    made = User.objects.bulk_create(
        User(email=f"{name.replace(' ', '-')}@example.com", name=name, **moments) for name in names
    )
    persons = TenantUser.unscoped.bulk_create(
        TenantUser(
            tenant=tenant,
            user=user,
            handle=user.name.replace(" ", "-"),
            display_name=user.name,
            created_at=world.now,
        )
        for user in made
    )
    CollectiveMember.unscoped.bulk_create(
        CollectiveMember(tenant=tenant, collective=kitchen, person=person, created_at=world.now)
        for person in persons
    )
    return list(persons)


def collectives_of(world: World, count: int, *handles: str) -> list[Collective]:
    """Return new collectives with these members."""
    made = Collective.unscoped.bulk_create(
        Collective(
            tenant=world.tenant(),
            name=f"Group {number:03}",
            handle=f"group-{number:03}",
            kind="standard",
            created_at=world.now,
            updated_at=world.now,
        )
        for number in range(count)
    )
    CollectiveMember.unscoped.bulk_create(
        CollectiveMember(
            tenant=each.tenant,
            collective=each,
            person=world.person(handle),
            created_at=world.now,
        )
        for each in made
        for handle in handles
    )
    return list(made)


def found(pattern: str, response: Any) -> list[str]:
    assert response.status_code == 200
    return list(dict.fromkeys(re.findall(pattern, response.content.decode())))


# --- Requests -------------------------------------------------------------------------------


@pytest.mark.meets("fields of a form")
@pytest.mark.parametrize("path", [f"{KITCHEN}/note", f"{REST}/notes"])
@pytest.mark.parametrize("more", [0, 1])
def test_a_form_has_a_maximum_number_of_fields(
    api: Any, page: Any, settings: Any, path: str, more: int
) -> None:
    count = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + more
    form = {"text": "Many fields", **{f"field-{n}": "" for n in range(count - 1)}}

    response = (api if "api" in path else page)("bob").post(path, form)

    assert response.status_code == (400 if more else 200 if "api" in path else 303)
    assert Note.unscoped.filter(text="Many fields").count() == 1 - more


@pytest.mark.meets("nesting of a JSON body")
@pytest.mark.parametrize("path", [f"{KITCHEN}/note/actions/create_note", f"{REST}/notes"])
@pytest.mark.parametrize("more", [0, 1])
def test_a_body_has_a_maximum_depth(api: Any, path: str, more: int) -> None:
    nested: Any = 0
    for _ in range(MAX_DEPTH - 1 + more):
        nested = [nested]

    response = post(api("bob"), path, {"text": "Deep", "unknown": nested})

    assert response.status_code == (400 if more else 200)


# --- Searches -------------------------------------------------------------------------------


@pytest.mark.meets("distance of a cycle")
@pytest.mark.parametrize("more", [0, 1])
def test_a_cycle_has_a_maximum_distance(api: Any, more: int) -> None:
    cycle = f"{MAX_DISTANCE + more}-days-ago"

    assert api("bob").get(f"{REST}/notes?cycle={cycle}").status_code == (400 if more else 200)


@pytest.mark.meets("sections asked for in Markdown")
@pytest.mark.parametrize("place", [NAMED - 1, NAMED])
def test_the_number_of_requested_sections_is_limited(api: Any, note: Note, place: int) -> None:
    names = [f"none-{number}" for number in range(place)]

    shown = api("bob").get(
        f"{KITCHEN}/n/{note.truncated_id}.md?sections={','.join([*names, 'history'])}"
    )

    assert ("## History" in shown.content.decode()) is (place < NAMED)


# --- Lists ----------------------------------------------------------------------------------


@pytest.mark.meets("rows of a list of users without `limit`")
def test_users_are_listed_in_pages_of_a_hundred(api: Any, world: World) -> None:
    members_of(world, users.LISTED + 5)

    shown = pages_of(api("alice"), "/api/v1/users")

    assert len(shown[0].json()) == users.LISTED
    ids = [row["id"] for each in shown for row in each.json()]
    assert len(ids) == len(set(ids)) > users.LISTED + 5


@pytest.mark.meets("items of a feed", "items of a feed in Markdown")
@pytest.mark.parametrize(
    ("path", "limit"),
    [
        (KITCHEN, feed.PAGE),
        (f"{KITCHEN}.md", feed.MARKDOWN_PAGE),
    ],
)
def test_a_feed_shows_a_page_of_items_and_a_next_link(
    api: Any, page: Any, write_notes: Write, path: str, limit: int
) -> None:
    write_notes(120, "Item {}.")
    client = api("bob") if path.endswith(".md") else page("bob")

    items: list[str] = []
    while path:
        shown = client.get(path)
        there = found(r"Item \d+\.", shown)
        assert len(there) <= limit
        items += there
        links = found(r'(?:href="|\()([^")\s]*\?cursor=[^")\s]*)', shown)
        path = next((link for link in links), "")

    assert items == [f"Item {number}." for number in range(120)]


@pytest.mark.meets("collectives on a profile", "collectives and agents beside a page's subject")
@pytest.mark.parametrize("form", ["", ".md"])
def test_profile_and_home_show_a_limited_number_of_collectives(
    api: Any, page: Any, world: World, form: str
) -> None:
    collectives_of(world, queries.LISTED + 10, "bob", "alice")
    client = api("bob") if form else page("bob")

    profile = client.get(f"/u/alice{form}")
    home = client.get(f"/home{form}" if form else "/")
    whoami = client.get(f"/whoami{form}")

    assert len(found(r"Group \d{3}", profile)) <= profiles.COMMON_SHOWN
    assert queries.LISTED - 10 < len(found(r"Group \d{3}", home)) <= queries.LISTED
    assert len(found(r"Group \d{3}", whoami)) <= queries.LISTED
    assert found("All your collectives", home)


@pytest.mark.meets("members on a collective's page")
@pytest.mark.parametrize("form", ["", ".md"])
def test_a_collective_shows_a_page_of_members_and_a_next_link(
    api: Any, page: Any, world: World, form: str
) -> None:
    members_of(world, 130)
    client = api("alice") if form else page("alice")

    team = found(r">?Person \d{3}", client.get(f"{KITCHEN}{form}"))
    numbered = [client.get(f"{KITCHEN}/members{form}"), client.get(f"{KITCHEN}/members?page=2")]

    assert len(team) == feed_pages.TEAM_SHOWN
    shown = [found(r"/u/Person-\d{3}", each) for each in numbered]
    assert len({each for one in shown for each in one}) == 130
    assert len(shown[0]) == 100


def test_an_agent_after_a_hundred_members_is_in_the_settings(page: Any, world: World) -> None:
    members_of(world, 130)

    shown = page("alice").get(f"{KITCHEN}/settings")

    assert found("scout", shown)


def agents_of(world: World, handle: str, count: int, *, inside: bool) -> None:
    """Create agents of a person, as members of the kitchen or of no collective."""
    persons = members_of(world, count)
    User.objects.filter(id__in=[person.user_id for person in persons]).update(
        user_type="ai_agent", parent=world.user(handle)
    )
    if not inside:
        CollectiveMember.unscoped.filter(person__in=persons).delete()


@pytest.mark.parametrize("form", ["", ".md"])
def test_the_settings_list_every_agent_of_a_collective(
    api: Any, page: Any, world: World, form: str
) -> None:
    agents_of(world, "alice", 230, inside=True)
    client, path = api("alice") if form else page("alice"), f"{KITCHEN}/settings{form}"
    shown: list[str] = []

    while path:
        answer = client.get(path)
        shown += found(r"/u/Person-(\d{3})", answer)
        links = found(r'(?:href="|\()([^")\s]*\?page=\d+)">?\]?Next|\[Next\]\(([^)]*)\)', answer)
        path = "".join(links[0]) if links else ""

    assert sorted(shown) == [f"{number:03}" for number in range(230)]


def test_agents_that_can_be_added_and_are_not_listed_are_counted_and_linked(
    page: Any, world: World
) -> None:
    agents_of(world, "alice", queries.LISTED + 30, inside=False)
    alice = page("alice")

    for path in (f"{KITCHEN}/settings", f"{KITCHEN}/members"):
        answer = alice.get(path)
        assert len(found(r"Person \d{3}", answer)) <= queries.LISTED
        assert found(r"3\d more of your agents", answer)
        assert found(r'href="/ai-agents"', answer)


@pytest.mark.parametrize("form", ["", ".md"])
@pytest.mark.parametrize("asked", ["person", "a&b=c/d?#%", "ü +"])
def test_pages_of_a_user_search_keep_the_query(
    api: Any, page: Any, world: World, form: str, asked: str
) -> None:
    persons = members_of(world, 120)
    for person in persons:
        person.user.email = f"{asked} {person.handle}@example.com".lower()
    User.objects.bulk_update([person.user for person in persons], ["email"])
    TenantUser.unscoped.filter(id=world.person("alice").id).update(is_admin=True)
    client = api("alice") if form else page("alice")
    path, shown = f"/tenant-admin/users{form}?{urlencode({'q': asked})}", []

    while path:
        answer = client.get(path)
        shown += found(r"users/Person-(\d{3})", answer)
        assert not found(r"users/(?:bob|carol)\b", answer)
        links = re.findall(
            r'href="([^"]*page=\d+)">Next|\[Next\]\(([^)]*)\)', answer.content.decode()
        )
        following = "".join(links[0]).replace("&amp;", "&") if links else ""
        path = urljoin(f"/tenant-admin/users{form}", following) if following else ""

    assert sorted(shown) == [f"{number:03}" for number in range(120)]


@pytest.mark.meets("users on a page of administration")
def test_administration_shows_a_page_of_users(page: Any, world: World) -> None:
    members_of(world, 2 * admin.PER_PAGE)
    alice = page("alice")

    first = found(r"Person-\d{3}", alice.get("/tenant-admin/users"))
    second = found(r"Person-\d{3}", alice.get("/tenant-admin/users?page=2"))

    assert 0 < len(first) <= admin.PER_PAGE
    assert 0 < len(second) <= admin.PER_PAGE
    assert not set(first) & set(second)


@pytest.mark.meets("tenants at the front door")
def test_the_base_domain_shows_a_limited_number_of_tenants() -> None:
    Tenant.objects.bulk_create(
        Tenant(
            subdomain=f"t{number}",
            name=f"Tenant {number:03}",
            is_listed=True,
            created_at=timezone.now(),
        )
        for number in range(front_door.SHOWN + 5)
    )

    shown = anonymous_client("").get("/")

    assert 0 < len(found(r"Tenant \d{3}", shown)) <= front_door.SHOWN


# --- Counts and times -----------------------------------------------------------------------


@pytest.mark.meets("pins of a place")
@pytest.mark.parametrize("count", [Pin.MAX_PER_PLACE - 1, Pin.MAX_PER_PLACE])
def test_a_collective_has_a_maximum_number_of_pins(
    api: Any, world: World, write_notes: Write, note: Note, count: int
) -> None:
    Pin.unscoped.filter(collective=note.collective_id).delete()
    Pin.unscoped.bulk_create(
        Pin(
            tenant_id=note.tenant_id,
            collective_id=note.collective_id,
            item_id=each.id,
            pinned_at=world.now,
        )
        for each in write_notes(count, "Pinned {}")
    )

    response = post(api("alice"), f"{KITCHEN}/n/{note.truncated_id}/settings/actions/pin_note", {})

    is_full = count == Pin.MAX_PER_PLACE
    assert response.status_code == (422 if is_full else 200)
    assert ("Maximum of 50 pins reached." in response.content.decode()) is is_full


@pytest.mark.meets("life of an invitation")
@pytest.mark.parametrize("hours", [-1, 1])
def test_an_invitation_expires_after_a_week(page: Any, world: World, hours: int) -> None:
    made = page("alice").post(f"{KITCHEN}/invite/actions/create_invite", {})
    assert made.status_code in {200, 303}
    invite = Invite.unscoped.latest("expires_at")

    with time_machine.travel(timezone.now() + Invite.LIFETIME + timedelta(hours=hours)):
        response = page("carol").post(f"{KITCHEN}/join", {"code": invite.code})

    joined = CollectiveMember.unscoped.filter(
        collective=world.collective("kitchen"), person=world.person("carol"), archived_at=None
    )
    assert joined.exists() is (hours < 0), response.content


@pytest.mark.meets("restoring a deleted note")
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_deleted_note_can_be_restored_for_thirty_days(
    page: Any, world: World, note: Note, hours: int
) -> None:
    author = TenantUser.unscoped.get(user=note.created_by, tenant=note.tenant).handle
    path = f"{KITCHEN}/n/{note.truncated_id}"
    page(author).post(f"{path}/settings/actions/delete_note", {})
    moment = timezone.now() + Note.KEPT_AFTER_DELETION + timedelta(hours=hours)

    with time_machine.travel(moment):
        response = page(author, at=timezone.now()).post(f"{path}/actions/restore_note", {})

    assert response.status_code == (303 if hours < 0 else 403)
    assert (Note.unscoped.get(id=note.id).deleted_at is None) is (hours < 0)


@pytest.mark.meets("tokens on a page")
def test_a_page_shows_at_most_a_thousand_tokens(page: Any, api: Any, world: World) -> None:
    owner, past = world.person("bob"), world.now - timedelta(days=1)
    ApiToken.unscoped.bulk_create(
        ApiToken(
            tenant_id=owner.tenant_id,
            owner=owner,
            name=f"Old {number:03}",
            token_hash=f"{number:064}",
            token_prefix="hmn_test",
            scopes=["read:all"],
            expires_at=past,
            created_at=past,
            updated_at=past,
        )
        for number in range(token_queries.SHOWN + 20)
    )

    bob, path = page("bob"), "/u/bob/settings/tokens"
    for suffix in ("", ".md"):
        names = [
            set(
                re.findall(r"Old \d{3}", bob.get(f"{path}{suffix}?show=expired&page={number}").text)
            )
            for number in (1, 2)
        ]
        assert len(names[0]) == token_queries.SHOWN
        assert len(names[0] | names[1]) == token_queries.SHOWN + 20
    assert "?show=expired&page=2" in bob.get(f"{path}.md?show=expired").text
    assert "No tokens match" in bob.get(f"{path}?show=active").text


@pytest.mark.meets("search of users")
def test_a_user_search_longer_than_an_email_address_is_refused(page: Any) -> None:
    alice, path = page("alice"), "/tenant-admin/users"

    refused = alice.get(f"{path}?q={'a' * (User.EMAIL_LENGTH + 1)}")

    assert refused.status_code == 400
    assert "The search is too long" in refused.text
    assert alice.get(f"{path}?q={'a' * User.EMAIL_LENGTH}").status_code == 200
    assert "bob@example.com" in alice.get(f"{path}?q=%20bob@%20").text
