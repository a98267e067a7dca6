"""Concurrent requests: no write succeeds after its permission has ended.

Each race is run many times under real transactions. Which of the two comes first is chance;
what the database holds afterwards is one of the two orders, never a mixture of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import SecurityEvent, TenantUser
from collectives.models import CollectiveMember
from collectives.notes.models import Note
from collectives.rules.members import add_member
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.world import World, anonymous_client, make_token, sign_in, token_client
from tokens.models import ApiToken

TRIES = 40
JSON = "application/json"
Ask = Callable[[], Any]

pytestmark = pytest.mark.postgres


def at_once(*asked: Ask) -> list[int]:
    """Send requests concurrently, and return their statuses."""
    barrier = Barrier(len(asked))

    def attempt(ask: Ask) -> int:
        barrier.wait()
        try:
            return int(ask().status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(attempt, asked))


def post(plaintext: str, path: str, **body: Any) -> Ask:
    client = token_client(plaintext)
    return lambda: client.post(path, body, content_type=JSON)


def test_a_token_created_during_deactivation_never_works(
    transactional_world: World,
):
    alice = make_token("alice")
    agent = f"/api/v1/users/{transactional_world.user('scout').id}"
    outlived = 0

    for _ in range(TRIES):
        token_client(alice).put(agent, {"archived": False}, content_type=JSON)
        made: list[HttpResponse] = []
        client = token_client(alice)

        def make(client: Any = client, made: list[HttpResponse] = made) -> HttpResponse:
            made.append(client.post(f"{agent}/tokens", {"scopes": ["read:all"]}, JSON))
            return made[0]

        at_once(make, post_archive(alice, agent))
        token_client(alice).put(agent, {"archived": False}, content_type=JSON)
        if made[0].status_code == 200:
            heir = token_client(json.loads(made[0].content)["token"])
            outlived += heir.get("/api/v1/users/me").status_code == 200
        ApiToken.unscoped.filter(owner__handle="scout").update(deleted_at=timezone.now())

    assert outlived == 0


def post_archive(plaintext: str, agent: str) -> Ask:
    client = token_client(plaintext)
    return lambda: client.put(agent, {"archived": True}, content_type=JSON)


def test_a_removed_admin_removes_no_member(transactional_world: World):
    """Alice removes the admin Carol, who removes Bob concurrently."""
    world = transactional_world
    alice, carol = make_token("alice"), make_token("carol")
    remove = "/collectives/kitchen/members/actions/remove_member"
    wrong = 0

    for _ in range(TRIES):
        seat(world, "carol", is_admin=True)
        seat(world, "bob", is_admin=False)
        before = SecurityEvent.unscoped.count()
        at_once(post(alice, remove, user_handle="carol"), post(carol, remove, user_handle="bob"))
        events = SecurityEvent.unscoped.order_by("at", "id")[before:]
        removed = [event.subject_id for event in events if event.event == "admin_action"]
        carols = world.user("carol").id
        wrong += carols in removed and removed.index(carols) < len(removed) - 1

    assert wrong == 0


def seat(world: World, handle: str, *, is_admin: bool) -> None:
    """Make a person an active member of the kitchen."""
    person, collective = world.person(handle), world.collective("kitchen")
    with tenant_bound(person.tenant_id):
        add_member(collective, person, now=timezone.now())
        CollectiveMember.objects.filter(person=person, collective=collective).update(
            is_admin=is_admin
        )


@pytest.mark.parametrize("end", ["delete the token", "remove the member", "switch the API off"])
def test_nothing_is_written_after_a_right_ends(transactional_world: World, end: str):
    """The writer's last note is older than the loss of its permission."""
    world = transactional_world
    notes = "/collectives/kitchen/api/v1/notes"
    late = 0

    for number in range(TRIES):
        seat(world, "bob", is_admin=False)
        alice, bob = make_token("alice"), make_token("bob")
        text = f"{end} {number}"
        ended = ENDS[end](world, alice, bob)
        statuses = at_once(*[post(bob, notes, text=text) for _ in range(2)], ended)
        assert statuses[2] in {200, 303}
        event = SecurityEvent.unscoped.order_by("-at", "-id")[0]
        written = Note.unscoped.filter(text=text).values_list("created_at", flat=True)
        late += sum(moment > event.at for moment in written)
        assert post(bob, notes, text="afterwards")().status_code in {401, 403}
        restore(world)

    assert late == 0


def test_a_session_writes_nothing_after_signing_out(transactional_world: World):
    late = 0

    for number in range(TRIES):
        browser, other = (anonymous_client() for _ in range(2))
        sign_in(browser, "bob", "garden")
        other.cookies = browser.cookies
        text = f"signed out {number}"

        def write(browser: Client = browser, text: str = text) -> Any:
            path = "/collectives/kitchen/note/actions/create_note"
            return browser.post(path, {"text": text})

        at_once(write, lambda other=other: other.post("/logout"))  # type: ignore[misc]  # mypy cannot infer it
        event = SecurityEvent.unscoped.filter(event="logout").order_by("-at", "-id")[0]
        written = Note.unscoped.filter(text=text).values_list("created_at", flat=True)
        late += sum(moment > event.at for moment in written)

    assert late == 0


def delete_token(world: World, alice: str, bob: str) -> Ask:
    row = ApiToken.unscoped.filter(owner=world.person("bob"), deleted_at=None).latest("created_at")
    client = token_client(bob)
    return lambda: client.delete(f"/api/v1/users/me/tokens/{row.id}")


def remove_member(world: World, alice: str, bob: str) -> Ask:
    return post(alice, "/collectives/kitchen/members/actions/remove_member", user_handle="bob")


def switch_off(world: World, alice: str, bob: str) -> Ask:
    browser = anonymous_client()
    sign_in(browser, "alice", "garden")
    return lambda: browser.post("/collectives/kitchen/settings", {"feature_api": "false"})


ENDS: dict[str, Callable[[World, str, str], Ask]] = {
    "delete the token": delete_token,
    "remove the member": remove_member,
    "switch the API off": switch_off,
}


def restore(world: World) -> None:
    collective = world.collective("kitchen")
    type(collective).unscoped.filter(id=collective.id).update(is_api_enabled=True)
    ApiToken.unscoped.filter(owner__handle__in=["alice", "bob"]).update(deleted_at=timezone.now())
    TenantUser.unscoped.filter(handle="bob").update(archived_at=None)
