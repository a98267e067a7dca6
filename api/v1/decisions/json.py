"""The JSON of decisions, options, votes, participants and results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, NotRequired
from uuid import UUID

from rest_framework.request import Request
from typing_extensions import TypedDict

from accounts.queries import People, people
from api.backlinks import Backlinks, included_backlinks
from api.kinds import KindJson, register_json
from api.responses.schema import Count, Doc, DryRun, Id, OneOf, ShortId, Timestamp, Url
from api.responses.timestamps import format_optional_timestamp, format_timestamp
from api.views import access_of
from collectives.decisions import queries
from collectives.decisions.models import Decision, Option, Participant, Vote
from collectives.decisions.ranking import Result
from collectives.items.deadlines import is_closed
from collectives.models import Collective
from collectives.rules import user_sets
from harmonic.kernel.rendering.documents import origin_of

INCLUDES = ("participants", "options", "votes", "results", "backlinks")
Bit = Annotated[int, Doc(minimum=0, maximum=1, example=1)]
SortKey = Annotated[
    str,
    Doc(
        "The sort key from the draw. Absent before the draw.",
        pattern="^[0-9a-f]{64}$",
        example="6d" * 32,
    ),
]
STATUSES = ("open", "closed")


class OptionJson(TypedDict):
    """An option of a decision."""

    id: Id
    random_id: Annotated[Count, Doc("Breaks ties until the draw.", example=504817263)]
    title: Annotated[str, Doc(example="Electric")]
    description: Annotated[str | None, Doc(example="Needs a stronger fuse.")]
    decision_id: Id
    decision_participant_id: Annotated[Id, Doc("The participant who added the option.")]
    created_at: Timestamp
    updated_at: Timestamp
    tenant_id: Id
    collective_id: Id
    dry_run: NotRequired[DryRun]


class VoteJson(TypedDict):
    """The vote of a participant on an option."""

    id: Id
    option_id: Id
    decision_id: Id
    decision_participant_id: Id
    accepted: Bit
    preferred: Bit
    created_at: Timestamp
    updated_at: Timestamp
    tenant_id: Id
    collective_id: Id
    audit_receipt: NotRequired[
        Annotated[
            str,
            Doc(
                "The hash of the vote in the audit chain. Only in responses to writes.",
                example="9f" * 32,
            ),
        ]
    ]
    dry_run: NotRequired[DryRun]


class DecisionParticipantJson(TypedDict):
    """A user who voted in a decision or added an option."""

    id: Id
    decision_id: Id
    user_id: Id
    created_at: Timestamp
    votes: NotRequired[Annotated[list[VoteJson], Doc("With `include=votes`.")]]


class ResultJson(TypedDict):
    """An option in the order of the results."""

    position: Annotated[int, Doc(minimum=1, example=1)]
    decision_id: Id
    option_id: Id
    option_title: Annotated[str, Doc(example="Electric")]
    option_random_id: Annotated[str, Doc(pattern="^[0-9]{9}$", example="081237744")]
    accepted_yes: Count
    accepted_no: Count
    vote_count: Count
    preferred: Count
    lottery_sort_key: NotRequired[SortKey]


class DecisionJson(TypedDict):
    """A decision: a question with options."""

    id: Id
    truncated_id: ShortId
    subtype: Annotated[str, OneOf("DecisionSubtype", Decision.Subtype)]
    question: Annotated[str, Doc(example="Which oven do we buy?")]
    description: Annotated[str | None, Doc("In Markdown.", example="It must fit the niche.")]
    options_open: Annotated[bool, Doc("Whether members can add options.")]
    deadline: Annotated[
        Timestamp, Doc("When it closes. A date 100 years ahead stands for no deadline.")
    ]
    created_at: Timestamp
    updated_at: Timestamp
    decision_maker_id: Annotated[
        Id | None, Doc("The decision maker of an executive decision. Null means its creator.")
    ]
    voter_eligibility: Annotated[
        str | None, Doc("The user set that can vote. Null: all members.", example="role:admin")
    ]
    proposer_eligibility: Annotated[
        str | None,
        Doc("Who can add options. Null: see `options_open`.", example=None),
    ]
    voter_count: Count
    tenant_id: Id
    created_by_id: Id
    updated_by_id: Id
    collective_id: Id
    deleted_at: Annotated[Timestamp | None, Doc(example=None)]
    deleted_by_id: Annotated[Id | None, Doc(example=None)]
    lottery_beacon_round: NotRequired[
        Annotated[
            int | None,
            Doc("The round of the draw. Before the draw, absent in reads and null in writes."),
        ]
    ]
    lottery_beacon_randomness: NotRequired[
        Annotated[str | None, Doc("The randomness of the draw.", example="deadbeef")]
    ]
    deadline_event_fired_at: Annotated[
        Timestamp | None, Doc("When the passed deadline was recorded.", example=None)
    ]
    audit_chain_hash: Annotated[
        str | None, Doc("The hash of the complete audit chain. Null until then.", example=None)
    ]
    hard_delete_after: Annotated[Timestamp | None, Doc(example=None)]
    path: Annotated[str, Doc("The decision's page.", example="/collectives/kitchen/d/8d2b91c4")]
    url: Annotated[Url, Doc(example="http://garden.localhost:8000/collectives/kitchen/d/8d2b91c4")]
    status: Annotated[str, OneOf("DecisionStatus", STATUSES)]
    options_count: Count
    participants: NotRequired[
        Annotated[list[DecisionParticipantJson], Doc("With `include=participants`.")]
    ]
    options: NotRequired[Annotated[list[OptionJson], Doc("With `include=options`.")]]
    votes: NotRequired[Annotated[list[VoteJson], Doc("With `include=votes`.")]]
    results: NotRequired[Annotated[list[ResultJson], Doc("With `include=results`.")]]
    backlinks: NotRequired[Backlinks]
    incomplete: NotRequired[
        Annotated[
            list[Annotated[str, OneOf("DecisionIncompleteItem", INCLUDES[-1:])]],
            Doc("Included lists that are truncated. Absent if all are complete."),
        ]
    ]
    dry_run: NotRequired[DryRun]


def _sets_of(decision: Decision) -> tuple[str, str]:
    return decision.voter_eligibility, decision.proposer_eligibility


class DecisionWriter:
    """Builds the JSON of the decisions of one response, reading counts once for all of them."""

    def __init__(
        self, request: Request, decisions: Iterable[Decision] = (), *, is_write: bool = False
    ) -> None:
        self.request = request
        self.access = access_of(request)
        self.origin = origin_of(request)
        self.is_write = is_write
        self.paths = {self.access.required_place.id: self.access.required_place.path}
        elsewhere = {each.collective_id for each in decisions} - self.paths.keys()
        if elsewhere:
            places = Collective.objects.filter(id__in=elsewhere)
            self.paths |= {place.id: place.path for place in places}
        asked = ",".join(request.query_params.getlist("include")).split(",")
        self.includes = {name.strip() for name in asked} & set(INCLUDES)

    def one(self, decision: Decision) -> DecisionJson:
        return self.all([decision])[0]

    def all(self, decisions: Sequence[Decision]) -> list[DecisionJson]:
        shown = self.without_includes(decisions)
        if self.includes - {"backlinks"}:
            self._include(decisions, shown)
        if "backlinks" in self.includes:
            self._add_backlinks(decisions, shown)
        return shown

    def plain(self, decision: Decision) -> DecisionJson:
        """Return the JSON of a decision, as in a read without parameters."""
        return self.without_includes([decision])[0]

    def without_includes(self, decisions: Sequence[Decision]) -> list[DecisionJson]:
        """Return the JSON of decisions, as in reads without parameters."""
        ids = [decision.id for decision in decisions]
        voters, options = queries.voter_counts(ids), queries.option_counts(ids)
        sets = (each for row in decisions for each in _sets_of(row))
        known = people(user_sets.ids_in(*sets))
        return [
            self._plain(decision, voters.get(decision.id, 0), options.get(decision.id, 0), known)
            for decision in decisions
        ]

    def _plain(self, decision: Decision, voters: int, options: int, known: People) -> DecisionJson:
        voting, proposing = (user_sets.written(each, known) for each in _sets_of(decision))
        path = decision.path_in(self.paths[decision.collective_id])
        is_over = is_closed(decision.deadline, self.access.now)
        shown: DecisionJson = {
            "id": str(decision.id),
            "truncated_id": decision.truncated_id,
            "subtype": decision.subtype,
            "question": decision.question,
            "description": decision.description or None,
            "options_open": decision.options_open,
            "deadline": format_timestamp(decision.deadline),
            "created_at": format_timestamp(decision.created_at),
            "updated_at": format_timestamp(decision.updated_at),
            "decision_maker_id": _optional(decision.decision_maker_id),
            "voter_eligibility": voting or None,
            "proposer_eligibility": proposing or None,
            "voter_count": voters,
            "tenant_id": str(decision.tenant_id),
            "created_by_id": str(decision.created_by_id),
            "updated_by_id": str(decision.updated_by_id),
            "collective_id": str(decision.collective_id),
            "deleted_at": format_optional_timestamp(decision.deleted_at),
            "deleted_by_id": _optional(decision.deleted_by_id),
            "deadline_event_fired_at": format_optional_timestamp(decision.deadline_event_fired_at),
            "audit_chain_hash": decision.audit_chain_hash or None,
            "hard_delete_after": format_optional_timestamp(decision.hard_delete_after),
            "path": path,
            "url": f"{self.origin}{path}",
            "status": "closed" if is_over else "open",
            "options_count": options,
        }
        if self.is_write or decision.is_drawn:
            shown["lottery_beacon_round"] = decision.lottery_beacon_round
            shown["lottery_beacon_randomness"] = decision.lottery_beacon_randomness or None
        return shown

    def _include(self, decisions: Sequence[Decision], shown: Sequence[DecisionJson]) -> None:
        """Add the requested parts to all decisions, reading each part once."""
        found = queries.included_in(decisions)
        options = list(found.options) if self.includes & {"options", "results"} else []
        votes = list(found.votes) if "votes" in self.includes else []
        people = list(found.participants) if "participants" in self.includes else []
        ids = [decision.id for decision in decisions] if "results" in self.includes else []
        sums = queries.sums_by_option(*ids)
        for decision, each in zip(decisions, shown, strict=True):
            mine = [option for option in options if option.decision_id == decision.id]
            if "participants" in self.includes:
                rows = [row for row in people if row.decision_id == decision.id]
                each["participants"] = [participant_json(row) for row in rows]
            if "options" in self.includes:
                each["options"] = [option_json(option, decision) for option in mine]
            if "votes" in self.includes:
                cast = [vote for vote in votes if vote.decision_id == decision.id]
                each["votes"] = [vote_json(vote, decision) for vote in cast]
            if "results" in self.includes:
                results = queries.results_of(decision, mine, sums)
                each["results"] = [result_json(result, decision) for result in results]

    def _add_backlinks(self, decisions: Sequence[Decision], shown: Sequence[DecisionJson]) -> None:
        included = included_backlinks(self.request, [each.id for each in decisions])
        for decision, each in zip(decisions, shown, strict=True):
            each["backlinks"] = included.found[decision.id]
            if decision.id in included.incomplete:
                each["incomplete"] = ["backlinks"]


def _optional(value: UUID | None) -> str | None:
    return str(value) if value else None


def option_json(option: Option, decision: Decision) -> OptionJson:
    return {
        "id": str(option.id),
        "random_id": option.random_id,
        "title": option.title,
        "description": option.description or None,
        "decision_id": str(option.decision_id),
        "decision_participant_id": str(option.participant_id),
        "created_at": format_timestamp(option.created_at),
        "updated_at": format_timestamp(option.updated_at),
        "tenant_id": str(option.tenant_id),
        "collective_id": str(decision.collective_id),
    }


def vote_json(vote: Vote, decision: Decision, receipt: str = "") -> VoteJson:
    """Return the JSON of a vote. `receipt` is set in responses to writes."""
    shown: VoteJson = {
        "id": str(vote.id),
        "option_id": str(vote.option_id),
        "decision_id": str(vote.decision_id),
        "decision_participant_id": str(vote.participant_id),
        "accepted": vote.accepted,
        "preferred": vote.preferred,
        "created_at": format_timestamp(vote.created_at),
        "updated_at": format_timestamp(vote.updated_at),
        "tenant_id": str(vote.tenant_id),
        "collective_id": str(decision.collective_id),
    }
    return {**shown, "audit_receipt": receipt} if receipt else shown


def participant_json(participant: Participant) -> DecisionParticipantJson:
    return {
        "id": str(participant.id),
        "decision_id": str(participant.decision_id),
        "user_id": str(participant.user_id),
        "created_at": format_timestamp(participant.created_at),
    }


def result_json(result: Result, decision: Decision) -> ResultJson:
    tally = result.tally
    shown: ResultJson = {
        "position": result.position,
        "decision_id": str(decision.id),
        "option_id": str(tally.option_id),
        "option_title": tally.title,
        "option_random_id": result.shown_random_id,
        "accepted_yes": tally.accepted_yes,
        "accepted_no": tally.accepted_no,
        "vote_count": tally.vote_count,
        "preferred": tally.preferred,
    }
    return {**shown, "lottery_sort_key": result.sort_key} if result.sort_key else shown


def plain_decisions(request: Request, decisions: Sequence[Decision]) -> list[DecisionJson]:
    """Return the JSON of decisions of any collective, without included data."""
    return DecisionWriter(request, decisions).without_includes(decisions)


register_json(KindJson(queries.DECISIONS, DecisionJson, plain_decisions))
