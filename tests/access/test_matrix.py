"""The refusal matrix: every refusal on every surface.

One row for each situation; in it a request for the JSON API, one for Markdown with a token,
and one of a signed-in browser. Every refusal leaves what is stored as it was.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import Tenant, TenantUser, User
from collectives.models import Collective, CollectiveMember
from harmonic.kernel.database.tenancy import tenant_bound
from tests.access.contents import contents
from tests.access.stage import (
    REST,
    Ask,
    Situation,
    Stage,
    make_chat,
    markdown,
    page,
    rest,
    said,
    send,
    stage_of,
)
from tests.fixtures.rows import change
from tests.fixtures.world import World, make_token
from tokens import secret
from tokens.models import ApiToken

KITCHEN = "/collectives/kitchen"
NOTE = f"{KITCHEN}/n/{{knife}}"
REST_NOTE = f"{KITCHEN}/api/v1/notes/{{knife}}"
TOKENS = "/u/bob/settings/tokens"
NEW_TOKEN = f"{TOKENS}/new/actions/create_api_token"
REST_TOKENS = "/api/v1/users/me/tokens"
WRITE = "You do not have permission to perform that action"
NOT_A_MEMBER = "You are not a member of this collective"
ONLY_HUMANS = "Only human accounts can create API tokens"
CAP = "Maximum of 50 active API tokens reached. Delete an existing token before creating a new one."


LIMITED = "…Rate limit exceeded. Retry after "


def anything(stage: Stage) -> None:
    """Bob with a read + write token and a session."""


# --- Credentials ----------------------------------------------------------------------------


def nobody(stage: Stage) -> None:
    stage.authorization = None
    stage.session(None)


def header(value: str) -> Situation:
    def situation(stage: Stage) -> None:
        plaintext = stage.bearer("bob")
        stage.authorization = value.format(token=plaintext)

    return situation


def unknown_token(stage: Stage) -> None:
    stage.authorization = f"Bearer {secret.new()}"


def expired_token(stage: Stage) -> None:
    stage.bearer("bob", at=timezone.now() - timedelta(days=2), days=1)


def deleted_token(stage: Stage) -> None:
    row = stage.row_of(stage.bearer("bob"))
    ApiToken.unscoped.filter(id=row.id).update(deleted_at=timezone.now())


def token_of_another_tenant(stage: Stage) -> None:
    stage.session("alice")
    stage.authorization = f"Bearer {make_token('alice', tenant='summit')}"


def suspended(stage: Stage) -> None:
    User.objects.filter(id=stage.names["bob_id"]).update(suspended_at=timezone.now())


def archived(stage: Stage) -> None:
    person = stage.world.person("bob")
    TenantUser.unscoped.filter(id=person.id).update(archived_at=timezone.now())


def departed(stage: Stage) -> None:
    person = stage.world.person("bob")
    with tenant_bound(person.tenant_id):
        person.archive(timezone.now())


def session_of_another(stage: Stage) -> None:
    stage.bearer("bob")
    stage.session("alice")


# --- Switches -------------------------------------------------------------------------------


def tenant_off(stage: Stage) -> None:
    stage.both("alice", "harbor")


def collective_off(stage: Stage) -> None:
    stage.both("alice")


def both_off(stage: Stage) -> None:
    stage.both("alice", "harbor")
    Collective.unscoped.filter(handle="workshop").update(is_api_enabled=False)


def internal_token_with_both_off(stage: Stage) -> None:
    stage.authorization = f"Bearer {stage.internal_token()}"
    Tenant.objects.update(is_api_enabled=False)
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)


def alice(stage: Stage) -> None:
    stage.both("alice")


def read_only(stage: Stage) -> None:
    stage.bearer("bob", scope="read")


def narrow(*scopes: str) -> Situation:
    def situation(stage: Stage) -> None:
        stage.bearer("bob", scopes=list(scopes))

    return situation


# --- Places ---------------------------------------------------------------------------------


def unknown_tenant(stage: Stage) -> None:
    stage.tenant = "nowhere"


def archived_tenant(stage: Stage) -> None:
    Tenant.objects.filter(subdomain="garden").update(archived_at=timezone.now())


def suspended_tenant(stage: Stage) -> None:
    Tenant.objects.filter(subdomain="garden").update(suspended_at=timezone.now())


def non_member(stage: Stage) -> None:
    stage.both("carol")


def former_member(stage: Stage) -> None:
    CollectiveMember.unscoped.filter(
        person=stage.world.person("bob"), collective__handle="kitchen"
    ).update(archived_at=timezone.now())


def strangers_rooms(stage: Stage) -> None:
    make_chat(stage.world)


def archived_collective(stage: Stage) -> None:
    stage.both("alice")
    Collective.unscoped.filter(handle="kitchen").update(archived_at=timezone.now())


# --- Tokens ---------------------------------------------------------------------------------


def tokens_of_all_sorts(stage: Stage) -> None:
    now = timezone.now()
    stage.internal_token()
    gone = stage.row_of(stage.bearer("bob"))
    ApiToken.unscoped.filter(id=gone.id).update(deleted_at=now)
    foreign = stage.row_of(make_token("alice"))
    stage.names |= {
        "unknown_id": "7f000000-0000-4000-8000-000000000000",
        "deleted_id": gone.id,
        "foreign_id": foreign.id,
    }
    stage.names["plaintext"] = stage.bearer("bob")


def internal_token_of_ones_agent(stage: Stage) -> None:
    stage.both("alice")
    stage.internal_token()


def token_of_a_year(stage: Stage) -> None:
    stage.bearer("bob", days=365)


def scout(stage: Stage) -> None:
    stage.bearer("alice", agent="scout")


def full_house(stage: Stage) -> None:
    stage.fill_up("bob")


def scout_without_capabilities(stage: Stage) -> None:
    stage.bearer("alice", agent="scout")
    change(stage.world.agent("scout"), capability_names=[])


def no_requests_left(stage: Stage) -> None:
    stage.settings.LIMIT_LOOPBACK = True
    stage.settings.LIMIT_REQUESTS = 0


def no_writes_left(stage: Stage) -> None:
    stage.settings.LIMIT_LOOPBACK = True
    stage.settings.LIMIT_WRITES = 0


# --- Sessions -------------------------------------------------------------------------------


def demanding_csrf(stage: Stage) -> None:
    stage.browser.handler.enforce_csrf_checks = True


def signed_in(handle: str, **ago: float) -> Situation:
    def situation(stage: Stage) -> None:
        moment = timezone.now() - timedelta(**ago)
        stage.session(handle, at=moment)
        session = stage.browser.session
        session["seen_at"] = timezone.now().timestamp()
        session.save()

    return situation


def idle(stage: Stage) -> None:
    session = stage.browser.session
    session["seen_at"] = (timezone.now() - timedelta(hours=3)).timestamp()
    session.save()


def revoked(stage: Stage) -> None:
    User.objects.filter(id=stage.names["bob_id"]).update(
        sessions_revoked_at=timezone.now() + timedelta(seconds=1)
    )


# --- The rest of a response -------------------------------------------------------------------


def body(response: HttpResponse) -> Any:
    return json.loads(response.content)


def acts_as(handle: str) -> Any:
    def check(response: HttpResponse, stage: Stage) -> None:
        assert body(response)["user"]["handle"] == handle

    return check


def lists_kitchen_and_not_treasury(response: HttpResponse, stage: Stage) -> None:
    titles = {note["title"] for note in body(response)}
    assert "Knife care" in titles
    assert "Treasury basics" not in titles


def newest_token(stage: Stage) -> ApiToken:
    return ApiToken.unscoped.order_by("-created_at")[0]


def lives_twelve_months(response: HttpResponse, stage: Stage) -> None:
    row = newest_token(stage)
    assert row.expires_at - row.created_at <= timedelta(days=366)
    assert row.expires_at - row.created_at > timedelta(days=300) or stage.authorization


def is_cut_to_the_makers_expiry(response: HttpResponse, stage: Stage) -> None:
    maker = ApiToken.unscoped.get(id=stage.names["token_id"])
    assert newest_token(stage).expires_at == maker.expires_at


def has_no_name(response: HttpResponse, stage: Stage) -> None:
    assert body(response)["name"] is None


def is_not_internal(response: HttpResponse, stage: Stage) -> None:
    assert newest_token(stage).is_internal is False
    assert newest_token(stage).context == ""


def keeps_what_was_typed(response: HttpResponse, stage: Stage) -> None:
    assert 'value="typed by hand"' in response.content.decode()


def switch_is(handle: str, *, is_on: bool) -> Any:
    def check(response: HttpResponse, stage: Stage) -> None:
        assert Collective.unscoped.get(handle=handle).is_api_enabled is is_on

    return check


def names_the_methods(response: HttpResponse, stage: Stage) -> None:
    assert "GET" in response["Allow"]


def challenges(response: HttpResponse, stage: Stage) -> None:
    assert response["WWW-Authenticate"].startswith('Bearer realm="Harmonic"')


def says_when_to_retry(response: HttpResponse, stage: Stage) -> None:
    assert 0 < int(response["Retry-After"]) <= 60


def token_form(**values: str) -> dict[str, str]:
    form = {"name": "typed by hand", "read_write": "read", "duration": "1"}
    form |= {"duration_unit": "month(s)"}
    return {f"api_token[{name}]": value for name, value in (form | values).items()}


YEAR = timedelta(days=365)


def on(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- The table ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    number: int
    title: str
    situation: Situation
    asks: tuple[Ask, ...]


def row(number: int, title: str, situation: Situation, *asks: Ask) -> Row:
    return Row(number, title, situation, asks)


UNAUTHORIZED: dict[str, Any] = {"check": challenges}

MATRIX = (
    row(
        1,
        "no credentials",
        nobody,
        rest("GET /api/v1/notes", 401, "Unauthorized", **UNAUTHORIZED),
        rest(f"GET {REST_NOTE}", 401, "Unauthorized", **UNAUTHORIZED),
        rest("POST /api/v1/notes", 401, "Unauthorized", json={"text": "x"}),
        markdown("GET /whoami", 401, "Unauthorized", **UNAUTHORIZED, also=("/login", "Bearer")),
        markdown(f"POST {KITCHEN}/note/actions/create_note", 401, json={"text": "x"}),
        page("GET /whoami", 302, redirects_to="/login?redirect_to_resource=%2Fwhoami"),
        page(f"GET {NOTE}?full_text=true", 302, redirects_to="/login?redirect_to_resource="),
        page(
            f"POST {KITCHEN}/note/actions/create_note",
            303,
            redirects_to="/login",
            form={"text": "x"},
        ),
    ),
    row(
        2,
        "session cookie only",
        anything,
        rest("GET /api/v1/notes", 401, "Unauthorized", sends="session"),
        rest("POST /api/v1/notes", 401, "Unauthorized", sends="session", json={"text": "x"}),
        markdown("GET /whoami", 200, "@bob", sends="session"),
        page("GET /whoami", 200),
    ),
    *(
        row(
            3,
            f"the header {value!r}",
            header(value),
            rest("GET /api/v1/notes", 401, "Unauthorized", **UNAUTHORIZED),
            markdown("GET /whoami", 401, "Unauthorized", **UNAUTHORIZED),
            page("GET /whoami", 401, "Unauthorized", sends="both"),
        )
        for value in ("Bearer", "Token {token}", "junk", "Bearer {token} and more", "{token}")
    ),
    row(
        4,
        "unknown token",
        unknown_token,
        rest("GET /api/v1/notes", 401, "Unauthorized", **UNAUTHORIZED),
        markdown("GET /whoami", 401, "Unauthorized", **UNAUTHORIZED),
        page("GET /whoami", 401, "Unauthorized", sends="both"),
    ),
    row(
        5,
        "expired token",
        expired_token,
        rest("GET /api/v1/notes", 401, "Token expired", **UNAUTHORIZED),
        markdown("GET /whoami", 401, "Token expired", **UNAUTHORIZED),
        page("GET /whoami", 401, "Token expired", sends="both"),
    ),
    row(
        6,
        "deleted token",
        deleted_token,
        rest("GET /api/v1/notes", 401, "Unauthorized"),
        markdown("GET /whoami", 401, "Unauthorized"),
        page("GET /whoami", 401, "Unauthorized", sends="both"),
    ),
    row(
        7,
        "token of another tenant",
        token_of_another_tenant,
        rest("GET /api/v1/notes", 401, "Unauthorized"),
        markdown("GET /whoami", 401, "Unauthorized"),
        page("GET /whoami", 401, "Unauthorized", sends="both"),
    ),
    row(
        8,
        "bad token beside a valid session",
        unknown_token,
        rest("GET /api/v1/notes", 401, "Unauthorized", sends="both"),
        markdown("GET /whoami", 401, "Unauthorized", sends="both"),
        markdown(f"POST {KITCHEN}/note/actions/create_note", 401, sends="both", json={"text": "x"}),
        page("GET /whoami", 401, "Unauthorized", sends="both"),
    ),
    row(
        9,
        "suspended owner",
        suspended,
        rest("GET /api/v1/notes", 401, "Unauthorized"),
        markdown("GET /whoami", 401, "Unauthorized"),
        page("GET /whoami", 302, redirects_to="/login?"),
    ),
    *(
        row(
            9,
            f"{situation.__name__} owner",
            situation,
            rest("GET /api/v1/notes", 401, "Unauthorized"),
            markdown("GET /whoami", 401, "Unauthorized"),
            page("GET /whoami", 403, "You do not belong to this tenant.", also=("/logout",)),
        )
        for situation in (archived, departed)
    ),
    row(
        10,
        "valid token, session of another beside it",
        session_of_another,
        rest("GET /api/v1", 200, sends="both", check=acts_as("bob")),
        markdown("GET /whoami", 200, "@bob", sends="both"),
        page("GET /whoami", 200, "@bob", sends="both"),
    ),
    row(
        11,
        "tenant switch off",
        tenant_off,
        rest("GET /api/v1/notes", 403, "API not enabled for this tenant"),
        rest("GET /api/v1", 403, "API not enabled for this tenant"),
        rest("GET /collectives/workshop/api/v1/notes", 403, "API not enabled for this tenant"),
        markdown("GET /whoami", 403, "API not enabled for this tenant"),
        markdown("GET /collectives/workshop", 403, "API not enabled for this tenant"),
        page("GET /whoami", 200),
        page("GET /collectives/workshop", 200),
    ),
    row(
        12,
        "collective switch off, tenant on",
        collective_off,
        rest("GET /collectives/treasury/api/v1/notes", 403, "API not enabled for this collective"),
        rest(
            "POST /collectives/treasury/api/v1/notes",
            403,
            "API not enabled for this collective",
            json={"text": "x"},
        ),
        markdown("GET /collectives/treasury", 403, "API not enabled for this collective"),
        markdown(
            "POST /collectives/treasury/note/actions/create_note",
            403,
            "API not enabled for this collective",
            json={"text": "x"},
        ),
        page("GET /collectives/treasury", 200),
    ),
    row(
        13,
        "both switches off",
        both_off,
        rest("GET /collectives/workshop/api/v1/notes", 403, "API not enabled for this tenant"),
        markdown("GET /collectives/workshop", 403, "API not enabled for this tenant"),
        page("GET /collectives/workshop", 200),
    ),
    row(
        14,
        "internal token, both switches off",
        internal_token_with_both_off,
        rest(f"GET {KITCHEN}/api/v1/notes", 200),
        markdown(f"GET {KITCHEN}", 200),
    ),
    row(
        15,
        "a list over several collectives, one with its switch off",
        alice,
        rest("GET /api/v1/notes?scope=all", 200, check=lists_kitchen_and_not_treasury),
    ),
    row(
        16,
        "read-only token on a write",
        read_only,
        rest("POST /api/v1/notes", 403, WRITE, json={"text": "x"}),
        rest(f"PUT {REST_NOTE}", 403, WRITE, json={"text": "x"}),
        rest(f"PATCH {REST_NOTE}", 403, WRITE, json={"text": "x"}),
        rest(f"DELETE {REST_NOTE}", 403, WRITE),
        rest(f"POST {REST_TOKENS}", 403, WRITE, json={"scopes": ["read:all"]}),
        markdown(f"POST {KITCHEN}/note/actions/create_note", 403, WRITE, json={"text": "x"}),
        markdown(f"POST {NOTE}/actions/confirm_read", 403, WRITE),
        markdown(f"POST {NOTE}/edit/actions/update_note", 403, WRITE, json={"text": "x"}),
        markdown(f"POST {NEW_TOKEN}", 403, WRITE, json={"name": "x"}),
        markdown(f"DELETE {TOKENS}/{{token_id}}", 403, WRITE),
    ),
    row(
        17,
        "narrow scope, wrong resource",
        narrow("read:users", "create:votes"),
        rest("GET /api/v1/notes", 403, WRITE),
        rest(f"GET {REST_NOTE}", 403, WRITE),
        rest("GET /api/v1/collectives", 403, WRITE),
        rest("POST /api/v1/notes", 403, WRITE, json={"text": "x"}),
        markdown(f"GET {NOTE}", 403, WRITE),
        markdown("GET /collectives", 403, WRITE),
        markdown(f"POST {KITCHEN}/note/actions/create_note", 403, WRITE, json={"text": "x"}),
    ),
    row(
        18,
        "token asking for HTML only",
        anything,
        rest("GET /api/v1/notes", 200, headers={"accept": "text/html"}),
        markdown(
            "GET /whoami",
            403,
            "API only supports JSON or Markdown formats",
            headers={"accept": "text/html"},
        ),
    ),
    row(
        19,
        "unknown tenant",
        unknown_tenant,
        rest("GET /api/v1/notes", 404, "Not found"),
        markdown("GET /whoami", 404, "Not found"),
        page("GET /whoami", 404, "Not found"),
    ),
    row(
        20,
        "archived tenant",
        archived_tenant,
        rest("GET /api/v1/notes", 404, "Not found"),
        markdown("GET /whoami", 404, "Not found"),
        page("GET /whoami", 404, "Not found"),
        page("GET /login", 404, "Not found"),
    ),
    row(
        20,
        "suspended tenant",
        suspended_tenant,
        rest("GET /api/v1/notes", 403, "Tenant suspended"),
        markdown("GET /whoami", 403, "Tenant suspended"),
        page("GET /whoami", 403, "Tenant suspended"),
    ),
    row(
        21,
        "unknown collective",
        anything,
        rest("GET /collectives/nothing/api/v1/notes", 404, "Not found"),
        markdown("GET /collectives/nothing", 404, "Not found"),
        page("GET /collectives/nothing", 404, "Not found"),
        page("GET /workspace/nothing", 404, "Not found"),
    ),
    *(
        row(
            22,
            f"{situation.__name__} of a standard collective",
            situation,
            rest(f"GET {KITCHEN}/api/v1/notes", 403, NOT_A_MEMBER),
            rest(f"GET {REST_NOTE}", 403, NOT_A_MEMBER),
            rest(f"POST {KITCHEN}/api/v1/notes", 403, NOT_A_MEMBER, json={"text": "x"}),
            markdown(f"GET {KITCHEN}", 403, NOT_A_MEMBER, also=(f"{KITCHEN}/join",)),
            markdown(f"GET {NOTE}", 403, NOT_A_MEMBER, also=(f"{KITCHEN}/join",)),
            markdown(
                f"POST {KITCHEN}/note/actions/create_note", 403, NOT_A_MEMBER, json={"text": "x"}
            ),
            page(f"GET {KITCHEN}", 302, redirects_to=f"{KITCHEN}/join"),
            page(f"GET {NOTE}", 302, redirects_to=f"{KITCHEN}/join"),
            page(f"GET {KITCHEN}/settings", 302, redirects_to=f"{KITCHEN}/join"),
            page(f"GET {KITCHEN}/members", 302, redirects_to=f"{KITCHEN}/join"),
            page(f"POST {KITCHEN}/note/actions/create_note", 403, NOT_A_MEMBER, form={"text": "x"}),
            page(f"DELETE {NOTE}", 403, NOT_A_MEMBER),
        )
        for situation in (non_member, former_member)
    ),
    row(
        23,
        "non-member of a workspace or chat",
        strangers_rooms,
        rest("GET /workspace/{alice_room}/api/v1/notes", 404, "Not found"),
        rest("POST /workspace/{alice_room}/api/v1/notes", 404, "Not found", json={"text": "x"}),
        rest("GET /collectives/chat-of-two/api/v1/notes", 404, "Not found"),
        markdown("GET /workspace/{alice_room}", 404, "Not found"),
        markdown("GET /collectives/{alice_room}/join", 404, "Not found"),
        markdown("GET /collectives/chat-of-two", 404, "Not found"),
        page("GET /workspace/{alice_room}", 404, "Not found"),
        page("GET /workspace/{alice_room}/join", 404, "Not found"),
        page("GET /collectives/chat-of-two", 404, "Not found"),
        page("GET /collectives/chat-of-two/join", 404, "Not found"),
        page("POST /workspace/{alice_room}/note/actions/create_note", 404, form={"text": "x"}),
    ),
    row(
        24,
        "an item of another tenant, or of a collective not in the path",
        alice,
        rest("GET /api/v1/notes/{knife}", 404, "Not found"),
        rest(f"GET {KITCHEN}/api/v1/notes/{{camp_note}}", 404, "Not found"),
        rest(f"GET {KITCHEN}/api/v1/notes/{{open_note}}", 404, "Not found"),
        rest(
            f"PUT {KITCHEN}/api/v1/notes/{{camp_note}}", 404, "Note not found", json={"text": "x"}
        ),
        markdown("GET /n/{knife}", 404, "Not found"),
        markdown(f"GET {KITCHEN}/n/{{camp_note}}", 404, "Not found"),
        markdown(f"GET {KITCHEN}/n/{{treasury_note}}", 404, "Not found"),
        markdown(f"POST {KITCHEN}/n/{{camp_note}}/actions/confirm_read", 404, "Not found"),
        page("GET /n/{knife}", 404, "Not found"),
        page("GET /n/{camp_note}", 404, "Not found"),
        page(f"GET {KITCHEN}/n/{{treasury_note}}", 404, "Not found"),
        page("GET /collectives/basecamp", 404, "Not found"),
    ),
    row(
        25,
        "archived collective",
        archived_collective,
        rest(f"GET {KITCHEN}/api/v1/notes", 403, "This collective is deactivated."),
        markdown(f"GET {KITCHEN}", 403, "This collective is deactivated.", also=("/settings",)),
        markdown(
            f"POST {KITCHEN}/note/actions/create_note",
            403,
            "This collective is deactivated.",
            json={"text": "x"},
        ),
        page(f"GET {KITCHEN}", 302, redirects_to=f"{KITCHEN}/settings"),
        page(f"GET {NOTE}", 302, redirects_to=f"{KITCHEN}/settings"),
        page(
            f"POST {KITCHEN}/note/actions/create_note",
            403,
            "This collective is deactivated.",
            form={"text": "x"},
        ),
        page(f"GET {KITCHEN}/settings", 200),
    ),
    row(
        26,
        "settings or tokens page of someone else",
        anything,
        rest("GET /api/v1/users/alice/tokens", 404, "User not found"),
        rest("GET /api/v1/users/{alice_id}/tokens", 404, "User not found"),
        markdown("GET /u/alice/settings", 403, "403 Unauthorized"),
        markdown("GET /u/alice/settings/tokens", 403, "403 Unauthorized"),
        markdown(
            "POST /u/alice/settings/tokens/new/actions/create_api_token",
            403,
            "403 Unauthorized",
            json={"name": "x"},
        ),
        markdown(
            "POST /u/alice/settings/actions/update_profile",
            403,
            "403 Unauthorized",
            json={"name": "x"},
        ),
        page("GET /u/alice/settings", 403, "403 Unauthorized"),
        page("GET /u/alice/settings/tokens", 403, "403 Unauthorized"),
        page("POST /u/alice/settings/tokens", 403, "403 Unauthorized", form=token_form()),
    ),
    row(
        27,
        "unknown handle",
        anything,
        rest("GET /api/v1/users/nobody-here/tokens", 404, "User not found"),
        markdown("GET /u/nobody-here/settings", 404, "Not found"),
        markdown("GET /u/nobody-here", 404, "Not found"),
        page("GET /u/nobody-here/settings", 404, "Not found"),
        # Dave belongs to other tenants only.
        page("GET /u/dave", 404, "Not found"),
        page("GET /u/{dave_id}", 404, "Not found"),
    ),
    *(
        row(
            28,
            f"token id that is {kind}",
            tokens_of_all_sorts,
            rest(f"GET {REST_TOKENS}/{{{kind}}}", 404, "Token not found"),
            rest(f"PATCH {REST_TOKENS}/{{{kind}}}", 404, "Token not found", json={"name": "x"}),
            rest(f"DELETE {REST_TOKENS}/{{{kind}}}", 404, "Token not found"),
            markdown(f"GET {TOKENS}/{{{kind}}}", 404, "Not found"),
            markdown(f"POST {TOKENS}/{{{kind}}}/actions/delete_api_token", 404, "Not found"),
            page(f"GET {TOKENS}/{{{kind}}}", 404, "Not found"),
            page(f"POST {TOKENS}/{{{kind}}}/delete", 404, "Not found"),
        )
        for kind in ("unknown_id", "deleted_id", "internal_id", "foreign_id", "plaintext")
    ),
    row(
        28,
        "internal token, asked for by its agent's parent",
        internal_token_of_ones_agent,
        markdown("GET /u/steward/settings/tokens/{internal_id}", 404, "Not found"),
        page("GET /u/steward/settings/tokens/{internal_id}", 404, "Not found"),
    ),
    row(
        29,
        "agent creates a token",
        scout,
        rest(
            f"POST {REST_TOKENS}",
            403,
            "Your capabilities do not include 'create_api_token'",
            json={"name": "x", "scopes": ["read:all"]},
        ),
        markdown(
            "POST /u/scout/settings/tokens/new/actions/create_api_token",
            403,
            "Your capabilities do not include 'create_api_token'",
            json={"name": "x"},
        ),
        markdown("GET /u/scout/settings/tokens/new", 403, ONLY_HUMANS),
        markdown("GET /u/scout/settings/tokens/new/actions", 403, ONLY_HUMANS),
        markdown("GET /u/scout/settings/tokens/new/actions/create_api_token", 403),
    ),
    row(
        30,
        "agent renames or deletes a token",
        scout,
        rest(
            f"PATCH {REST_TOKENS}/{{token_id}}",
            403,
            "Your capabilities do not include 'rename_api_token'",
            json={"name": "x"},
        ),
        rest(
            f"DELETE {REST_TOKENS}/{{token_id}}",
            403,
            "Your capabilities do not include 'delete_api_token'",
        ),
        markdown(
            "POST /u/scout/settings/tokens/{token_id}/actions/rename_api_token",
            403,
            "Your capabilities do not include 'rename_api_token'",
            json={"name": "x"},
        ),
        markdown(
            "POST /u/scout/settings/tokens/{token_id}/actions/delete_api_token",
            403,
            "Your capabilities do not include 'delete_api_token'",
        ),
    ),
    row(
        31,
        "human and own internal agent",
        alice,
        rest("GET /api/v1/users/steward/tokens", 403, "Internal AI agents cannot have API tokens"),
        rest(
            "POST /api/v1/users/steward/tokens",
            403,
            "Internal AI agents cannot have API tokens",
            json={"scopes": ["read:all"]},
        ),
        markdown(
            "GET /u/steward/settings/tokens/new",
            403,
            "403 Forbidden - Internal AI agents cannot have API tokens",
        ),
        markdown(
            "POST /u/steward/settings/tokens/new/actions/create_api_token",
            403,
            "Internal AI agents cannot have API tokens",
            json={"name": "x"},
        ),
        page(
            "GET /u/steward/settings/tokens/new", 403, "Internal AI agents cannot have API tokens"
        ),
        page(
            "POST /u/steward/settings/tokens",
            403,
            "Internal AI agents cannot have API tokens",
            form=token_form(),
        ),
    ),
    *(
        row(
            32,
            f"human and {other}, who is another's",
            anything,
            rest(f"GET /api/v1/users/{other}/tokens", 404, "User not found"),
            rest(
                f"POST /api/v1/users/{other}/tokens",
                404,
                "User not found",
                json={"scopes": ["read:all"]},
            ),
            markdown(f"GET /u/{other}/settings/tokens/new", 403, "403 Unauthorized"),
            markdown(
                f"POST /u/{other}/settings/tokens/new/actions/create_api_token",
                403,
                "403 Unauthorized",
                json={"name": "x"},
            ),
            page(f"GET /u/{other}/settings/tokens/new", 403, "403 Unauthorized"),
            page(f"POST /u/{other}/settings/tokens", 403, "403 Unauthorized", form=token_form()),
        )
        for other in ("scout", "steward", "carol")
    ),
    row(
        34,
        "the 51st active token",
        full_house,
        rest(f"POST {REST_TOKENS}", 400, CAP, json={"name": "x", "scopes": ["read:all"]}),
        markdown(f"POST {NEW_TOKEN}", 422, CAP, json={"name": "x"}),
        page(f"POST {TOKENS}", 422, CAP, form=token_form(), check=keeps_what_was_typed),
    ),
    row(
        35,
        "expiry over 12 months",
        token_of_a_year,
        rest(
            f"POST {REST_TOKENS}",
            200,
            json={"scopes": ["read:all"], "expires_at": on(timezone.now() + 3 * YEAR)},
            check=is_cut_to_the_makers_expiry,
            may_write=True,
        ),
        markdown(
            f"POST {NEW_TOKEN}",
            200,
            json={"duration": 3, "duration_unit": "year(s)"},
            check=is_cut_to_the_makers_expiry,
            may_write=True,
        ),
        page(
            f"POST {TOKENS}",
            200,
            "The lifetime was cut to 12 months",
            form=token_form(duration="3", duration_unit="year(s)"),
            check=lives_twelve_months,
            may_write=True,
        ),
    ),
    *(
        row(
            36,
            f"expiry {moment!r}",
            anything,
            rest(
                f"POST {REST_TOKENS}",
                400,
                "…xpires",
                json={"scopes": ["read:all"], "expires_at": moment},
            ),
        )
        for moment in ("2001-01-01T00:00:00Z", "soon", "2026-13-45", -5)
    ),
    *(
        row(
            36,
            f"duration {duration!r}",
            anything,
            markdown(f"POST {NEW_TOKEN}", 422, "duration must", json={"duration": duration}),
            page(
                f"POST {TOKENS}",
                422,
                form=token_form(duration=duration),
                check=keeps_what_was_typed,
            ),
        )
        for duration in ("0", "-3", "soon")
    ),
    row(
        37,
        "unknown unit",
        anything,
        markdown(
            f"POST {NEW_TOKEN}",
            422,
            "duration_unit must be one of",
            json={"duration": 1, "duration_unit": "fortnight(s)"},
        ),
        page(
            f"POST {TOKENS}",
            422,
            form=token_form(duration_unit="fortnight(s)"),
            check=keeps_what_was_typed,
        ),
    ),
    row(
        38,
        "name absent",
        anything,
        rest(
            f"POST {REST_TOKENS}",
            200,
            json={"scopes": ["read:all"]},
            check=has_no_name,
            may_write=True,
        ),
        markdown(f"POST {NEW_TOKEN}", 200, "Unnamed", json={}, may_write=True),
    ),
    row(
        38,
        "name blank",
        anything,
        rest(f"POST {REST_TOKENS}", 400, "…Name", json={"scopes": ["read:all"], "name": " "}),
        markdown(f"POST {NEW_TOKEN}", 422, "name is required", json={"name": " "}),
        page(f"POST {TOKENS}", 422, "Is required", form=token_form(name=" ")),
    ),
    row(
        39,
        "the group api_token missing",
        anything,
        page(f"POST {TOKENS}", 400, form={"name": "x", "read_write": "read"}),
        page(f"POST {TOKENS}", 400, form={}),
    ),
    row(
        40,
        "scopes missing or empty",
        anything,
        rest(f"POST {REST_TOKENS}", 400, "Scopes can't be blank", json={"name": "x"}),
        rest(f"POST {REST_TOKENS}", 400, "Scopes can't be blank", json={"scopes": []}),
        rest(f"POST {REST_TOKENS}", 400, "…copes", json={"scopes": "read:all,"}),
        markdown(f"POST {NEW_TOKEN}", 422, "read_write must be", json={"read_write": "all"}),
        page(f"POST {TOKENS}", 422, form=token_form(read_write="all"), check=keeps_what_was_typed),
    ),
    row(
        41,
        "invalid scope",
        anything,
        rest(
            f"POST {REST_TOKENS}",
            400,
            "Scopes Invalid scope: read:foo",
            json={"scopes": ["read:foo"]},
        ),
        *(
            rest(
                f"POST {REST_TOKENS}",
                403,
                f"Cannot grant scope(s) the creating token does not have: {scope}",
                json={"scopes": [scope]},
            )
            for scope in ("READ:all", "foo:bar")
        ),
    ),
    row(
        42,
        "scopes wider than the caller's",
        narrow("create:api_tokens", "read:api_tokens", "read:notes"),
        rest(
            f"POST {REST_TOKENS}",
            403,
            "Cannot grant scope(s) the creating token does not have: read:all",
            json={"scopes": ["read:notes", "read:all"]},
        ),
        markdown(
            f"POST {NEW_TOKEN}",
            403,
            "Cannot grant scope(s) the creating token does not have: read:all",
            json={"name": "x"},
        ),
    ),
    row(
        43,
        "changing what never changes",
        anything,
        *(
            rest(
                f"PATCH {REST_TOKENS}/{{token_id}}",
                400,
                f"Tokens are immutable except for `name`. To change {name},"
                " create a new token and delete this one.",
                json={"name": "x", name: value},
            )
            for name, value in {
                "expires_at": "2030-01-01",
                "scopes": ["read:all"],
                "active": True,
                "internal": False,
                "context": None,
                "context_id": 1,
                "context_type": "x",
            }.items()
        ),
    ),
    row(
        44,
        "internal: true on create",
        anything,
        rest(
            f"POST {REST_TOKENS}",
            200,
            json={"scopes": ["read:all"], "internal": True, "context": "x"},
            check=is_not_internal,
            may_write=True,
        ),
        markdown(
            f"POST {NEW_TOKEN}",
            200,
            json={"internal": True, "is_internal": True, "context": "x"},
            check=is_not_internal,
            may_write=True,
        ),
        page(
            f"POST {TOKENS}",
            200,
            form=token_form(internal="true", context="x"),
            check=is_not_internal,
            may_write=True,
        ),
    ),
    row(
        45,
        "agent without capability",
        scout_without_capabilities,
        rest(
            f"POST {KITCHEN}/api/v1/notes",
            403,
            "Your capabilities do not include 'create_note'",
            json={"text": "x"},
        ),
        rest(f"POST {REST_NOTE}/confirm", 403, "Your capabilities do not include 'confirm_read'"),
        rest(
            "POST /api/v1/collectives",
            403,
            "Your capabilities do not include 'create_collective'",
            json={"name": "x", "handle": "xyz"},
        ),
        markdown(
            f"POST {KITCHEN}/note/actions/create_note",
            403,
            "Your capabilities do not include 'create_note'",
            json={"text": "x"},
            also=("Action Error: create_note",),
        ),
        markdown(
            f"POST {NOTE}/actions/add_comment",
            403,
            "Your capabilities do not include 'add_comment'",
            json={"text": "x"},
        ),
    ),
    row(
        46,
        "action not authorised",
        anything,
        rest(f"PUT {KITCHEN}/api/v1/notes/{{welcome}}", 403, "…", json={"text": "x"}),
        rest(
            f"DELETE {KITCHEN}/api/v1/notes/{{welcome}}",
            403,
            "You are not authorized to delete this content",
        ),
        markdown(f"POST {KITCHEN}/n/{{welcome}}/edit/actions/update_note", 403, json={"text": "x"}),
        markdown(
            f"POST {KITCHEN}/n/{{welcome}}/settings/actions/delete_note",
            403,
            also=("Action Error: delete_note",),
        ),
        markdown(
            f"POST {KITCHEN}/members/actions/update_member_roles",
            403,
            also=("Action Error: update_member_roles",),
            json={"user_handle": "bob", "role": "admin", "grant": True},
        ),
        page(f"POST {KITCHEN}/n/{{welcome}}/edit", 403, form={"text": "x"}),
        page(f"POST {KITCHEN}/n/{{welcome}}/settings/actions/delete_note", 403, form={}),
        page("POST /ai-agents/scout/settings", 403, form={"name": "x"}),
    ),
    row(
        50,
        "CSRF token missing",
        demanding_csrf,
        markdown(
            f"POST {KITCHEN}/note/actions/create_note", 403, sends="session", json={"text": "x"}
        ),
        page(f"POST {KITCHEN}/note/actions/create_note", 403, "Reload", form={"text": "x"}),
        page(
            f"POST {KITCHEN}/note/actions/create_note",
            403,
            "Reload",
            form={"text": "x", "csrfmiddlewaretoken": "a" * 64},
        ),
    ),
    row(
        51,
        "not verified lately, token pages",
        signed_in("bob", hours=1.1),
        rest(f"POST {REST_TOKENS}", 200, json={"scopes": ["read:all"]}, may_write=True),
        markdown(f"GET {TOKENS}/new", 200),
        markdown(f"GET {TOKENS}/new", 403, "/reverify", sends="session"),
        markdown(f"POST {NEW_TOKEN}", 403, "/reverify", sends="session", json={"name": "x"}),
        page(f"GET {TOKENS}/new", 302, redirects_to="/reverify?scope=api_tokens&then="),
        page(f"POST {TOKENS}", 303, redirects_to="/reverify?scope=api_tokens", form=token_form()),
        page(
            f"POST {NEW_TOKEN}", 303, redirects_to="/reverify?scope=api_tokens", form={"name": "x"}
        ),
    ),
    *(
        row(
            52,
            f"session {title}",
            situation,
            markdown("GET /whoami", 401, "Unauthorized", sends="session"),
            page("GET /whoami", 302, redirects_to="/login?"),
        )
        for title, situation in (
            ("too old", signed_in("bob", hours=25)),
            ("idle", idle),
            ("revoked", revoked),
        )
    ),
    row(
        53,
        "no admin at the admins' pages",
        anything,
        markdown("GET /tenant-admin", 403),
        markdown("GET /tenant-admin/settings", 403),
        markdown(
            "POST /tenant-admin/settings/actions/update_tenant_settings", 403, json={"name": "x"}
        ),
        markdown(f"GET {KITCHEN}/settings", 403),
        markdown(
            f"POST {KITCHEN}/settings/actions/update_collective_settings", 403, json={"name": "x"}
        ),
        page("GET /tenant-admin", 403),
        page("GET /tenant-admin/users/alice", 403),
        page("POST /tenant-admin/settings", 403, form={"name": "x"}),
        page(f"GET {KITCHEN}/settings", 403),
        page(f"POST {KITCHEN}/settings", 403, form={"name": "x"}),
    ),
    row(
        54,
        "the API switch of a collective",
        alice,
        *(
            markdown(
                f"POST {KITCHEN}/settings/actions/update_collective_settings",
                200,
                "ignored",
                json={name: False},
                check=switch_is("kitchen", is_on=True),
                may_write=True,
            )
            for name in ("api_enabled", "feature_api", "api")
        ),
        page(
            f"POST {KITCHEN}/settings",
            303,
            form={"feature_api": "false"},
            check=switch_is("kitchen", is_on=False),
            may_write=True,
        ),
    ),
    row(
        55,
        "malformed body",
        anything,
        *(
            rest(f"POST {KITCHEN}/api/v1/notes", 400, "…", json=sent)
            for sent in ("{not json", "[1, 2]", '"text"', '{"text": "x"')
        ),
        *(
            markdown(f"POST {KITCHEN}/note/actions/create_note", 400, "JSON", json=sent)
            for sent in ("{not json", "[1, 2]", '"text"', '{"text": "x"')
        ),
    ),
    row(
        55,
        "wrong types",
        anything,
        rest(f"POST {KITCHEN}/api/v1/notes", 400, "…Text", json={"text": {"a": 1}}),
        rest(f"POST {KITCHEN}/api/v1/notes", 400, "…Text", json={"text": ["a"]}),
        markdown(
            f"POST {KITCHEN}/note/actions/create_note", 422, "text must be text", json={"text": [1]}
        ),
    ),
    row(
        56,
        "method not offered",
        anything,
        rest("PUT /api/v1/notes", 405, "…", check=names_the_methods),
        rest("DELETE /api/v1", 405, "…", check=names_the_methods),
        markdown("PUT /whoami", 404, "Not found"),
        markdown(f"DELETE {KITCHEN}/members", 404, "Not found"),
        page("PUT /whoami", 405, check=names_the_methods),
        page(f"DELETE {KITCHEN}/members", 405, check=names_the_methods),
    ),
    row(
        57,
        "too many requests",
        no_requests_left,
        rest("GET /api/v1/notes", 429, LIMITED, check=says_when_to_retry),
        markdown("GET /whoami", 429, LIMITED[1:], check=says_when_to_retry),
        page("GET /whoami", 429, LIMITED[1:], check=says_when_to_retry),
    ),
    row(
        57,
        "too many writes",
        no_writes_left,
        rest("GET /api/v1/notes", 200),
        rest("POST /api/v1/notes", 429, LIMITED, json={"text": "x"}),
        markdown(f"POST {KITCHEN}/note/actions/create_note", 429, json={"text": "x"}),
        page(f"POST {KITCHEN}/note/actions/create_note", 429, form={"text": "x"}),
    ),
)


# --- The test -------------------------------------------------------------------------------


def cells() -> list[Any]:
    return [
        pytest.param(each, ask, id=f"{each.number}.{place} {each.title}: {ask}")
        for each in MATRIX
        for place, ask in enumerate(each.asks, 1)
    ]


@pytest.mark.parametrize(("line", "ask"), cells())
def test_each_situation_gets_its_response_on_each_surface(
    line: Row, ask: Ask, world: World, settings: Any
):
    stage = stage_of(world, settings)
    line.situation(stage)
    before = contents()

    response = send(ask, stage)

    assert response.status_code == ask.status, said(response, ask.column)[:400]
    assert_says(ask, response)
    if ask.redirects_to:
        assert response["Location"].startswith(ask.redirects_to)
    if ask.check:
        ask.check(response, stage)
    if not ask.may_write:
        assert contents() == before


def assert_says(ask: Ask, response: HttpResponse) -> None:
    text = said(response, ask.column)
    assert [part for part in ask.also if part not in text] == []
    if ask.column == REST and ask.status >= 400:
        assert_error_object(ask, body(response))
    else:
        assert ask.says in text


def assert_error_object(ask: Ask, answer: dict[str, Any]) -> None:
    assert {"error", "code", "status", "request_id"} <= answer.keys()
    assert answer["status"] == ask.status
    if ask.says.startswith("…"):
        assert ask.says[1:] in answer["error"]
    else:
        assert answer["error"] == ask.says


def test_the_matrix_has_every_row_that_applies_today():
    # 33, 48 and 49 wait for representation, 47 for blocks, 58 for kinds of tokens.
    expected = {*range(1, 58)} - {33, 47, 48, 49}

    assert {each.number for each in MATRIX} == expected
