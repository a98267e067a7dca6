"""Votes, closing, the draw and the final statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import TenantUser
from collectives.decisions import due, queries
from collectives.decisions.audit.chain import EntryAction, iso_milliseconds
from collectives.decisions.audit.writing import ChainWriter, writer
from collectives.decisions.beacon import Draw
from collectives.decisions.fields import Ballot
from collectives.decisions.models import AuditEntry, Decision, Option, Vote
from collectives.decisions.options import participant, title_key
from collectives.items import rules as items
from collectives.notes.models import Note
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import PreparedInsert, PreparedUpdate
from harmonic.kernel.refusals import NotPossible

# --- Votes ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    """A vote to cast. None keeps the value of an earlier vote, and is 0 if there is none."""

    option: Option
    accepted: int | None
    preferred: int | None


@dataclass(frozen=True, slots=True)
class Cast:
    """The votes of a write, whether any of them is changed or new, and the receipt."""

    votes: Sequence[Vote]
    is_changed: bool
    is_new: bool
    receipt: str


_INSERT = PreparedInsert(Vote)
_UPDATE = PreparedUpdate(
    lambda *, id, **new: Vote.objects.filter(id=id),  # the name of the column
    lambda *, id, **new: new,
)


def marks_of(decision: Decision, ballots: Iterable[Ballot]) -> list[Mark]:
    """Return the votes of some ballots.

    Raises:
        NotPossible: an option does not exist.
    """
    options = queries.options_of(decision.id)
    by_title = {option.title: option for option in options}
    by_key = {option.title_key: option for option in options}
    by_id = {option.id: option for option in options}
    marks = []
    for ballot in ballots:
        option = (
            by_id.get(ballot.option_id)
            if ballot.option_id
            else by_title.get(ballot.title) or by_key.get(title_key(ballot.title))
        )
        if option is None:
            raise option_not_found(ballot.title or str(ballot.option_id), options)
        marks.append(Mark(option, int(ballot.accept), int(ballot.prefer)))
    return marks


def option_not_found(title: str, options: Sequence[Option]) -> NotPossible:
    """Return the refusal of a vote on an option that does not exist."""
    titles = ", ".join(f"'{option.title[:80]}'" for option in options[:20])
    hint = f"The options are: {titles}." if titles else "This decision has no options yet."
    return NotPossible(f"Option '{title[:200]}' not found", hint=hint)


def cast(access: Access, decision: Decision, marks: Sequence[Mark]) -> Cast:
    """Cast or change the caller's votes, and append them to the audit chain."""
    voter = participant(access, decision)
    known = queries.votes_by_option(voter)
    chain = writer(access, decision)
    votes, is_new = [], False
    for mark in marks:
        earlier = known.get(mark.option.id)
        vote = earlier or _new_vote(access, decision, mark.option, voter.id)
        accepted = vote.accepted if mark.accepted is None else mark.accepted
        preferred = vote.preferred if mark.preferred is None else mark.preferred
        if earlier is None or (vote.accepted, vote.preferred) != (accepted, preferred):
            vote.accepted, vote.preferred, vote.updated_at = accepted, preferred, access.now
            _store(vote, is_new=earlier is None)
            action = EntryAction.VOTE_UPDATED if earlier else EntryAction.VOTE_CAST
            chain.add(
                action, option_title=mark.option.title, accepted=accepted, preferred=preferred
            )
        is_new |= earlier is None
        known[mark.option.id] = vote
        votes.append(vote)
    chain.write()
    receipt = chain.entries[-1].entry_hash if chain.entries else receipt_of(decision, access)
    return Cast(votes, bool(chain.entries), is_new, receipt)


def _new_vote(access: Access, decision: Decision, option: Option, voter_id: UUID) -> Vote:
    return Vote(
        tenant_id=decision.tenant_id,
        decision_id=decision.id,
        option_id=option.id,
        participant_id=voter_id,
        accepted=0,
        preferred=0,
        is_agent=access.user.is_agent,
        created_at=access.now,
        updated_at=access.now,
    )


def _store(vote: Vote, *, is_new: bool) -> None:
    if is_new:
        _INSERT.run(vote)
    else:
        _UPDATE.run(
            id=vote.id,
            accepted=vote.accepted,
            preferred=vote.preferred,
            updated_at=vote.updated_at,
        )


