"""The resources of decisions: the decision itself, its results and participants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NoReturn, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from rest_framework.request import Request

from api.http.filters import order_of, refuse_unknown, sort_field
from api.http.paging import PageParams, ResultPage, page_of, query
from api.kinds import new_item
from api.operations import Operation
from api.responses.schema import Doc
from api.responses.timestamps import bounds
from api.v1.decisions.json import (
    INCLUDES,
    DecisionJson,
    DecisionParticipantJson,
    DecisionWriter,
    ResultJson,
    participant_json,
    result_json,
    vote_json,
)
from api.v1.decisions.lists import DecisionListParams, list_of_decisions
from api.v1.notes.comments import CommentListParams, list_of_comments
from api.v1.notes.json import INCLUDES as NOTE_INCLUDES
from api.v1.notes.json import NoteJson
from api.v1.notes.resource import COMMENT, new_note
from api.views import Base, ListResponse, Message, ObjectResponse, Resource, access_of, route
from api.writes import RestBinding, over_rest
from collectives.decisions import queries
from collectives.decisions.actions import settings
from collectives.decisions.fields import NewOptions
from collectives.decisions.models import Decision, Participant
from collectives.notes.actions import CommentParams
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.parameters.fields import DateTime
from harmonic.kernel.pipeline import Find, no_target
from harmonic.kernel.refusals import NotFound

BASES = Base
NOT_FOUND = "Decision not found"
DecisionId = Annotated[
    str, Doc("The decision's UUID, or its first eight characters.", example="8d2b91c4")
]


def live(decision_id: str, sentence: str = NOT_FOUND) -> Find[Decision]:
    """Return a function that finds the decision of a path unless it is deleted."""
    return lambda access: queries.live_decision_at(access, decision_id, sentence)


DEADLINE = "When it closes, in ISO 8601. If left out, it is closed manually."


class NewDecisionParams(settings.DecisionParams):
    """Parameters of a new decision in the API, where options can have descriptions."""

    options = NewOptions(  # type: ignore[assignment]  # with descriptions
        required=False,
        help_text="The first options: titles, or objects with `title` and `description`.",
    )
    deadline = DateTime(  # type: ignore[assignment]  # in ISO 8601 only
        required=False, help_text=DEADLINE
    )
    timezone = None  # type: ignore[assignment]  # removes fields of the base class
    deadline_option = None  # type: ignore[assignment]


class DecisionUpdateParams(settings.SettingsParams):
    """Parameters of an update in the API, where times are in ISO 8601."""

    deadline = DateTime(  # type: ignore[assignment]  # in ISO 8601 only
        required=False, help_text=DEADLINE
    )
    timezone = None  # type: ignore[assignment]  # removes fields of the base class
    deadline_option = None  # type: ignore[assignment]


CREATE = over_rest(settings.create_decision, params=NewDecisionParams, within="decision")
UPDATE = over_rest(
    settings.update_decision_settings,
    params=DecisionUpdateParams,
    within="decision",
    ignored=("subtype",),
)
DELETE = over_rest(settings.delete_decision)
PIN = over_rest(settings.pin_decision)
UNPIN = over_rest(settings.unpin_decision)
RESTORE = over_rest(settings.restore_decision)
DUPLICATE = over_rest(settings.duplicate_decision)


class Decisions(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="decisions")
    writes = {"create": CREATE, "update": UPDATE, "destroy": DELETE}
    model = Decision

    @Operation(
        "list_decisions",
        query=DecisionListParams,
        includes=INCLUDES,
        example="status=open&sort_by=deadline-asc",
    )
    def list(self, request: Request) -> ListResponse[DecisionJson]:
        """List decisions, newest first."""
        return list_of_decisions(request)

    @Operation("create_decision", body=NewDecisionParams, includes=INCLUDES)
    def create(self, request: Request) -> ObjectResponse[DecisionJson]:
        """Create a decision."""
        decision = self.perform(CREATE, no_target).object
        return new_item(request, decision, DecisionWriter(request, is_write=True).one(decision))

    @Operation("read_decision", includes=INCLUDES)
    def retrieve(self, request: Request, decision_id: DecisionId) -> ObjectResponse[DecisionJson]:
        """Retrieve a decision."""
        decision = live(decision_id, "Not found")(access_of(request))
        return ObjectResponse(DecisionWriter(request).one(decision))

    @Operation("update_decision", body=DecisionUpdateParams, includes=INCLUDES)
    def update(self, request: Request, decision_id: DecisionId) -> ObjectResponse[DecisionJson]:
        """Update a decision. Blank values are ignored, except for the decision maker."""
        return self._written(UPDATE, decision_id)

    @Operation("delete_decision")
    def destroy(self, request: Request, decision_id: DecisionId) -> ObjectResponse[Message]:
        """Delete a decision."""
        self.perform(DELETE, live(decision_id))
        return ObjectResponse({"message": "Decision deleted"})

    def shown(self, access: Access, decision: Decision) -> DecisionJson:
        return DecisionWriter(self.request).plain(decision)

    def _written(self, binding: RestBinding[Any], decision_id: str) -> ObjectResponse[DecisionJson]:
        decision = self.perform(binding, live(decision_id)).object
        return ObjectResponse(DecisionWriter(self.request, is_write=True).one(decision))


class Lifecycle(Decisions):
    writes = {
        "pin": PIN,
        "unpin": UNPIN,
        "duplicate": DUPLICATE,
        "restore": RESTORE,
    }

    @Operation("pin_decision", includes=INCLUDES)
    def pin(self, request: Request, decision_id: DecisionId) -> ObjectResponse[DecisionJson]:
        """Pin a decision to its collective, or from the main collective to your profile."""
        return self._written(PIN, decision_id)

    @Operation("unpin_decision", includes=INCLUDES)
    def unpin(self, request: Request, decision_id: DecisionId) -> ObjectResponse[DecisionJson]:
        """Unpin a decision."""
        return self._written(UNPIN, decision_id)

    @Operation("duplicate_decision", includes=INCLUDES)
    def duplicate(self, request: Request, decision_id: DecisionId) -> ObjectResponse[DecisionJson]:
        """Create a copy of a decision with the same options and no votes."""
        decision = self.perform(DUPLICATE, live(decision_id)).object
        return new_item(request, decision, DecisionWriter(request, is_write=True).one(decision))

    @Operation("restore_decision", includes=INCLUDES)
    def restore(self, request: Request, decision_id: DecisionId) -> ObjectResponse[DecisionJson]:
        """Restore a deleted decision within 30 days."""
        decision = self.perform(RESTORE, _deleted(decision_id)).object
        return ObjectResponse(DecisionWriter(request, is_write=True).one(decision))


def _deleted(decision_id: str) -> Find[Decision]:
    """Return a function that finds a decision, deleted or not."""

    def find(access: Access) -> Decision:
        try:
            return queries.decision_at(access, decision_id)
        except NotFound:
            raise NotFound(NOT_FOUND) from None

    return find


class Comments(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="notes")
    writes = {"create": COMMENT}

    @Operation(
        "list_decision_comments",
        query=CommentListParams,
        includes=NOTE_INCLUDES,
        example="sort_by=created_at-desc",
        tag="comments",
    )
    def list(self, request: Request, decision_id: DecisionId) -> ListResponse[NoteJson]:
        """List the direct comments on a decision, oldest first."""
        return list_of_comments(request, live(decision_id, "Not found")(access_of(request)))

    @Operation(
        "create_decision_comment", body=CommentParams, includes=NOTE_INCLUDES, tag="comments"
    )
    def create(self, request: Request, decision_id: DecisionId) -> ObjectResponse[NoteJson]:
        """Create a comment on a decision."""
        return new_note(request, self.perform(COMMENT, live(decision_id)).object)


# --- Results, participants -----------------------------------------------------------


class Results(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="decisions")

    @Operation("list_results", tag="options")
    def list(self, request: Request, decision_id: DecisionId) -> ListResponse[ResultJson]:
        """List the options of a decision in the order of the results."""
        refuse_unknown(request.query_params, ())
        decision = live(decision_id, "Not found")(access_of(request))
        return ListResponse([result_json(row, decision) for row in queries.results_of(decision)])


ParticipantId = Annotated[str, Doc("The participant's UUID.")]
OLDEST = "created_at-asc"


class RowListParams(PageParams):
    """The parameters of lists of options, votes and participants."""

    sort_by = sort_field("created_at", usual=OLDEST)
    created_after = DateTime(required=False, help_text="Created after this time.")
    created_before = DateTime(required=False, help_text="Created before this time.")


R = TypeVar("R", bound=Model)


def page_of_rows(request: Request, rows: QuerySet[R]) -> ResultPage[R]:
    """Return the requested page of a decision's options, votes or participants."""
    params = query(RowListParams, request)
    found = rows.filter(**bounds({"created": "created_at"}, params))
    return page_of(found, order_of(params, OLDEST), request, params)


