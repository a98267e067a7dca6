"""Votes and participants of decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, ClassVar, NoReturn

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from rest_framework import serializers
from rest_framework.request import Request

from api.operations import Operation
from api.responses.schema import Doc
from api.v1.decisions.json import VoteJson, vote_json
from api.v1.decisions.options import OPTION_NOT_FOUND, OptionId, option_at
from api.v1.decisions.resource import (
    DecisionId,
    ParticipantId,
    RowListParams,
    live,
    page_of_rows,
    participant_at,
)
from api.views import Base, ListResponse, ObjectResponse, Resource, route
from api.writes import over_rest, read_params_of, with_path
from collectives.decisions import queries, rules, voting
from collectives.decisions.actions import voting as actions
from collectives.decisions.audit.chain import nfc
from collectives.decisions.models import Decision, Option, Vote
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.actions import Outcome
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.parameters.fields import FALSE, Line, Parameter, Params
from harmonic.kernel.refusals import Invalid, NotFound, NotPossible

BASES = Base
VOTE_NOT_FOUND = "Vote not found"
VoteId = Annotated[str, Doc("The vote's UUID.")]


# --- Votes ----------------------------------------------------------------------------------


class Bit(Parameter, serializers.CharField):
    """0 or 1, also as a boolean or text. Null and blank mean 0."""

    wire_type: ClassVar[str] = "boolean"
    value_type: ClassVar[object] = int
    default_error_messages: ClassVar[dict[str, Any]] = {"not_boolean": ""}

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is None or data == "":
            return 0
        if isinstance(data, bool | int | float):
            return int(bool(data))
        word = data.strip().lower() if isinstance(data, str) else ""
        if not word:
            self.fail("not_boolean")
        return int(word not in FALSE)


class RestVoteParams(Params):
    accepted = Bit(required=False, allow_blank=True, allow_null=True, help_text="Accept it.")
    preferred = Bit(required=False, allow_blank=True, allow_null=True, help_text="Prefer it.")
    option_id = Line(
        required=False, allow_blank=True, help_text="The option's UUID, unless the path has it."
    )
    option_title = Line(
        required=False,
        allow_blank=True,
        max_length=Option.TITLE_LENGTH,
        help_text="The option's title, instead of its UUID.",
    )
    # From the path.
    vote = Line(required=False, is_unlisted=True)


def _cast(
    access: Access,
    decision: Decision,
    *,
    accepted: int | None = None,
    preferred: int | None = None,
    option_id: str = "",
    option_title: str = "",
    vote: str = "",
) -> Outcome:
    """Cast or change the caller's vote on one option."""
    option = _option(access, decision, option_id, option_title, vote)
    rules.require_votes(access, decision)
    if accepted is None and not _has_voted(access, option):
        raise Invalid.of("accepted", "not_offered", offered="0, 1")
    cast = voting.cast(access, decision, [voting.Mark(option, accepted, preferred)])
    outcome = actions.voted(access, decision, cast)
    return replace(outcome, object=(decision, cast.votes[0], cast.receipt))


def _option(access: Access, decision: Decision, option_id: str, title: str, vote: str) -> Option:
    """Return the option named by the path or the body, or else by the caller's vote.

    Raises:
        NotFound: the option does not exist.
        NotPossible: no option is named.
    """
    if option_id:
        return option_at(decision, option_id, OPTION_NOT_FOUND)
    if title:
        found = Option.objects.filter(decision=decision.id, title=nfc(title)).first()
        if found is None:
            raise NotFound(OPTION_NOT_FOUND)
        return found
    if not vote:
        raise NotPossible("current_option is required", hint="Send option_id or option_title.")
    mine = Vote.objects.filter(decision=decision.id, participant__user=access.user.user_id)
    wanted = parse_uuid(vote)
    row = mine.select_related("option").filter(id=wanted).first() if wanted else None
    if row is None:
        raise NotFound(VOTE_NOT_FOUND)
    return row.option


def _has_voted(access: Access, option: Option) -> bool:
    return option.votes.filter(participant__user=access.user.user_id).exists()


CAST = over_rest(actions.vote, params=RestVoteParams, effect=_cast)


def _votes_below(
    decision: Decision, option_id: str = "", participant_id: str = ""
) -> QuerySet[Vote]:
    """Return the votes of a decision, an option or a participant.

    Raises:
        NotFound: the option or the participant does not exist.
    """
    rows = queries.votes_of(decision.id)
    if option_id:
        rows = rows.filter(option=option_at(decision, option_id).id)
    if participant_id:
        rows = rows.filter(participant=participant_at(decision, participant_id).id)
    return rows


