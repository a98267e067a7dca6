"""The caller's collectives and their members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NoReturn, NotRequired, Unpack, cast

from django.http import HttpRequest
from django.urls import URLPattern, reverse
from rest_framework.request import Request
from typing_extensions import TypedDict

from api.http.filters import DatedParams, author_of, order_of, sort_field
from api.http.paging import PageParams, page_of, query
from api.operations import Operation
from api.responses.schema import (
    Doc,
    DryRun,
    Id,
    KindOfCollective,
    KindOfUser,
    Notice,
    OneOf,
    Timestamp,
    Url,
)
from api.responses.timestamps import bounds, format_optional_timestamp, format_timestamp
from api.views import Base, ListResponse, ObjectResponse, Resource, access_of, created, route
from api.writes import RestBinding, over_rest
from collectives.actions import collective as actions
from collectives.models import Collective, CollectiveMember, CollectiveQuerySet
from collectives.queries import current_collective
from harmonic.kernel.access import Access, AccessLevel, Rule, roles_held
from harmonic.kernel.actions import Outcome
from harmonic.kernel.http.methods import method_not_allowed
from harmonic.kernel.parameters.fields import Block, DateTime, Flag, Line
from harmonic.kernel.pipeline import no_target
from harmonic.kernel.refusals import Refused
from harmonic.kernel.rendering.documents import origin_of
from harmonic.kernel.rendering.text import folded

# Older clients look for their collectives below a workspace too.
BASES = (Base.TENANT, Base.WORKSPACE)

# --- JSON -----------------------------------------------------------------------------------

CollectiveId = Annotated[str, Doc("A collective's UUID or handle.", example="kitchen")]
Description = Annotated[str | None, Doc(example="Who has which tool.")]
Mode = Annotated[str, OneOf("CollectiveSynchronizationMode", Collective.MODES)]
Roles = list[Annotated[str, OneOf("Role", roles_held(is_admin=True, is_representative=True))]]
Tempo = Annotated[str, OneOf("CollectiveTempo", Collective.TEMPOS)]
Timezone = Annotated[str, Doc(example="Europe/Berlin")]


class ClosedCollectiveJson(TypedDict):
    """The members of a collective that tokens can read while its API is disabled."""

    id: Id
    name: Annotated[str, Doc(example="Tool Library")]
    handle: Annotated[str, Doc(example="tool-library")]
    api_enabled: bool
    path: Annotated[str, Doc("The collective's page.", example="/collectives/tool-library")]
    url: Annotated[Url, Doc(example="http://garden.localhost:8000/collectives/tool-library")]


class CollectiveJson(ClosedCollectiveJson):
    """A collective, with the caller's roles in it."""

    timezone: Timezone
    tempo: Tempo
    description: Description
    synchronization_mode: Mode
    collective_type: KindOfCollective
    is_main: bool
    roles: Roles
    archived_at: Annotated[Timestamp | None, Doc(example=None)]
    created_at: Timestamp
    updated_at: Timestamp
    note: NotRequired[Notice]
    dry_run: NotRequired[DryRun]


class ListedCollectiveJson(ClosedCollectiveJson):
    """A collective in a list. Members are null for tokens if its API is disabled."""

    timezone: Timezone | None
    tempo: Tempo | None
    description: Description
    synchronization_mode: Mode | None
    collective_type: KindOfCollective | None
    is_main: bool | None
    roles: Roles | None
    archived_at: Annotated[Timestamp | None, Doc(example=None)]
    created_at: Timestamp | None
    updated_at: Timestamp | None


class MemberJson(TypedDict):
    """An active member of a collective."""

    id: Id
    handle: Annotated[str, Doc(example="alice")]
    display_name: Annotated[str, Doc(example="Alice")]
    user_type: KindOfUser
    roles: Roles
    created_at: Annotated[Timestamp, Doc("When the user joined.")]


# --- Creating and updating ------------------------------------------------------------------


class OnlyTrue(Flag):
    """Flag that accepts JSON `true` only."""

    def to_internal_value(self, data: Any) -> bool:
        return data is True


