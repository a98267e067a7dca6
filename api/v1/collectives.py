"""Collectives of the caller, and their members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

from django.http import HttpRequest
from django.urls import URLPattern, reverse
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import method_not_allowed
from api.paging import PageParams, page_of, query
from api.shapes import ts, ts_or_none
from api.views import Resource, access_of, created, origin_of, route
from api.writes import carry_out, refuse_kind
from collectives import rules
from collectives.actions import collective as actions
from collectives.models import Collective, CollectiveMember
from harmonic.kernel import audit
from harmonic.kernel.access import (
    Access,
    CollectiveKind,
    Door,
    Forbidden,
    Invalid,
    Membership,
    NotFound,
    Place,
    Refused,
    Rule,
)
from harmonic.kernel.actions import Outcome
from harmonic.kernel.cursors import Order
from harmonic.kernel.fields import Block, Flag, Line
from harmonic.kernel.tenancy import parse_uuid

NOT_FOUND = "Collective not found"

# --- Making and changing one ----------------------------------------------------------------


def worded(invalid: Invalid) -> Invalid:
    """Return the refusal of a handle as the contract words it: one sentence for both reasons."""
    if any(each.code in {"taken", "reserved"} for each in invalid.problems):
        invalid.rest_message = "Handle is not available"
    return invalid


def _create(access: Access, target: None, params: dict[str, Any]) -> Outcome:
    try:
        return actions.create_collective.effect(access, target, params)
    except Invalid as invalid:
        raise worded(invalid) from invalid


create_collective = replace(actions.create_collective, effect=_create)


class OnlyTrue(Flag):
    """JSON's true and nothing that resembles it."""

    def to_internal_value(self, data: Any) -> bool:
        return data is True


class SettingsParams(actions.SettingsParams):
    name = Line(required=False, max_length=Collective.NAME_LENGTH)
    description = Block(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=Collective.DESCRIPTION_LENGTH,
        help_text="What it is for; null or blank clears it.",
    )
    handle = Line(required=False, allow_blank=True)  # type: ignore[assignment]  # dropped by its base
    force_update = OnlyTrue(required=False, help_text="true to change the handle all the same.")


def _update(access: Access, collective: Collective, params: dict[str, Any]) -> Outcome:
    changes: dict[str, Any] = {}
    if "description" in params:
        changes["description"] = params.pop("description") or ""
    handle = params.pop("handle", "")
    if handle and handle != collective.handle:
        changes["handle"] = changed_handle(handle, is_forced=params.pop("force_update", False))
    changed = audit.changed({name: getattr(collective, name) for name in changes}, changes)
    Collective.objects.filter(id=collective.id).update(updated_at=access.now, **changes)
    outcome = actions.update_collective_settings.effect(access, None, params)
    changed |= (outcome.facts or {}).get("changed", {})
    return replace(outcome, facts={"changed": changed} if changed else None)


def changed_handle(handle: str, *, is_forced: bool) -> str:
    """Return the new handle of a collective.

    Raises:
        Refused: the caller has not said that the links may break.
        Invalid: the handle is malformed or not available.
    """
    if not is_forced:
        raise Refused(
            "Changing the handle breaks every link to this collective."
            ' Send "force_update": true to change it all the same.',
            status=400,
            code="invalid",
        )
    try:
        return rules.checked_handle(handle)
    except Invalid as invalid:
        raise worded(invalid) from invalid


update_settings = replace(actions.update_collective_settings, params=SettingsParams, effect=_update)

# --- Finding them ---------------------------------------------------------------------------


def membership_at(access: Access, word: str) -> CollectiveMember:
    """Return the caller's membership in the collective with this id or handle.

    Raises:
        NotFound: there is none, or the caller is no member; a chat has no page of its own.
    """
    mine = CollectiveMember.objects.active().filter(person=access.user.person_id)
    mine = mine.exclude(collective__kind=CollectiveKind.CHAT).select_related("collective")
    parsed = parse_uuid(word)
    found = mine.filter(collective=parsed).first() if parsed else None
    found = found or mine.filter(collective__handle=word.lower()).first()
    if found is None:
        raise NotFound(NOT_FOUND)
    return found


