"""Actions that create, change, duplicate, pin and delete decisions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.queries import people
from collectives.decisions import queries, rules, voting
from collectives.decisions.fields import Lines, NewOption
from collectives.decisions.models import Decision
from collectives.items import rules as items
from collectives.items.actions import creation_action, done, lifecycle_actions
from collectives.items.deadlines import (
    TypedTime,
    chosen_deadline,
    deadline_field,
    is_manual,
    option_field,
    timezone_field,
)
from collectives.rules import user_sets
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.capabilities import usual
from harmonic.kernel.parameters.fields import Block, Choice, Flag, Line, Params
from harmonic.kernel.parameters.widgets import PROSE, Widget
from harmonic.kernel.refusals import Forbidden, Proof
from harmonic.kernel.rendering.text import is_blank
from harmonic.kernel.scopes import Scope

GROUP = "Decisions"
COPY = " (copy)"
SUBTYPES = (
    ("vote", "Vote", "Members accept options they can live with. The most accepted option wins."),
    ("executive", "Executive", "One person selects the options."),
    ("lottery", "Lottery", "A verifiable draw orders the entries at random."),
)


# --- Create ---------------------------------------------------------------------------------


VOTERS = "voter_eligibility"
PROPOSERS = "proposer_eligibility"
SET_SYNTAX = "`user:@alice,@bob`, `role:admin`, or several of them"


def set_field(help_text: str, label: str, help_in_form: str) -> Line:
    """Return the parameter of a user set."""
    return Line(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=user_sets.LENGTH,
        label=label,
        help_text=f"{help_text} Use {SET_SYNTAX}.",
        widget=Widget(help=f"Such as user:@alice,@bob role:admin. {help_in_form}"),
    )


class DecisionParams(Params):
    question = Line(
        max_length=Decision.TITLE_LENGTH,
        help_text="The question to decide.",
        widget=Widget(help="", autocomplete=PROSE),
        example="Which oven do we buy?",
    )
    description = Block(
        required=False,
        allow_blank=True,
        max_length=Decision.DESCRIPTION_LENGTH,
        help_text="The details, in Markdown.",
        widget=Widget(rows=6, help="You can use Markdown.", autocomplete=PROSE),
    )
    subtype = Choice(
        [(value, label) for value, label, _ in SUBTYPES],
        required=False,
        label="Kind",
        help_text="vote (default), executive (one person selects) or lottery (a draw).",
        widget=Widget(kind="radios", initial="vote", help="", options=SUBTYPES),
    )
    options = Lines(
        required=False,
        help_text="The titles of the first options.",
        widget=Widget(kind="lines", rows=4, help="One per line. You can add more later."),
    )
    options_open = Flag(
        required=False,
        label="Members can add options",
        help_text="Whether other members can add options. Default: true.",
        widget=Widget(initial=True, help=""),
    )
    decision_maker = Line(
        required=False,
        allow_blank=True,
        max_length=255,
        help_text="The decision maker of an executive decision: a handle or user ID. Default: you.",
        widget=Widget(help="A handle, for executive decisions. If left blank, you decide."),
    )
    voter_eligibility = set_field(
        "Who can vote. Default: all members.",
        "Voters",
        "If left blank, all members can vote.",
    )
    proposer_eligibility = set_field(
        "Who can add options. Overrides `options_open`.",
        "Proposers",
        "They can add options. If left blank, the checkbox above applies.",
    )
    deadline = deadline_field()
    timezone = timezone_field()
    deadline_option = option_field()
    decision_maker_id = Line(
        required=False,
        allow_blank=True,
        max_length=255,
        is_unlisted=True,
        widget=Widget(is_hidden=True),
    )


def create(
    access: Access,
    target: None,
    *,
    question: str,
    description: str = "",
    subtype: str = Decision.Subtype.VOTE,
    options: list[str] | list[NewOption] | None = None,
    options_open: bool = True,
    decision_maker: str = "",
    decision_maker_id: str = "",
    voter_eligibility: str | None = "",
    proposer_eligibility: str | None = "",
    deadline: TypedTime | datetime | None = None,
    timezone: str = "",
    deadline_option: str = "",
) -> Outcome:
    """Create a decision. Options from the API can have descriptions."""
    maker = decision_maker or decision_maker_id
    decision = rules.create(
        access,
        question=question,
        description="" if is_blank(description) else description,
        subtype=subtype or Decision.Subtype.VOTE,
        options_open=options_open,
        deadline=chosen_deadline(access, deadline, timezone=timezone, option=deadline_option),
        decision_maker_id=rules.decision_maker(access, maker) if maker else None,
        voter_eligibility=user_sets.read(access, voter_eligibility or "", VOTERS),
        proposer_eligibility=user_sets.read(access, proposer_eligibility or "", PROPOSERS),
        options=[NewOption(each) if isinstance(each, str) else each for each in options or ()],
    )
    message = f"Decision '{question}' successfully created."
    return done(access, decision, message, items.created(decision))


create_decision = creation_action(
    Decision,
    "Create a decision: a question settled by vote, by one person, or by draw.",
    params=DecisionParams,
    resources="decisions",
    group=GROUP,
    effect=create,
)


# --- Settings -------------------------------------------------------------------------------


class SettingsParams(Params):
    question = Line(
        required=False,
        allow_blank=True,
        max_length=Decision.TITLE_LENGTH,
        help_text="The new question. If blank, the current one is kept.",
        widget=Widget(help="", autocomplete=PROSE, is_required=True),
    )
    description = Block(
        required=False,
        allow_blank=True,
        max_length=Decision.DESCRIPTION_LENGTH,
        help_text="The new description, in Markdown. If blank, the current one is kept.",
        widget=Widget(rows=8, help="Leave blank to keep the current one.", autocomplete=PROSE),
    )
    options_open = Flag(
        required=False,
        label="Members can add options",
        help_text="Whether other members can add options. Fixed once the decision is closed.",
        widget=Widget(help=""),
    )
    decision_maker = Line(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=255,
        help_text="The decision maker of an executive decision: a handle or user ID."
        " Blank: the creator.",
        widget=Widget(help="Executive decisions only. If left blank, you decide."),
    )
    voter_eligibility = set_field(
        "Who can vote. Cannot be changed after closing. If blank, all members can vote.",
        "Voters",
        "If left blank, all members can vote.",
    )
    proposer_eligibility = set_field(
        "Who can add options. Overrides `options_open`. If blank, `options_open` applies.",
        "Proposers",
        "They can add options. If left blank, the checkbox above applies.",
    )
    deadline = deadline_field("If left blank, the current one is kept.")
    timezone = timezone_field()
    deadline_option = option_field()
    decision_maker_id = Line(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=255,
        is_unlisted=True,
        widget=Widget(is_hidden=True),
    )


class ClosedParams(SettingsParams):
    """The settings that the form of a closed decision shows."""

    options_open = None  # type: ignore[assignment]  # removes fields of the base class
    voter_eligibility = None  # type: ignore[assignment]
    proposer_eligibility = None  # type: ignore[assignment]
    deadline = None  # type: ignore[assignment]
    timezone = None  # type: ignore[assignment]


def _params_here(access: Access, decision: Decision | None) -> type[Params]:
    is_closed = decision is not None and not rules.is_open(access, decision)
    return ClosedParams if is_closed else SettingsParams


# Stands for a parameter that was not sent. No request can contain this value.
UNCHANGED = "\0"


def _update(
    access: Access,
    decision: Decision,
    *,
    question: str = "",
    description: str = "",
    options_open: bool | None = None,
    decision_maker: str | None = UNCHANGED,
    decision_maker_id: str | None = UNCHANGED,
    voter_eligibility: str | None = UNCHANGED,
    proposer_eligibility: str | None = UNCHANGED,
    deadline: TypedTime | datetime | None = None,
    timezone: str = "",
    deadline_option: str = "",
) -> Outcome:
    moment = chosen_deadline(access, deadline, timezone=timezone, option=deadline_option)
    if moment is not None and _minute(moment) == _minute(decision.deadline):
        # Forms show a deadline without its seconds.
        moment = None
    is_closing = moment is not None and moment <= access.now and rules.is_open(access, decision)
    if is_closing:
        _require_closer(access, decision)
    maker = decision_maker_id if decision_maker == UNCHANGED else decision_maker
    facts = rules.update(
        access,
        decision,
        question=question,
        description="" if is_blank(description) else description,
        options_open=options_open,
        deadline=None if is_closing else moment,
        maker=None if maker == UNCHANGED else maker or "",
        voter_eligibility=_new_set(access, decision, VOTERS, voter_eligibility),
        proposer_eligibility=_new_set(access, decision, PROPOSERS, proposer_eligibility),
    )
    if is_closing:
        voting.close(access, decision)
        facts = {**(facts or {}), "is_closed": True}
    message = "Decision updated." if facts else "The decision already has these values."
    return done(access, decision, message, facts)


def _new_set(access: Access, decision: Decision, name: str, sent: str | None) -> str | None:
    """Return a user set as it is stored, or None if it was not sent or is the current one.

    The current one is not read again, since members whom it names may have left.
    """
    current = getattr(decision, name)
    if sent == UNCHANGED or (sent or "") == _written(current):
        return None
    return user_sets.read(access, sent or "", name)


def _written(stored: str) -> str:
    return user_sets.written(stored, people(user_sets.ids_in(stored)))


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _require_closer(access: Access, decision: Decision) -> None:
    """Require that the caller may close a decision through its settings."""
    if denied := rules.is_closer(access, decision):
        raise Forbidden.because(denied, "Unauthorized")


def _current(access: Access, decision: Decision | None) -> Mapping[str, Any]:
    if decision is None:
        return {}
    maker = people([decision.decision_maker_id])
    handle = maker[decision.decision_maker_id].handle if decision.decision_maker_id else ""
    has_deadline = not is_manual(decision.deadline, access.now)
    return {
        "question": decision.question,
        "description": decision.description,
        "options_open": decision.options_open,
        "decision_maker": handle,
        VOTERS: _written(decision.voter_eligibility),
        PROPOSERS: _written(decision.proposer_eligibility),
        "deadline": f"{decision.deadline:%Y-%m-%dT%H:%M}" if has_deadline else "",
        "timezone": "UTC" if has_deadline else "",
    }


update_decision_settings: Action[Decision] = Action(
    name="update_decision_settings",
    sentence="Change the question, the deadline or other settings of this decision.",
    label="Save settings",
    scope=Scope("update:decisions"),
    grant=usual(GROUP),
    proof=Proof.NONE,
    changes_access=False,
    emits="decision.updated",
    params=SettingsParams,
    params_here=_params_here,
    policy=rules.is_creator,
    effect=_update,
    initial=_current,
)


def _duplicate(access: Access, decision: Decision) -> Outcome:
    copy = rules.create(
        access,
        question=(decision.question + COPY)[: Decision.TITLE_LENGTH],
        description=decision.description,
        subtype=decision.subtype,
        options_open=decision.options_open,
        voter_eligibility=decision.voter_eligibility,
        proposer_eligibility=decision.proposer_eligibility,
        deadline=decision.deadline if rules.is_open(access, decision) else None,
        options=[NewOption(each.title) for each in queries.options_of(decision.id)],
    )
    message = f"Decision '{copy.question}' successfully created."
    return done(access, copy, message, items.created(copy))


duplicate_decision: Action[Decision] = Action(
    name="duplicate_decision",
    sentence="Create a copy of this decision with the same options and no votes.",
    label="Duplicate decision",
    scope=Scope("create:decisions"),
    grant=usual(GROUP),
    capability="create_decision",
    proof=Proof.NONE,
    changes_access=False,
    emits="decision.created",
    policy=items.may_read,
    effect=_duplicate,
)

pin_decision, unpin_decision, delete_decision, restore_decision = lifecycle_actions(
    "decision", resources="decisions", group=GROUP
)
