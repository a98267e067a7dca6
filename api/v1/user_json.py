"""The JSON of users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NotRequired
from uuid import UUID

from rest_framework.request import Request
from typing_extensions import TypedDict

from accounts.models import TenantUser
from accounts.rules import is_parent_of
from api.responses.embedded import without_unreadable
from api.responses.schema import Doc, DryRun, Id, KindOfUser, Notice, OneOf, Timestamp
from api.responses.timestamps import format_optional_timestamp, format_timestamp
from api.v1.notes.json import NoteJson, note_json
from api.views import access_of
from collectives.items.models import Pin
from collectives.items.queries import INCLUDED
from collectives.models import Collective
from collectives.notes.queries import NOTES
from harmonic.kernel.access import Access
from harmonic.kernel.rendering.documents import origin_of

IMAGE = "/placeholder.png"
EMBEDDED = {"pinned_items": "notes"}


class PinnedNoteJson(NoteJson):
    """A note that a user pinned on their profile."""

    item_type: Annotated[str, Doc("The kind of item.", example="Note")]


class PinJson(TypedDict):
    """A pinned item, and when it was pinned."""

    item: PinnedNoteJson
    pinned_at: Timestamp


class UserJson(TypedDict):
    """A person, an AI agent, or the identity of a collective."""

    id: Id
    user_type: KindOfUser
    email: Annotated[
        str | None,
        Doc(
            "Null unless you are the user, manage the agent or are a tenant admin.",
            example="alice@example.org",
        ),
    ]
    display_name: Annotated[str, Doc(example="Alice")]
    handle: Annotated[str, Doc(example="alice")]
    image_url: Annotated[str, Doc(example="/placeholder.png")]
    pinned_items: list[PinJson]
    created_at: Timestamp
    updated_at: Timestamp
    archived_at: Annotated[Timestamp | None, Doc(example=None)]
    parent_id: Annotated[Id | None, Doc("The human who manages the agent.", example=None)]
    path: Annotated[str, Doc("The user's page.", example="/u/alice")]
    note: NotRequired[Notice]
    token: NotRequired[
        Annotated[
            str | None,
            Doc(
                "The plaintext of the new token, with `generate_token` only. Null in a dry run.",
                example="hmn_…",
            ),
        ]
    ]
    omitted: NotRequired[
        Annotated[
            list[str],
            Doc(
                "Members that are empty because the token lacks the scope to read them."
                " Absent otherwise.",
                example=["pinned_items"],
            ),
        ]
    ]
    incomplete: NotRequired[
        Annotated[
            list[Annotated[str, OneOf("UserIncompleteItem", EMBEDDED)]],
            Doc("Lists that are truncated because of their size. Absent otherwise."),
        ]
    ]
    dry_run: NotRequired[DryRun]


def users_json(request: Request, persons: Sequence[TenantUser]) -> list[UserJson]:
    """Return the JSON of several users. Their pins and collectives are read in one query each."""
    access = access_of(request)
    pins = pinned_by(access, persons, origin_of(request))
    collectives = {
        each.identity_id: each
        for each in Collective.objects.filter(identity__in=[person.id for person in persons])
    }
    return [user_json(access, person, pins, collectives.get(person.id)) for person in persons]


def user_json(
    access: Access, person: TenantUser, pins: Pins, collective: Collective | None = None
) -> UserJson:
    """Return the JSON of a user; with `collective`, of the identity of that collective."""
    user = person.user
    shown: UserJson = {
        "id": str(user.id),
        "user_type": user.user_type,
        "email": user.email if may_see_email(access, person) else None,
        "display_name": collective.name if collective else person.display_name,
        "handle": f"collectives/{collective.handle}" if collective else person.handle,
        "image_url": IMAGE,
        "pinned_items": pins.of.get(person.id, []),
        "created_at": format_timestamp(user.created_at),
        "updated_at": format_timestamp(user.updated_at),
        "archived_at": format_optional_timestamp(person.archived_at),
        "parent_id": str(user.parent_id) if user.parent_id else None,
        "path": collective.get_absolute_url() if collective else person.get_absolute_url(),
    }
    if person.id in pins.incomplete and access.may_read("notes"):
        shown["incomplete"] = ["pinned_items"]
    return without_unreadable(access, shown, EMBEDDED)


def may_see_email(access: Access, person: TenantUser) -> bool:
    """Return whether the caller is the user, the agent's parent or a tenant admin."""
    is_own = person.user_id == access.user.user_id or is_parent_of(access, person)
    return is_own or access.user.is_tenant_admin


@dataclass(frozen=True, slots=True)
class Pins:
    """The pins of several users, and the users whose pins are truncated."""

    of: Mapping[UUID, list[PinJson]]
    incomplete: frozenset[UUID]


def pinned_by(access: Access, persons: Iterable[TenantUser], origin: str) -> Pins:
    """Return the pins on the profiles of several users, latest first, within one limit for all.

    Personal pins are on notes of the main collective, which all members of the tenant can read.
    """
    ids = frozenset(person.id for person in persons)
    rows = Pin.objects.filter(person__in=ids).order_by("-pinned_at", "-id")
    pins = list(rows[: INCLUDED + 1])
    if not pins:
        return Pins({}, frozenset())
    included = NOTES.fitting((pin.item_id for pin in pins[:INCLUDED]), access.required_place.id)
    notes = {note.id: note for note in included.rows}
    found: dict[UUID, list[PinJson]] = {}
    left_out: set[UUID] = set(ids if len(pins) > INCLUDED else ())
    for pin in pins:
        if pin.person_id is None:
            continue
        if pin.item_id in included.incomplete:
            left_out.add(pin.person_id)
        elif note := notes.get(pin.item_id):
            path = note.path_in("")
            item: PinnedNoteJson = {
                **note_json(note, path, f"{origin}{path}"),
                "item_type": note.kind,
            }
            shown: PinJson = {"item": item, "pinned_at": format_timestamp(pin.pinned_at)}
            found.setdefault(pin.person_id, []).append(shown)
    return Pins(found, frozenset(left_out))
