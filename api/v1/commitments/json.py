"""The JSON of commitments and their participants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, NotRequired
from uuid import UUID

from rest_framework.request import Request
from typing_extensions import TypedDict

from api.backlinks import Backlinks, included_backlinks
from api.kinds import KindJson, register_json
from api.responses.schema import Count, Doc, DryRun, Id, OneOf, ShortId, Timestamp, Url
from api.responses.timestamps import format_optional_timestamp, format_timestamp
from api.views import access_of
from collectives.commitments.models import Commitment, CommitmentParticipant, Status
from collectives.commitments.queries import COMMITMENTS, joined_among, participants_among
from collectives.models import Collective
from harmonic.kernel.rendering.documents import origin_of

INCLUDES = ("participants", "backlinks")
Mass = Annotated[int, Doc(minimum=1, example=3)]


class ParticipantJson(TypedDict):
    """A user who joined a commitment. After leaving it, `committed_at` is null."""

    id: Id
    commitment_id: Id
    user_id: Id
    committed_at: Timestamp | None
    dry_run: NotRequired[DryRun]


class CommitmentJson(TypedDict):
    """A commitment: an action, a calendar event or a policy."""

    id: Id
    truncated_id: ShortId
    subtype: Annotated[str, OneOf("CommitmentSubtype", Commitment.Subtype)]
    title: Annotated[str, Doc(example="Deep clean on Saturday")]
    description: Annotated[str | None, Doc("The details, in Markdown.", example=None)]
    deadline: Annotated[
        Timestamp, Doc("When it closes. A date 100 years ahead stands for no deadline.")
    ]
    critical_mass: Annotated[Mass, Doc("The number of members who must join. More can join.")]
    participant_count: Annotated[Count, Doc("The number of users who have joined.")]
    created_at: Timestamp
    updated_at: Timestamp
    created_by_id: Id
    updated_by_id: Id
    starts_at: Annotated[Timestamp | None, Doc("The start of a calendar event.", example=None)]
    ends_at: Annotated[Timestamp | None, Doc("The end of a calendar event.", example=None)]
    location: Annotated[str | None, Doc("The location of a calendar event.", example=None)]
    limit: Annotated[
        Mass | None, Doc("The number of participants at which it closes.", example=None)
    ]
    status: Annotated[str, OneOf("CommitmentStatus", Status)]
    closed: Annotated[bool, Doc("Whether members can no longer join.")]
    collective_id: Id
    path: Annotated[str, Doc("Its page.", example="/collectives/kitchen/c/4be10d77")]
    url: Annotated[Url, Doc(example="http://garden.localhost:8000/collectives/kitchen/c/4be10d77")]
    joined: Annotated[bool, Doc("Whether you have joined.")]
    last_activity_at: Annotated[
        Timestamp,
        Doc("When it was last changed, joined, left or commented on."),
    ]
    participants: NotRequired[
        Annotated[list[ParticipantJson], Doc("With `include=participants`, oldest first.")]
    ]
    backlinks: NotRequired[Backlinks]
    incomplete: NotRequired[
        Annotated[
            list[Annotated[str, OneOf("CommitmentIncompleteItem", INCLUDES)]],
            Doc("Included lists that are truncated. Absent if all are complete."),
        ]
    ]
    dry_run: NotRequired[DryRun]


class CommitmentWriter:
    """Builds the JSON of the commitments of one response, reading related rows once."""

    def __init__(self, request: Request, commitments: Iterable[Commitment] = ()) -> None:
        """Read the paths of the commitments' collectives, except that of the request."""
        self.request = request
        self.access = access_of(request)
        self.origin = origin_of(request)
        self.paths = {self.access.required_place.id: self.access.required_place.path}
        elsewhere = {each.collective_id for each in commitments} - self.paths.keys()
        if elsewhere:
            places = Collective.objects.filter(id__in=elsewhere)
            self.paths |= {place.id: place.path for place in places}
        asked = ",".join(request.query_params.getlist("include")).split(",")
        self.includes = {name.strip() for name in asked} & set(INCLUDES)

    def one(self, commitment: Commitment) -> CommitmentJson:
        return self.all([commitment])[0]

    def all(self, commitments: Sequence[Commitment]) -> list[CommitmentJson]:
        shown = self.without_includes(commitments)
        if "participants" in self.includes:
            self._add_participants(commitments, shown)
        if "backlinks" in self.includes:
            self._add_backlinks(commitments, shown)
        return shown

    def without_includes(self, commitments: Sequence[Commitment]) -> list[CommitmentJson]:
        joined = joined_among((each.id for each in commitments), self.access.user.user_id)
        return [self._plain(each, joined) for each in commitments]

    def plain(self, commitment: Commitment) -> CommitmentJson:
        """Return a commitment that was read for the caller, without included data."""
        return self._plain(commitment, {commitment.id} if commitment.is_joined else ())

    def _plain(self, commitment: Commitment, joined: Iterable[UUID]) -> CommitmentJson:
        now, path = self.access.now, commitment.path_in(self.paths[commitment.collective_id])
        return {
            "id": str(commitment.id),
            "truncated_id": commitment.truncated_id,
            "subtype": commitment.subtype,
            "title": commitment.title,
            "description": commitment.description or None,
            "deadline": format_timestamp(commitment.deadline),
            "critical_mass": commitment.critical_mass,
            "participant_count": commitment.participant_count,
            "created_at": format_timestamp(commitment.created_at),
            "updated_at": format_timestamp(commitment.updated_at),
            "created_by_id": str(commitment.created_by_id),
            "updated_by_id": str(commitment.updated_by_id),
            "starts_at": format_optional_timestamp(commitment.starts_at),
            "ends_at": format_optional_timestamp(commitment.ends_at),
            "location": commitment.location or None,
            "limit": commitment.limit,
            "status": commitment.status(now),
            "closed": commitment.is_closed(now),
            "collective_id": str(commitment.collective_id),
            "path": path,
            "url": f"{self.origin}{path}",
            "joined": commitment.id in joined,
            "last_activity_at": format_timestamp(commitment.last_activity_at),
        }

    def _add_participants(
        self, commitments: Sequence[Commitment], shown: Sequence[CommitmentJson]
    ) -> None:
        found: dict[UUID, list[ParticipantJson]] = {each.id: [] for each in commitments}
        included = participants_among(found)
        for row in included.rows:
            found[row.commitment_id].append(participant_json(row))
        for commitment, written in zip(commitments, shown, strict=True):
            written["participants"] = found[commitment.id]
            if commitment.id in included.incomplete:
                written["incomplete"] = ["participants"]

    def _add_backlinks(
        self, commitments: Sequence[Commitment], shown: Sequence[CommitmentJson]
    ) -> None:
        included = included_backlinks(self.request, [each.id for each in commitments])
        for commitment, written in zip(commitments, shown, strict=True):
            written["backlinks"] = included.found[commitment.id]
            if commitment.id in included.incomplete:
                written["incomplete"] = [*written.get("incomplete", ()), "backlinks"]


def participant_json(row: CommitmentParticipant) -> ParticipantJson:
    return {
        "id": str(row.id),
        "commitment_id": str(row.commitment_id),
        "user_id": str(row.user_id),
        "committed_at": format_optional_timestamp(row.committed_at),
    }


def plain_commitments(request: Request, commitments: Sequence[Commitment]) -> list[CommitmentJson]:
    """Return the JSON of commitments of any collective, without included data."""
    writer = CommitmentWriter(request, commitments)
    return writer.without_includes(commitments)


register_json(KindJson(COMMITMENTS, CommitmentJson, plain_commitments))
