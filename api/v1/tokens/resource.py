"""The resource of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Unpack

from django.db.models import Q
from django.urls import URLPattern, reverse
from rest_framework.request import Request
from typing_extensions import TypedDict

from accounts.models import TenantUser
from accounts.queries import person_named
from accounts.rules import may_edit
from api.http.filters import named, order_of, sort_field
from api.http.paging import PageParams, page_of, query
from api.operations import Operation
from api.responses.timestamps import bounds, format_timestamp
from api.v1.tokens.json import NewTokenJson, SuccessorJson, TokenId, TokenJson, token_json
from api.v1.users import UserId
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
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.actions import Outcome
from harmonic.kernel.parameters import wording
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.parameters.fields import DateTime, Flag, Line, Params, StringList
from harmonic.kernel.pipeline import Find
from harmonic.kernel.refusals import Forbidden, Invalid, NotFound, Problem, Refused
from harmonic.kernel.rendering.text import folded
from harmonic.kernel.scopes import is_scope
from tokens import actions, rules
from tokens.lifetimes import LONGEST
from tokens.models import ApiToken
from tokens.queries import owners_of, token_at

NOT_FOUND = "Token not found"
# At most this many invalid scopes are named.
NAMED_SCOPES = 10
IMMUTABLE = frozenset(
    "expires_at scopes active internal context context_id context_type token_type user_id token"
    " token_prefix sys_admin app_admin tenant_admin".split()
)

# --- Creating -------------------------------------------------------------------------------


class ScopeParams(Params):
    scopes = StringList(required=False, help_text="Scopes, such as read:all or create:notes.")


class NewTokenParams(ScopeParams):
    name = Line(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=ApiToken.NAME_LENGTH,
        help_text="The name of the token.",
    )
    expires_at = DateTime(
        required=False,
        help_text=f"When the token expires: at most {LONGEST} from now, which is the default.",
    )
    note = Line(
        required=False,
        allow_blank=True,
        max_length=ApiToken.NOTE_LENGTH,
        help_text="Where the token is stored.",
    )


def _create(
    access: Access,
    owner: TenantUser,
    *,
    name: str | None = None,
    scopes: Sequence[str] = (),
    expires_at: datetime | None = None,
    note: str = "",
) -> Outcome:
    checked = checked_scopes(scopes)
    return actions.create_token(
        access, owner, name=name, scopes=checked, expires_at=expires_at, note=note
    )


def refuse_wider(access: Access, raw: RawParams) -> None:
    """Require that the caller's token has every scope. This is reported before other errors."""
    rules.refuse_wider(access, validated(ScopeParams, raw).get("scopes", []))


def checked_scopes(scopes: Sequence[str]) -> list[str]:
    """Return the scopes without duplicates.

    Raises:
        Invalid: a scope does not exist.
    """
    unknown = [scope for scope in scopes if not is_scope(scope)][:NAMED_SCOPES]
    if unknown:
        raise Invalid(*(Problem("scopes", f"Invalid scope: {scope}") for scope in unknown))
    return list(dict.fromkeys(scopes))


# --- Renaming -------------------------------------------------------------------------------


class NameSent(TypedDict, total=False):
    name: str | None
    note: str


class RenameParams(Params):
    name = Line(required=False, allow_null=True, allow_blank=True, max_length=ApiToken.NAME_LENGTH)
    note = Line(
        required=False,
        allow_blank=True,
        max_length=ApiToken.NOTE_LENGTH,
        help_text="Where the token is stored.",
    )


def _rename(access: Access, token: ApiToken, **given: Unpack[NameSent]) -> Outcome:
    # Null removes the name. A body without a name changes nothing.
    return actions.rename_token(access, token, given.get("name", token.name), given.get("note"))


