"""Reading commitments: pages, lists, participants, and the features that all items have."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from collectives.commitments.models import Commitment
from collectives.items.models import Pin
from tests.commitments.rows import close, count, newest, propose, row_at
from tests.commitments.test_create import EVENT
from tests.fixtures.rows import KITCHEN, UNKNOWN_ID, change
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

LIST = f"{KITCHEN}/api/v1/commitments"


def api(path: str) -> str:
    base, _, short = path.rpartition("/c/")
    return f"{base}/api/v1/commitments/{short}"


def address(path: str, surface: str) -> str:
    return api(path) if surface == REST else path


def titles(query: str = "", by: str = "bob", where: str = LIST) -> list[str]:
    rows = Caller(REST, by).get(f"{where}?{query}").assert_done().json
    return [row["title"] for row in rows]


@pytest.fixture
def only_mine(world: Any) -> None:
    """Delete the demo world's commitments, so that lists contain only those of the test."""
    Commitment.unscoped.update(deleted_at=world.now)


# --- One commitment -------------------------------------------------------------------------


@pytest.mark.rule("commitments.member-reads")
@on(HTML, MARKDOWN, REST)
def test_a_member_reads_a_commitment(call, surface):
    path = propose(description="Bring a *brush*.")

    shown = call("alice").get(address(path, surface)).assert_done().text

    assert "Paint the fence" in shown
    assert "brush" in shown


@pytest.mark.rule("commitments.member-reads")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("who", ["carol", "alice"])
def test_a_non_member_cannot_read_a_commitment(world, call, surface, who):
    room = f"/workspace/{world.workspace('bob').handle}"
    path = propose(KITCHEN if who == "carol" else room)

    answer = call(who).get(address(path, surface))

    status = 404 if who == "alice" else 302 if surface == HTML else 403
    assert "Paint the fence" not in answer.assert_refused(status).text


@pytest.mark.rule("commitments.unknown")
@on(HTML, MARKDOWN, REST)
def test_unknown_commitments_and_those_of_other_collectives_are_not_found(call, surface):
    elsewhere = propose("", by="alice").rpartition("/")[2]
    note = Caller(REST, "bob").get(f"{KITCHEN}/api/v1/notes").json[0]["id"]

    for item_id in (UNKNOWN_ID, "7f000000", "nonsense", elsewhere, note):
        answer = call("bob").get(address(f"{KITCHEN}/c/{item_id}", surface)).assert_refused(404)
        assert surface != REST or answer.json["error"] == "Not found"


@pytest.mark.rule("commitments.member-reads")
@on(HTML, MARKDOWN, REST)
def test_a_commitment_is_found_by_short_and_full_id(call, surface):
    path = propose()
    full = f"{KITCHEN}/c/{row_at(path).id}"

    assert "Paint the fence" in call("bob").get(address(full, surface)).assert_done().text


@pytest.mark.rule("commitments.participants-shown")
@on(HTML, MARKDOWN)
def test_the_page_lists_ten_participants_and_links_to_the_rest(world, call, surface, crowd):
    path = propose(critical_mass=5)
    crowd(path, 12)

    shown = call("bob").get(path).text
    assert "+ 2 more" in shown.replace("\\", "")
    assert f"{path}/participants" in shown

    rest = call("bob").get(f"{path}/participants").assert_done().text
    assert "Participants (12)" in rest
    assert rest.count("/u/walker") == 12


@pytest.mark.rule("commitments.participants-shown")
@on(HTML)
def test_participants_who_are_agents_are_marked(call):
    path = propose(by="alice", critical_mass=3)
    Caller(REST, "scout").act("join_commitment", path).assert_done()

    shown = call("bob").get(path).text

    assert 'class="person person--agent" href="/u/scout"' in shown
    assert "· for Alice" in shown


@pytest.mark.rule("commitments.participants-shown")
@on(REST)
def test_the_api_lists_former_participants_on_request(call):
    """REST 8."""
    path = propose()
    for who in ("alice", "bob"):
        Caller(REST, who).act("join_commitment", path).assert_done()
    Caller(REST, "alice").act("leave_commitment", path).assert_done()
    bob = call("bob")

    (row,) = bob.get(f"{api(path)}/participants").json
    assert sorted(row) == ["commitment_id", "committed_at", "id", "user_id"]
    everyone = bob.get(f"{api(path)}/participants?include_pending=true").json
    assert [each["committed_at"] is None for each in everyone] == [False, True]

    assert bob.get(f"{api(path)}/participants/{row['id']}").json == row
    bob.get(f"{api(path)}/participants/{UNKNOWN_ID}").assert_refused(404)
    shown = bob.get(f"{api(path)}?include=participants").json
    assert (shown["participants"], shown["joined"]) == ([row], True)


