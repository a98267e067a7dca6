"""A database in which the settings of agents were JSON, migrated forward and back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.agents.models import Agent
from accounts.models import User
from harmonic.kernel.capabilities import Capabilities, careful, usual
from tests.fixtures.world import World, make_token, token_client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

BEFORE = ("accounts", "0012_fill_event_filters")
# What a release wrote for an agent whose parent chose nothing.
FORMER_DEFAULT = """
create_note update_note pin_note unpin_note confirm_read add_comment
accept_trustee_grant acknowledge_reminder add_options add_row add_statement add_table_column
batch_table_update cancel_reminder close_decision create_commitment create_decision
create_reminder_note create_table_note decline_trustee_grant end_representation join_commitment
pin_commitment pin_decision query_rows report_content send_message start_representation summarize
unpin_commitment unpin_decision update_commitment_settings update_decision_settings update_row
update_table_description vote
""".split()
COLUMNS = (
    "mode",
    "model",
    "capability_names",
    "may_write_publicly",
    "identity_prompt",
    "scratchpad",
)
WHOLE = {
    "mode": "internal",
    "model": "large",
    "capabilities": ["create_note", "vote"],
    "allow_public_writes": False,
    "identity_prompt": "Keep the ledger.\n“Twice.”",
    "scratchpad": "Remember the seeds",
}
WHOLE_ROW = (
    "internal",
    "large",
    ["create_note", "vote"],
    False,
    "Keep the ledger.\n“Twice.”",
    "Remember the seeds",
)


class Before:
    """The database as the previous version had it."""

    def __init__(self, apps: Any, parent: User) -> None:
        self.users = apps.get_model("accounts", "User")
        self.parent_id = parent.id

    def add(self, configuration: dict[str, Any]) -> uuid.UUID:
        """Insert an agent as the previous version stored it, and return its id."""
        moments = {"created_at": timezone.now(), "updated_at": timezone.now()}
        user = self.users.objects.create(
            name="Old",
            email=f"{uuid.uuid4()}@example.org",
            email_key=str(uuid.uuid4()),
            user_type="ai_agent",
            parent_id=self.parent_id,
            agent_configuration=configuration,
            **moments,
        )
        created: uuid.UUID = user.id
        return created


def migrate(*targets: tuple[str, str]) -> Any:
    executor = MigrationExecutor(connection)
    return executor.migrate(list(targets) or executor.loader.graph.leaf_nodes()).apps


def row(user_id: uuid.UUID) -> tuple[Any, ...]:
    found: tuple[Any, ...] = Agent.objects.values_list(*COLUMNS).get(user=user_id)
    return found


@pytest.fixture
def before(transactional_world: World) -> Iterator[Before]:
    yield Before(migrate(BEFORE), transactional_world.user("alice"))
    migrate()
    User.objects.filter(name="Old").delete()


def test_an_agent_keeps_its_id_its_parent_and_its_settings(before: Before) -> None:
    whole = before.add(WHOLE)

    migrate()

    assert row(whole) == WHOLE_ROW
    assert User.objects.get(id=whole).parent_id == before.parent_id
    people = User.objects.exclude(user_type="ai_agent")
    assert not Agent.objects.filter(user__in=people).exists()


@pytest.mark.parametrize("configuration", [{}, {"capabilities": None}])
def test_an_agent_without_a_list_keeps_everything_that_can_be_granted(
    before: Before, configuration: dict[str, Any]
) -> None:
    bare = before.add(configuration)

    migrate()

    assert row(bare) == ("external", "", ["all"], True, "", "")
    held = Agent.objects.get(user=bare).capabilities
    assert held.hold("create_note", usual("Notes"))
    assert held.hold("delete_note", careful("Notes"))


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        (FORMER_DEFAULT, ["usual"]),
        (FORMER_DEFAULT[::-1], ["usual"]),
        (FORMER_DEFAULT[1:], FORMER_DEFAULT[1:]),
        ([*FORMER_DEFAULT, "delete_note"], [*FORMER_DEFAULT, "delete_note"]),
        ([], []),
        (["usual", "delete_note"], ["usual", "delete_note"]),
    ],
    ids=["default", "in another order", "one less", "one more", "nothing", "usual"],
)
def test_only_the_former_default_list_becomes_the_word_usual(
    before: Before, stored: list[str], kept: list[str]
) -> None:
    agent = before.add({"capabilities": stored})

    migrate()

    assert Agent.objects.get(user=agent).capability_names == kept
    later = Agent.objects.get(user=agent).capabilities.hold("later", usual("Notes"))
    assert later is ("usual" in kept)


def test_going_back_restores_the_settings_and_forward_again_keeps_them(before: Before) -> None:
    whole, bare = before.add(WHOLE), before.add({})
    migrate()
    Agent.objects.filter(user=bare).update(scratchpad="Written since")

    old = migrate(BEFORE).get_model("accounts", "User").objects
    assert old.get(id=whole).agent_configuration == WHOLE
    assert old.get(id=bare).agent_configuration == {
        "mode": "external",
        "identity_prompt": "",
        "scratchpad": "Written since",
    }

    migrate()
    assert row(whole) == WHOLE_ROW
    assert row(bare) == ("external", "", ["all"], True, "", "Written since")


def test_a_migrated_agent_writes_as_it_did(before: Before, transactional_world: World) -> None:
    migrate()

    scout = token_client(make_token("alice", agent="scout"))
    path = "/collectives/kitchen/api/v1/notes"
    assert scout.post(path, {"text": "x"}, "application/json").status_code == 200
    assert transactional_world.agent("scout").capabilities == Capabilities.of(["usual"])