def refuse_immutable(access: Access, raw: RawParams) -> None:
    """Require that a body contains no immutable attribute."""
    asked = [name for name in raw.values if name in IMMUTABLE]
    if asked:
        raise Refused(
            "Tokens are immutable except for `name`."
            f" To change {', '.join(asked)}, create a new token and delete this one.",
            status=400,
            code="immutable",
        )


def _sentence(problem: Problem) -> str:
    """Return the sentence about an invalid parameter of a token, as the contract words it."""
    if problem.param == "expires_at":
        return wording.sentence(problem)
    return wording.rest_sentence(problem)


CREATE = over_rest(
    actions.create_api_token,
    params=NewTokenParams,
    effect=_create,
    check=refuse_wider,
    checks={"scopes": lambda access, owner, sent: checked_scopes(sent)},
    ignored=IMMUTABLE,
    sentence=_sentence,
)
RENAME = over_rest(
    actions.rename_api_token,
    params=RenameParams,
    effect=_rename,
    check=refuse_immutable,
    ignored=IMMUTABLE,
    sentence=_sentence,
)
ROTATE = over_rest(actions.rotate_api_token, sentence=_sentence)
DELETE = over_rest(actions.delete_api_token)

# --- Listing --------------------------------------------------------------------------------

COLUMNS = {"created": "created_at", "updated": "updated_at", "expires": "expires_at"}
NEWEST = "created_at-desc"


class TokenListParams(PageParams):
    active = Flag(required=False, help_text="true for active tokens, false for expired ones.")
    whose = Line(
        required=False,
        help_text="The owner: me, all (the user and their external agents), or an agent's handle.",
    )
    sort_by = sort_field(*COLUMNS.values(), usual=NEWEST)
    created_after = DateTime(required=False, help_text="Created after this time.")
    created_before = DateTime(required=False, help_text="Created before this time.")
    updated_after = DateTime(required=False, help_text="Updated after this time.")
    updated_before = DateTime(required=False, help_text="Updated before this time.")
    expires_after = DateTime(required=False, help_text="Expires after this time.")
    expires_before = DateTime(required=False, help_text="Expires before this time.")


def owners_asked(owner: TenantUser, params: dict[str, Any]) -> list[TenantUser]:
    """Return the owners whose tokens are requested: `owner`, unless `whose` names others.

    Raises:
        Invalid: `whose` names no external agent of the owner.
    """
    whose = folded(params.get("whose", "me").removeprefix("@"))
    owners = [each for each in owners_of(owner) if not each.user.is_internal_agent]
    if whose in {"all", "me"}:
        return owners if whose == "all" else [owner]
    named_ = [each for each in owners if each.handle_key == whose]
    if not named_:
        raise named(Problem("whose", "must be all, me, or the handle of an external agent"))
    return named_


def narrowed(access: Access, params: dict[str, Any]) -> Q:
    wanted = Q(**bounds(COLUMNS, params))
    if "active" not in params:
        return wanted
    is_active = Q(expires_at__gt=access.now)
    return wanted & (is_active if params["active"] else ~is_active)


# --- Resources ------------------------------------------------------------------------------


def owner_at(access: Access, user_id: str) -> TenantUser:
    """Return the owner that a path names: the caller, or an external agent of the caller.

    Raises:
        NotFound: the user is another one, or does not exist.
        Forbidden: the user is an internal agent of the caller.
    """
    person = person_named(user_id, access)
    if person is None or may_edit(access, person):
        raise NotFound("User not found")
    if person.user.is_internal_agent:
        raise Forbidden(rules.NOT_FOR_INTERNAL, hint=rules.RUN_BY_HARMONIC)
    return person


def token_named(user_id: str, token_id: str) -> Find[ApiToken]:
    """Return a function that finds the token of a path."""
    return lambda access: token_at(owner_at(access, user_id), token_id, NOT_FOUND)