@pytest.mark.rule("commitments.participants-shown")
@on(REST)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_participants_cannot_be_written_over_rest(call, method):
    """REST 1.9: 404."""
    path, bob = propose(), call("bob")
    for where in (f"{api(path)}/participants", f"{api(path)}/participants/{UNKNOWN_ID}"):
        answer = getattr(bob.client, method)(where)

        assert answer.status_code == 404
        assert answer.json()["error"] == "Not found"


# --- Lists ----------------------------------------------------------------------------------


@pytest.mark.rule("commitments.listed")
def test_commitments_are_listed_by_state(world, only_mine):
    """REST 15.1."""
    for title in ("Pending", "Achieved", "Failed", "Closed and achieved"):
        propose(title=title, critical_mass=1)
    for row in Commitment.unscoped.filter(title__contains="chieved"):
        Caller(REST, "alice").act("join_commitment", f"{KITCHEN}/c/{row.truncated_id}")
    for row in Commitment.unscoped.filter(title__in=["Failed", "Closed and achieved"]):
        close(f"{KITCHEN}/c/{row.truncated_id}")

    assert titles("status=pending") == ["Pending"]
    assert titles("status=achieved") == ["Closed and achieved", "Achieved"]
    assert titles("status=failed") == ["Failed"]
    assert titles("status=open") == ["Achieved", "Pending"]
    assert titles("status=closed") == ["Closed and achieved", "Failed"]
    assert Caller(REST, "bob").get(f"{LIST}?status=late").status == 400


@pytest.mark.rule("commitments.listed")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subtype=policy", ["Quiet hours"]),
        ("subtype=policy,calendar_event", ["Dinner", "Quiet hours"]),
        ("created_by=alice", ["Quiet hours"]),
        ("created_by=me", ["Dinner", "Paint"]),
        ("q=hours", ["Quiet hours"]),
        ("filters=mine", ["Dinner", "Paint"]),
        ("cycle=today", ["Dinner", "Quiet hours", "Paint"]),
        ("deadline_before=2032-01-01", ["Dinner"]),
        ("sort_by=created_at-asc", ["Paint", "Quiet hours", "Dinner"]),
        ("sort_by=deadline-asc&limit=1", ["Dinner"]),
    ],
)
def test_commitments_are_filtered(world, only_mine, query, found):
    propose(title="Paint")
    propose(title="Quiet hours", subtype="policy", by="alice")
    propose(title="Dinner", **EVENT)

    assert titles(query) == found


@pytest.mark.rule("commitments.listed")
def test_an_unknown_filter_of_commitments_is_refused(world):
    for query in ("subtype=party", "limt=3", "created_by=nobody", "cycle=someday"):
        assert Caller(REST, "bob").get(f"{LIST}?{query}").status == 400, query


@pytest.mark.rule("commitments.listed")
@pytest.mark.parametrize("query", ["", "status=pending", "q=fence"])
def test_pages_of_a_list_do_not_overlap_or_skip_rows(world, only_mine, query):
    for number in range(7):
        propose(title=f"Fence {number}")
    bob, seen = Caller(REST, "bob"), []
    path = f"{LIST}?limit=3&count=true&{query}"
    for length in (3, 3, 1):
        answer = bob.get(path).assert_done()
        assert len(answer.json) == length
        seen += [row["title"] for row in answer.json]
        links = answer.response.headers["Link"].split(", ")
        following = [link for link in links if 'rel="next"' in link]
        if following:
            path = following[0].partition("<")[2].partition(">")[0].partition("/api")[2]
            path = f"{KITCHEN}/api{path}"
            propose(title="Fence written meanwhile")

    assert not following
    assert seen == [f"Fence {number}" for number in reversed(range(7))]


@pytest.mark.rule("commitments.listed")
def test_the_tenant_lists_commitments_of_all_collectives_of_the_caller(world, only_mine):
    propose(title="Kitchen")
    propose("", by="alice", title="Main")
    propose("/collectives/board", by="carol", title="Board")

    assert titles("scope=all", where="/api/v1/commitments") == ["Main", "Kitchen"]
    assert titles("collective=kitchen", where="/api/v1/commitments") == ["Kitchen"]
    assert titles(where="/api/v1/commitments") == ["Main"]