def receipt_of(decision: Decision, access: Access) -> str:
    """Return the receipt of the caller's last vote, or "" if there is none."""
    votes = (EntryAction.VOTE_CAST, EntryAction.VOTE_UPDATED)
    mine = AuditEntry.objects.filter(
        decision=decision.id, actor_id=access.user.user_id, action__in=votes
    )
    found: str | None = (
        mine.order_by("-sequence_number").values_list("entry_hash", flat=True).first()
    )
    return found or ""


# --- Closing --------------------------------------------------------------------------------


def select(access: Access, decision: Decision, titles: Sequence[str]) -> list[Mark]:
    """Return the votes of a decision maker's selection, one for each option.

    Raises:
        NotPossible: an option does not exist.
    """
    options = queries.options_of(decision.id)
    keys = {title_key(title): title for title in titles}
    unknown = [
        title for key, title in keys.items() if key not in {each.title_key for each in options}
    ]
    if unknown:
        names = ", ".join(title[:200] for title in unknown)
        raise NotPossible(f"Unknown option(s): {names}", hint="The decision was not closed.")
    return [Mark(option, int(option.title_key in keys), 0) for option in options]


def close(access: Access, decision: Decision) -> None:
    """Close a decision now."""
    decision.deadline = decision.updated_at = decision.last_activity_at = access.now
    decision.updated_by_id = access.user.user_id
    decision.save(update_fields=["deadline", "updated_at", "last_activity_at", "updated_by"])
    record_closing(decision, writer(access, decision))


def record_closing(decision: Decision, chain: ChainWriter) -> None:
    """Append the closing of a decision to its audit chain, once, and enqueue its draw."""
    closed = AuditEntry.objects.filter(decision=decision.id, action=EntryAction.DECISION_CLOSED)
    if closed.exists():
        return
    entry = chain.add(
        EntryAction.DECISION_CLOSED, metadata={"deadline": iso_milliseconds(decision.deadline)}
    )
    chain.write()
    if decision.is_by_draw:
        due.enqueue_draw(decision)
    else:
        decision.audit_chain_hash = entry.entry_hash
        decision.save(update_fields=["audit_chain_hash"])


def record_deadline(decision: Decision, now: datetime) -> None:
    """Record that the deadline of a decision passed, with its creator as the actor."""
    creator = TenantUser.objects.get(user=decision.created_by_id)
    record_closing(decision, ChainWriter(decision, now, decision.created_by_id, creator.handle))


def store_draw(decision: Decision, draw: Draw, now: datetime) -> None:
    """Store the draw of a decision, and complete its audit chain.

    Raises:
        ValueError: the decision already has a draw, or is executive.
    """
    if decision.is_drawn or not decision.is_by_draw:
        raise ValueError(f"Decision {decision.id} cannot have a draw.")
    chain = ChainWriter(decision, now)
    entry = chain.add(
        EntryAction.BEACON_DRAWN, metadata={"round": draw.round, "randomness": draw.randomness}
    )
    chain.write()
    decision.lottery_beacon_round = draw.round
    decision.lottery_beacon_randomness = draw.randomness
    decision.audit_chain_hash = entry.entry_hash
    decision.save(
        update_fields=[
            *("lottery_beacon_round", "lottery_beacon_randomness", "audit_chain_hash"),
        ]
    )


# --- The final statement --------------------------------------------------------------------


def state(access: Access, decision: Decision, text: str) -> None:
    """Write the final statement of a decision, or replace its text."""
    note = statement_of(decision)
    if note is None:
        note = items.create(access, Note, text=text, subtype=Note.Subtype.STATEMENT)
        decision.statement_id = note.id
        decision.save(update_fields=["statement"])
    elif note.text != text:
        note.text, note.updated_at, note.updated_by_id = text, access.now, access.user.user_id
        note.last_activity_at = access.now
        note.save(update_fields=["text", "updated_at", "last_activity_at", "updated_by"])


def statement_of(decision: Decision) -> Note | None:
    """Return the final statement of a decision, unless it is deleted."""
    if decision.statement_id is None:
        return None
    return Note.objects.filter(id=decision.statement_id, deleted_at=None).first()
