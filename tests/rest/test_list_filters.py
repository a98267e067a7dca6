"""Filters of lists, and the refusal of unknown parameters and values."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Tenant, User
from api.http.paging import PageParams
from api.openapi.build import served
from api.openapi.document import document
from collectives.models import Collective, CollectiveMember
from collectives.notes.models import Note
from harmonic.kernel.parameters.decoding import declared_fields
from harmonic.kernel.parameters.fields import DateTime
from tests.access.contents import contents
from tests.fixtures.world import World
from tests.rest.conftest import BASE, KITCHEN, error_of
from tests.rest.items import INSIDE, filled, items_at
from tokens.models import ApiToken

QUERIES = {each.id: each.operation.query for each in served() if each.operation.query}
LISTS = {name: query for name, query in QUERIES.items() if issubclass(query, PageParams)}
USERS, COLLECTIVES = f"{BASE}/users", f"{BASE}/collectives"
MEMBERS = f"{COLLECTIVES}/kitchen/members"
TOKENS = f"{BASE}/users/me/tokens"
KNIFE_CARE = "Knife care"


def days(world: World, number: float) -> str:
    return (world.now + timedelta(days=number)).isoformat()


@pytest.fixture
def addresses(alice) -> dict[str, str]:
    """Return the path of each list, by operation."""
    ids = {**items_at(alice, KITCHEN), "collectives": "kitchen", "users": "me"}
    found = {}
    for path, item in document()["paths"].items():
        operation = item.get("get", {}).get("operationId")
        if operation in LISTS:
            base = KITCHEN if path.split("/")[1] in INSIDE else BASE
            found[operation] = base + filled(path, ids)
    assert set(found) == set(LISTS)
    return found


# --- What every list refuses ----------------------------------------------------------------


def asked_wrongly() -> list[tuple[str, str]]:
    """Return an invalid value for each filter of each list."""
    return [
        (name, f"{parameter}=nonsense")
        for name, query in LISTS.items()
        for parameter in declared_fields(query)
        if parameter.endswith(("_after", "_before"))
        or parameter in {"sort_by", "created_by", "limit", "count", "cursor"}
    ]


@pytest.mark.parametrize(("name", "query"), asked_wrongly())
def test_invalid_values_are_refused_by_name(alice, addresses, name, query):
    response = alice.get(f"{addresses[name]}?{query}")

    assert error_of(response, 400).startswith(query.partition("=")[0])


# The first and last times that can be written. With a zone, some cannot be stored.
EXTREMES = (
    "0001-01-01",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00.000+14:00",
    "9999-12-31",
    "9999-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59.999-12:00",
)


def time_filters() -> list[tuple[str, str]]:
    return [
        (name, parameter)
        for name, query in LISTS.items()
        for parameter, field in declared_fields(query).items()
        if isinstance(field, DateTime)
    ]


@pytest.mark.postgres
@pytest.mark.parametrize("extreme", EXTREMES)
def test_time_filters_accept_years_1_to_9999(alice, addresses, extreme):
    is_late = extreme.startswith("9999")
    for name, parameter in time_filters():
        query = {parameter: extreme, **({"q": "type:note"} if name == "search_items" else {})}
        response = alice.get(addresses[name], **query)

        assert response.status_code == 200, (name, parameter)
        if parameter == "created_after":
            assert (response.json() == []) is is_late, (name, parameter)


@pytest.mark.postgres
@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("sign", "<>:")
@pytest.mark.parametrize("column", ["created_at", "updated_at", "deadline"])
def test_filters_accept_years_1_to_9999(alice, extreme, sign, column):
    response = alice.get(f"{KITCHEN}/notes", filters=f"{column}{sign}{extreme}")

    assert response.status_code == 200


@pytest.mark.postgres
@pytest.mark.parametrize("extreme", EXTREMES)
def test_deadlines_from_year_1_to_9999_are_stored(alice, page, extreme):
    Tenant.objects.update(timezone="Pacific/Kiritimati")
    made = alice.post(f"{KITCHEN}/notes", {"text": "For ever"})
    path = f"/collectives/kitchen/n/{made.json()['truncated_id']}"
    changed = alice.patch(made["Location"], {"deadline": extreme})

    assert changed.json()["deadline"][:9] == extreme[:9].replace("0001-01-01", "0001-01-02")
    assert page("alice").get(path).status_code == 200
    assert page("alice").get("/collectives/kitchen").status_code == 200
    assert alice.get(f"{KITCHEN}/notes", filters=f"deadline:{extreme}").json()


@pytest.mark.parametrize("name", LISTS)
def test_lists_have_filters_for_the_times_in_their_objects(name):
    assert {"sort_by", "created_after", "created_before", "limit", "cursor", "count"} <= set(
        declared_fields(LISTS[name])
    )


@pytest.mark.parametrize("name", LISTS)
def test_an_unknown_parameter_is_refused(alice, addresses, name):
    response = alice.get(f"{addresses[name]}?limti=2")

    assert error_of(response, 400) == "limti is not a parameter of this route"
    body = response.json()
    assert body["code"] == "unknown_parameter"
    assert list(body["fields"]) == ["limti"]
    assert body["hint"].startswith("Did you mean “limit”?")
    for parameter in declared_fields(LISTS[name]):
        assert parameter in body["hint"]


@pytest.mark.parametrize("name", LISTS)
def test_a_filter_of_another_list_is_refused_not_ignored(alice, addresses, name):
    foreign = {parameter for query in LISTS.values() for parameter in declared_fields(query)}
    for parameter in sorted(foreign - set(declared_fields(LISTS[name]))):
        response = alice.get(f"{addresses[name]}?{parameter}=x")
        assert error_of(response, 400).startswith(parameter)
        assert response.json()["code"] == "unknown_parameter"


@pytest.mark.parametrize("name", LISTS)
def test_include_is_accepted_everywhere(alice, addresses, name):
    assert alice.get(f"{addresses[name]}?include=nothing").status_code == 200


@pytest.mark.parametrize("path", [BASE, f"{USERS}/me", f"{COLLECTIVES}/kitchen"])
def test_a_single_object_refuses_unknown_parameters_too(alice, path):
    response = alice.get(f"{path}?inlcude=comments")

    assert error_of(response, 400) == "inlcude is not a parameter of this route"
    assert "Did you mean “include”?" in response.json()["hint"]
    assert alice.get(f"{path}?include=comments").status_code == 200


@pytest.mark.parametrize("path", [f"{USERS}/nobody", f"{COLLECTIVES}/board"])
def test_missing_object_is_reported_before_unknown_parameters(alice, path):
    assert alice.get(f"{path}?inlcude=comments").status_code == 404


WRITES = [
    pytest.param(each.method, each.path, id=f"{each.method} {each.path}")
    for each in served()
    if each.method != "get"
]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_write_refuses_unknown_query_parameters(alice, bob, method, path):
    agent = alice.post(f"{BASE}/users", {"name": "Spare"}).json()["id"]
    token = str(ApiToken.unscoped.filter(name="alice in a test").get().id)
    user = "me" if "token" in path else agent
    ids = {**items_at(alice, KITCHEN), "collectives": "kitchen", "users": user, "tokens": token}
    first = path.split("/")[1]
    where = (KITCHEN if first in INSIDE else BASE) + filled(path, ids)
    before = contents()

    # The last admin cannot leave at all.
    program = bob if first == "leave" else alice
    response = getattr(program.client, method)(
        f"{where}?dryrun=true", {"text": "x"}, content_type="application/json"
    )

    assert error_of(response, 400) == "dryrun is not a parameter of this route"
    assert response.json()["code"] == "unknown_parameter"
    assert "Did you mean “dry_run”?" in response.json()["hint"]
    assert contents() == before


def test_a_write_that_is_forbidden_is_refused_before_its_query(bob, note_id):
    response = bob.delete(f"{KITCHEN}/notes/{note_id('Welcome to the kitchen')}?dryrun=true")

    assert error_of(response, 403) == "You are not authorized to delete this content"


@pytest.mark.parametrize(
    "query", ["text=x&deadline=2026-06-01", "note[text]=x", "include=comments"]
)
def test_a_write_takes_the_query_parameters_of_the_contract(alice, query):
    assert alice.post(f"{KITCHEN}/notes?{query}", {"text": "Sharp."}).status_code == 200


# --- Users ----------------------------------------------------------------------------------


def handles(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["handle"] for row in response.json()]


@pytest.fixture
def aged(world):
    """Make Bob's account the oldest one, and the last one updated."""
    moments = {"created_at": world.now - timedelta(days=900), "updated_at": world.now}
    User.objects.filter(id=world.user("bob").id).update(**moments)


