"""Tenants are isolated, and inaccessible objects look like unknown ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import TenantUser
from collectives.models import Collective, CollectiveMember
from collectives.notes.models import Note
from harmonic.kernel.database.tenancy import ForeignTenant, NoTenantBound, tenant_bound
from tests.access.stage import make_chat
from tests.fixtures.world import World, anonymous_client, make_token, sign_in
from tokens.models import ApiToken

TITLES = ("Knife care", "Welcome to the kitchen", "Rota")
PEOPLE = ("Alice", "Bob", "Erin", "scout")


# --- As if absent ---------------------------------------------------------------------------


def by_session(accept: str) -> Callable[[str], dict[str, str]]:
    def headers(handle: str) -> dict[str, str]:
        browser = anonymous_client()
        sign_in(browser, handle, "garden")
        key = browser.cookies[settings.SESSION_COOKIE_NAME].value
        return {"cookie": f"{settings.SESSION_COOKIE_NAME}={key}", "accept": accept}

    return headers


def by_token(accept: str) -> Callable[[str], dict[str, str]]:
    return lambda handle: {"authorization": f"Bearer {make_token(handle)}", "accept": accept}


CALLERS = {
    "session, HTML": by_session("text/html"),
    "session, Markdown": by_session("text/markdown"),
    "token, Markdown": by_token("text/markdown"),
    "token, JSON": by_token("application/json"),
}
BELOW = (
    "GET ",
    "GET /members",
    "GET /settings",
    "GET /join",
    "GET /join/actions",
    "GET /n/{note}",
    "GET /u/alice",
    "GET /api/v1",
    "GET /api/v1/notes",
    "POST /note/actions/create_note",
    "POST /join/actions/join_collective",
    "POST /api/v1/notes",
    "DELETE /settings",
)


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("room", ["workspace", "chat"])
@pytest.mark.parametrize("prefix", ["workspace", "collectives"])
def test_a_private_workspace_or_chat_looks_like_an_unknown_one(
    world: World, prefix: str, room: str, caller: str, below: str
):
    handle = world.workspace("alice").handle if room == "workspace" else make_chat(world).handle
    headers = CALLERS[caller]("bob")

    there = ask(f"/{prefix}/{handle}", below, headers)
    absent = ask(f"/{prefix}/{nothing_like(handle)}", below, headers)

    assert (
        there.status_code == absent.status_code == (401 if refuses_sessions(caller, below) else 404)
    )
    assert without_what_differs(there, handle) == without_what_differs(absent, nothing_like(handle))


def nothing_like(handle: str) -> str:
    """Return an unused handle of the same length."""
    return "z" * len(handle)


def refuses_sessions(caller: str, below: str) -> bool:
    return caller.startswith("session") and "/api/" in below


def ask(place: str, below: str, headers: dict[str, str]) -> HttpResponse:
    method, path = below.split(" ", 1)
    path = place + path.replace("{note}", "7f7f7f7f")
    response: HttpResponse = Client().generic(  # type: ignore[assignment]  # the test client's own class
        method, path, headers={**headers, "host": "garden.localhost"}
    )
    return response


def without_what_differs(response: Any, handle: str) -> tuple[str, dict[str, str]]:
    """Return a response with its headers, without values that differ in every response."""
    request_id = response["X-Request-Id"]
    differing = (
        (handle, "HANDLE"),
        (request_id, "REQUEST"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "MOMENT"),
        (r'csrfmiddlewaretoken" value="\w+"', "CSRF"),
    )
    text = response.content.decode()
    headers = dict(response.headers)
    for pattern, name in differing:
        text = re.sub(pattern, name, text)
        headers = {key: re.sub(pattern, name, value) for key, value in headers.items()}
    # The remaining limit changes with each request.
    kept = {key: value for key, value in headers.items() if "RateLimit" not in key}
    return text, {key: value for key, value in kept.items() if key not in CHANGING}


CHANGING = frozenset({"Content-Length", "ETag", "Set-Cookie"})


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(
    "path",
    [
        "/n/{}",
        "/collectives/kitchen/n/{}",
        "/collectives/kitchen/n/{}/edit",
        "/collectives/kitchen/n/{}/settings",
        "/collectives/kitchen/n/{}/actions",
    ],
)
@pytest.mark.parametrize("title", ["Base camp checklist", "Board minutes", "Workshop safety"])
def test_a_note_of_another_tenant_looks_like_an_unknown_one(
    world: World, title: str, path: str, caller: str
):
    note = world.note(title)
    headers = CALLERS[caller]("alice")

    for known, unknown in (
        (note.truncated_id, "7f7f7f7f"),
        (str(note.id), "7f7f7f7f-0000-4000-8000-000000000000"),
    ):
        there = ask(path.format(known), "GET ", headers)
        absent = ask(path.format(unknown), "GET ", headers)

        assert there.status_code == absent.status_code == 404
        assert without_what_differs(there, known) == without_what_differs(absent, unknown)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("path", ["/u/{}", "/u/{}/settings", "/u/{}/settings/tokens"])
def test_a_person_of_another_tenant_looks_like_an_unknown_one(world: World, path: str, caller: str):
    headers = CALLERS[caller]("alice")

    there = ask(path.format("dave"), "GET ", headers)
    absent = ask(path.format(nothing_like("dave")), "GET ", headers)

    assert there.status_code == absent.status_code == 404
    assert without_what_differs(there, "dave") == without_what_differs(absent, nothing_like("dave"))


@pytest.mark.parametrize("accept", ["text/html", "text/markdown", "application/json"])
def test_an_archived_tenant_looks_like_an_unknown_one(world: World, accept: str):
    tenant = world.tenant("summit")
    tenant.archived_at = timezone.now()
    tenant.save()

    there = Client().get("/login", headers={"host": "summit.localhost", "accept": accept})
    absent = Client().get("/login", headers={"host": "zzzzzz.localhost", "accept": accept})

    assert there.status_code == 404
    assert without_what_differs(there, "summit") == without_what_differs(absent, "zzzzzz")


# --- What a stranger sees -------------------------------------------------------------------


@pytest.mark.parametrize("caller", ["session, HTML", "session, Markdown", "token, Markdown"])
@pytest.mark.parametrize("below", ["GET /join", "GET /join?code=wrong", "GET /join/actions"])
def test_the_join_page_shows_non_members_only_the_name(world: World, caller: str, below: str):
    response = ask("/collectives/kitchen", below, CALLERS[caller]("carol"))

    text = response.content.decode()
    assert response.status_code == 200
    assert below.endswith("/actions") or "Kitchen Crew" in text
    assert "Who cooks, and how." not in text
    assert [word for word in (*TITLES, *PEOPLE) if re.search(rf"\b{word}\b", text)] == []


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("below", ["GET ", "GET /members", "GET /n/{note}", "GET /settings"])
def test_a_refusal_reveals_nothing_about_a_collective(world: World, caller: str, below: str):
    note = world.note("Knife care").truncated_id
    response = ask("/collectives/kitchen", below.format(note=note), CALLERS[caller]("carol"))

    text = response.content.decode()
    assert response.status_code in {302, 403}
    assert "Kitchen Crew" not in text
    assert "Who cooks, and how." not in text
    assert [title for title in TITLES if title in text] == []


@pytest.mark.parametrize("caller", ["session, HTML", "session, Markdown", "token, Markdown"])
def test_a_profile_shows_only_shared_collectives(world: World, caller: str):
    of_bob = ask("/u/alice", "GET ", CALLERS[caller]("bob")).content.decode()
    of_carol = ask("/u/alice", "GET ", CALLERS[caller]("carol")).content.decode()

    assert "Kitchen Crew" in of_bob
    assert "Treasury" not in of_bob
    assert "Treasury" in of_carol
    assert "Kitchen Crew" not in of_carol
    assert world.workspace("alice").handle not in of_bob + of_carol


@pytest.mark.parametrize("caller", ["session, HTML", "token, Markdown"])
@pytest.mark.parametrize("path", ["/collectives", "/whoami", "/"])
def test_lists_of_collectives_contain_only_the_callers(world: World, caller: str, path: str):
    text = ask(path, "GET ", CALLERS[caller]("carol")).content.decode()

    assert "Kitchen Crew" not in text
    assert world.workspace("alice").handle not in text


def test_a_member_profile_exists_only_in_a_shared_collective(world: World):
    headers = CALLERS["token, Markdown"]("bob")

    assert ask("/collectives/kitchen/u/alice", "GET ", headers).status_code == 200
    assert ask("/collectives/kitchen/u/carol", "GET ", headers).status_code == 404


# --- The wall between tenants ---------------------------------------------------------------


def test_no_rows_are_found_without_a_bound_tenant(world: World):
    with pytest.raises(NoTenantBound):
        Note.objects.count()


def test_only_rows_of_the_bound_tenant_are_found(world: World):
    models: tuple[Any, ...] = (Note, Collective, CollectiveMember, TenantUser, ApiToken)
    for subdomain in ("garden", "summit"):
        tenant = world.tenant(subdomain)
        with tenant_bound(tenant.id):
            for model in models:
                found = set(model.objects.values_list("tenant_id", flat=True))
                assert found <= {tenant.id}


def test_a_row_of_another_tenant_is_not_saved(world: World):
    note = world.note("Base camp checklist")

    with tenant_bound(world.tenant("garden").id), pytest.raises(ForeignTenant):
        note.save()


def test_a_row_of_another_tenant_is_not_found_by_its_id(world: World):
    note = world.note("Base camp checklist")

    with tenant_bound(world.tenant("garden").id):
        assert not Note.objects.filter(id=note.id).exists()


def test_no_tenant_stays_bound_after_a_request(world: World):
    ask("/whoami", "GET ", CALLERS["token, Markdown"]("bob"))

    with pytest.raises(NoTenantBound):
        Note.objects.count()


# --- The ways around the wall ---------------------------------------------------------------

# The files with code that reads or writes across tenants, with the count and the reason.
UNSCOPED = {
    "harmonic/kernel/database/tenancy.py": (3, "the manager itself, and what it is for"),
    "harmonic/access/lookup.py": (1, "finds the tenant of a token before one is bound"),
    "harmonic/access/access_as.py": (1, "finds the person before a tenant is bound"),
    "harmonic/jobs/backend.py": (1, "jobs of the site do not belong to a tenant"),
    "harmonic/jobs/claims.py": (5, "a worker runs the jobs of all tenants"),
    "harmonic/jobs/models.py": (2, "declares the manager for the two above"),
    "harmonic/jobs/purges.py": (4, "old rows are deleted in all tenants"),
    "harmonic/runner/models.py": (1, "declares the manager with the queries of runs"),
    "harmonic/runner/queue.py": (2, "runs of killed workers are ended in all tenants"),
    "tokens/models.py": (1, "declares the manager with the queries of tokens"),
    "accounts/actions/people.py": (1, "one account has one name, in all of its tenants"),
    "accounts/suspension.py": (1, "an operator suspends an account in all of its tenants"),
    "collectives/commitments/due.py": (1, "deadlines of all tenants are recorded"),
    "collectives/decisions/due.py": (1, "deadlines of all tenants are recorded"),
    "collectives/commitments/models.py": (1, "counts of commitments found in their tenant"),
    "collectives/decisions/models.py": (6, "counts of decisions found in their tenant"),
    "collectives/notifications/token_notices/expiry.py": (2, "tokens of all tenants are noticed"),
    "collectives/notifications/token_notices/usage.py": (3, "tokens of all tenants are noticed"),
    "collectives/search/conditions.py": (2, "conditions on items found in their tenant"),
    "collectives/search/index/entries.py": (2, "entries of items found in their tenant"),
    "collectives/search/numbers.py": (1, "numbers of items found in their tenant"),
    "collectives/notes/due.py": (1, "deleted notes of all tenants are erased"),
    "collectives/reminders/due.py": (1, "reminders of all tenants are delivered"),
    "collectives/items/models.py": (
        5,
        "counts and pins within items found in their tenant, and the manager with their queries",
    ),
}
SOURCES = ("harmonic", "accounts", "tokens", "collectives", "api")


def sources() -> Iterator[Path]:
    for name in SOURCES:
        for path in sorted((settings.BASE_DIR / name).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def uses_of(pattern: str) -> dict[str, int]:
    found = {
        str(path.relative_to(settings.BASE_DIR)): len(re.findall(pattern, path.read_text()))
        for path in sources()
    }
    return {path: count for path, count in found.items() if count}


def test_only_known_modules_query_across_tenants():
    known = {path: count for path, (count, _) in UNSCOPED.items()}

    assert uses_of(r"\bunscoped\b") == known


def test_no_code_bypasses_the_managers():
    assert uses_of(r"_base_manager\b|objects\.raw\(|RawSQL") == {}


def test_only_known_modules_use_a_database_cursor():
    known = {
        "accounts/append_only.py",
        # A recursive statement, which querysets cannot express; it filters by the bound tenant.
        "collectives/notes/threads.py",
        # The full-text index; the statement names the collectives that the caller may read.
        "collectives/search/index/entries.py",
        "harmonic/kernel/database/prepared.py",
        # The database backend creates cursors but executes nothing.
        "harmonic/kernel/database/sqlite3/base.py",
        # It counts rows and returns none.
        "harmonic/kernel/database/statistics.py",
    }

    assert set(uses_of(r"connection\.cursor\(")) <= known


@pytest.mark.parametrize("word", ["new", "available"])
def test_a_page_name_is_not_a_collective(api: Any, word: str) -> None:
    assert api("alice").get(f"/collectives/{word}/members").status_code == 404
