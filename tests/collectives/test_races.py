"""Rules about members under concurrent requests."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import TenantUser
from collectives.items.models import Pin
from collectives.models import Collective, CollectiveMember, Invite
from collectives.notes.models import Note
from tests.fixtures.performing import KITCHEN, id_of, is_member
from tests.fixtures.world import World, make_token, token_client

pytestmark = pytest.mark.postgres

TRIES = 40
MEMBERS = f"{KITCHEN}/members/actions"
Call = tuple[str, str, str, dict[str, Any]]


def at_once(calls: Sequence[Call]) -> list[int]:
    """Send requests (token, method, path, body) concurrently and return the statuses."""
    barrier = Barrier(len(calls))

    def send(call: Call) -> int:
        token, method, path, body = call
        client = token_client(token)
        headers = {"accept": "application/json"}
        barrier.wait()
        try:
            answer = client.generic(
                method, path, json.dumps(body), "application/json", headers=headers
            )
            return answer.status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(send, calls))


def repeated(reset: Callable[[], object], attempt: Callable[[], None]) -> None:
    for _ in range(TRIES):
        reset()
        attempt()


def kitchen_rows(*handles: str) -> Any:
    return CollectiveMember.unscoped.filter(
        collective__handle="kitchen", person__handle__in=handles
    )


def test_concurrent_leaves_keep_one_admin(transactional_world: World) -> None:
    tokens = [make_token(each) for each in ("alice", "bob")]

    def reset() -> None:
        kitchen_rows("alice", "bob").update(archived_at=None, is_admin=True)

    def attempt() -> None:
        leave = f"{MEMBERS}/leave_collective"
        statuses = at_once([(token, "POST", leave, {}) for token in tokens])
        assert sorted(statuses) == [200, 403]
        assert kitchen_rows("alice", "bob").filter(archived_at=None, is_admin=True).count() == 1

    repeated(reset, attempt)


def test_concurrent_demotions_keep_one_tenant_admin(transactional_world: World) -> None:
    tokens = {each: make_token(each) for each in ("alice", "bob")}
    admins = TenantUser.unscoped.filter(tenant__subdomain="garden", handle__in=["alice", "bob"])

    def attempt() -> None:
        taken = {"role": "admin", "grant": False}
        at_once(
            [
                (tokens["alice"], "POST", "/tenant-admin/users/bob/roles", taken),
                (tokens["bob"], "POST", "/tenant-admin/users/alice/roles", taken),
            ]
        )
        assert admins.filter(is_admin=True).count() == 1

    repeated(lambda: admins.update(is_admin=True), attempt)


def test_adding_an_agent_does_not_race_with_removing_its_parent(transactional_world: World) -> None:
    alice, bob = make_token("alice"), make_token("bob")
    Collective.unscoped.filter(handle="kitchen").update(all_members_can_invite=True)
    pilot = id_of("pilot")

    def reset() -> None:
        kitchen_rows("bob").update(archived_at=None)
        kitchen_rows("pilot").delete()

    def attempt() -> None:
        at_once(
            [
                (alice, "POST", f"{MEMBERS}/remove_member", {"user_handle": "bob"}),
                (
                    bob,
                    "POST",
                    f"{MEMBERS}/add_ai_agent_to_collective",
                    {"ai_agent_id": pilot},
                ),
            ]
        )
        assert not is_member("bob")
        assert not is_member("pilot")

    repeated(reset, attempt)


def test_a_personal_invite_is_used_once_by_parallel_requests(transactional_world: World) -> None:
    carol = make_token("carol")
    place = transactional_world.collective("kitchen")
    invited, maker = transactional_world.user("carol"), transactional_world.user("alice")

    def reset() -> None:
        kitchen_rows("carol").delete()
        now = timezone.now()
        Invite.unscoped.bulk_create(
            [
                Invite(
                    tenant_id=place.tenant_id,
                    code=secrets.token_hex(16),
                    collective=place,
                    created_by=maker,
                    invited_user=invited,
                    expires_at=now + timedelta(days=1),
                    created_at=now,
                )
            ]
        )

    def attempt() -> None:
        join = f"{KITCHEN}/join/actions/join_collective"
        assert sorted(at_once([(carol, "POST", join, {})] * 2)) == [200, 400]
        open_ones = Invite.unscoped.filter(invited_user=invited, expires_at__gt=timezone.now())
        assert not open_ones.exists()

    repeated(reset, attempt)


@pytest.mark.parametrize("place", ["kitchen", "garden"])
def test_parallel_pins_never_exceed_the_limit(transactional_world: World, place: str) -> None:
    collective = transactional_world.collective(place)
    alice, base = make_token("alice"), "" if collective.is_main else collective.path
    owner = transactional_world.person("alice") if collective.is_main else None
    ids = [make_note(collective, transactional_world) for _ in range(4)]
    pins = Pin.unscoped.filter(collective=collective, person=owner)

    def reset() -> None:
        pins.delete()
        Pin.unscoped.bulk_create(
            Pin(
                tenant_id=collective.tenant_id,
                collective=collective,
                person=owner,
                item_id=id_,
                pinned_at=timezone.now(),
            )
            for id_ in others
        )

    others = [make_note(collective, transactional_world) for _ in range(Pin.MAX_PER_PLACE - 1)]

    def attempt() -> None:
        statuses = at_once([(alice, "PUT", f"{base}/n/{id_}/pin", {"pinned": True}) for id_ in ids])
        assert sorted(statuses) == [200, 422, 422, 422]
        assert pins.count() == Pin.MAX_PER_PLACE

    repeated(reset, attempt)


def make_note(collective: Collective, world: World) -> Any:
    now = timezone.now()
    author = world.user("alice")
    note = Note(
        tenant_id=collective.tenant_id,
        collective=collective,
        title="Pinned",
        text="Pinned",
        deadline=now,
        created_by=author,
        updated_by=author,
        created_at=now,
        updated_at=now,
    )
    note.truncated_id = str(note.id)[: Note.SHORT]
    Note.unscoped.bulk_create([note])
    return note.id
