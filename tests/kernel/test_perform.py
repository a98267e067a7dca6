"""The number of runs of an action in `perform`, and the bytes that count as stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError
from django.utils import timezone

from accounts.models import StoredBytes
from harmonic.access.access_as import access_as
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.parameters.decoding import RawParams
from harmonic.kernel.pipeline import Call, no_target, perform
from harmonic.kernel.registry import actions
from harmonic.kernel.scopes import Scope
from tests.fixtures.world import World

COLLISION = IntegrityError("UNIQUE constraint failed: items_item.truncated_id")
TEXT = "x" * 100


class Effect:
    """The effect of an action that fails with `errors`, one at each run, and then succeeds."""

    def __init__(self, *errors: DatabaseError) -> None:
        self.runs = 0
        self.errors = list(errors)

    def __call__(self, access: Access, target: Any, **params: Any) -> Outcome:
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)
        return Outcome("Done.", "/", facts=None)


def run(effect: Effect, **changes: Any) -> Outcome:
    """Run a variant of `create_note` as Bob."""
    action: Action[Any] = replace(actions()["create_note"], effect=effect, **changes)
    access = access_as("garden", "bob", "kitchen", now=timezone.now())
    with tenant_bound(access.tenant.id):
        return perform(Call(action=action, find=no_target, raw=RawParams({"text": TEXT})), access)


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_a_write_that_drew_a_short_id_in_use_runs_up_to_three_times(
    world: World, failures: int
) -> None:
    effect = Effect(*[COLLISION] * failures)

    assert run(effect).message == "Done."
    assert effect.runs == failures + 1


def test_a_write_that_collides_three_times_is_not_run_again(world: World) -> None:
    effect = Effect(*[COLLISION] * 3)

    with pytest.raises(IntegrityError):
        run(effect)

    assert effect.runs == 3


@pytest.mark.parametrize(
    "error",
    [IntegrityError("UNIQUE constraint failed: notes_note.title"), OperationalError("disk full")],
)
def test_a_write_that_failed_for_another_reason_is_not_run_again(
    world: World, error: DatabaseError
) -> None:
    effect = Effect(error)

    with pytest.raises(DatabaseError):
        run(effect)

    assert effect.runs == 1


@pytest.mark.parametrize(("scope", "counted"), [("create:notes", len(TEXT)), ("read:notes", 0)])
def test_only_the_parameters_of_writes_count_as_stored(
    world: World, scope: str, counted: int
) -> None:
    StoredBytes.objects.all().delete()

    run(Effect(), scope=Scope(scope))

    rows = StoredBytes.objects.filter(user=world.user("bob"))
    assert sum(rows.values_list("bytes", flat=True)) == counted