class Participants(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="decision_participants")
    model = Participant

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse writes, which participants do not support, with the contract's response."""
        raise NotFound

    @Operation(
        "list_decision_participants",
        query=RowListParams,
        example="sort_by=created_at-desc",
        includes=("votes",),
        tag="votes",
    )
    def list(
        self, request: Request, decision_id: DecisionId
    ) -> ListResponse[DecisionParticipantJson]:
        """List the participants of a decision, oldest first."""
        decision = live(decision_id, "Not found")(access_of(request))
        page = page_of_rows(request, queries.participants_of(decision.id))
        return page.response(_with_votes(request, decision, page.rows))

    @Operation("read_decision_participant", includes=("votes",), tag="votes")
    def retrieve(
        self, request: Request, decision_id: DecisionId, participant_id: ParticipantId
    ) -> ObjectResponse[DecisionParticipantJson]:
        """Retrieve a participant of a decision."""
        decision = live(decision_id, "Not found")(access_of(request))
        row = participant_at(decision, participant_id)
        return ObjectResponse(_with_votes(request, decision, [row])[0])


def participant_at(decision: Decision, participant_id: str) -> Participant:
    """Return a participant of a decision.

    Raises:
        NotFound: the participant does not exist.
    """
    wanted = parse_uuid(participant_id)
    row = queries.participants_of(decision.id).filter(id=wanted).first() if wanted else None
    if row is None:
        raise NotFound
    return row