@pytest.mark.rule("commitments.listed")
def test_a_feed_shows_a_commitment_with_its_participants(world):
    path = propose(title="Paint the shed")
    Caller(REST, "alice").act("join_commitment", path).assert_done()

    shown = Caller(HTML, "bob").get(KITCHEN).text
    row = shown[shown.index("Paint the shed") :].partition("</li>")[0]
    assert "<strong>1 of 2</strong> participants" in row

    (line,) = [
        line
        for line in Caller(MARKDOWN, "bob").get(KITCHEN).text.splitlines()
        if "Paint the shed" in line
    ]
    assert ", 1 of 2 participants)" in line


# --- As notes -------------------------------------------------------------------------------


@pytest.mark.rule("commitments.like-notes")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_member_pins_and_unpins_a_commitment(call):
    path, bob = propose(by="alice"), call("bob")

    bob.act("pin_commitment", path).assert_done()
    assert Pin.unscoped.filter(item=row_at(path).pk).count() == 1
    assert "Paint the fence" in Caller(MARKDOWN, "alice").get(KITCHEN).text

    bob.act("unpin_commitment", path).assert_done()
    assert not Pin.unscoped.filter(item=row_at(path).pk).exists()


@pytest.mark.rule("commitments.like-notes")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(("who", "status"), [("bob", 200), ("alice", 200), ("carol", 403)])
def test_the_creator_and_admins_delete_a_commitment(world, call, surface, who, status):
    path = propose()

    answer = call(who).act("delete_commitment", path)

    if status == 403:
        answer.assert_refused(403)
        return
    answer.assert_done()
    assert surface != REST or answer.json["message"] == "Commitment deleted"
    gone = Caller(MARKDOWN, "bob").get(path).assert_done().text
    assert "# Commitment [deleted]" in gone
    assert "Paint the fence" not in gone
    Caller(REST, "bob").get(api(path)).assert_refused(404)
    call(who).act("restore_commitment", path).assert_done()
    assert "Paint the fence" in Caller(MARKDOWN, "bob").get(path).text


@pytest.mark.rule("commitments.like-notes")
@on(HTML, MARKDOWN, REST)
def test_a_deleted_commitment_cannot_be_changed_pinned_or_commented_on(call):
    path, bob = propose(), call("bob")
    Caller(REST, "bob").act("delete_commitment", path).assert_done()

    bob.act("update_commitment_settings", path, title="Back").assert_refused(404)
    bob.act("pin_commitment", path).assert_refused(404)
    Caller(MARKDOWN, "bob").act("add_comment", path, text="Still?").assert_refused(404)


@pytest.mark.rule("commitments.like-notes")
def test_comments_on_a_commitment_are_in_its_thread_on_every_surface(world):
    """Content 3."""
    path = propose()
    close(path)
    Caller(MARKDOWN, "alice").act("add_comment", path, text="By comment").assert_done()
    rest = Caller(REST, "bob")
    sent = {"text": "Over REST"}
    made = rest.client.post(f"{api(path)}/comments", sent, "application/json").json()
    assert (made["commentable_type"], made["commentable_id"]) == (
        "Commitment",
        str(row_at(path).id),
    )
    asked = {**sent, "text": "As a note", "commentable_type": "Commitment"}
    asked["commentable_id"] = str(row_at(path).id)
    assert rest.client.post(f"{KITCHEN}/api/v1/notes", asked, "application/json").status_code == 200

    for shown in (Caller(HTML, "bob").get(path), Caller(MARKDOWN, "bob").get(path)):
        for text in ("By comment", "Over REST", "As a note"):
            assert text in shown.text
    listed = rest.get(f"{api(path)}/comments").json
    assert [row["text"] for row in listed] == ["By comment", "Over REST", "As a note"]
    reply = Caller(MARKDOWN, "bob").get(listed[0]["path"]).text
    assert "Replying to" in reply
    assert "Commitment" in reply


@pytest.mark.rule("commitments.unknown")
def test_writes_to_an_unknown_commitment_say_that_it_is_not_found(world):
    for name in ("update_commitment_settings", "delete_commitment", "pin_commitment"):
        answer = Caller(REST, "bob").act(name, f"{KITCHEN}/c/7f000000", title="X")
        assert answer.assert_refused(404).json["error"] == "Commitment not found"


def test_a_dry_run_does_not_join(world):
    path = propose()

    answer = Caller(REST, "bob").client.post(f"{api(path)}/join?dry_run=true")

    assert answer.json()["dry_run"] is True
    assert count(path) == 0


def test_a_deadline_that_passes_closes_a_commitment(world):
    path = propose(deadline=(timezone.now() + timedelta(hours=1)).isoformat())
    past = timezone.now() - timedelta(minutes=1)
    change(newest(), deadline=past, last_activity_at=past - timedelta(days=1))

    assert Caller(REST, "bob").get(api(path)).json["status"] == "failed"
