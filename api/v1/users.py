"""Users of the tenant: people, AI agents and identities of collectives."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from django.db.models import F, QuerySet
from django.urls import URLPattern, reverse
from rest_framework.request import Request

from accounts.agents.actions import creating, settings
from accounts.agents.actions.deleting import delete_user
from accounts.models import TenantUser, User
from accounts.queries import person_named, with_user
from accounts.rules import may_edit
from api.http.filters import DatedParams, author_of, order_of, sort_field
from api.http.paging import PageParams, page_of, query
from api.operations import Operation
from api.responses.schema import Doc
from api.responses.timestamps import bounds
from api.v1.user_json import UserJson, users_json
from api.views import (
    ListResponse,
    Message,
    ObjectResponse,
    Resource,
    access_of,
    created,
    mark_secret,
    route,
)
from api.writes import over_rest
from collectives.queries import is_known, other_identities
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.actions import Outcome
from harmonic.kernel.http.cursors import Order
from harmonic.kernel.parameters.fields import Flag, Line, Params
from harmonic.kernel.pipeline import no_target
from harmonic.kernel.refusals import Invalid, NotFound, SignInRequired
from harmonic.kernel.rendering.text import slug

NOT_FOUND = "User not found"
LISTED = 100
UserId = Annotated[str, Doc("The user's UUID, handle or `@handle`, or `me`.", example="me")]

# --- Creating an agent ----------------------------------------------------------------------


class NewAgentParams(creating.CreateAgentParams):
    handle = Line(
        required=False, allow_blank=True, help_text="The preferred handle. Ignored if it is taken."
    )


CREATE = over_rest(creating.create_ai_agent, params=NewAgentParams, ignored=("email",))

# --- Updating -------------------------------------------------------------------------------


class UserUpdateParams(Params):
    display_name = Line(
        required=False,
        allow_blank=True,
        max_length=TenantUser.NAME_LENGTH,
        help_text="The name shown to others.",
    )
    handle = Line(
        required=False, allow_blank=True, help_text="The handle. It is converted to a slug."
    )
    archived = Flag(required=False, help_text="true to archive an agent, false to reactivate it.")


def _update(
    access: Access,
    person: TenantUser,
    *,
    display_name: str = "",
    handle: str = "",
    archived: bool | None = None,
) -> Outcome:
    """Update the caller or an agent of the caller.

    Raises:
        Forbidden: the agent is inactive, and the request does not reactivate it.
        Invalid: the slug of the handle is empty.
    """
    new_handle = slug(handle)
    if handle.strip() and not new_handle:
        raise Invalid.of("handle", "blank")
    return settings.update_user_with(
        access, person, name=display_name, new_handle=new_handle, archived=archived
    )


UPDATE = over_rest(
    settings.update_user,
    params=UserUpdateParams,
    effect=_update,
    names={"new_handle": "handle"},
    ignored=("name", "email"),
)
DELETE = over_rest(delete_user)

# --- Listing --------------------------------------------------------------------------------


class UserListParams(PageParams, DatedParams):
    sort_by = sort_field("created_at", "updated_at", usual="newest members first")


NEWEST_MEMBERS = Order("created_at")
# The times of a user are those of the account, not of the membership.
COLUMNS = {"created": "account_created_at", "updated": "account_updated_at"}


def listed(access: Access, params: dict[str, Any]) -> QuerySet[TenantUser]:
    """Return the active users that match the filters of a list.

    `created_by` selects the agents of a parent.
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


# --- Resources ------------------------------------------------------------------------------


def user_at(access: Access, user_id: str) -> TenantUser:
    person = person_named(user_id, access)
    if person is None or not is_known(access, person):
        raise NotFound(NOT_FOUND)
    return person


def editable(access: Access, user_id: str) -> TenantUser:
    """Return the caller or an agent of the caller.

    Raises:
        SignInRequired: the ID is another user's. The contract requires 401.
        NotFound: the user does not exist.
    """
    person = user_at(access, user_id)
    if may_edit(access, person):
        challenge = 'Bearer realm="Harmonic", error="insufficient_scope"'
        raise SignInRequired(
            hint="You can update and delete only yourself and your own agents.",
            headers={"WWW-Authenticate": challenge},
        )
    return person


class Users(Resource):
    rule = Rule(AccessLevel.TENANT, resource="users")
    writes = {"create": CREATE, "update": UPDATE, "destroy": DELETE}
    model = User
    beside = ("note",)

    @Operation("list_users", query=UserListParams, example="created_by=me")
    def list(self, request: Request) -> ListResponse[UserJson]:
        """List the users of the tenant, newest first."""
        params = query(UserListParams, request)
        rows = listed(access_of(request), params)
        page = page_of(rows, list_order(params), request, params, whole=LISTED)
        return page.response(users_json(request, page.rows))

    @Operation("create_ai_agent", body=NewAgentParams)
    def create(self, request: Request) -> ObjectResponse[UserJson]:
        """Create an AI agent."""
        outcome = self.perform(CREATE, no_target)
        agent = with_user().get(id=outcome.object.id)
        shown = users_json(request, [agent])[0]
        if outcome.notes:
            shown["note"] = " ".join(outcome.notes)
        if outcome.secret:
            shown["token"] = outcome.secret.plaintext
        response = created(request, shown, reverse("api.user", args=[agent.user_id]))
        return mark_secret(response, outcome.secret.row.id) if outcome.secret else response

    @Operation("read_user")
    def retrieve(self, request: Request, user_id: UserId) -> ObjectResponse[UserJson]:
        """Retrieve a user. `me` is the caller."""
        person = user_at(access_of(request), user_id)
        return ObjectResponse(users_json(request, [person])[0])

    @Operation("update_user", body=UserUpdateParams)
    def update(self, request: Request, user_id: UserId) -> ObjectResponse[UserJson]:
        """Update yourself or one of your agents."""
        person = self.perform(UPDATE, partial(editable, user_id=user_id)).object
        return ObjectResponse(users_json(request, [person])[0])

    @Operation("delete_user")
    def destroy(self, request: Request, user_id: UserId) -> ObjectResponse[Message]:
        """Delete one of your agents that has no content."""
        self.perform(DELETE, partial(editable, user_id=user_id))
        return ObjectResponse({"message": "User deleted"})

    def shown(self, access: Access, person: TenantUser) -> UserJson:
        return users_json(self.request, [person])[0]


def urls() -> list[URLPattern]:
    base = "api/v1/users"
    one = f"{base}/<str:user_id>"
    return [
        route(base, Users, get="list", post="create"),
        route(
            one, Users, "api.user", get="retrieve", put="update", patch="update", delete="destroy"
        ),
    ]
