"""Queries of decisions, their options, votes and participants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from collectives.decisions.audit.chain import VOTES
from collectives.decisions.models import AuditEntry, Decision, Option, Participant, Vote
from collectives.decisions.ranking import Result, Tally, ranked
from collectives.items.kind_queries import KindQueries
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import Prepared, of_model

DECISIONS = KindQueries(Decision)
# The number of rows of each kind that a response includes.
INCLUDED = 10_000


def decision_at(access: Access, decision_id: str) -> Decision:
    """Return the decision with this ID, deleted or not. The routes name the parameter."""
    return DECISIONS.at(access, decision_id)


def live_decision_at(access: Access, decision_id: str, sentence: str = "Not found") -> Decision:
    """Return a decision that is not deleted."""
    return DECISIONS.live_at(access, decision_id, sentence)


def decisions_of(statement_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the IDs of the decisions that final statements belong to, by statement ID."""
    ids = list(statement_ids)
    rows = Decision.objects.filter(statement__in=ids).values_list("statement", "id")
    return dict(rows) if ids else {}


# --- Options --------------------------------------------------------------------------------


def _options(*, decision: UUID) -> QuerySet[Option]:
    return Option.objects.filter(decision=decision).order_by("created_at", "id")


_OPTIONS = of_model(Option, _options)


def options_of(decision_id: UUID) -> list[Option]:
    """Return the options of a decision, oldest first."""
    return list(_OPTIONS.rows(decision=decision_id))


@dataclass(frozen=True, slots=True)
class Voters:
    """The number of users who voted in a decision."""

    people: int = 0
    agents: int = 0

    @property
    def count(self) -> int:
        return self.people + self.agents


@dataclass(frozen=True, slots=True)
class Choice:
    """An option with one user's vote on it. Both numbers are None if they have not voted."""

    option: Option
    owner_id: UUID
    accepted: int | None
    preferred: int | None


@dataclass(frozen=True, slots=True)
class Choices:
    """The options of a decision with the votes of one user, and the total number of voters."""

    rows: Sequence[Choice]
    voters: Voters

    @property
    def has_voted(self) -> bool:
        return any(row.accepted is not None for row in self.rows)


def _choices(*, decision: UUID, user: UUID) -> QuerySet[Option]:
    own = Vote.objects.filter(option=OuterRef("pk"), participant__user=user)
    # The numbers of voters are the same for all rows, so the database computes them once.
    votes = Vote.objects.filter(decision=decision).order_by().values("decision")
    return _options(decision=decision).annotate(
        owner_id=F("participant__user"),
        own_accepted=Subquery(own.values("accepted")[:1]),
        own_preferred=Subquery(own.values("preferred")[:1]),
        people=_distinct_voters(votes.filter(is_agent=False)),
        agents=_distinct_voters(votes.filter(is_agent=True)),
    )


def _distinct_voters(votes: QuerySet[Vote, Any]) -> Coalesce:
    counted = votes.annotate(voters=Count("participant", distinct=True))
    return Coalesce(Subquery(counted.values("voters")), 0)


_CHOICES: Prepared[Any] = of_model(
    Option, _choices, ("owner_id", "own_accepted", "own_preferred", "people", "agents")
)


def choices_of(decision_id: UUID, user_id: UUID) -> Choices:
    """Return the options of a decision with a user's votes on them, oldest first."""
    found = list(_CHOICES.rows(decision=decision_id, user=user_id))
    rows = [Choice(row, row.owner_id, row.own_accepted, row.own_preferred) for row in found]
    return Choices(rows, Voters(found[0].people, found[0].agents) if found else Voters())


# --- Participants and votes -----------------------------------------------------------------


_PARTICIPANT = of_model(Participant, lambda **wanted: Participant.objects.filter(**wanted))


def participant_of(decision_id: UUID, user_id: UUID) -> Participant | None:
    return _PARTICIPANT.first(decision=decision_id, user=user_id)


_OWN_VOTES = of_model(Vote, lambda **wanted: Vote.objects.filter(**wanted))


def votes_by_option(participant: Participant) -> dict[UUID, Vote]:
    """Return the votes of a participant by option."""
    rows = _OWN_VOTES.rows(decision=participant.decision_id, participant=participant.id)
    return {vote.option_id: vote for vote in rows}


def votes_of(decision_id: UUID) -> QuerySet[Vote]:
    """Return the votes in a decision, oldest first."""
    return Vote.objects.filter(decision=decision_id).order_by("created_at", "id")


class NamedVote(NamedTuple):
    """A vote with its voter."""

    user_id: UUID
    option_id: UUID
    accepted: int
    preferred: int


def named_votes_of(decision_id: UUID) -> list[NamedVote]:
    """Return the votes in a decision with their voters."""
    return [NamedVote(*row) for row in _NAMED_VOTES.rows(decision=decision_id)]


def _named_votes(**wanted: Any) -> QuerySet[Any, tuple[Any, ...]]:
    columns = ("participant__user", "option", "accepted", "preferred")
    return Vote.objects.filter(**wanted).order_by().values_list(*columns)


_NAMED_VOTES: Prepared[tuple[Any, ...]] = Prepared(_named_votes, tuple)


def participants_of(decision_id: UUID) -> QuerySet[Participant]:
    """Return the participants of a decision, oldest first."""
    return Participant.objects.filter(decision=decision_id).order_by("created_at", "id")


