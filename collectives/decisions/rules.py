"""Policies and changes of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.queries import person_named
from collectives.decisions.audit.chain import EntryAction, iso_milliseconds
from collectives.decisions.audit.writing import writer
from collectives.decisions.fields import NewOption
from collectives.decisions.models import Decision, Option, Participant
from collectives.decisions.options import add_options
from collectives.items import rules as items
from collectives.items.deadlines import is_closed, no_deadline
from collectives.items.rules import noun
from collectives.queries import membership_of
from collectives.rules import user_sets
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.refusals import Denied, Invalid, NotFound, NotPossible, Problem

CLOSED_OPTIONS = "This decision is closed, so its options can no longer be changed."

# --- State ----------------------------------------------------------------------------------


def is_open(access: Access, decision: Decision) -> bool:
    return not is_closed(decision.deadline, access.now)


def maker_of(decision: Decision) -> UUID:
    """Return the user who makes an executive decision: its decision maker, or the creator."""
    return decision.decision_maker_id or decision.created_by_id


def closer_of(decision: Decision) -> UUID:
    """Return the user who may close a decision and write its statement."""
    is_executive = decision.subtype == Decision.Subtype.EXECUTIVE
    return maker_of(decision) if is_executive else decision.created_by_id


_CHOSEN = "The person who created this decision chose"


# --- Policies -------------------------------------------------------------------------------


def is_creator(access: Access, decision: Decision | None) -> Denied | None:
    """Allow the creator."""
    if denied := items.may_read(access, decision):
        return denied
    if decision is None or decision.created_by_id == access.user.user_id:
        return None
    return Denied(
        "",
        "Only the person who created this decision can change its settings."
        " Others can duplicate it.",
        heading="",
        rest_reason=items.EDITORS_ONLY,
    )


def is_closer(access: Access, decision: Decision | None) -> Denied | None:
    """Allow the creator or, for an executive decision, its decision maker."""
    if denied := items.may_read(access, decision):
        return denied
    if decision is None or closer_of(decision) == access.user.user_id:
        return None
    person = person_named(str(closer_of(decision)), access)
    who = f"@{person.handle}" if person else "its decision maker"
    return Denied(
        "",
        f"Only {who} can close this {noun(decision)} and write its statement."
        " Others can comment on it.",
        heading="",
        rest_reason=items.EDITORS_ONLY,
    )


def may_add_options(access: Access, decision: Decision | None) -> Denied | None:
    """Allow the creator, and other members if options are open, until the decision closes."""
    if denied := items.may_read(access, decision):
        return denied
    if decision is None:
        return None
    return _options_denied(access, decision, "Cannot add options")


def _options_denied(access: Access, decision: Decision, reason: str) -> Denied | None:
    if not is_open(access, decision):
        return Denied(reason, CLOSED_OPTIONS, "closed")
    if decision.proposer_eligibility:
        is_allowed = user_sets.contains(access, decision.proposer_eligibility)
        return None if is_allowed else Denied(reason, f"{_CHOSEN} who can add options to it.")
    is_own = decision.created_by_id == access.user.user_id
    if not (decision.options_open or is_own):
        return Denied(reason, "Only the person who created this decision can add options to it.")
    return None


def may_vote(access: Access, decision: Decision | None) -> Denied | None:
    """Allow members, or only the voters that the decision names."""
    if denied := items.may_read(access, decision):
        return denied
    if decision is None or user_sets.contains(access, decision.voter_eligibility):
        return None
    reason = "You are not among those who can vote on this decision."
    return Denied(reason, f"{_CHOSEN} who can vote. You can comment on it.", "not_eligible")


def may_change_option(
    access: Access, decision: Decision, option: Option, reason: str
) -> Denied | None:
    """Allow the creator and the user who added an option, until another user votes on it."""
    if not is_open(access, decision):
        return Denied(reason, CLOSED_OPTIONS, "closed")
    user_id = access.user.user_id
    owner = Participant.objects.get(id=option.participant_id)
    if user_id not in (owner.user_id, decision.created_by_id):
        return Denied(reason, "Only its author and the creator of the decision can change it.")
    if option.votes.exclude(participant__user=user_id).exists():
        return Denied(
            reason, "Another user has voted on this option, so it can no longer be changed."
        )
    return None


def require_votes(access: Access, decision: Decision) -> None:
    """Require that a decision accepts votes now.

    Raises:
        NotPossible: the decision is executive, a lottery, or closed.
    """
    if decision.subtype == Decision.Subtype.EXECUTIVE:
        raise NotPossible(
            "Executive decisions do not accept votes.",
            hint="The decision maker selects the options.",
        )
    if decision.subtype == Decision.Subtype.LOTTERY:
        raise NotPossible(
            "Lottery decisions do not accept votes.",
            hint="A draw determines the order of the entries.",
        )
    if not is_open(access, decision):
        raise NotPossible(
            "This decision is closed and no longer accepting votes.",
            code="closed",
            hint="The results are on its page.",
        )


def takes_votes(access: Access, decision: Decision) -> bool:
    return decision.subtype == Decision.Subtype.VOTE and is_open(access, decision)


def shows_results(decision: Decision, *, has_voted: bool, is_open: bool) -> bool:
    """Return whether pages show the results to a viewer.

    The results of a vote are hidden until the viewer votes or the decision closes, and those of a
    lottery until the draw. The page of an executive decision marks the selected options instead.
    """
    if decision.subtype == Decision.Subtype.EXECUTIVE:
        return False
    if decision.subtype == Decision.Subtype.LOTTERY:
        return decision.is_drawn
    return has_voted or not is_open


# --- Creation -------------------------------------------------------------------------------


def create(
    access: Access,
    *,
    question: str,
    description: str = "",
    subtype: str = Decision.Subtype.VOTE,
    options_open: bool = True,
    deadline: datetime | None = None,
    decision_maker_id: UUID | None = None,
    voter_eligibility: str = "",
    proposer_eligibility: str = "",
    options: Sequence[NewOption] = (),
) -> Decision:
    """Create a decision with its first options, and start its audit chain.

    Raises:
        Invalid: voters are named for a decision without votes.
    """
    _require_votes_for(subtype, voter_eligibility)
    decision = items.create(
        access,
        Decision,
        title=question,
        description=description,
        subtype=subtype,
        options_open=options_open,
        deadline=deadline or no_deadline(access.now),
        decision_maker_id=decision_maker_id,
        voter_eligibility=voter_eligibility,
        proposer_eligibility=proposer_eligibility,
    )
    chain = writer(access, decision)
    named = {
        "decision_maker_id": _word(decision_maker_id),
        "voter_eligibility": voter_eligibility,
        "proposer_eligibility": proposer_eligibility,
    }
    chain.add(
        EntryAction.DECISION_CREATED,
        metadata={
            "question": question,
            "description": description,
            "subtype": subtype,
            "deadline": iso_milliseconds(decision.deadline),
            "options_open": _word(options_open),
            **{name: value for name, value in named.items() if value},
        },
    )
    add_options(access, decision, options, chain=chain)
    chain.write()
    return decision


def _require_votes_for(subtype: str, voter_eligibility: str) -> None:
    if voter_eligibility and subtype != Decision.Subtype.VOTE:
        raise Invalid(Problem("voter_eligibility", "applies to votes only"))


def _word(value: object) -> str:
    """Return a value as text for the metadata of an entry."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return iso_milliseconds(value)
    return "" if value is None else str(value)


