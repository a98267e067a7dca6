"""The resources of commitments: joining them, their participants and comments."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, NoReturn

from django.db.models import F, Q
from django.db.models.lookups import GreaterThanOrEqual
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from rest_framework.request import Request

from api.http.filters import order_of, sort_field
from api.http.paging import PageParams, page_of, query
from api.kinds import new_item
from api.operations import Operation
from api.responses.schema import Doc
from api.responses.timestamps import bounds
from api.v1.commitments.json import (
    INCLUDES,
    CommitmentJson,
    CommitmentWriter,
    ParticipantJson,
    participant_json,
)
from api.v1.item_lists import ItemFilterParams, ItemList
from api.v1.notes.comments import CommentListParams, list_of_comments
from api.v1.notes.json import INCLUDES as NOTE_INCLUDES
from api.v1.notes.json import NoteJson
from api.v1.notes.resource import COMMENT, new_note
from api.views import Base, ListResponse, Message, ObjectResponse, Resource, access_of, route
from api.writes import over_rest, read_params_of
from collectives.commitments import actions
from collectives.commitments.calendars import calendar_response
from collectives.commitments.models import Commitment, Status, participants
from collectives.commitments.params import CreateParams, UpdateParams
from collectives.commitments.queries import (
    COMMITMENTS,
    commitment_at,
    live_commitment_at,
    participant_at,
    participant_order,
    participants_in_order,
)
from collectives.items.queries import live_item_at
from collectives.notes.actions import CommentParams
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.actions import Outcome
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.http.methods import READS
from harmonic.kernel.http.negotiation import prefers_to_json
from harmonic.kernel.http.request import has_access
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.parameters.fields import Choice, DateTime, Flag, Line, Params
from harmonic.kernel.pipeline import Find, no_target
from harmonic.kernel.refusals import NotFound

BASES = Base
NOT_FOUND = "Commitment not found"
CommitmentId = Annotated[
    str, Doc("The commitment's UUID, or its first eight characters.", example="4be10d77")
]
ParticipantId = Annotated[
    str, Doc("The participant's UUID.", example="3f0c7a52-6d1e-4b8a-9f53-0c2d7e4a1b90")
]


# --- Parameters -----------------------------------------------------------------------------


class _MomentParams(Params):
    """The times of a commitment, which are in ISO 8601 in the API."""

    deadline = DateTime(
        required=False,
        help_text="When it closes. Default: the start of an event; others are closed manually.",
    )
    starts_at = DateTime(required=False, help_text="The start of a calendar event.")
    ends_at = DateTime(required=False, help_text="The end of a calendar event.")


class NewCommitmentParams(_MomentParams, CreateParams):  # type: ignore[misc]  # other types of time
    """Parameters of a new commitment in the API."""

    # These remove fields that only pages have.
    timezone = None  # type: ignore[assignment]
    deadline_option = None  # type: ignore[assignment]


class ChangedCommitmentParams(_MomentParams, UpdateParams):  # type: ignore[misc]  # likewise
    """Parameters that change a commitment in the API."""

    timezone = None  # type: ignore[assignment]
    deadline_option = None  # type: ignore[assignment]


class JoinParams(Params):
    committed = Flag(
        required=False, help_text="true (default) joins, and false leaves while it is open."
    )


class CommitmentListParams(ItemFilterParams):
    subtype = Line(
        required=False, allow_blank=True, help_text="Comma-separated subtypes. Default: all."
    )
    status = Choice(
        ["open", "closed", *Status],
        required=False,
        help_text="open or closed by the deadline; pending, achieved or failed.",
    )


# --- Bindings -------------------------------------------------------------------------------


def _join(access: Access, commitment: Commitment, *, committed: bool = True) -> Outcome:
    return actions.join(access, commitment)


CREATE = over_rest(
    actions.create_commitment,
    params=NewCommitmentParams,
    within="commitment",
    ignored=("timezone", "deadline_option"),
)
UPDATE = over_rest(
    actions.update_commitment_settings, params=ChangedCommitmentParams, within="commitment"
)
DELETE = over_rest(actions.delete_commitment)
JOIN = over_rest(actions.join_commitment, params=JoinParams, effect=_join)
LEAVE = over_rest(actions.leave_commitment)
PIN = over_rest(actions.pin_commitment)
UNPIN = over_rest(actions.unpin_commitment)
RESTORE = over_rest(actions.restore_commitment)


def live(commitment_id: str) -> Find[Commitment]:
    """Return a function that finds the commitment of a path unless it is deleted."""
    return lambda access: live_commitment_at(access, commitment_id, NOT_FOUND)


def any_commitment(access: Access, commitment_id: str) -> Commitment:
    """Return a commitment, deleted or not."""
    try:
        return commitment_at(access, commitment_id)
    except NotFound:
        raise NotFound(NOT_FOUND) from None


# --- Commitments ----------------------------------------------------------------------------


def _by_state(access: Access, params: dict[str, Any]) -> Q | None:
    """Return the condition of a status that depends on participants."""
    wanted = params.get("status")
    if wanted not in tuple(Status):
        return None
    is_achieved = Q(GreaterThanOrEqual(participants(), F("commitment__critical_mass")))
    if wanted == Status.ACHIEVED:
        return is_achieved
    is_open = Q(deadline__gt=access.now)
    return ~is_achieved & (is_open if wanted == Status.PENDING else ~is_open)


LIST = ItemList(COMMITMENTS, CommitmentListParams, Commitment.Subtype.values, _by_state)


class Commitments(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="commitments")
    writes = {"create": CREATE, "update": UPDATE, "destroy": DELETE}
    model = Commitment

    @Operation(
        "list_commitments",
        query=CommitmentListParams,
        includes=INCLUDES,
        example="status=pending&sort_by=deadline-asc",
    )
    def list(self, request: Request) -> ListResponse[CommitmentJson]:
        """List commitments, newest first."""
        page = LIST.page(request)
        return page.response(CommitmentWriter(request, page.rows).all(page.rows))

    @Operation("create_commitment", body=NewCommitmentParams, includes=INCLUDES)
    def create(self, request: Request) -> ObjectResponse[CommitmentJson]:
        """Create a commitment."""
        commitment = self.perform(CREATE, no_target).object
        return new_item(request, commitment, CommitmentWriter(request).one(commitment))

    @Operation("read_commitment", includes=INCLUDES)
    def retrieve(
        self, request: Request, commitment_id: CommitmentId
    ) -> ObjectResponse[CommitmentJson]:
        """Retrieve a commitment."""
        commitment = live_commitment_at(access_of(request), commitment_id)
        return ObjectResponse(CommitmentWriter(request).one(commitment))

    @Operation("update_commitment", body=ChangedCommitmentParams, includes=INCLUDES)
    def update(
        self, request: Request, commitment_id: CommitmentId
    ) -> ObjectResponse[CommitmentJson]:
        """Update a commitment. Blank values are ignored."""
        commitment = self.perform(UPDATE, live(commitment_id)).object
        return ObjectResponse(CommitmentWriter(request).one(commitment))

    @Operation("delete_commitment")
    def destroy(self, request: Request, commitment_id: CommitmentId) -> ObjectResponse[Message]:
        """Delete a commitment."""
        self.perform(DELETE, live(commitment_id))
        return ObjectResponse({"message": "Commitment deleted"})

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Respond with the calendar file of an event to clients that prefer one."""
        is_one = request.method in READS and "commitment_id" in kwargs
        if is_one and prefers_to_json("text/calendar", request.headers.get("Accept")):
            assert has_access(request)
            return calendar_response(request.access, kwargs["commitment_id"])
        return super().dispatch(request, *args, **kwargs)

    def shown(self, access: Access, commitment: Commitment) -> CommitmentJson:
        return CommitmentWriter(self.request).plain(commitment)


