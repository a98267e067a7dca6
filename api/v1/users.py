"""Users of the tenant: people, AI agents, and the identities of collectives."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from django.db.models import F, ProtectedError, QuerySet
from django.urls import URLPattern, reverse
from rest_framework.request import Request

from accounts.actions import people
from accounts.agents.actions import creating, settings
from accounts.models import TenantUser, User
from accounts.queries import person_named, with_user
from accounts.rules import checked_handle, handles_locked, inactive, may_edit, someone
from api.filters import DatedParams, author_of, order_of, sort_field
from api.operations import Operation
from api.paging import PageParams, page_of, query
from api.schema import Doc
from api.shapes import bounds
from api.v1.user_json import UserJson, users_json
from api.views import (
    Answer,
    ListAnswer,
    Message,
    Resource,
    access_of,
    created,
    keep_secret,
    route,
)
from api.writes import carry_out, erase, refuse_kind
from collectives.items.models import HistoryEvent
from collectives.queries import is_known, other_identities, own_workspace
from harmonic.kernel.access import (
    Access,
    Door,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Rule,
    SignInRequired,
)
from harmonic.kernel.actions import Outcome
from harmonic.kernel.http.cursors import Order
from harmonic.kernel.pages import no_target
from harmonic.kernel.parameters.fields import Flag, Line, Params
from harmonic.kernel.rendering.text import slug
from harmonic.kernel.scopes import Scope
from tokens.rules import end_tokens

NOT_FOUND = "User not found"
LISTED = 100
UserId = Annotated[str, Doc("A user's UUID, handle, `@handle`, or `me`.", example="me")]

# --- Making an agent ------------------------------------------------------------------------


class NewAgentParams(creating.AgentParams):
    handle = Line(required=False, allow_blank=True, help_text="Its handle, if that is still free.")


def _create(access: Access, target: None, params: dict[str, Any]) -> Outcome:
    handles_locked(access.tenant.id)
    wanted = params.pop("handle", "")
    return creating.create_ai_agent.effect(access, target, {**params, "handle": free(wanted)})


def free(wanted: str) -> str:
    """Return the slug of a handle where it can be had; else "", and the name decides."""
    try:
        return checked_handle(wanted)
    except Invalid:
        return ""


create_ai_agent = replace(creating.create_ai_agent, params=NewAgentParams, effect=_create)

# --- Changing somebody ----------------------------------------------------------------------


class ProfileParams(Params):
    display_name = Line(
        required=False,
        allow_blank=True,
        max_length=TenantUser.NAME_LENGTH,
        help_text="The name that others see.",
    )
    handle = Line(required=False, allow_blank=True, help_text="The handle; it becomes a slug.")
    archived = Flag(required=False, help_text="Whether an agent is archived.")


def _update(access: Access, person: TenantUser, params: dict[str, Any]) -> Outcome:
    _refuse_inactive(person, params)
    sent = params.get("handle", "")
    handle = slug(sent)
    if sent.strip() and not handle:
        raise Invalid.of("handle", "blank")
    try:
        changed = people.rename(access, person, params.get("display_name", ""), handle)
    except Invalid as invalid:
        # The page's form calls it by another name.
        raise Invalid(*(replace(each, param="handle") for each in invalid.problems)) from invalid
    facts: dict[str, Any] = {"changed": changed} if changed else {}
    if "archived" in params and person.user_id != access.user.user_id:
        facts |= _set_archived(access, person, params["archived"])
    return Outcome(
        "The user is saved.",
        person.get_absolute_url(),
        people.resource(person),
        person,
        facts={"about": someone(person), **facts} if facts else None,
    )


def _refuse_inactive(person: TenantUser, params: dict[str, Any]) -> None:
    """Refuse to rename an archived agent, unless the same request reactivates it."""
    is_renamed = bool(params.get("display_name") or params.get("handle"))
    if person.archived_at is not None and is_renamed and params.get("archived") is not False:
        raise Forbidden.because(inactive(person))


def _set_archived(access: Access, agent: TenantUser, wanted: bool) -> dict[str, bool]:
    """Let an agent rest, or wake it; return what the security log keeps of that."""
    is_changed = settings.archive(access, agent) if wanted else settings.unarchive(agent)
    return {"archived": wanted} if is_changed else {}


# An archived agent may be reactivated, so the policy leaves it to the effect.
update_profile = replace(
    people.update_profile, params=ProfileParams, policy=may_edit, effect=_update
)

# --- Deleting an agent ----------------------------------------------------------------------


def _delete(access: Access, person: TenantUser, params: dict[str, Any]) -> Outcome:
    if not person.user.is_agent:
        raise Forbidden(
            "You cannot delete your own account here.",
            hint="Delete your account in your settings, in a browser.",
        )
    if HistoryEvent.objects.filter(user=person.user).exists():
        raise has_content(person)
    facts = {"about": someone(person), "deleted": True}
    if not person.user.is_internal_agent:
        end_tokens(access, person)
    workspace = own_workspace(person.id)
    try:
        if workspace is not None:
            workspace.delete()
        person.user.delete()
    except ProtectedError as error:
        raise has_content(person) from error
    return Outcome("The user is deleted.", "/ai-agents", facts=facts)


def has_content(person: TenantUser) -> Refused:
    return Refused(
        f"{person.display_name} has associated data and cannot be deleted."
        f' It can be archived by PUT /api/v1/users/{person.user_id} {{"archived": true}}.',
        status=400,
        code="invalid",
    )


# An agent without content; for agents themselves it counts as a change of a profile.
delete_user = replace(
    people.update_profile,
    scope=Scope("delete:users"),
    params=None,
    policy=may_edit,
    effect=_delete,
    is_dangerous=True,
)

# --- Listing them ---------------------------------------------------------------------------


class UserListParams(PageParams, DatedParams):
    sort_by = sort_field("created_at", "updated_at", usual="the newest members first")


NEWEST_MEMBERS = Order("created_at")
# The moments that a user shows are those of the account, not of the membership.
COLUMNS = {"created": "account_created_at", "updated": "account_updated_at"}


def listed(access: Access, params: dict[str, Any]) -> QuerySet[TenantUser]:
    """Return the active users that a list's parameters name.

    `created_by` names the parent of AI agents.
    """
    rows = with_user().annotate(
        account_created_at=F("user__created_at"), account_updated_at=F("user__updated_at")
    )
    rows = rows.filter(archived_at=None, **bounds(COLUMNS, params))
    author = author_of(access, params)
    if author is not None:
        rows = rows.filter(user__parent=author.user_id)
    return rows.exclude(id__in=other_identities(access.user.person_id))


def list_order(params: dict[str, Any]) -> Order:
    if "sort_by" not in params:
        return NEWEST_MEMBERS
    order = order_of(params, "")
    return Order(f"account_{order.moment}", order.is_descending)


# --- Serving them ---------------------------------------------------------------------------


def user_at(access: Access, user_id: str) -> TenantUser:
    person = person_named(user_id, access)
    if person is None or not is_known(access, person):
        raise NotFound(NOT_FOUND)
    return person


def editable(access: Access, user_id: str) -> TenantUser:
    """Return oneself or one's own agent.

    Raises:
        SignInRequired: it is somebody else; the contract answers 401.
        NotFound: there is no such user.
    """
    person = user_at(access, user_id)
    if may_edit(access, person):
        challenge = 'Bearer realm="Harmonic", error="insufficient_scope"'
        raise SignInRequired(
            hint="Users change themselves and their own agents only.",
            headers={"WWW-Authenticate": challenge},
        )
    return person


class Users(Resource):
    rule = Rule(Door.TENANT, resource="users")
    writes = {"create": create_ai_agent, "update": update_profile, "destroy": delete_user}
    model = User

    @Operation("list_users", query=UserListParams)
    def list(self, request: Request) -> ListAnswer[UserJson]:
        """List the users of the tenant, newest first."""
        params = query(UserListParams, request)
        rows = listed(access_of(request), params)
        page = page_of(rows, list_order(params), request, params, whole=LISTED)
        return page.answer(users_json(request, page.rows))

    @Operation("create_ai_agent", body=NewAgentParams)
    def create(self, request: Request) -> Answer[UserJson]:
        """Create an AI agent of yours."""
        access = access_of(request)
        refuse_kind(create_ai_agent, access)
        outcome = carry_out(create_ai_agent, access, no_target, request)
        agent = with_user().get(id=outcome.object.id)
        shown = users_json(request, [agent])[0]
        if outcome.notes:
            shown["note"] = " ".join(outcome.notes)
        if outcome.secret:
            shown["token"] = outcome.secret.plaintext
        response = created(request, shown, reverse("api.user", args=[agent.user_id]))
        return keep_secret(response, outcome.secret.row.id) if outcome.secret else response

    @Operation("read_user")
    def retrieve(self, request: Request, user_id: UserId) -> Answer[UserJson]:
        """Read a user; `me` is yourself."""
        person = user_at(access_of(request), user_id)
        return Answer(users_json(request, [person])[0])

    @Operation("update_user", body=ProfileParams)
    def update(self, request: Request, user_id: UserId) -> Answer[UserJson]:
        """Change yourself or one of your agents."""
        access = access_of(request)
        refuse_kind(update_profile, access)
        find = partial(editable, user_id=user_id)
        person = carry_out(update_profile, access, find, request).object
        return Answer(users_json(request, [person])[0])

    @Operation("delete_user")
    def destroy(self, request: Request, user_id: UserId) -> Answer[Message]:
        """Delete one of your agents that has no content."""
        access = access_of(request)
        refuse_kind(delete_user, access)
        erase(delete_user, access, partial(editable, user_id=user_id), request)
        return Answer({"message": "User deleted"})


def urls() -> list[URLPattern]:
    base = "api/v1/users"
    one = f"{base}/<str:user_id>"
    return [
        route(base, Users, get="list", post="create"),
        route(
            one, Users, "api.user", get="retrieve", put="update", patch="update", delete="destroy"
        ),
    ]
