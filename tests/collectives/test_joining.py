"""Invites to a collective: permissions to create and revoke them, and joining."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from collectives.models import Invite
from tests.access.stage import make_chat
from tests.fixtures.rows import (
    KITCHEN,
    TREASURY,
    change,
    end_membership,
    is_member,
    make_invite,
    make_member,
)
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on
from tests.fixtures.world import World


def codes(world: World, collective: str = "kitchen") -> list[str]:
    rows = Invite.unscoped.filter(collective=world.collective(collective))
    return list(rows.order_by("created_at").values_list("code", flat=True))


# --- Making them ----------------------------------------------------------------------------


@pytest.mark.rule("invites.admin-creates")
@on(HTML, MARKDOWN)
def test_an_admin_creates_an_invite_for_a_week(world, call):
    call("alice").act("create_invite", KITCHEN).assert_done()

    invite = Invite.unscoped.get(code__in=codes(world))
    assert invite.invited_user is None
    assert timedelta(days=6, hours=23) < invite.expires_at - timezone.now() <= Invite.LIFETIME


@pytest.mark.rule("invites.member-creates-where-allowed")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(
    ("switches", "may"),
    [
        ({}, False),
        ({"all_members_can_invite": True}, True),
        ({"invite_only": False}, True),
    ],
)
@pytest.mark.parametrize("held", [{}, {"is_representative": True}])
def test_a_member_creates_an_invite_only_where_all_members_can_invite(
    world, call, switches, may, held
):
    make_member(world, "bob", **held)
    change(world.collective("kitchen"), **switches)
    bob = call("bob")

    page, answer = bob.get(f"{KITCHEN}/invite"), bob.act("create_invite", KITCHEN)

    assert (page.status, answer.is_done()) == ((200, True) if may else (403, False))
    assert len(codes(world)) == int(may)


@pytest.mark.rule("invites.outsider-creates-none")
@on(HTML, MARKDOWN)
def test_a_non_member_cannot_create_an_invite(world, call):
    change(world.collective("kitchen"), all_members_can_invite=True, invite_only=False)

    call("carol").act("create_invite", KITCHEN).assert_refused(403)

    assert codes(world) == []


@pytest.mark.rule("invites.not-by-agents")
@on(MARKDOWN)
def test_an_agent_cannot_create_an_invite(world, call):
    make_member(world, "scout", is_admin=True)
    change(world.collective("kitchen"), all_members_can_invite=True)

    call("scout").act("create_invite", KITCHEN).assert_refused(403)

    assert codes(world) == []


@pytest.mark.rule("invites.standard-collectives-only")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("kind", ["main", "workspace", "chat"])
def test_only_a_standard_collective_has_invites(world, call, kind):
    place = {
        "main": lambda: world.tenant().subdomain,
        "workspace": lambda: world.workspace("alice").handle,
        "chat": lambda: make_chat(world).handle,
    }[kind]()
    make_member(world, "alice", place, is_admin=True)
    prefix = "workspace" if kind == "workspace" else "collectives"

    call("alice").act("create_invite", f"/{prefix}/{place}").assert_refused(403)

    assert codes(world, place) == []


@pytest.mark.rule("invites.shareable-reused")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(("days", "is_reused"), [(2.5, True), (1.5, False)])
def test_a_shareable_invite_is_reused_while_it_lives_more_than_two_days(
    world, call, days, is_reused
):
    living = make_invite(world, days=days)

    answer = call("alice").act("create_invite", KITCHEN).assert_done()

    assert len(codes(world)) == (1 if is_reused else 2)
    if answer.surface == MARKDOWN:
        assert (living in call("alice").get(f"{KITCHEN}/invite").text) is is_reused


@pytest.mark.rule("invites.personal-not-shown")
@on(HTML, MARKDOWN)
def test_a_personal_invite_is_never_shown_as_the_shareable_one(world, call):
    personal = make_invite(world, only_for="carol")
    alice = call("alice")

    assert personal not in alice.get(f"{KITCHEN}/invite").assert_done().text
    alice.act("create_invite", KITCHEN).assert_done()

    assert personal not in alice.get(f"{KITCHEN}/invite").assert_done().text
    assert len(codes(world)) == 2


@pytest.mark.rule("invites.expired-not-shown")
@on(HTML, MARKDOWN)
def test_an_expired_invite_is_not_shown(world, call):
    expired = make_invite(world, days=-1)

    assert expired not in call("alice").get(f"{KITCHEN}/invite").assert_done().text


# --- Joining --------------------------------------------------------------------------------


@pytest.mark.rule("invites.shareable-joins")
@on(HTML, FORM, MARKDOWN, REST)
def test_any_tenant_user_can_join_with_a_shareable_invite(world, call):
    code = make_invite(world, "board", by="carol")

    for handle in ("alice", "bob"):
        call(handle).act("join_collective", "/collectives/board", code=code).assert_done()
        assert is_member(world, handle, "board")


@pytest.mark.rule("invites.needed")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("code", [None, "", "0" * 32, "not a code"])
def test_joining_without_an_invite_is_refused(world, call, code):
    make_invite(world)
    sent = {} if code is None else {"code": code}

    answer = call("carol").act("join_collective", KITCHEN, **sent)

    assert answer.status in (403, 404, 422)
    assert not is_member(world, "carol")


@pytest.mark.rule("invites.own-collective-only")
@on(HTML, FORM, MARKDOWN, REST)
def test_joining_with_an_invite_to_another_collective_is_refused(world, call):
    code = make_invite(world, "treasury", by="carol")

    answer = call("carol").act("join_collective", KITCHEN, code=code)

    assert answer.status in (403, 404, 422)
    assert not is_member(world, "carol")


@pytest.mark.rule("invites.expire")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("only_for", "with_code"), [(None, True), ("carol", True), ("carol", False)]
)
def test_an_expired_invite_does_not_work(world, call, only_for, with_code):
    code = make_invite(world, only_for=only_for, days=-0.001)

    answer = call("carol").act("join_collective", KITCHEN, **({"code": code} if with_code else {}))

    answer.assert_refused(410 if with_code else 404)
    assert not is_member(world, "carol")


@pytest.mark.rule("invites.not-for-members")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_member_does_not_join_again(world, call):
    code = make_invite(world)

    answer = call("bob").act("join_collective", KITCHEN, code=code)

    assert answer.status in (400, 403, 409, 422)


@pytest.mark.rule("invites.agents-never-join")
@on(MARKDOWN, REST)
@pytest.mark.parametrize("only_for", [None, "pilot"])
def test_an_agent_cannot_join_with_an_invite(world, call, only_for):
    code = make_invite(world, only_for=only_for)

    call("pilot").act("join_collective", KITCHEN, code=code).assert_refused(403)

    assert not is_member(world, "pilot")


@pytest.mark.rule("invites.joining-gives-no-role")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_person_who_joins_has_no_role(world, call):
    code = make_invite(world)

    call("carol").act("join_collective", KITCHEN, code=code).assert_done()

    person = world.person("carol")
    row = person.collective_memberships.model.unscoped.get(
        person=person, collective=world.collective("kitchen")
    )
    assert row.roles == []


@pytest.mark.rule("invites.page-tells-little")
@on(HTML, MARKDOWN)
def test_the_join_page_shows_a_non_member_only_the_name(world, call):
    change(world.collective("kitchen"), description="Who hides the good knives")

    text = call("carol").get(f"{KITCHEN}/join").assert_done().text

    assert "Kitchen Crew" in text
    assert "good knives" not in text
    assert "Bob" not in text


@pytest.mark.rule("invites.workspace-never")
@on(HTML, FORM, MARKDOWN, REST)
def test_joining_a_workspace_is_refused(world, call):
    handle = world.workspace("alice").handle
    code = make_invite(world, handle, by="alice")

    call("bob").act("join_collective", f"/workspace/{handle}", code=code).assert_refused(404)

    assert not is_member(world, "bob", handle)


# --- Personal invites -----------------------------------------------------------------------


@pytest.mark.rule("invites.personal-joins")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("with_code", [True, False])
def test_an_invited_person_joins_by_their_personal_invite(world, call, with_code):
    code = make_invite(world, only_for="carol")

    answer = call("carol").act("join_collective", KITCHEN, **({"code": code} if with_code else {}))

    answer.assert_done()
    assert is_member(world, "carol")


@pytest.mark.rule("invites.personal-not-by-another")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("with_code", [True, False])
def test_a_personal_invite_works_only_for_its_user(world, call, with_code):
    code = make_invite(world, "treasury", by="carol", only_for="alice")

    answer = call("bob").act("join_collective", TREASURY, **({"code": code} if with_code else {}))

    assert answer.status in (403, 404, 422)
    assert not is_member(world, "bob", "treasury")


@pytest.mark.rule("invites.page-hides-foreign-code")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(("only_for", "is_offered"), [("bob", True), ("alice", False)])
def test_the_join_page_offers_joining_only_to_the_invited_person(world, call, only_for, is_offered):
    code = make_invite(world, "board", by="carol", only_for=only_for)

    for path in ("/collectives/board/join", f"/collectives/board/join?code={code}"):
        text = call("bob").get(path).assert_done().text
        assert ("You need an invite code" in text) is not is_offered


@pytest.mark.rule("invites.personal-once")
@on(HTML, FORM, MARKDOWN)
@pytest.mark.parametrize("ends", ["removed", "left"])
def test_a_personal_invite_cannot_be_used_twice(world, call, ends):
    code = make_invite(world, only_for="carol")
    carol = call("carol")
    carol.act("join_collective", KITCHEN, code=code).assert_done()
    if ends == "left":
        Caller(HTML, "carol").act("leave_collective", KITCHEN).assert_done()
    else:
        Caller(HTML, "alice").act("remove_member", KITCHEN, user_handle="carol").assert_done()

    for sent in ({"code": code}, {}):
        assert not carol.act("join_collective", KITCHEN, **sent).is_done()

    assert not is_member(world, "carol")


# --- Revoking them --------------------------------------------------------------------------


@pytest.mark.rule("invites.revoked-joins-nobody")
@on(HTML, MARKDOWN)
def test_joining_with_a_revoked_link_is_refused(world, call):
    call("alice").act("create_invite", KITCHEN).assert_done()
    [code] = codes(world)
    Caller(HTML, "carol").act("join_collective", KITCHEN, code=code).assert_done()

    call("alice").act("revoke_invite", KITCHEN).assert_done()

    assert is_member(world, "carol")
    end_membership(world, "erin")
    end_membership(world, "bob")
    answer = Caller(HTML, "bob").act("join_collective", KITCHEN, code=code)
    answer.assert_refused(410)
    assert "This invitation was revoked" in answer.text
    assert code not in call("alice").get(f"{KITCHEN}/invite").text


@pytest.mark.rule("invites.revoked-by-inviters-only")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_people_who_may_not_invite_cannot_revoke_links(world, call, who):
    call("alice").act("create_invite", KITCHEN).assert_done()

    call(who).act("revoke_invite", KITCHEN).assert_refused(403)

    assert Invite.unscoped.get(code__in=codes(world)).revoked_at is None


@pytest.mark.rule("invites.revoked-by-inviters-only")
@on(MARKDOWN)
def test_agents_cannot_revoke_links(world, call):
    Caller(HTML, "alice").act("create_invite", KITCHEN).assert_done()
    make_member(world, "scout", is_admin=True)

    call("scout").act("revoke_invite", KITCHEN).assert_refused(403)

    assert Invite.unscoped.get(code__in=codes(world)).revoked_at is None
