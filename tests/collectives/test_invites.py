"""Invites: when they expire, rejoining, revoking, and the page of the invitation link."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from collectives.models import Collective, CollectiveMember, Invite
from tests.fixtures.performing import (
    KITCHEN,
    Perform,
    create_invite_link,
    invite_row,
    is_member,
    make_collective_admin,
    perform_on,
    refused,
    succeeded,
)
from tests.fixtures.rows import make_invite
from tests.fixtures.world import (
    BROWSER,
    World,
    anonymous_client,
    make_token,
    sign_in,
    token_client,
)

pytestmark = pytest.mark.django_db

JOIN = f"{KITCHEN}/join/actions/join_collective"
MEMBERS = f"{KITCHEN}/members/actions"
NEEDED = "Valid invite required to join this collective"
EXPIRED = "This invitation has expired."
USED = "This invitation has been used."
TOO_OLD = "This link was created before your membership ended."


def personal_invite(world: World, handle: str, by: str = "alice") -> str:
    """Return the code of an invite to the kitchen for one person."""
    place = world.collective("kitchen")
    now = timezone.now()
    invite = Invite(
        tenant_id=place.tenant_id,
        code=secrets.token_hex(16),
        collective=place,
        created_by=world.user(by),
        invited_user=world.user(handle),
        expires_at=now + timedelta(days=7),
        created_at=now,
    )
    Invite.unscoped.bulk_create([invite])
    return invite.code


@pytest.fixture
def everybody_invites(world: World) -> None:
    Collective.unscoped.filter(handle="kitchen").update(all_members_can_invite=True)


# --- Who may invite -------------------------------------------------------------------------


# --- Ended with the maker's right -----------------------------------------------------------


def remove_bob(world: World) -> None:
    perform_on("json", "alice", f"{MEMBERS}/remove_member", user_handle="bob")


def leave(world: World) -> None:
    perform_on("json", "bob", f"{MEMBERS}/leave_collective")


def forbid_members_to_invite(world: World) -> None:
    path = f"{KITCHEN}/settings/actions/update_collective_settings"
    perform_on("json", "alice", path, invitations="only_admins")


def forbid_members_to_invite_over_rest(world: World) -> None:
    client = token_client(make_token("alice"))
    body = '{"invitations": "only_admins"}'
    answer = client.patch("/api/v1/collectives/kitchen", body, "application/json")
    assert answer.status_code == 200, answer.content


def remove_from_tenant(world: World) -> None:
    perform_on("html", "alice", "/tenant-admin/users/bob/actions/remove_from_tenant")


def suspend(world: World) -> None:
    User.objects.get(email="bob@example.com").suspend(timezone.now())


WAYS = [
    remove_bob,
    leave,
    forbid_members_to_invite,
    forbid_members_to_invite_over_rest,
    remove_from_tenant,
    suspend,
]


@pytest.mark.rule("rights.invites-end")
@pytest.mark.parametrize("end", WAYS)
@pytest.mark.parametrize("kind", ["link", "personal"])
def test_an_invite_expires_when_its_creator_may_no_longer_invite(
    perform: Perform, world: World, everybody_invites: None, end: Any, kind: str
) -> None:
    code = (
        create_invite_link("bob") if kind == "link" else personal_invite(world, "carol", by="bob")
    )
    end(world)

    answer = perform("carol", JOIN, code=code)

    ended = "This invitation has ended" if end is suspend else EXPIRED
    assert refused(answer, 410, ended)
    assert not is_member("carol")


@pytest.mark.rule("rights.invites-end")
def test_an_invite_expires_when_its_creator_loses_the_admin_role(perform: Perform) -> None:
    make_collective_admin("bob")
    code = create_invite_link("bob")
    taken = {"user_handle": "bob", "role": "admin", "grant": False}
    perform_on("json", "alice", f"{MEMBERS}/update_member_roles", **taken)

    assert refused(perform("carol", JOIN, code=code), 410, EXPIRED)


def test_invites_of_other_members_remain_valid(perform: Perform, world: World) -> None:
    code = create_invite_link("alice")
    remove_bob(world)

    assert succeeded(perform("carol", JOIN, code=code))


@pytest.mark.rule("rights.invites-stay-ended")
@pytest.mark.parametrize("end", [remove_bob, forbid_members_to_invite])
def test_an_expired_invite_stays_expired_when_its_creator_regains_the_right(
    world: World, everybody_invites: None, end: Any
) -> None:
    code = create_invite_link("bob")
    end(world)
    CollectiveMember.unscoped.filter(person__handle="bob").update(archived_at=None)
    Collective.unscoped.filter(handle="kitchen").update(all_members_can_invite=True)

    answer = perform_on("json", "carol", JOIN, code=code)

    assert (answer.status_code, answer.json()["code"]) == (410, "gone")


def test_an_ended_link_is_not_shown(page: Any, world: World, everybody_invites: None) -> None:
    code = create_invite_link("bob")
    assert code in page("alice").get(f"{KITCHEN}/invite").content.decode()

    remove_bob(world)

    assert code not in page("alice").get(f"{KITCHEN}/invite").content.decode()
    assert create_invite_link("alice") != code


# --- Coming back ----------------------------------------------------------------------------


@pytest.mark.rule("rights.removed-not-back")
@pytest.mark.parametrize("end", [remove_bob, leave])
def test_a_former_member_cannot_rejoin_with_an_older_link(
    perform: Perform, world: World, end: Any
) -> None:
    code = create_invite_link("alice")
    end(world)

    answer = perform("bob", JOIN, code=code)

    assert refused(answer, 404, NEEDED)
    assert TOO_OLD in answer.content.decode()
    assert not is_member("bob")


@pytest.mark.rule("rights.removed-not-back")
def test_a_former_member_can_rejoin_with_a_newer_link(perform: Perform, world: World) -> None:
    before = create_invite_link("alice")
    remove_bob(world)

    code = create_invite_link("alice")

    assert code != before
    assert succeeded(perform("bob", JOIN, code=code))
    assert is_member("bob")


def test_a_former_member_can_rejoin_with_a_personal_invite(perform: Perform, world: World) -> None:
    remove_bob(world)

    assert succeeded(perform("bob", JOIN, code=personal_invite(world, "bob")))
    assert is_member("bob")


def test_a_former_member_rejoins_without_roles(world: World) -> None:
    make_collective_admin("bob")
    remove_bob(world)
    perform_on("json", "bob", JOIN, code=create_invite_link("alice"))

    row = CollectiveMember.unscoped.get(person__handle="bob", collective__handle="kitchen")
    assert row.roles == []


def test_an_older_link_still_works_for_other_people(perform: Perform, world: World) -> None:
    code = create_invite_link("alice")
    remove_bob(world)

    assert succeeded(perform("carol", JOIN, code=code))


def test_the_join_page_says_that_a_link_is_too_old(page: Any, api: Any, world: World) -> None:
    code = create_invite_link("alice")
    remove_bob(world)
    path = f"{KITCHEN}/join?code={code}"

    for client in (page("bob"), api("bob")):
        shown = client.get(path).content.decode()
        assert TOO_OLD in shown
        assert "You are invited to join" not in shown
    assert "You are invited to join" in page("carol").get(path).content.decode()


def test_the_invite_page_says_that_a_link_excludes_former_members(page: Any, world: World) -> None:
    create_invite_link("alice")
    told = "Create a new link to invite them again."
    assert told not in page("alice").get(f"{KITCHEN}/invite").content.decode()

    remove_bob(world)

    assert told in page("alice").get(f"{KITCHEN}/invite").content.decode()
    create_invite_link("alice")
    assert told not in page("alice").get(f"{KITCHEN}/invite").content.decode()


def test_a_link_is_reused_if_no_membership_has_ended_since(world: World) -> None:
    assert create_invite_link("alice") == create_invite_link("alice")


def test_the_leave_page_says_how_to_rejoin(page: Any, api: Any) -> None:
    told = "you need an invitation made after you left"
    path = f"{MEMBERS}/leave_collective"

    assert told in page("bob").get(path).content.decode()
    assert told in api("bob").get(path).content.decode()


# --- Personal invites -----------------------------------------------------------------------


def test_a_personal_invite_does_not_work_for_other_people(perform: Perform, world: World) -> None:
    code = personal_invite(world, "bob")
    CollectiveMember.unscoped.filter(person__handle="bob").exclude(
        collective__is_main=True
    ).delete()

    answer = perform("carol", JOIN, code=code)

    assert refused(answer, 404, "Cannot accept invite for another user")
    assert not is_member("carol")
    assert Invite.unscoped.filter(code=code).exists()


def test_a_personal_invite_works_once(perform: Perform, world: World) -> None:
    code = personal_invite(world, "carol")
    assert succeeded(perform("carol", JOIN, code=code))
    perform_on("json", "carol", f"{MEMBERS}/leave_collective")

    assert refused(perform("carol", JOIN, code=code), 410, USED)
    assert refused(perform("carol", JOIN), 404, NEEDED)
    assert not is_member("carol")


def test_joining_by_a_link_uses_up_a_personal_invite(perform: Perform, world: World) -> None:
    code = personal_invite(world, "carol")
    assert succeeded(perform("carol", JOIN, code=create_invite_link("alice")))
    perform_on("json", "carol", f"{MEMBERS}/leave_collective")

    assert refused(perform("carol", JOIN, code=code), 410, EXPIRED)


def test_joining_with_an_expired_invite_is_refused(perform: Perform, world: World) -> None:
    code = create_invite_link("alice")
    Invite.unscoped.filter(code=code).update(expires_at=timezone.now())

    assert refused(perform("carol", JOIN, code=code), 410, EXPIRED)


def test_an_unknown_code_and_one_of_another_collective_are_not_found(
    perform: Perform, world: World
) -> None:
    elsewhere = make_invite(world, "treasury", by="carol")

    assert refused(perform("carol", JOIN, code="0" * 32), 404, NEEDED)
    assert refused(perform("carol", JOIN, code=elsewhere), 404, "Invite does not match collective")


def revoke(code: str) -> None:
    Invite.unscoped.filter(code=code).update(revoked_at=timezone.now())


def run_out(code: str) -> None:
    Invite.unscoped.filter(code=code).update(expires_at=timezone.now())


def use(code: str) -> None:
    perform_on("json", "carol", JOIN, code=code)
    perform_on("json", "carol", f"{MEMBERS}/leave_collective")


@pytest.mark.parametrize("form", ["", ".md"])
@pytest.mark.parametrize(
    ("end", "sentence"),
    [(revoke, "This invitation was revoked."), (run_out, EXPIRED), (use, USED)],
)
def test_the_page_of_an_ended_invite_is_gone_and_links_to_the_form(
    page: Any, api: Any, world: World, form: str, end: Any, sentence: str
) -> None:
    code = personal_invite(world, "carol")
    carol = api("carol") if form else page("carol")
    assert carol.get(f"{KITCHEN}/join{form}?code={code}").status_code == 200
    end(code)

    answer = carol.get(f"{KITCHEN}/join{form}?code={code}")

    assert answer.status_code == 410
    assert sentence in answer.content.decode()
    assert "Ask a member for a new invitation." in answer.content.decode()
    assert f"{KITCHEN}/join" in answer.content.decode()


@pytest.mark.parametrize("form", ["", ".md"])
def test_the_page_of_a_code_that_does_not_fit_offers_to_send_another(
    page: Any, api: Any, world: World, form: str
) -> None:
    carol = api("carol") if form else page("carol")
    not_hers = personal_invite(world, "bob")

    for code, sentence in (
        ("0" * 32, "This code is not valid."),
        (not_hers, "Cannot accept invite for another user."),
    ):
        answer = carol.get(f"{KITCHEN}/join{form}?code={code}")
        assert answer.status_code == 200
        assert sentence in answer.content.decode()


@pytest.mark.parametrize("form", ["", ".md"])
def test_the_page_of_a_code_of_another_collective_is_not_found_and_links_to_the_form(
    page: Any, api: Any, world: World, form: str
) -> None:
    carol = api("carol") if form else page("carol")
    elsewhere = make_invite(world, "treasury", by="carol")

    answer = carol.get(f"{KITCHEN}/join{form}?code={elsewhere}")

    assert answer.status_code == 404
    assert "Invite does not match collective" in answer.content.decode()
    assert f"{KITCHEN}/join" in answer.content.decode()


# --- Revoked, and who came by it ------------------------------------------------------------


def test_revoking_ends_every_link_of_the_collective_and_a_new_one_works(
    perform: Perform, world: World
) -> None:
    CollectiveMember.unscoped.filter(person__handle="erin").delete()
    first = create_invite_link("alice")
    Invite.unscoped.update(expires_at=timezone.now() + timedelta(hours=1))
    second = create_invite_link("alice")

    assert succeeded(perform("alice", f"{KITCHEN}/invite/actions/revoke_invite"))

    for code in (first, second):
        assert refused(perform("carol", JOIN, code=code), 410, "This invitation was revoked.")
    assert succeeded(perform("carol", JOIN, code=create_invite_link("alice")))


def test_revoking_leaves_personal_invites_and_other_collectives(
    perform: Perform, world: World
) -> None:
    code = personal_invite(world, "carol", by="alice")
    elsewhere = make_invite(world, "treasury", by="carol")

    perform("alice", f"{KITCHEN}/invite/actions/revoke_invite")

    assert invite_row(elsewhere).revoked_at is None
    assert succeeded(perform("carol", JOIN, code=code))


def test_the_page_lists_who_joined_with_a_link(perform: Perform, world: World) -> None:
    path = f"{KITCHEN}/invite"
    alice, program = anonymous_client(), token_client(make_token("alice"))
    sign_in(alice, "alice", "garden")
    assert "No one has joined with a link yet." in alice.get(path).text

    perform("carol", JOIN, code=create_invite_link("alice"))
    assert "this link" in alice.get(path).text
    assert "Carol" in program.get(path).text.partition("Joined with an invitation link")[2]

    perform("alice", f"{path}/actions/revoke_invite")
    for client in (alice, program):
        shown = client.get(path).text.partition("Joined with an invitation link")[2]
        assert "Carol" in shown
        assert "this link" not in shown


def test_the_join_page_tells_that_a_link_was_revoked(perform: Perform) -> None:
    code = create_invite_link("alice")
    perform("alice", f"{KITCHEN}/invite/actions/revoke_invite")
    carol = anonymous_client()
    sign_in(carol, "carol", "garden")

    assert "This invitation was revoked." in carol.get(f"{KITCHEN}/join?code={code}").text
    assert "This code is not valid" in carol.get(f"{KITCHEN}/join?code=unknown").text


# --- Before signing in ----------------------------------------------------------------------

INVITED = "You are invited to join Kitchen Crew. Sign in to accept the invitation."


def shown_to_a_visitor(path: str, tenant: str = "garden") -> str:
    """Return the sign-in page that an address leads to."""
    visitor = anonymous_client(tenant)
    redirect = visitor.get(path, headers={"accept": BROWSER})
    assert redirect.status_code == 302
    answer = visitor.get(redirect.headers["Location"], headers={"accept": BROWSER})
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_an_invitation_link_names_the_collective_before_signing_in(world: World) -> None:
    code = create_invite_link("alice")

    assert INVITED in shown_to_a_visitor(f"{KITCHEN}/join?code={code}")


@pytest.mark.parametrize(
    "path",
    [
        f"{KITCHEN}/join",
        f"{KITCHEN}/join?code=0123456789abcdef0123456789abcdef",
        f"{KITCHEN}/join?code=%C3%A9",
        f"{KITCHEN}/join?code=CODE&code=x",
        f"{KITCHEN}?code=CODE",
        "/collectives/treasury/join?code=CODE",
        "/collectives/nowhere/join?code=CODE",
    ],
)
def test_no_other_address_names_a_collective_before_signing_in(world: World, path: str) -> None:
    code = create_invite_link("alice")

    assert "You are invited" not in shown_to_a_visitor(path.replace("CODE", code))


def test_a_revoked_link_names_no_collective_before_signing_in(
    perform: Perform, world: World
) -> None:
    code = create_invite_link("alice")
    assert succeeded(perform("alice", f"{KITCHEN}/invite/actions/revoke_invite"))

    assert "You are invited" not in shown_to_a_visitor(f"{KITCHEN}/join?code={code}")