def inside(access: Access, member: CollectiveMember) -> Access:
    """Return the access of the same caller within the collective of a membership."""
    collective = member.collective
    place = Place(
        id=collective.id,
        handle=collective.handle,
        name=collective.name,
        kind=CollectiveKind(collective.kind),
        is_main=collective.is_main,
        is_api_enabled=collective.is_api_enabled,
    )
    # Nothing that is done here invites anybody.
    held = Membership(member.is_admin, member.is_representative, may_invite=False)
    return replace(access, place=place, membership=held)


# --- Serving them ---------------------------------------------------------------------------


class Collectives(Resource):
    rule = Rule(Door.TENANT)
    model = Collective

    def list(self, request: Request) -> Response:
        params = query(PageParams, request)
        access = access_of(request)
        mine = Collective.objects.standard().of(access.user.person_id)
        page = page_of(mine, Order("created_at", is_descending=False), request, params)
        roles = roles_in(access, page.rows)
        origin = origin_of(request)
        return page.answer([collective_json(row, roles[row.id], origin) for row in page.rows])

    def create(self, request: Request) -> Response:
        access = access_of(request)
        refuse_kind(create_collective, access)
        made = carry_out(create_collective, access, None, request).object
        shown = one(request, membership_at(access, str(made.id)))
        return created(request, shown, reverse("api.collective", args=[made.id]))

    def retrieve(self, request: Request, collective_id: str) -> Response:
        return Response(one(request, membership_at(access_of(request), collective_id)))

    def update(self, request: Request, collective_id: str) -> Response:
        access = access_of(request)
        refuse_kind(update_settings, access)
        member = membership_at(access, collective_id)
        outcome = carry_out(update_settings, inside(access, member), member.collective, request)
        member.collective = outcome.object
        shown = one(request, member)
        if outcome.notes:
            shown["note"] = " ".join(outcome.notes)
        return Response(shown)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        if request.method != "DELETE" or "collective_id" not in kwargs:
            super().http_method_not_allowed(request, *args, **kwargs)
        place = membership_at(self.access, kwargs["collective_id"]).collective.path
        raise method_not_allowed(
            "DELETE",
            self.allowed,
            "Collectives are archived, not deleted.",
            f"Its settings are at {place}/settings; members can leave it at {place}/members.",
        )


class Members(Resource):
    rule = Rule(Door.TENANT)

    def list(self, request: Request, collective_id: str) -> Response:
        params = query(PageParams, request)
        collective = membership_at(access_of(request), collective_id).collective
        if not (collective.is_main or collective.is_api_enabled):
            raise Forbidden(
                "API not enabled for this collective",
                code="api_disabled_collective",
                hint=f"An admin of the collective can turn it on at {collective.path}/settings.",
            )
        rows = CollectiveMember.objects.active().filter(collective=collective)
        rows = rows.select_related("person__user")
        page = page_of(rows, Order("created_at"), request, params)
        return page.answer([member_json(row) for row in page.rows])


def roles_in(access: Access, collectives: Sequence[Collective]) -> dict[Any, list[str]]:
    """Return the caller's roles in collectives that the caller is a member of."""
    rows = CollectiveMember.objects.filter(person=access.user.person_id, collective__in=collectives)
    return {row.collective_id: row.roles for row in rows}


def one(request: Request, member: CollectiveMember) -> dict[str, Any]:
    return collective_json(member.collective, member.roles, origin_of(request))


def collective_json(collective: Collective, roles: list[str], origin: str) -> dict[str, Any]:
    """Return a collective, with the roles of whoever asks."""
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
        "archived_at": ts_or_none(collective.archived_at),
        "path": place,
        "url": f"{origin}{place}",
        "created_at": ts(collective.created_at),
        "updated_at": ts(collective.updated_at),
    }


def member_json(member: CollectiveMember) -> dict[str, Any]:
    person = member.person
    return {
        "id": str(person.user_id),
        "handle": person.handle,
        "display_name": person.display_name,
        "user_type": person.user.user_type,
        "roles": member.roles,
        "created_at": ts(member.created_at),
    }


def urls() -> list[URLPattern]:
    base = "api/v1/collectives"
    one_ = f"{base}/<str:collective_id>"
    return [
        route(base, Collectives, get="list", post="create"),
        route(one_, Collectives, "api.collective", get="retrieve", put="update", patch="update"),
        route(f"{one_}/members", Members, get="list"),
    ]