class Tokens(Resource):
    rule = Rule(AccessLevel.TENANT, resource="api_tokens")
    writes = {
        "create": CREATE,
        "update": RENAME,
        "destroy": DELETE,
    }
    model = ApiToken

    @Operation("list_tokens", query=TokenListParams, example="whose=all&active=true")
    def list(self, request: Request, user_id: UserId) -> ListResponse[TokenJson]:
        """List a user's tokens, newest first."""
        access = access_of(request)
        params = query(TokenListParams, request)
        owners = {each.id: each for each in owners_asked(owner_at(access, user_id), params)}
        rows = ApiToken.objects.filter(narrowed(access, params), owner__in=owners).external()
        page = page_of(rows, order_of(params, NEWEST), request, params)
        return page.response([token_json(access, row, owners[row.owner_id]) for row in page.rows])

    @Operation("create_token", body=NewTokenParams)
    def create(self, request: Request, user_id: UserId) -> ObjectResponse[NewTokenJson]:
        """Create a token. Only this response contains its plaintext."""
        outcome = self.perform(CREATE, partial(owner_at, user_id=user_id))
        assert outcome.secret is not None  # the effect above always returns one
        owner = outcome.object.owner
        shown: NewTokenJson = {
            **token_json(self.access, outcome.object, owner),
            "token": outcome.secret.plaintext,
        }
        place = reverse("api.token", args=[owner.user_id, outcome.object.id])
        return mark_secret(created(request, shown, place))

    @Operation("read_token")
    def retrieve(
        self, request: Request, user_id: UserId, token_id: TokenId
    ) -> ObjectResponse[TokenJson]:
        """Retrieve a token."""
        access = access_of(request)
        owner = owner_at(access, user_id)
        return ObjectResponse(token_json(access, token_at(owner, token_id, NOT_FOUND), owner))

    @Operation("rename_token", body=RenameParams)
    def update(
        self, request: Request, user_id: UserId, token_id: TokenId
    ) -> ObjectResponse[TokenJson]:
        """Update the name and note of a token."""
        token = self.perform(RENAME, token_named(user_id, token_id)).object
        return ObjectResponse(self.shown(self.access, token))

    @Operation("delete_token")
    def destroy(
        self, request: Request, user_id: UserId, token_id: TokenId
    ) -> ObjectResponse[Message]:
        """Delete a token, which revokes it immediately."""
        self.perform(DELETE, token_named(user_id, token_id))
        return ObjectResponse({"message": "Token deleted"})

    def shown(self, access: Access, token: ApiToken) -> TokenJson:
        return token_json(access, token, token.owner)


class Rotation(Resource):
    rule = Rule(AccessLevel.TENANT, resource="api_tokens")
    writes = {"create": ROTATE}

    @Operation("rotate_token", body=actions.rotate_api_token.params)
    def create(
        self, request: Request, user_id: UserId, token_id: TokenId
    ) -> ObjectResponse[SuccessorJson]:
        """Rotate a token: create its replacement, and keep the old one for some days."""
        outcome = self.perform(ROTATE, token_named(user_id, token_id))
        assert outcome.secret is not None  # the effect above always returns one
        owner = outcome.object.owner
        token = ApiToken.objects.get(successor=outcome.object)
        shown: SuccessorJson = {
            **token_json(self.access, outcome.object, owner),
            "token": outcome.secret.plaintext,
            "replaces": {
                "id": str(token.id),
                "active": token.is_active(self.access.now),
                "expires_at": format_timestamp(token.expires_at),
            },
        }
        place = reverse("api.token", args=[owner.user_id, outcome.object.id])
        return mark_secret(created(request, shown, place))


def urls() -> list[URLPattern]:
    base = "api/v1/users/<str:user_id>/tokens"
    one = f"{base}/<str:token_id>"
    return [
        route(base, Tokens, get="list", post="create"),
        route(
            one, Tokens, "api.token", get="retrieve", put="update", patch="update", delete="destroy"
        ),
        route(f"{one}/rotate", Rotation, post="create"),
    ]
