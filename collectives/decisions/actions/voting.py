"""Actions that vote, close a decision, and write its statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from collectives.decisions import rules, voting
from collectives.decisions.actions.settings import GROUP
from collectives.decisions.fields import Ballot, Selections, Votes
from collectives.decisions.models import Decision
from collectives.items import rules as items
from collectives.items.actions import done
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Outcome
from harmonic.kernel.capabilities import usual
from harmonic.kernel.parameters.fields import Block, Params
from harmonic.kernel.parameters.widgets import PROSE, Widget
from harmonic.kernel.refusals import Invalid, NotPossible, Proof
from harmonic.kernel.rendering.text import is_blank
from harmonic.kernel.scopes import Scope

# --- Vote -----------------------------------------------------------------------------------


class VoteParams(Params):
    votes = Votes(
        help_text=(
            "Objects with `option_title`, `accept` and `prefer` (booleans, default false)."
            " Accept every option you can live with. Votes on other options are kept."
        ),
        widget=Widget(is_hidden=True),
        example=[{"option_title": "Electric", "accept": True, "prefer": False}],
    )


def _vote(access: Access, decision: Decision, *, votes: list[Ballot]) -> Outcome:
    rules.require_votes(access, decision)
    cast = voting.cast(access, decision, voting.marks_of(decision, votes))
    return voted(access, decision, cast)


def voted(access: Access, decision: Decision, cast: voting.Cast) -> Outcome:
    """Return the outcome of a vote, with its receipt."""
    facts = {"votes": {str(vote.option_id): [vote.accepted, vote.preferred] for vote in cast.votes}}
    count = f"{len(cast.votes)} option{'s' if len(cast.votes) != 1 else ''}"
    outcome = done(access, decision, f"Voted on {count}.", facts if cast.is_changed else None)
    return replace(
        outcome,
        object=cast,
        notes=(f"Your receipt: {cast.receipt}",) if cast.receipt else (),
        emits="vote.created" if cast.is_new else "vote.updated",
    )


vote: Action[Decision] = Action(
    name="vote",
    sentence="Accept or prefer options of this decision.",
    label="Save my vote",
    scope=Scope("create:votes"),
    grant=usual(GROUP),
    other_scopes=(Scope("update:votes"),),
    proof=Proof.NONE,
    changes_access=False,
    emits="vote.created",
    params=VoteParams,
    policy=rules.may_vote,
    is_offered=lambda access, decision: decision is None or rules.takes_votes(access, decision),
    effect=_vote,
)


# --- Close and state ------------------------------------------------------------------------


class CloseParams(Params):
    selections = Selections(
        required=False,
        help_text="Executive decisions only: the titles of the selected options.",
        widget=Widget(kind="lines", rows=4, help="Executive decisions only: one title per line."),
    )
    final_statement = Block(
        required=False,
        allow_blank=True,
        max_length=Decision.DESCRIPTION_LENGTH,
        help_text="The final statement about the outcome, in Markdown.",
        widget=Widget(rows=4, help="You can also write it later.", autocomplete=PROSE),
    )


class PlainCloseParams(CloseParams):
    selections = None  # type: ignore[assignment]  # removes the field of the base class


def _close_params(access: Access, decision: Decision | None) -> type[Params]:
    is_executive = decision is None or decision.subtype == Decision.Subtype.EXECUTIVE
    return CloseParams if is_executive else PlainCloseParams


def _close(
    access: Access,
    decision: Decision,
    *,
    final_statement: str = "",
    selections: list[str] | None = None,
) -> Outcome:
    if not rules.is_open(access, decision):
        raise already_closed()
    if decision.subtype == Decision.Subtype.EXECUTIVE:
        voting.cast(access, decision, voting.select(access, decision, selections or []))
    voting.close(access, decision)
    if not is_blank(final_statement):
        voting.state(access, decision, final_statement)
    return done(access, decision, "Decision closed.", {})


def already_closed() -> NotPossible:
    return NotPossible(
        "Decision is already closed",
        status=409,
        code="closed",
        hint="A closed decision cannot be closed again or reopened.",
    )


def _closing(access: Access, decision: Decision) -> Confirmation:
    consequence = "Voting ends and options can no longer be changed. You cannot reopen it."
    return Confirmation(f"Close “{decision.question}”?", (), consequence)


close_decision: Action[Decision] = Action(
    name="close_decision",
    sentence="Close this decision now and finalize its results.",
    label="Close decision",
    scope=Scope("update:decisions"),
    grant=usual(GROUP),
    other_scopes=(Scope("create:decisions"),),
    proof=Proof.NONE,
    changes_access=False,
    emits="decision.closed",
    params=CloseParams,
    params_here=_close_params,
    policy=rules.is_closer,
    is_offered=lambda access, decision: decision is None or rules.is_open(access, decision),
    effect=_close,
    confirm=_closing,
)


class StatementParams(Params):
    text = Block(
        required=False,
        allow_blank=True,
        max_length=Decision.DESCRIPTION_LENGTH,
        label="Final statement",
        help_text="The final statement about the outcome, in Markdown. Replaces any earlier one.",
        widget=Widget(rows=6, help="", autocomplete=PROSE, is_required=True),
        example="We buy the electric oven.",
    )
    final_statement = Block(
        required=False,
        allow_blank=True,
        max_length=Decision.DESCRIPTION_LENGTH,
        is_unlisted=True,
        widget=Widget(is_hidden=True),
    )


def _state(
    access: Access, decision: Decision, *, text: str = "", final_statement: str = ""
) -> Outcome:
    if rules.is_open(access, decision):
        raise NotPossible(
            "Decision must be closed to add a statement.", hint="Run close_decision first."
        )
    stated = text or final_statement
    if is_blank(stated):
        raise Invalid.of("text", "blank")
    voting.state(access, decision, stated)
    facts = {"statement_id": decision.statement_id, "text": stated[: items.TEXT_KEPT]}
    return done(access, decision, "Statement saved.", facts)


def _current_statement(access: Access, decision: Decision | None) -> Mapping[str, Any]:
    note = voting.statement_of(decision) if decision else None
    return {"text": note.text} if note else {}


add_statement: Action[Decision] = Action(
    name="add_statement",
    sentence="Write the final statement of this closed decision, or replace it.",
    label="Save statement",
    scope=Scope("update:decisions"),
    grant=usual(GROUP),
    proof=Proof.NONE,
    changes_access=False,
    emits="decision.stated",
    params=StatementParams,
    policy=rules.is_closer,
    is_offered=lambda access, decision: decision is None or not rules.is_open(access, decision),
    effect=_state,
    initial=_current_statement,
)