class _VotesBelow(Resource):
    """Votes below a decision, one of its options, or one of its participants."""

    rule = Rule(AccessLevel.COLLECTIVE, resource="votes")
    writes: ClassVar[Any] = {"create": CAST, "update": CAST}
    model = Vote
    beside = ("audit_receipt",)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse a deletion, which votes do not support, with the contract's response."""
        if request.method == "DELETE":
            raise NotFound
        super().http_method_not_allowed(request, *args, **kwargs)

    def shown(self, access: Access, decision: Decision) -> VoteJson:
        """Return the vote of the path as in a read, for preconditions."""
        wanted = parse_uuid(self.kwargs.get("vote_id", ""))
        vote = queries.votes_of(decision.id).filter(id=wanted).first() if wanted else None
        if vote is None:
            raise NotFound(VOTE_NOT_FOUND)
        return vote_json(vote, decision)

    def listed(self, decision_id: str, **below: str) -> ListResponse[VoteJson]:
        decision = live(decision_id, "Not found")(self.access)
        page = page_of_rows(self.request, _votes_below(decision, **below))
        return page.response([vote_json(row, decision) for row in page.rows])

    def read(self, decision_id: str, vote_id: str, **below: str) -> ObjectResponse[VoteJson]:
        decision = live(decision_id, "Not found")(self.access)
        wanted = parse_uuid(vote_id)
        vote = _votes_below(decision, **below).filter(id=wanted).first() if wanted else None
        if vote is None:
            raise NotFound
        return ObjectResponse(vote_json(vote, decision))

    def cast(self, decision_id: str, **from_path: str) -> ObjectResponse[VoteJson]:
        raw = with_path(read_params_of(CAST, self.request), **from_path)
        decision, vote, receipt = self.perform(CAST, live(decision_id), raw=raw).object
        return ObjectResponse(vote_json(vote, decision, receipt))


class Votes(_VotesBelow):
    @Operation("list_votes", query=RowListParams, example="sort_by=created_at-desc", tag="votes")
    def list(self, request: Request, decision_id: DecisionId) -> ListResponse[VoteJson]:
        """List the votes in a decision, oldest first."""
        return self.listed(decision_id)

    @Operation("cast_vote", body=RestVoteParams, tag="votes")
    def create(self, request: Request, decision_id: DecisionId) -> ObjectResponse[VoteJson]:
        """Vote on an option, or change your vote on it."""
        return self.cast(decision_id)

    @Operation("read_vote", tag="votes")
    def retrieve(
        self, request: Request, decision_id: DecisionId, vote_id: VoteId
    ) -> ObjectResponse[VoteJson]:
        """Retrieve a vote."""
        return self.read(decision_id, vote_id)

    @Operation("update_vote", body=RestVoteParams, tag="votes")
    def update(
        self, request: Request, decision_id: DecisionId, vote_id: VoteId
    ) -> ObjectResponse[VoteJson]:
        """Change your vote. An option that is named takes precedence over the ID of the vote."""
        return self.cast(decision_id, vote=vote_id)


class OptionVotes(_VotesBelow):
    @Operation(
        "list_option_votes", query=RowListParams, example="sort_by=created_at-desc", tag="votes"
    )
    def list(
        self, request: Request, decision_id: DecisionId, option_id: OptionId
    ) -> ListResponse[VoteJson]:
        """List the votes on an option, oldest first."""
        return self.listed(decision_id, option_id=option_id)

    @Operation("cast_option_vote", body=RestVoteParams, tag="votes")
    def create(
        self, request: Request, decision_id: DecisionId, option_id: OptionId
    ) -> ObjectResponse[VoteJson]:
        """Vote on an option, or change your vote on it."""
        return self.cast(decision_id, option_id=option_id)

    @Operation("read_option_vote", tag="votes")
    def retrieve(
        self, request: Request, decision_id: DecisionId, option_id: OptionId, vote_id: VoteId
    ) -> ObjectResponse[VoteJson]:
        """Retrieve a vote."""
        return self.read(decision_id, vote_id, option_id=option_id)

    @Operation("update_option_vote", body=RestVoteParams, tag="votes")
    def update(
        self, request: Request, decision_id: DecisionId, option_id: OptionId, vote_id: VoteId
    ) -> ObjectResponse[VoteJson]:
        """Change your vote. An option that is named takes precedence over the ID of the vote."""
        return self.cast(decision_id, vote=vote_id, option_id=option_id)


class ParticipantVotes(_VotesBelow):
    @Operation(
        "list_participant_votes",
        query=RowListParams,
        example="sort_by=created_at-desc",
        tag="votes",
    )
    def list(
        self, request: Request, decision_id: DecisionId, participant_id: ParticipantId
    ) -> ListResponse[VoteJson]:
        """List the votes of a participant, oldest first."""
        return self.listed(decision_id, participant_id=participant_id)

    @Operation("cast_participant_vote", body=RestVoteParams, tag="votes")
    def create(
        self, request: Request, decision_id: DecisionId, participant_id: ParticipantId
    ) -> ObjectResponse[VoteJson]:
        """Vote on an option, or change your vote on it."""
        return self.cast(decision_id)

    @Operation("read_participant_vote", tag="votes")
    def retrieve(
        self,
        request: Request,
        decision_id: DecisionId,
        participant_id: ParticipantId,
        vote_id: VoteId,
    ) -> ObjectResponse[VoteJson]:
        """Retrieve a vote."""
        return self.read(decision_id, vote_id, participant_id=participant_id)

    @Operation("update_participant_vote", body=RestVoteParams, tag="votes")
    def update(
        self,
        request: Request,
        decision_id: DecisionId,
        participant_id: ParticipantId,
        vote_id: VoteId,
    ) -> ObjectResponse[VoteJson]:
        """Change your vote. An option that is named takes precedence over the ID of the vote."""
        return self.cast(decision_id, vote=vote_id)


def urls() -> list[URLPattern]:
    one = "api/v1/decisions/<str:decision_id>"
    places: dict[str, type[Resource]] = {
        f"{one}/votes": Votes,
        f"{one}/options/<str:option_id>/votes": OptionVotes,
        f"{one}/participants/<str:participant_id>/votes": ParticipantVotes,
    }
    return [
        each
        for base, resource in places.items()
        for each in (
            route(base, resource, get="list", post="create"),
            route(f"{base}/<str:vote_id>", resource, get="retrieve", put="update", patch="update"),
        )
    ]