def voter_counts(decision_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Count the users who voted in each decision."""
    ids = tuple(decision_ids)
    return dict(_VOTER_COUNTS.rows(decisions=ids)) if ids else {}


def _voter_counts(*, decisions: tuple[UUID, ...]) -> QuerySet[Any, tuple[Any, ...]]:
    votes = Vote.objects.filter(decision__in=decisions).order_by().values_list("decision")
    return votes.annotate(Count("participant", distinct=True))


_VOTER_COUNTS: Prepared[tuple[UUID, int]] = Prepared(_voter_counts, tuple)


def option_counts(decision_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Count the options of each decision."""
    ids = tuple(decision_ids)
    return dict(_OPTION_COUNTS.rows(decisions=ids)) if ids else {}


def _option_counts(*, decisions: tuple[UUID, ...]) -> QuerySet[Any, tuple[Any, ...]]:
    options = Option.objects.filter(decision__in=decisions).order_by().values_list("decision")
    return options.annotate(Count("id"))


_OPTION_COUNTS: Prepared[tuple[UUID, int]] = Prepared(_option_counts, tuple)


class Included(NamedTuple):
    """The options, votes and participants of several decisions, oldest first."""

    options: QuerySet[Option]
    votes: QuerySet[Vote]
    participants: QuerySet[Participant]


# --- Results --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of the votes on an option: accepted, preferred, all, and accepted by agents."""

    yes: int = 0
    preferred: int = 0
    count: int = 0
    agents_yes: int = 0

    @property
    def people_yes(self) -> int:
        return self.yes - self.agents_yes


def _sums(*, decisions: tuple[UUID, ...]) -> QuerySet[Any, tuple[Any, ...]]:
    votes = Vote.objects.filter(decision__in=decisions).order_by().values_list("option", "is_agent")
    return votes.annotate(Sum("accepted"), Sum("preferred"), Count("id"))


_SUMS: Prepared[tuple[UUID, bool, int, int, int]] = Prepared(_sums, tuple)


def sums_by_option(*decision_ids: UUID) -> dict[UUID, Sums]:
    """Return the sums of the votes on each option that has votes."""
    found: dict[UUID, Sums] = {}
    if not decision_ids:
        return found
    for option_id, is_agent, yes, preferred, count in _SUMS.rows(decisions=decision_ids):
        known = found.get(option_id, Sums())
        found[option_id] = replace(
            known,
            yes=known.yes + yes,
            preferred=known.preferred + preferred,
            count=known.count + count,
            agents_yes=known.agents_yes + (yes if is_agent else 0),
        )
    return found


def included_in(decisions: Sequence[Decision]) -> Included:
    """Return the rows of several decisions, with at most `INCLUDED` votes and participants."""
    ids = [decision.id for decision in decisions]
    options = Option.objects.filter(decision__in=ids).order_by("created_at", "id")
    votes = Vote.objects.filter(decision__in=ids).order_by("created_at", "id")
    people = Participant.objects.filter(decision__in=ids).order_by("created_at", "id")
    return Included(options, votes[:INCLUDED], people[:INCLUDED])


def results_of(
    decision: Decision,
    options: Iterable[Option] | None = None,
    sums: Mapping[UUID, Sums] | None = None,
) -> list[Result]:
    """Return the results of a decision. Options and sums that were read before are reused."""
    options = options_of(decision.id) if options is None else options
    sums = sums_by_option(decision.id) if sums is None else sums
    tallies = (_tally(option, sums.get(option.id, Sums())) for option in options)
    return ranked(tallies, decision.lottery_beacon_randomness)


def _tally(option: Option, sums: Sums) -> Tally:
    return Tally(option.id, option.title, option.random_id, sums.yes, sums.count, sums.preferred)


# --- Audit chain ----------------------------------------------------------------------------


def _entries(**wanted: Any) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(**wanted).order_by("sequence_number")


_ENTRIES = of_model(AuditEntry, _entries)
_LAST = of_model(AuditEntry, lambda **wanted: _entries(**wanted).reverse()[:1])
_FIRST = of_model(AuditEntry, lambda **wanted: _entries(**wanted)[:1])


def entries_of(decision_id: UUID) -> list[AuditEntry]:
    """Return the audit chain of a decision."""
    return list(_ENTRIES.rows(decision=decision_id))


def last_entry(decision_id: UUID) -> AuditEntry | None:
    return _LAST.first(decision=decision_id)


def first_entry_by(decision_id: UUID, user_id: UUID) -> AuditEntry | None:
    """Return an actor's first entry, whose salt and handle are reused in later entries."""
    return _FIRST.first(decision=decision_id, actor_id=user_id)


def receipts_of(decision_id: UUID) -> dict[UUID, str]:
    """Return the receipt of each voter: the hash of their last vote in the audit chain."""
    rows = _RECEIPTS.rows(decision=decision_id)
    return {actor_id: entry_hash for actor_id, entry_hash in rows if actor_id}


def _receipts(**wanted: Any) -> QuerySet[Any, tuple[Any, ...]]:
    entries = _entries(**wanted).filter(action__in=tuple(VOTES))
    return entries.values_list("actor_id", "entry_hash")


_RECEIPTS: Prepared[tuple[UUID | None, str]] = Prepared(_receipts, tuple)