def test_users_are_filtered_by_account_times(alice, world, aged):
    old = {"created_before": days(world, -800)}
    new = {"updated_after": days(world, -0.01)}

    assert handles(alice.get(USERS, **old)) == handles(alice.get(USERS, **new)) == ["bob"]
    assert "bob" not in handles(alice.get(USERS, created_after=days(world, -800)))
    assert "bob" not in handles(alice.get(USERS, updated_before=days(world, -0.01)))


@pytest.mark.parametrize("moment", ["created_at", "updated_at"])
def test_users_are_sorted_by_account_times(alice, aged, moment):
    up, down = (alice.get(USERS, sort_by=f"{moment}-{way}").json() for way in ("asc", "desc"))

    shown = [row[moment] for row in up]
    assert shown == sorted(shown)
    assert [row["id"] for row in down] == [row["id"] for row in reversed(up)]


def test_sorted_users_page_without_gaps(alice, aged):
    whole = handles(alice.get(USERS, sort_by="updated_at-asc"))
    response, found = alice.get(USERS, sort_by="updated_at-asc", limit=2), []
    while True:
        found += handles(response)
        following = re.findall(r'<http://garden.localhost([^>]+)>; rel="next"', response["Link"])
        if not following:
            break
        response = alice.get(following[0])
    assert found == whole


