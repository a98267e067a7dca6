"""Creation, reading, renaming, rotation and deletion of tokens, with their limits and scopes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from tests.access.stage import Stage
from tests.fixtures.rows import KITCHEN, UNKNOWN_ID, change, end_membership
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on
from tests.fixtures.world import World, make_token, token_client
from tokens import secret
from tokens.models import ApiToken

NEW: dict[str, dict[str, Any]] = {
    HTML: {"name": "Made", "read_write": "read"},
    FORM: {"api_token[name]": "Made", "api_token[read_write]": "read"},
    MARKDOWN: {"name": "Made", "read_write": "read"},
    REST: {"name": "Made", "scopes": ["read:all"]},
}


def made(world: World, handle: str) -> list[ApiToken]:
    return list(ApiToken.unscoped.filter(owner=world.person(handle), name="Made"))


def row_of(plaintext: str) -> ApiToken:
    row: ApiToken = ApiToken.unscoped.get(token_hash=secret.digest(plaintext))
    return row


def path_of(handle: str, plaintext: str) -> str:
    return f"/u/{handle}/settings/tokens/{row_of(plaintext).id}"


# --- Creating -------------------------------------------------------------------------------


@pytest.mark.rule("tokens.person-creates")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("owner", ["bob", "pilot"])
def test_a_person_can_create_a_token_for_themselves_and_their_external_agent(world, call, owner):
    caller = call("bob")

    answer = caller.act("create_api_token", f"/u/{owner}", **NEW[caller.surface])

    plaintext = re.findall(r"hmn_\w{42}", answer.assert_done().text)[0]
    assert row_of(plaintext) == made(world, owner)[0]
    assert token_client(plaintext).get("/api/v1/notes").status_code == 200


@pytest.mark.rule("tokens.own-only")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(("who", "owner"), [("carol", "bob"), ("alice", "bob"), ("alice", "pilot")])
def test_people_cannot_create_a_token_for_another_person(world, call, who, owner):
    caller = call(who)

    answer = caller.act("create_api_token", f"/u/{owner}", **NEW[caller.surface])

    answer.assert_refused(404 if answer.surface == REST else 403)
    assert made(world, owner) == []


@pytest.mark.rule("tokens.internal-agent-none")
@on(HTML, FORM, MARKDOWN, REST)
def test_people_cannot_create_a_token_for_an_internal_agent(world, call):
    caller = call("alice")

    answer = caller.act("create_api_token", "/u/steward", **NEW[caller.surface])

    answer.assert_refused(403, "Internal AI agents cannot have API tokens")
    assert made(world, "steward") == []


@pytest.mark.rule("tokens.not-for-suspended")
@on(HTML, FORM, MARKDOWN, REST)
def test_people_cannot_create_a_token_for_a_suspended_agent(world, call):
    caller = call("bob")
    User.objects.filter(pk=world.user("pilot").pk).update(suspended_at=timezone.now())

    caller.act("create_api_token", "/u/pilot", **NEW[caller.surface]).assert_refused(403)

    assert made(world, "pilot") == []


@pytest.mark.rule("tokens.not-for-suspended")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("state", ["suspended", "archived"])
def test_people_cannot_rotate_the_token_of_a_suspended_or_archived_agent(world, call, state):
    token, bob = make_token("bob", agent="pilot"), call("bob")
    count = ApiToken.unscoped.count()
    row = world.user("pilot") if state == "suspended" else world.person("pilot")
    change(row, **{f"{state}_at": timezone.now()})

    bob.act("rotate_api_token", path_of("pilot", token)).assert_refused(403)

    assert ApiToken.unscoped.count() == count


@pytest.mark.rule("tokens.agents-create-none")
@on(MARKDOWN, REST)
@pytest.mark.parametrize("owner", ["scout", "alice", "pilot"])
def test_an_agent_cannot_create_a_token(world, call, owner):
    caller = call("scout")

    answer = caller.act("create_api_token", f"/u/{owner}", **NEW[caller.surface])

    assert answer.status in (403, 404)
    assert made(world, owner) == []


@pytest.mark.rule("tokens.fifty")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("owner", ["bob", "pilot"])
def test_an_owner_cannot_have_more_than_fifty_active_tokens(world, call, owner):
    caller = call("bob")
    Stage(world).fill_up(owner)

    answer = caller.act("create_api_token", f"/u/{owner}", **NEW[caller.surface])

    answer.assert_invalid("Maximum of 50 active API tokens reached")
    assert made(world, owner) == []


@pytest.mark.rule("tokens.fifty")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("state", ["expires_at", "deleted_at"])
def test_expired_and_deleted_tokens_do_not_count_towards_the_limit(world, call, state):
    caller = call("bob")
    Stage(world).fill_up("bob")
    one = ApiToken.unscoped.filter(owner=world.person("bob"), name="number 0")
    one.update(**{state: timezone.now() - timedelta(minutes=1)})

    caller.act("create_api_token", "/u/bob", **NEW[caller.surface]).assert_done()


@pytest.mark.rule("tokens.twelve-months")
@pytest.mark.parametrize(
    ("surface", "more"),
    [
        (HTML, {"duration": "5", "duration_unit": "year(s)"}),
        (MARKDOWN, {"duration": 13, "duration_unit": "month(s)"}),
        (REST, {"expires_at": "2099-01-01T00:00:00Z"}),
        (HTML, {}),
        (MARKDOWN, {}),
        (REST, {}),
    ],
)
def test_a_token_expires_after_at_most_twelve_months(world, call, surface, more):
    caller = call("bob", days=366)

    caller.act("create_api_token", "/u/bob", **NEW[surface], **more).assert_done()

    life = made(world, "bob")[0].expires_at - timezone.now()
    assert timedelta(days=364) < life <= timedelta(days=366)


@pytest.mark.rule("tokens.never-outlive-their-maker")
@on(MARKDOWN, REST)
@pytest.mark.parametrize("owner", ["bob", "pilot"])
def test_a_token_created_with_a_token_expires_no_later(world, call, owner):
    caller = call("bob", days=3)

    caller.act("create_api_token", f"/u/{owner}", **NEW[caller.surface]).assert_done()

    assert made(world, owner)[0].expires_at <= timezone.now() + timedelta(days=3)


@pytest.mark.rule("tokens.never-wider-than-their-maker")
def test_a_token_cannot_grant_scopes_it_lacks(world):
    narrow = Caller(REST, "bob", scopes=["read:notes", "create:api_tokens"])

    for scope in ("read:all", "create:all", "update:notes", "read:users"):
        answer = narrow.act("create_api_token", "/u/bob", name="Made", scopes=[scope])
        answer.assert_refused(403)
    narrow.act("create_api_token", "/u/bob", name="Made", scopes=["read:notes"]).assert_done()

    assert [row.scopes for row in made(world, "bob")] == [["read:notes"]]


@pytest.mark.rule("tokens.never-wider-than-their-maker")
@on(MARKDOWN)
def test_a_narrow_token_cannot_create_a_wider_one_on_a_page(world, call):
    narrow = call("bob", scopes=["read:all", "create:api_tokens"])

    narrow.act("create_api_token", "/u/bob", name="Made", read_write="write")

    for row in made(world, "bob"):
        assert set(row.scopes) <= {"read:all", "create:api_tokens"}


# --- Reading, renaming, deleting ------------------------------------------------------------


@pytest.mark.rule("tokens.owner-and-parent-delete")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("owner", ["bob", "pilot"])
def test_a_person_can_delete_their_tokens_and_those_of_their_agents(call, owner):
    token = make_token("bob", agent=None if owner == "bob" else owner)

    call("bob").act("delete_api_token", path_of(owner, token)).assert_done()

    assert token_client(token).get("/whoami").status_code == 401


@pytest.mark.rule("tokens.own-only")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("who", "owner", "page"),
    [("carol", "bob", "bob"), ("alice", "pilot", "pilot"), ("carol", "bob", "carol")],
)
def test_people_cannot_delete_the_token_of_another_person(call, who, owner, page):
    token = make_token("bob", agent=None if owner == "bob" else owner)
    where = path_of(page, token)

    assert call(who).act("delete_api_token", where).status in (403, 404)

    assert token_client(token).get("/whoami").status_code == 200


@pytest.mark.rule("tokens.own-only")
@pytest.mark.parametrize(
    ("surface", "path", "statuses"),
    [
        (HTML, "/u/bob/settings/tokens", (403,)),
        (HTML, "{page}", (403, 404)),
        (MARKDOWN, "/u/bob/settings/tokens", (403,)),
        (MARKDOWN, "{page}", (403, 404)),
        (REST, "/api/v1/users/bob/tokens", (404,)),
        (REST, "{rest}", (404,)),
    ],
)
@pytest.mark.parametrize("who", ["alice", "carol"])
def test_people_cannot_read_the_tokens_of_another_person(world, surface, path, statuses, who):
    token = make_token("bob")
    row = row_of(token)
    path = path.format(page=path_of("bob", token), rest=f"/api/v1/users/bob/tokens/{row.id}")

    answer = Caller(surface, who).get(path)

    assert answer.status in statuses
    assert row.token_prefix not in answer.text


@pytest.mark.rule("tokens.owner-and-parent-rename")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("owner", ["alice", "scout"])
def test_a_person_can_rename_their_tokens_and_those_of_their_agents(call, owner):
    token = make_token("alice", agent=None if owner == "alice" else owner)
    before = row_of(token)

    call("alice").act("rename_api_token", path_of(owner, token), name="Nightly").assert_done()

    after = row_of(token)
    assert after.name == "Nightly"
    assert after.updated_at > before.updated_at
    assert (after.scopes, after.expires_at) == (before.scopes, before.expires_at)


@pytest.mark.rule("tokens.owner-and-parent-rename")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("name", ["", "   "])
def test_a_token_cannot_be_renamed_to_a_blank_name(call, name):
    token = make_token("alice")
    before = row_of(token).name

    call("alice").act("rename_api_token", path_of("alice", token), name=name).assert_invalid()

    assert row_of(token).name == before


@pytest.mark.rule("tokens.own-only")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("action", ["rename_api_token", "rotate_api_token"])
def test_people_cannot_rename_or_rotate_the_token_of_another_person(call, action):
    token, alice = make_token("bob"), call("alice")
    count = ApiToken.unscoped.count()

    answer = alice.act(action, path_of("bob", token), name="Mine")

    assert answer.status in (403, 404)
    assert row_of(token).name != "Mine"
    assert ApiToken.unscoped.count() == count


@pytest.mark.rule("tokens.agents-change-none")
@on(MARKDOWN, REST)
@pytest.mark.parametrize("action", ["rename_api_token", "rotate_api_token", "delete_api_token"])
def test_an_agent_cannot_change_its_own_tokens(call, action):
    token = make_token("alice", agent="scout")

    call("scout").act(action, path_of("scout", token), name="Mine").assert_refused(403)

    row = row_of(token)
    assert (row.name, row.deleted_at) != ("Mine", None)
    assert row.deleted_at is None


@pytest.mark.rule("tokens.agents-read-their-own")
@on(MARKDOWN, REST)
def test_an_agent_can_list_its_own_tokens(call, surface):
    path = "/api/v1/users/me/tokens" if surface == REST else "/u/scout/settings/tokens"

    assert "scout in a test" in call("scout").get(path).assert_done().text


@pytest.mark.rule("tokens.shown-once")
@on(HTML, MARKDOWN, REST)
def test_a_plaintext_is_never_shown_again(call, surface):
    token = make_token("bob")
    paths = {REST: ["/api/v1/users/me/tokens", f"/api/v1/users/me/tokens/{row_of(token).id}"]}.get(
        surface, ["/u/bob/settings", "/u/bob/settings/tokens", path_of("bob", token)]
    )

    for path in paths:
        text = call("bob").get(path).assert_done().text
        assert token not in text
        assert row_of(token).token_hash not in text


@pytest.mark.rule("tokens.internal-hidden")
@pytest.mark.parametrize(
    ("surface", "path"),
    [
        (HTML, "/u/alice/settings"),
        (HTML, "/u/alice/settings/tokens"),
        (HTML, "/ai-agents/steward/settings"),
        (MARKDOWN, "/u/alice/settings/tokens"),
        (REST, "/api/v1/users/me/tokens?whose=all"),
    ],
)
def test_internal_tokens_are_never_shown(world, surface, path):
    internal = row_of(Stage(world).internal_token())

    text = Caller(surface, "alice").get(path).assert_done().text

    assert "Internal Agent Token" not in text
    assert internal.token_prefix not in text


@pytest.mark.rule("tokens.unknown")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("which", ["unknown", "deleted", "of an agent", "plaintext"])
def test_an_unknown_token_is_not_found(world, call, surface, which):
    token = make_token("bob")
    deleted, foreign = row_of(make_token("bob")), row_of(make_token("alice"))
    change(deleted, deleted_at=timezone.now())
    one = {
        "unknown": UNKNOWN_ID,
        "deleted": str(deleted.id),
        "of an agent": str(foreign.id),
        "plaintext": token,
    }[which]
    base = "/api/v1/users/me/tokens" if surface == REST else "/u/bob/settings/tokens"

    call("bob").get(f"{base}/{one}").assert_refused(404)


# --- Using ----------------------------------------------------------------------------------

ENDS = {
    "expired": lambda world, row: change(row, expires_at=timezone.now() - timedelta(seconds=1)),
    "deleted": lambda world, row: change(row, deleted_at=timezone.now()),
    "owner suspended": lambda world, row: change(world.user("bob"), suspended_at=timezone.now()),
    "owner archived": lambda world, row: change(world.person("bob"), archived_at=timezone.now()),
    "all revoked": lambda world, row: change(
        world.user("bob"), tokens_revoked_at=timezone.now() + timedelta(seconds=1)
    ),
    "all of the tenant revoked": lambda world, row: change(
        world.person("bob"), tokens_revoked_at=timezone.now() + timedelta(seconds=1)
    ),
}


@pytest.mark.rule("tokens.end")
@pytest.mark.parametrize("path", ["/whoami", "/api/v1/notes"])
@pytest.mark.parametrize("how", ENDS)
def test_an_expired_or_revoked_token_is_refused(world, path, how):
    token = make_token("bob")
    client = token_client(token)
    assert client.get(path).status_code == 200

    ENDS[how](world, row_of(token))

    assert client.get(path).status_code == 401


@pytest.mark.rule("tokens.parent-suspended")
def test_suspending_a_parent_revokes_the_tokens_of_their_agents(world):
    token = make_token("bob", agent="pilot")

    world.user("bob").suspend(timezone.now(), "A pause")

    assert token_client(token).get("/whoami").status_code == 401
    world.user("bob").unsuspend()
    assert token_client(token).get("/whoami").status_code == 401


@pytest.mark.rule("tokens.switches")
@pytest.mark.parametrize(
    ("who", "tenant", "path", "sentence"),
    [
        ("alice", "harbor", "/whoami", "API not enabled for this tenant"),
        ("alice", "harbor", "/api/v1/notes", "API not enabled for this tenant"),
        ("alice", "garden", "/collectives/treasury", "API not enabled for this collective"),
        (
            "alice",
            "garden",
            "/collectives/treasury/api/v1/notes",
            "API not enabled for this collective",
        ),
    ],
)
def test_a_token_works_only_while_both_switches_are_on(world, who, tenant, path, sentence):
    client = token_client(make_token(who, tenant=tenant), tenant)

    answer = client.get(path)

    assert answer.status_code == 403
    assert sentence in answer.content.decode()


@pytest.mark.rule("tokens.switches")
def test_a_collective_with_a_disabled_api_is_left_out_of_lists(world):
    text = Caller(REST, "alice").get("/api/v1/notes?scope=all&limit=200").assert_done().text

    assert "Welcome to the kitchen" in text
    assert "Treasury basics" not in text


@pytest.mark.rule("tokens.read-only")
@on(MARKDOWN, REST)
@pytest.mark.parametrize(
    ("action", "title", "params"),
    [
        ("create_note", "", {"text": "Hello"}),
        ("update_note", "Knife care", {"text": "Hello"}),
        ("delete_note", "Knife care", {}),
        ("confirm_read", "Knife care", {}),
        ("add_comment", "Knife care", {"text": "Hello"}),
    ],
)
def test_a_read_only_token_cannot_write(call, note_path, action, title, params):
    where = note_path(title) if title else KITCHEN

    call("bob", scope="read").act(action, where, **params).assert_refused(
        403, "You do not have permission to perform that action"
    )


@pytest.mark.rule("tokens.need-membership")
@pytest.mark.parametrize("path", [KITCHEN, f"{KITCHEN}/api/v1/notes"])
def test_a_token_cannot_reach_collectives_its_owner_does_not_belong_to(world, path):
    client = token_client(make_token("bob"))
    assert client.get(path).status_code == 200
    end_membership(world, "bob")

    assert client.get(path).status_code == 403
