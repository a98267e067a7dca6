"""The demo world, used by `make run` and by the tests.

It is created through the product's own rules and actions, with dates in the past.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.agents.actions.creating import create_ai_agent
from accounts.models import Tenant, TenantUser, User
from accounts.rules import new_user
from collectives.actions.agents import add_ai_agent_to_collective
from collectives.actions.collective import create_collective
from collectives.commitments import actions as commitments
from collectives.cycles.actions import send_heartbeat
from collectives.cycles.presence import presence_here
from collectives.decisions.actions.settings import create_decision
from collectives.decisions.actions.voting import close_decision, vote
from collectives.decisions.models import Decision
from collectives.items.actions import confirm_read
from collectives.models import Collective
from collectives.notes import actions as notes
from collectives.notes.models import Note
from collectives.queries import membership_of
from collectives.reminders.actions import create_reminder_note
from collectives.rules.members import add_member
from collectives.rules.tenants import join_tenant, new_tenant
from collectives.tables.actions.changing import add_row
from collectives.tables.actions.creating import create_table_note
from harmonic.access.access_as import access_as
from harmonic.demo import texts
from harmonic.demo.commitments import COMMITMENTS, DemoCommitment
from harmonic.demo.decisions import DECISIONS, DemoDecision
from harmonic.demo.reminders import REMINDERS, DemoReminder
from harmonic.demo.tables import TABLES, DemoTable
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations.mail import without_mail
from harmonic.kernel.parameters.decoding import RawParams
from harmonic.kernel.pipeline import Call, perform

PASSWORD = "harmonic-demo-password"  # noqa: S105 the public password of the demo

TENANTS: tuple[tuple[str, str, dict[str, bool]], ...] = (
    ("garden", "Garden Cooperative", {"is_api_enabled": True, "is_ai_agents_enabled": True}),
    ("harbor", "Harbor Makers", {}),
    ("summit", "Summit Network", {"is_api_enabled": True}),
)
PEOPLE: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    # handle, name, tenants, tenants where they are admin
    ("alice", "Alice", ("garden", "harbor", "summit"), ("garden", "harbor")),
    ("bob", "Bob", ("garden",), ()),
    ("carol", "Carol", ("garden",), ()),
    ("dave", "Dave", ("harbor", "summit"), ("summit",)),
    ("erin", "Erin", ("garden",), ()),
)
AGENTS = (
    # handle, parent, mode, identity prompt
    ("scout", "alice", "external", "You keep an eye on the kitchen and write short, kind notes."),
    ("pilot", "bob", "external", "You try things out for Bob."),
    ("steward", "alice", "internal", "You remind the crew of what it decided."),
)
COLLECTIVES = (
    # tenant, handle, name, admin, API flag, other members, description
    ("garden", "kitchen", "Kitchen Crew", "alice", True, ("bob", "erin"), "Who cooks, and how."),
    ("garden", "treasury", "Treasury", "carol", False, ("alice",), "What we own and owe."),
    ("garden", "board", "Board Room", "carol", True, (), "The board's own table."),
    ("harbor", "workshop", "Workshop", "dave", True, ("alice",), "Benches, saws, glue."),
    ("summit", "basecamp", "Base Camp", "dave", True, ("alice",), "Where every climb begins."),
)
# Who is in each collective in the current cycle: everyone, except Alice in the treasury, so that
# there is a page that asks for a heartbeat.
HEARTBEATS = (
    ("garden", "kitchen", ("steward", "scout", "bob", "alice")),
    ("garden", "treasury", ("carol",)),
    ("garden", "board", ("carol",)),
    ("harbor", "workshop", ("alice", "dave")),
    ("summit", "basecamp", ("alice", "dave")),
)


def exists() -> bool:
    return Tenant.objects.filter(subdomain__in=[subdomain for subdomain, *_ in TENANTS]).exists()


@transaction.atomic
def build(now: datetime | None = None) -> None:
    """Create the demo world as of `now`."""
    with without_mail():
        DemoBuilder(now or timezone.now()).build()


class DemoBuilder:
    """Builder of the demo world."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.founded = now - timedelta(days=60)
        self.tenants: dict[str, Tenant] = {}
        self.users: dict[str, User] = {}

    def build(self) -> None:
        for subdomain, name, switches in TENANTS:
            self._tenant(subdomain, name, switches)
        for handle, name, *_ in PEOPLE:
            self.users[handle] = new_user(
                name=name, email=f"{handle}@example.com", now=self.founded, password=PASSWORD
            )
        self._memberships()
        for row in COLLECTIVES:
            self._collective(*row)
        for agent in AGENTS:
            self._agent(*agent)
        self._kitchen_agents()
        self._content()
        self._heartbeats()
        self.users["erin"].suspend(self.now - timedelta(days=1), "Asked to pause.")

    def _tenant(self, subdomain: str, name: str, switches: Mapping[str, bool]) -> None:
        self.tenants[subdomain] = new_tenant(
            subdomain=subdomain,
            name=name,
            host=settings.HOST,
            now=self.founded,
            is_listed=True,
            **switches,
        )

    def _memberships(self) -> None:
        for handle, _, tenants, admin_in in PEOPLE:
            for subdomain in tenants:
                tenant = self.tenants[subdomain]
                with tenant_bound(tenant.id):
                    join_tenant(
                        self.users[handle],
                        tenant,
                        now=self.founded,
                        handle=handle,
                        is_admin=subdomain in admin_in,
                    )

    @contextmanager
    def _access_as(
        self, subdomain: str, handle: str, place: str = "", days_ago: float = 60
    ) -> Iterator[Access]:
        with tenant_bound(self.tenants[subdomain].id):
            moment = self.now - timedelta(days=days_ago)
            yield access_as(subdomain, handle, place, now=moment)

    def _collective(
        self,
        subdomain: str,
        handle: str,
        name: str,
        admin: str,
        is_api_on: bool,
        members: tuple[str, ...],
        description: str,
    ) -> None:
        values = {
            "name": name,
            "handle": handle,
            "description": description,
            "api_enabled": is_api_on,
            "tempo": "weekly",
        }
        with self._access_as(subdomain, admin, days_ago=58) as access:
            collective: Collective = perform_action(create_collective, access, None, values).object
            for member in members:
                person = TenantUser.objects.get(handle=member)
                add_member(collective, person, now=access.now)

    def _agent(self, handle: str, parent: str, mode: str, prompt: str) -> None:
        values = {"name": handle, "mode": mode, "identity_prompt": prompt}
        with self._access_as("garden", parent, days_ago=40) as access:
            perform_action(create_ai_agent, access, None, values)

    def _kitchen_agents(self) -> None:
        with self._access_as("garden", "alice", "kitchen", days_ago=39) as access:
            for handle in ("scout", "steward"):
                agent = TenantUser.objects.get(handle=handle)
                perform_action(
                    add_ai_agent_to_collective, access, None, {"ai_agent_id": str(agent.user_id)}
                )
        # Carol is a member of the board as well as its admin.
        with self._access_as("garden", "carol", "board") as access:
            assert membership_of(access.required_place.id, TenantUser.objects.get(handle="carol"))

    def _heartbeats(self) -> None:
        """Send the heartbeats of this cycle."""
        for subdomain, place, handles in HEARTBEATS:
            for handle in handles:
                with self._access_as(subdomain, handle, place, days_ago=0) as access:
                    perform_action(send_heartbeat, access, presence_here(access), {})

    # --- Content ----------------------------------------------------------------------------

    def _content(self) -> None:
        notes = [(entry, self._note(entry)) for entry in texts.NOTES]
        for entry, note in notes:
            for later in entry.later_actions:
                self._perform_later(entry, note, later)
        for reminder in REMINDERS:
            self._reminder(reminder)
        for table in TABLES:
            self._table(table)
        for commitment in COMMITMENTS:
            self._commitment(commitment)
        for decision in DECISIONS:
            self._decision(decision)

    def _decision(self, entry: DemoDecision) -> None:
        with self._access_as("garden", entry.author, "kitchen", entry.days_ago) as access:
            values = {
                "question": entry.question,
                "description": linked(access, entry.description),
                "options": list(entry.options),
            }
            decision: Decision = perform_action(create_decision, access, None, values).object
        for hours, (voter, marks) in enumerate(entry.votes.items(), start=2):
            votes = [
                {"option_title": title, "accept": "a" in letters, "prefer": "p" in letters}
                for title, letters in marks.items()
            ]
            days_ago = entry.days_ago - hours / 24
            with self._access_as("garden", voter, "kitchen", days_ago) as access:
                perform_action(vote, access, decision, {"votes": votes})
        if entry.closed_after is not None:
            days_ago = entry.days_ago - entry.closed_after
            with self._access_as("garden", entry.author, "kitchen", days_ago) as access:
                stated = {"final_statement": entry.statement}
                perform_action(close_decision, access, decision, stated)

    def _note(self, entry: texts.DemoNote) -> Note:
        with self._access_as(entry.tenant, entry.author, entry.place, entry.days_ago) as access:
            values = {"title": entry.title, "text": linked(access, entry.text)}
            note: Note = perform_action(notes.create_note, access, None, values).object
            return note

    def _perform_later(self, entry: texts.DemoNote, note: Note, later: texts.LaterAction) -> None:
        days_ago = entry.days_ago - later.days_later
        with self._access_as(entry.tenant, later.who, entry.place, days_ago) as access:
            if later.what == "comment":
                made = perform_action(notes.add_comment, access, note, {"text": later.text})
                for reply in later.replies:
                    self._perform_later(entry, made.object, reply)
            elif later.what == "edit":
                text = linked(access, later.text)
                perform_action(notes.update_note, access, note, {"text": text})
            elif later.what == "confirm":
                perform_action(confirm_read, access, note, {})
            elif later.what == "pin":
                perform_action(notes.pin_note, access, note, {})

    def _reminder(self, entry: DemoReminder) -> None:
        values = {
            "title": entry.title,
            "text": entry.text,
            "scheduled_for": self._in_days(entry.due),
        }
        with self._access_as("garden", entry.author, "kitchen", entry.days_ago) as access:
            perform_action(create_reminder_note, access, None, values)

    def _table(self, entry: DemoTable) -> None:
        columns = [{"name": name, "type": type_} for name, type_ in entry.columns.items()]
        values = {
            "title": entry.title,
            "columns": columns,
            "initial_rows": [dict(zip(entry.columns, row, strict=True)) for row in entry.rows],
            "description": entry.description,
            "edit_access": Note.EditAccess.MEMBERS,
        }
        days_ago = entry.days_ago
        with self._access_as("garden", entry.author, "kitchen", days_ago) as access:
            note: Note = perform_action(create_table_note, access, None, values).object
        for who, row in entry.later:
            days_ago -= 0.5
            with self._access_as("garden", who, "kitchen", days_ago) as access:
                cells = dict(zip(entry.columns, row, strict=True))
                perform_action(add_row, access, note, {"values": cells})

    def _commitment(self, entry: DemoCommitment) -> None:
        values = {
            "title": entry.title,
            "description": entry.description,
            "subtype": entry.subtype,
            "critical_mass": entry.critical_mass,
            "close_at_critical_mass": entry.closes_at_mass,
            "deadline": self._in_days(entry.deadline),
            "location": entry.location,
            "starts_at": self._in_days(entry.starts),
            "ends_at": self._in_days(entry.starts, hours=3),
        }
        days_ago = entry.days_ago
        with self._access_as("garden", entry.author, "kitchen", days_ago) as access:
            made = perform_action(commitments.create_commitment, access, None, values).object
        for who in entry.joined:
            days_ago -= 0.25
            with self._access_as("garden", who, "kitchen", days_ago) as access:
                perform_action(commitments.join_commitment, access, made, {})

    def _in_days(self, days: float | None, hours: float = 0) -> str | None:
        """Return the full hour some days from now; None for None."""
        if days is None:
            return None
        moment = self.now + timedelta(days=days, hours=hours)
        return moment.replace(minute=0, second=0, microsecond=0).isoformat()


def linked(access: Access, text: str) -> str:
    """Return a text of the demo with links to the notes whose titles it has in `<<…>>`."""

    def link(found: re.Match[str]) -> str:
        note: Note = Note.objects.get(title=found[1], collective=access.required_place.id)
        return f"[{note.title}]({note.path_in(access.required_place.path)})"

    return re.sub("<<(.+?)>>", link, text)


def perform_action(
    action: Action[Any], access: Access, target: Any, values: Mapping[str, Any]
) -> Outcome:
    """Perform an action as a program does."""
    return perform(Call(action=action, raw=RawParams(dict(values)), find=lambda _: target), access)
