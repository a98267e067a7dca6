"""A refusal that names a person, a page or an action is followed by that person, and it works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction

from tests.access.routes import ids_of
from tests.access.sweep import ALL, KITCHEN, MAIN, Caller
from tests.blind.following import follow
from tests.blind.refusals import Refusal, refusals
from tests.fixtures.world import World, make_token

CALLERS = (
    Caller("outsider", "token", "carol", places=MAIN),
    Caller("member", "token", "bob", places=ALL),
    Caller("admin", "token", "alice", places=KITCHEN),
    Caller("read-only token", "token", "bob", places=ALL, is_read_only=True),
    Caller("agent", "token", "alice", places=KITCHEN, agent="scout"),
    Caller("agent in no collective", "token", "bob", places=MAIN, agent="pilot"),
)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name.replace(" ", "_"))
def test_every_refusal_leads_to_somebody_or_something_that_helps(
    caller: Caller, world: World, quiet: None
) -> None:
    make_token("bob")
    faults = []
    for refusal in unlike(refusals(caller, world, ids_of(world))):
        place = transaction.savepoint()
        try:
            follow(world, refusal)
        except AssertionError as fault:
            faults.append(str(fault).partition("\nassert")[0])
        transaction.savepoint_rollback(place)

    assert not faults, "\n\n".join(faults)


def unlike(found: Iterator[Refusal]) -> Iterator[Refusal]:
    """Return the refusals that say something, each action and page once."""
    seen = set()
    for refusal in found:
        request = refusal.request
        below = request.path.rpartition("/actions/")[2] if "/actions/" in request.path else ""
        about = (refusal.hint, below or (request.method, request.path))
        if refusal.code == "insufficient_scope":
            about = (refusal.hint, "")
        if refusal.hint and about not in seen:
            seen.add(about)
            yield refusal