class RestSettingsParams(actions.SettingsParams):
    name = Line(required=False, max_length=Collective.NAME_LENGTH)
    description = Block(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=Collective.DESCRIPTION_LENGTH,
        help_text="The purpose of the collective. Null or blank removes it.",
    )
    handle = Line(required=False, allow_blank=True)  # type: ignore[assignment]  # dropped by its base
    force_update = OnlyTrue(
        required=False, help_text="Required as true to change the handle, which breaks links."
    )


def _update(
    access: Access,
    collective: Collective,
    *,
    force_update: bool = False,
    **params: Unpack[actions.Settings],
) -> Outcome:
    """Change the settings of a collective.

    Raises:
        Refused: the handle changes without `force_update`.
    """
    if params.get("handle") == collective.handle:
        del params["handle"]
    if params.get("handle") and not force_update:
        raise Refused(
            "Changing the handle breaks every link to this collective."
            ' To change it anyway, send "force_update": true.',
            status=400,
            code="invalid",
        )
    return actions.update_settings(access, collective, **params)


CREATE = over_rest(actions.create_collective)
UPDATE: RestBinding[Collective] = over_rest(
    actions.update_collective_settings, params=RestSettingsParams, effect=_update
)

# --- Finding --------------------------------------------------------------------------------


def access_within(access: Access, collective_id: str) -> Access:
    """Return the caller's access in the collective with this id or handle.

    Raises:
        NotFound: the collective does not exist or is a chat, or the caller is not a member.
        Forbidden: the API of the collective is disabled, or the collective is archived.
    """
    return access.within(folded(collective_id))


# --- Listing --------------------------------------------------------------------------------

OLDEST, NEWEST = "created_at-asc", "created_at-desc"
COLUMNS = {"created": "created_at", "updated": "updated_at"}


class CollectiveListParams(PageParams, DatedParams):
    sort_by = sort_field(*COLUMNS.values(), usual=OLDEST)


class MemberListParams(PageParams):
    sort_by = sort_field("created_at", usual=NEWEST)
    created_after = DateTime(required=False, help_text="Joined after this time.")
    created_before = DateTime(required=False, help_text="Joined before this time.")


def listed(access: Access, params: dict[str, Any]) -> CollectiveQuerySet:
    """Return the caller's collectives that match the filters of a list.

    A collective whose values are hidden from the token matches no filter.
    """
    mine: CollectiveQuerySet = Collective.objects.standard().of(access.user.person_id)
    author = author_of(access, params)
    wanted: dict[str, Any] = bounds(COLUMNS, params)
    wanted |= {"created_by": author.user_id} if author else {}
    if wanted and access.is_subject_to_api_switches:
        mine = mine.api_open()
    return mine.filter(**wanted)


# --- Resources ------------------------------------------------------------------------------


class Collectives(Resource):
    rule = Rule(AccessLevel.TENANT)
    writes = {"create": CREATE, "update": UPDATE}
    model = Collective
    beside = ("note",)

    @Operation("list_collectives", query=CollectiveListParams, example="created_by=me")
    def list(self, request: Request) -> ListResponse[ListedCollectiveJson]:
        """List your collectives, including the main collective."""
        params = query(CollectiveListParams, request)
        access = access_of(request)
        page = page_of(listed(access, params), order_of(params, OLDEST), request, params)
        roles = roles_in(access, page.rows)
        origin = origin_of(request)
        return page.response([listed_json(access, row, roles[row.id], origin) for row in page.rows])

    @Operation("create_collective", body=actions.CollectiveParams)
    def create(self, request: Request) -> ObjectResponse[CollectiveJson]:
        """Create a collective. You become its first member and an admin."""
        made = self.perform(CREATE, no_target).object
        roles = roles_in(self.access, [made])[made.id]
        shown = collective_json(made, roles, origin_of(request))
        return created(request, shown, reverse("api.collective", args=[made.id]))

    @Operation("read_collective")
    def retrieve(
        self, request: Request, collective_id: CollectiveId
    ) -> ObjectResponse[CollectiveJson]:
        """Retrieve one of your collectives."""
        access = access_within(access_of(request), collective_id)
        return ObjectResponse(one(request, access, current_collective(access)))

    @Operation("update_collective", body=RestSettingsParams)
    def update(
        self, request: Request, collective_id: CollectiveId
    ) -> ObjectResponse[CollectiveJson]:
        """Update a collective's settings (admins only)."""
        outcome = self.perform(UPDATE, current_collective, place=folded(collective_id))
        changed = outcome.object
        roles = roles_in(self.access, [changed])[changed.id]
        shown = collective_json(changed, roles, origin_of(request))
        if outcome.notes:
            shown["note"] = " ".join(outcome.notes)
        return ObjectResponse(shown)

    def shown(self, access: Access, collective: Collective) -> CollectiveJson:
        return one(self.request, access, collective)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        if request.method != "DELETE" or "collective_id" not in kwargs:
            super().http_method_not_allowed(request, *args, **kwargs)
        place = access_within(self.access, kwargs["collective_id"]).required_place.path
        raise method_not_allowed(
            self.allowed,
            "Collectives are archived, not deleted.",
            f"Its settings are at {place}/settings. Members can leave it at {place}/members.",
        )