def decision_maker(access: Access, name: str) -> UUID:
    """Return the ID of the user with a handle, `@handle` or ID.

    Raises:
        NotFound: the user does not exist or cannot read the collective.
    """
    person = None if name == "me" else person_named(name, access)
    member = membership_of(access.required_place.id, person) if person else None
    if person is None or member is None or member.archived_at is not None:
        what = f"id '{name[:80]}'" if parse_uuid(name) else f"handle '{name[:80]}'"
        raise NotFound(
            f"Couldn't find User with {what}",
            hint="The decision maker must be a member of this collective.",
        )
    return person.user_id


# --- Settings -------------------------------------------------------------------------------


def update(
    access: Access,
    decision: Decision,
    *,
    question: str = "",
    description: str = "",
    options_open: bool | None = None,
    deadline: datetime | None = None,
    maker: str | None = None,
    voter_eligibility: str | None = None,
    proposer_eligibility: str | None = None,
) -> dict[str, Any] | None:
    """Change the given settings. A blank `maker` clears the decision maker.

    Return the facts of the event, or None if nothing changed.

    Raises:
        Invalid: voters are named for a decision without votes.
        NotPossible: the decision is closed.
        NotFound: the decision maker does not exist.
    """
    wanted: dict[str, Any] = {
        "title": question or None,
        "description": description or None,
        "options_open": options_open,
        "deadline": deadline,
        "voter_eligibility": voter_eligibility,
        "proposer_eligibility": proposer_eligibility,
    }
    _require_votes_for(decision.subtype, voter_eligibility or "")
    if maker is not None:
        wanted["decision_maker_id"] = decision_maker(access, maker) if maker else None
    changed = {
        name: new
        for name, new in wanted.items()
        if (new is not None or name == "decision_maker_id") and new != getattr(decision, name)
    }
    _require_open(access, decision, changed)
    if not changed:
        return None
    facts = items.changed(decision, changed)
    names = {"title": "question"}
    pairs = {
        names.get(name, name): [_word(getattr(decision, name)), _word(new)]
        for name, new in changed.items()
    }
    chain = writer(access, decision)
    chain.add(EntryAction.DECISION_UPDATED, metadata=pairs)
    chain.write()
    for name, new in changed.items():
        setattr(decision, name, new)
    decision.updated_at = decision.last_activity_at = access.now
    decision.updated_by_id = access.user.user_id
    decision.save(update_fields=[*changed, "updated_at", "last_activity_at", "updated_by"])
    return facts


# The settings that closing fixes.
_FIXED = {
    "options_open": "options policy",
    "proposer_eligibility": "options policy",
    "voter_eligibility": "voters",
    "deadline": "deadline",
}


def _require_open(access: Access, decision: Decision, changed: dict[str, Any]) -> None:
    if is_open(access, decision):
        return
    for name, words in _FIXED.items():
        if name in changed:
            raise NotPossible(f"Cannot change {words} on a closed decision", code="closed")