class Joining(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="commitments")
    # Leaving is a variant of joining: `committed` is false.
    writes = {"create": JOIN}

    @Operation("join_commitment", body=JoinParams, tag="commitments")
    def create(
        self, request: Request, commitment_id: CommitmentId
    ) -> ObjectResponse[ParticipantJson]:
        """Join a commitment, or leave it with `committed: false`."""
        raw = read_params_of(JOIN, request)
        binding = LEAVE if isinstance(raw, RawParams) and _leaves(raw) else JOIN
        return ObjectResponse(
            participant_json(self.perform(binding, live(commitment_id), raw=raw).object)
        )


def _leaves(raw: RawParams) -> bool:
    """Return whether the parameters leave the commitment."""
    if "committed" not in raw.values:
        return False
    return validated(JoinParams, raw).get("committed") is False


class Pinning(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="commitments")
    writes = {"pin": PIN, "unpin": UNPIN}

    @Operation("pin_commitment", includes=INCLUDES)
    def pin(self, request: Request, commitment_id: CommitmentId) -> ObjectResponse[CommitmentJson]:
        """Pin a commitment to its collective, or from the main collective to your profile."""
        commitment = self.perform(PIN, live(commitment_id)).object
        return ObjectResponse(CommitmentWriter(request).one(commitment))

    @Operation("unpin_commitment", includes=INCLUDES)
    def unpin(
        self, request: Request, commitment_id: CommitmentId
    ) -> ObjectResponse[CommitmentJson]:
        """Unpin a commitment."""
        commitment = self.perform(UNPIN, live(commitment_id)).object
        return ObjectResponse(CommitmentWriter(request).one(commitment))