def _with_votes(
    request: Request, decision: Decision, rows: Sequence[Participant]
) -> list[DecisionParticipantJson]:
    shown = [participant_json(row) for row in rows]
    if "votes" not in ",".join(request.query_params.getlist("include")).split(","):
        return shown
    votes = queries.votes_of(decision.id).filter(participant__in=[row.id for row in rows])
    for each in shown:
        each["votes"] = []
    by_id = {each["id"]: each["votes"] for each in shown}
    for vote in votes:
        by_id[str(vote.participant_id)].append(vote_json(vote, decision))
    return shown


def urls() -> list[URLPattern]:
    base = "api/v1/decisions"
    one = f"{base}/<str:decision_id>"
    return [
        route(base, Decisions, get="list", post="create"),
        route(
            one,
            Decisions,
            "api.decision",
            get="retrieve",
            put="update",
            patch="update",
            delete="destroy",
        ),
        route(f"{one}/pin", Lifecycle, post="pin"),
        route(f"{one}/unpin", Lifecycle, post="unpin"),
        route(f"{one}/duplicate", Lifecycle, post="duplicate"),
        route(f"{one}/restore", Lifecycle, post="restore"),
        route(f"{one}/comments", Comments, get="list", post="create"),
        route(f"{one}/results", Results, get="list"),
        route(f"{one}/participants", Participants, get="list"),
        route(f"{one}/participants/<str:participant_id>", Participants, get="retrieve"),
    ]