@pytest.mark.parametrize(
    ("author", "agents"),
    [("alice", ["steward", "scout"]), ("me", ["steward", "scout"]), ("@Bob", ["pilot"])],
)
def test_created_by_lists_the_agents_of_a_parent(alice, author, agents):
    assert set(handles(alice.get(USERS, created_by=author))) == set(agents)
    assert handles(alice.get(USERS, created_by="carol")) == []


# --- Whose collectives a user list names ----------------------------------------------------


def named(text: str) -> set[str]:
    return {name for name in ("Board Room", "Treasury", "Kitchen Crew") if name in text}


@pytest.mark.parametrize(
    ("handle", "names"),
    [
        ("alice", {"Kitchen Crew", "Treasury"}),
        ("bob", {"Kitchen Crew"}),
        ("carol", {"Board Room", "Treasury"}),
    ],
)
def test_a_user_list_names_only_the_callers_collectives(rest, handle, names):
    response = rest(handle).get(USERS)

    assert response.status_code == 200
    assert named(response.text) == names


def test_identity_of_another_collective_is_not_found(rest, world):
    identity = world.collective("board").identity
    for word in (str(identity.user_id), identity.handle):
        assert error_of(rest("bob").get(f"{USERS}/{word}"), 404) == "User not found"
        assert rest("carol").get(f"{USERS}/{word}").json()["display_name"] == "Board Room"


def test_former_member_cannot_read_the_identity(rest, world):
    identity = world.collective("kitchen").identity
    bob = rest("bob")
    assert bob.get(f"{USERS}/{identity.user_id}").status_code == 200

    CollectiveMember.unscoped.filter(person=world.person("bob")).update(archived_at=world.now)

    assert bob.get(f"{USERS}/{identity.user_id}").status_code == 404
    assert named(bob.get(USERS).text) == set()


@pytest.mark.parametrize("surface", ["html", "markdown"])
def test_profile_of_another_collectives_identity_is_not_found(api, page, world, surface):
    identity = world.collective("board").identity
    path = f"/u/{identity.handle}"
    clients = page if surface == "html" else api

    assert clients("bob").get(path).status_code == 404
    assert "Board Room" not in clients("bob").get(path).text
    assert clients("carol").get(path).status_code == 200


# --- Collectives and members ----------------------------------------------------------------


