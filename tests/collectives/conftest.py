"""What tests of collectives share: an action on each surface, and who is a member."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from accounts.models import SecurityEvent, TenantUser
from collectives.models import CollectiveMember, Invite
from tests.fixtures.world import World, client_of_nobody, client_with, make_token, sign_in

KITCHEN = "/collectives/kitchen"
SURFACES = ("html", "markdown", "json")
Answer = Any
Perform = Callable[..., Answer]


def perform_on(surface: str, who: str, path: str, **params: Any) -> Answer:
    """Perform an action as a browser with a form, or as a program with a token."""
    if surface == "html":
        browser = client_of_nobody()
        sign_in(browser, who, "garden")
        return browser.post(path, params)
    accept = "text/markdown" if surface == "markdown" else "application/json"
    client = client_with(make_token(who))
    return client.post(path, json.dumps(params), "application/json", headers={"accept": accept})


@pytest.fixture(params=SURFACES)
def surface(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def perform(surface: str, world: World) -> Perform:
    """Perform an action on each surface: `perform(who, path, **params)`."""
    return lambda who, path, **params: perform_on(surface, who, path, **params)


def succeeded(answer: Answer) -> bool:
    """Answer whether an action was carried out: a browser is redirected."""
    return answer.status_code in {200, 303}


def refused(answer: Answer, status: int, sentence: str) -> bool:
    """Answer whether an action was refused with a status and a sentence, on any surface."""
    text = answer.content.decode().replace("\\", "").replace("&#x27;", "'")
    assert answer.status_code == status, text
    assert sentence in text
    return True


def is_member(handle: str, place: str = "kitchen") -> bool:
    rows = CollectiveMember.unscoped.filter(person__handle=handle, collective__handle=place)
    return rows.filter(archived_at=None).exists()


def roles(handle: str, place: str = "kitchen") -> list[str]:
    row = CollectiveMember.unscoped.get(person__handle=handle, collective__handle=place)
    return row.roles


def admin_of(handle: str, place: str = "kitchen") -> None:
    """Make a member an admin of a collective."""
    rows = CollectiveMember.unscoped.filter(person__handle=handle, collective__handle=place)
    assert rows.update(is_admin=True) == 1


def id_of(handle: str) -> str:
    """Return the user id of somebody in the garden."""
    return str(TenantUser.unscoped.get(tenant__subdomain="garden", handle=handle).user_id)


def new_link(who: str, place: str = "kitchen") -> str:
    """Return the code of the shareable link that somebody gets."""
    answer = perform_on("json", who, f"/collectives/{place}/invite/actions/create_invite")
    assert answer.status_code == 200, answer.content
    return str(answer.json()["resource"]["id"])


def invite_row(code: str) -> Invite:
    return Invite.unscoped.get(code=code)


def lines_about(handle: str, action: str) -> list[dict[str, Any]]:
    """Return what the security log keeps of an action about somebody, oldest first."""
    rows = SecurityEvent.unscoped.filter(subject_id=UUID(id_of(handle))).order_by("at", "id")
    return [row.data for row in rows if row.data.get("action") == action]