class Restoring(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="commitments")
    writes = {"create": RESTORE}

    @Operation("restore_commitment", includes=INCLUDES)
    def create(
        self, request: Request, commitment_id: CommitmentId
    ) -> ObjectResponse[CommitmentJson]:
        """Restore a deleted commitment within 30 days."""
        find = partial(any_commitment, commitment_id=commitment_id)
        commitment = self.perform(RESTORE, find).object
        return ObjectResponse(CommitmentWriter(request).one(commitment))


# --- Participants and comments --------------------------------------------------------------


OLDEST = "committed_at-asc"


class ParticipantListParams(PageParams):
    include_pending = Flag(
        required=False, help_text="If true, users who left or never joined are included."
    )
    sort_by = sort_field("committed_at", usual=OLDEST)
    created_after = DateTime(required=False, help_text="Joined after this time.")
    created_before = DateTime(required=False, help_text="Joined before this time.")


class Participants(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="commitment_participants")

    @Operation(
        "list_commitment_participants",
        query=ParticipantListParams,
        example="sort_by=committed_at-desc",
        tag="commitments",
    )
    def list(self, request: Request, commitment_id: CommitmentId) -> ListResponse[ParticipantJson]:
        """List the participants of a commitment, oldest first."""
        commitment = live_commitment_at(access_of(request), commitment_id)
        params = query(ParticipantListParams, request)
        rows = participants_in_order(commitment, with_pending=params.get("include_pending", False))
        found = rows.filter(**bounds({"created": "committed_at"}, params))
        page = page_of(found, participant_order(order_of(params, OLDEST)), request, params)
        return page.response([participant_json(row) for row in page.rows])

    @Operation("read_commitment_participant", tag="commitments")
    def retrieve(
        self, request: Request, commitment_id: CommitmentId, participant_id: ParticipantId
    ) -> ObjectResponse[ParticipantJson]:
        """Retrieve a participant of a commitment."""
        commitment = live_commitment_at(access_of(request), commitment_id)
        return ObjectResponse(
            participant_json(participant_at(commitment, parse_uuid(participant_id)))
        )

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse writes with the response that public clients expect."""
        raise NotFound


class Comments(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="notes")
    writes = {"create": COMMENT}

    @Operation(
        "list_commitment_comments",
        query=CommentListParams,
        includes=NOTE_INCLUDES,
        example="sort_by=created_at-desc",
        tag="comments",
    )
    def list(self, request: Request, commitment_id: CommitmentId) -> ListResponse[NoteJson]:
        """List the direct comments on a commitment, oldest first."""
        commitment = live_commitment_at(access_of(request), commitment_id)
        return list_of_comments(request, commitment)

    @Operation(
        "create_commitment_comment",
        body=CommentParams,
        includes=NOTE_INCLUDES,
        tag="comments",
    )
    def create(self, request: Request, commitment_id: CommitmentId) -> ObjectResponse[NoteJson]:
        """Create a comment on a commitment."""
        find = partial(
            live_item_at, kind=Commitment.KIND, item_id=commitment_id, sentence=NOT_FOUND
        )
        return new_note(request, self.perform(COMMENT, find).object)


def urls() -> list[URLPattern]:
    base = "api/v1/commitments"
    one = f"{base}/<str:commitment_id>"
    return [
        route(base, Commitments, get="list", post="create"),
        route(
            one,
            Commitments,
            "api.commitment",
            get="retrieve",
            put="update",
            patch="update",
            delete="destroy",
        ),
        route(f"{one}/join", Joining, post="create"),
        route(f"{one}/participants", Participants, get="list"),
        route(f"{one}/participants/<str:participant_id>", Participants, get="retrieve"),
        route(f"{one}/pin", Pinning, post="pin"),
        route(f"{one}/unpin", Pinning, post="unpin"),
        route(f"{one}/restore", Restoring, post="create"),
        route(f"{one}/comments", Comments, get="list", post="create"),
    ]