def test_collectives_are_filtered_and_sorted(alice, world):
    Collective.unscoped.filter(handle="kitchen").update(
        created_at=world.now - timedelta(days=700), updated_at=world.now
    )

    assert handles(alice.get(COLLECTIVES, created_before=days(world, -650))) == ["kitchen"]
    assert handles(alice.get(COLLECTIVES, updated_after=days(world, -0.01))) == ["kitchen"]
    assert handles(alice.get(COLLECTIVES, sort_by="created_at-asc"))[0] == "kitchen"
    assert handles(alice.get(COLLECTIVES, sort_by="updated_at-desc"))[0] == "kitchen"
    assert handles(alice.get(COLLECTIVES, created_by="me")) == ["kitchen"]
    assert handles(alice.get(COLLECTIVES, created_by="bob")) == []


def test_filters_reveal_nothing_about_collectives_with_the_api_disabled(alice, world):
    """Its creator and times are hidden, so filters must not reveal them."""
    assert "treasury" in handles(alice.get(COLLECTIVES))
    for query in ({"created_by": "carol"}, {"created_after": days(world, -900)}):
        assert "treasury" not in handles(alice.get(COLLECTIVES, **query))


def test_members_are_filtered_and_sorted(alice, world):
    rows = CollectiveMember.unscoped.filter(collective=world.collective("kitchen"))
    rows.filter(person=world.person("bob")).update(created_at=world.now - timedelta(days=700))

    assert handles(alice.get(MEMBERS, created_before=days(world, -650))) == ["bob"]
    assert "bob" not in handles(alice.get(MEMBERS, created_after=days(world, -650)))
    assert handles(alice.get(MEMBERS, sort_by="created_at-asc"))[0] == "bob"
    assert handles(alice.get(MEMBERS))[-1] == "bob"


# --- Comments -------------------------------------------------------------------------------


@pytest.fixture
def comments(alice, bob, note_id, world):
    """Return the path of three comments: Alice's old one, Bob's, and Alice's newest."""
    path = f"{KITCHEN}/notes/{note_id(KNIFE_CARE)}/comments"
    Note.unscoped.filter(parent=note_id(KNIFE_CARE)).delete()
    for program, text in ((alice, "first"), (bob, "second"), (alice, "third")):
        assert program.post(path, {"text": text}).status_code == 200
    Note.unscoped.filter(text="first").update(created_at=world.now - timedelta(days=9))
    return path


def texts(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["text"] for row in response.json()]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["first", "second", "third"]),
        ({"sort_by": "created_at-desc"}, ["third", "second", "first"]),
        ({"created_by": "bob"}, ["second"]),
        ({"created_by": "me", "sort_by": "created_at-desc"}, ["third", "first"]),
        ({"created_after": -5}, ["second", "third"]),
        ({"created_before": -5}, ["first"]),
        ({"q": "first"}, ["first"]),
        ({"filters": "mine"}, ["first", "third"]),
        ({"filters": "not_mine", "sort_by": "updated_at-desc"}, ["second"]),
    ],
)
def test_comments_are_filtered_and_sorted(alice, comments, world, query, found):
    asked = {
        name: days(world, value) if isinstance(value, int) else value
        for name, value in query.items()
    }

    assert texts(alice.get(comments, **asked)) == found


def test_a_filter_adds_no_comments_of_other_notes(alice, comments, note_id):
    other = f"{KITCHEN}/notes/{note_id('Welcome to the kitchen')}/comments"
    alice.post(other, {"text": "elsewhere"})

    assert "elsewhere" not in texts(alice.get(comments, filters="mine"))


# --- Tokens ---------------------------------------------------------------------------------


def test_tokens_are_filtered_and_sorted_by_their_last_change(alice, world, token_for):
    for _ in range(3):
        token_for("alice")
    changed = ApiToken.unscoped.filter(owner__handle="alice").order_by("created_at")[1]
    ApiToken.unscoped.filter(id=changed.id).update(updated_at=world.now + timedelta(hours=1))

    rows = alice.get(TOKENS, updated_after=days(world, 0.01)).json()
    assert [row["id"] for row in rows] == [str(changed.id)]
    assert alice.get(TOKENS, sort_by="updated_at-desc").json()[0]["id"] == str(changed.id)
    assert str(changed.id) not in alice.get(TOKENS, updated_before=days(world, 0.01)).text


def test_tokens_are_sorted_by_expiry(alice, token_for):
    for number in (3, 1, 2):
        token_for("alice", days=number)

    shown = [row["expires_at"] for row in alice.get(TOKENS, sort_by="expires_at-asc").json()]

    assert shown == sorted(shown)