class Members(Resource):
    rule = Rule(AccessLevel.TENANT)

    @Operation("list_members", query=MemberListParams, example="limit=20&count=true")
    def list(self, request: Request, collective_id: CollectiveId) -> ListResponse[MemberJson]:
        """List the active members of a collective, newest first."""
        params = query(MemberListParams, request)
        access = access_within(access_of(request), collective_id)
        rows = CollectiveMember.objects.active().filter(collective=access.required_place.id)
        rows = rows.filter(**bounds(COLUMNS, params)).select_related("person__user")
        page = page_of(rows, order_of(params, NEWEST), request, params)
        return page.response([member_json(row) for row in page.rows])


def roles_in(access: Access, collectives: Sequence[Collective]) -> dict[Any, list[str]]:
    """Return the caller's roles by collective."""
    rows = CollectiveMember.objects.filter(person=access.user.person_id, collective__in=collectives)
    return {row.collective_id: row.roles for row in rows}


def one(request: Request, access: Access, collective: Collective) -> CollectiveJson:
    """Return the collective of an access, with the caller's roles."""
    assert access.membership is not None  # else `there` refused
    return collective_json(collective, access.membership.roles, origin_of(request))


def listed_json(
    access: Access, collective: Collective, roles: list[str], origin: str
) -> ListedCollectiveJson:
    """Return a collective in a list: for tokens, mostly null if its API is disabled."""
    shown = collective_json(collective, roles, origin)
    if access.passes_api_switch(collective):
        return cast(ListedCollectiveJson, shown)
    public = ClosedCollectiveJson.__required_keys__
    closed = {name: value if name in public else None for name, value in shown.items()}
    return cast(ListedCollectiveJson, closed)


def collective_json(collective: Collective, roles: list[str], origin: str) -> CollectiveJson:
    """Return a collective with the caller's roles."""
    place = collective.get_absolute_url()
    return {
        "id": str(collective.id),
        "name": collective.name,
        "handle": collective.handle,
        "timezone": collective.timezone,
        "tempo": collective.tempo,
        "description": collective.description or None,
        "synchronization_mode": collective.synchronization_mode,
        "collective_type": collective.kind,
        "is_main": collective.is_main,
        "api_enabled": collective.is_api_enabled,
        "roles": roles,
        "archived_at": format_optional_timestamp(collective.archived_at),
        "path": place,
        "url": f"{origin}{place}",
        "created_at": format_timestamp(collective.created_at),
        "updated_at": format_timestamp(collective.updated_at),
    }


def member_json(member: CollectiveMember) -> MemberJson:
    person = member.person
    return {
        "id": str(person.user_id),
        "handle": person.handle,
        "display_name": person.display_name,
        "user_type": person.user.user_type,
        "roles": member.roles,
        "created_at": format_timestamp(member.created_at),
    }


def urls() -> list[URLPattern]:
    base = "api/v1/collectives"
    one_ = f"{base}/<str:collective_id>"
    return [
        route(base, Collectives, get="list", post="create"),
        route(one_, Collectives, "api.collective", get="retrieve", put="update", patch="update"),
        route(f"{one_}/members", Members, get="list"),
    ]
