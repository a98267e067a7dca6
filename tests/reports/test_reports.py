"""Reporting content, and reviewing reports (content §16)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import SecurityEvent, User
from collectives.notifications.models import Notification
from collectives.reports.models import Report
from tests.fixtures.rows import KITCHEN, make_member
from tests.fixtures.surfaces import BROWSERS, HTML, MARKDOWN, REST, Caller, on

pytestmark = pytest.mark.django_db
KINDS = ["note", "decision", "commitment"]
TITLES = {
    "note": "Knife care",
    "decision": "Which colour for the kitchen door?",
    "commitment": "Deep clean on Saturday",
}
REPORTS = "/tenant-admin/reports"


def path_of(kind: str) -> str:
    """Return the path of an item by Bob in the kitchen."""
    rows = Caller(REST, "alice").get(f"{KITCHEN}/api/v1/{kind}s?limit=200").json
    found = [row for row in rows if row.get("title", row.get("question")) == TITLES[kind]]
    return str(found[0]["path"])


def report(caller: Caller, path: str, **params: Any) -> Any:
    return caller._send("POST", f"{path}/actions/report_content", {"reason": "spam", **params})


@pytest.fixture
def reported(world: Any) -> Report:
    """A report by Alice of a note by Bob."""
    report(Caller(HTML, "alice"), path_of("note"), description="Look").assert_done()
    row: Report = Report.unscoped.get()
    return row


def page_of(row: Report) -> str:
    return f"{REPORTS}/{row.id}"


# --- Reporting ------------------------------------------------------------------------------


@pytest.mark.rule("reports.report")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("below", ["", "/report"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_member_reports_an_item_of_another(call, world, kind: str, below: str):
    alice, path = call("alice"), path_of(kind)

    done = report(alice, f"{path}{below}", reason="harassment", description="Look").assert_done()

    if done.surface == MARKDOWN:
        assert "Thank you. The admins of Garden Cooperative will review your report." in done.text
    row = Report.unscoped.get()
    assert (row.reason, row.description, row.status) == ("harassment", "Look", "pending")
    assert (row.reporter, row.author) == (world.user("alice"), world.user("bob"))
    assert (row.title, row.item.path_in(KITCHEN)) == (TITLES[kind], path)


@pytest.mark.rule("reports.report")
def test_an_agent_and_a_comment_can_be_reporter_and_reported(world):
    note = path_of("note")
    comment = Caller(REST, "bob").act("add_comment", note, text="Rude").assert_done().json

    report(Caller(MARKDOWN, "scout"), comment["path"]).assert_done()

    assert Report.unscoped.get().text == "Rude"


@pytest.mark.rule("reports.not-own")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("kind", KINDS)
def test_the_author_cannot_report_an_item(call, world, kind: str):
    bob, path = call("bob"), path_of(kind)

    report(bob, path).assert_refused(403, "annot report your own content")
    bob.get(f"{path}/report").assert_refused(403, "annot report your own content")

    assert "report_content" not in bob.get(path).text
    assert f"Report this {kind}" not in bob.get(path).text
    assert not Report.unscoped.exists()


@pytest.mark.rule("reports.once")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("kind", KINDS)
def test_a_second_report_of_an_item_is_refused(call, world, kind: str):
    alice, path = call("alice"), path_of(kind)
    before = alice.get(path).text
    report(alice, path, reason="spam").assert_done()

    report(alice, path, reason="other").assert_refused(422, f"already reported this {kind}")

    assert f"Report this {kind}" in before
    assert f"Report this {kind}" not in alice.get(path).text
    assert f"You have already reported this {kind}." in alice.get(f"{path}/report").text
    assert Report.unscoped.get().reason == "spam"


@pytest.mark.rule("reports.members-only")
@on(HTML, MARKDOWN)
def test_an_item_that_the_caller_cannot_read_cannot_be_reported(call, world):
    carol, path = call("carol"), path_of("note")

    assert not report(carol, path).is_done()
    assert not carol.get(f"{path}/report").is_done()

    assert not Report.unscoped.exists()


@pytest.mark.rule("reports.members-only")
@on(HTML, MARKDOWN)
def test_a_deleted_item_cannot_be_reported(call, world):
    path = path_of("note")
    Caller(REST, "bob").act("delete_note", path).assert_done()

    report(call("alice"), path).assert_refused(404)
    call("alice").get(f"{path}/report").assert_refused(404)


@pytest.mark.rule("reports.read-only")
def test_a_read_only_token_cannot_report(world):
    alice = Caller(MARKDOWN, "alice", scopes=["read:all"])

    report(alice, path_of("note")).assert_refused(403)

    assert "report_content" not in alice.get(path_of("note")).text


@on(HTML, MARKDOWN)
@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"reason": "boring"}, "reason"),
        ({"reason": ""}, "reason"),
        ({"description": "x" * 10_001}, "10000"),
    ],
)
def test_an_invalid_report_is_refused_and_keeps_what_was_typed(
    call, world, params: dict[str, str], says: str
):
    typed = {"description": "What I typed", **params}

    refused = report(call("alice"), path_of("note"), **typed)

    refused.assert_refused(422, says)
    assert refused.surface not in BROWSERS or typed["description"][:500] in refused.text
    assert not Report.unscoped.exists()


def test_the_page_shows_what_is_reported(world):
    shown = Caller(MARKDOWN, "alice").get(f"{path_of('note')}/report").text

    assert "# Report Content" in shown
    assert "## Content being reported" in shown
    assert "| Author | @bob |" in shown
    assert "| Content | Knife care A dull knife slips" in shown
    assert "Call `report_content` with a `reason`" in shown


@pytest.mark.rule("reports.confidential")
@on(HTML, MARKDOWN)
def test_the_author_is_not_notified_of_a_report(call, world):
    path = path_of("note")
    Notification.unscoped.all().delete()
    bob = call("bob")
    before = bob.get(path).text.count("Alice")

    report(Caller(HTML, "alice"), path).assert_done()

    assert bob.get(path).text.count("Alice") == before
    assert not Notification.unscoped.exists()


# --- Reviewing ------------------------------------------------------------------------------


@pytest.mark.rule("reports.copy")
@on(HTML, MARKDOWN)
def test_an_admin_reads_a_copy_that_later_changes_do_not_affect(call, world, reported):
    make_member(world, "carol")
    report(Caller(HTML, "carol"), path_of("commitment")).assert_done()
    bob, path = Caller(REST, "bob"), path_of("note")
    bob.act("update_note", path, title="Harmless", text="Harmless").assert_done()
    bob.act("delete_note", path).assert_done()

    shown = call("alice").get(page_of(reported)).text

    assert "A dull knife slips" in shown
    assert "Knife care" in shown
    assert "Look" in shown
    assert "Note (deleted)" in shown
    assert "Harmless" not in shown


def test_a_report_counts_the_other_reports_against_the_author(world, reported):
    report(Caller(HTML, "alice"), path_of("commitment")).assert_done()

    shown = Caller(MARKDOWN, "alice").get(page_of(reported)).text

    assert "| Other reports against the author | 1 |" in shown


@pytest.mark.rule("reports.admins-only")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_only_tenant_admins_can_read_and_review_reports(call, world, reported, who: str):
    assert_kept_from(call(who), reported)


@pytest.mark.rule("reports.admins-only")
def test_an_agent_of_an_admin_cannot_read_or_review_reports(world, reported):
    assert_kept_from(Caller(MARKDOWN, "scout"), reported)


def assert_kept_from(caller: Caller, reported: Report) -> None:
    """Assert that a caller can neither read nor review a report."""
    caller.get(REPORTS).assert_refused(403)
    caller.get(page_of(reported)).assert_refused(403)
    caller._send(
        "POST", f"{page_of(reported)}/actions/review_report", {"status": "dismissed"}
    ).assert_refused(403)

    assert Report.unscoped.get().status == "pending"


@pytest.mark.rule("reports.review")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("status", ["reviewed", "dismissed", "actioned"])
def test_an_admin_reviews_a_report(call, world, reported, status: str):
    alice, path = call("alice"), f"{page_of(reported)}/actions/review_report"

    alice._send("POST", path, {"status": status, "admin_notes": "Talked to Bob"}).assert_done()

    row = Report.unscoped.get()
    assert (row.status, row.admin_notes) == (status, "Talked to Bob")
    assert (row.reviewed_by, row.reviewed_at is not None) == (world.user("alice"), True)
    assert "Talked to Bob" in alice.get(page_of(reported)).text
    (event,) = SecurityEvent.unscoped.filter(event="admin_action", data__action="review_report")
    assert event.data["status"] == status
    log = Caller(HTML, "alice").get("/settings/security/tenant").text
    assert "Talked to Bob" not in log


@pytest.mark.rule("reports.review")
def test_a_review_can_be_changed_and_repeating_it_changes_nothing(world, reported):
    alice, path = Caller(HTML, "alice"), f"{page_of(reported)}/actions/review_report"
    for status in ("dismissed", "dismissed", "actioned"):
        alice._send("POST", path, {"status": status}).assert_done()

    rows = SecurityEvent.unscoped.filter(event="admin_action", data__action="review_report")
    assert sorted(row.data["status"] for row in rows) == ["actioned", "dismissed"]
    assert Report.unscoped.get().status == "actioned"


@pytest.mark.parametrize("status", ["pending", "", "solved"])
def test_other_results_are_refused(world, reported, status: str):
    path = f"{page_of(reported)}/actions/review_report"

    Caller(HTML, "alice")._send("POST", path, {"status": status}).assert_refused(422)

    assert Report.unscoped.get().status == "pending"


@on(HTML, MARKDOWN)
def test_reports_are_listed_by_status(call, world, reported):
    alice = call("alice")

    assert "Knife care" in alice.get(REPORTS).text
    assert "Knife care" in alice.get(f"{REPORTS}?status=all").text
    assert "Knife care" not in alice.get(f"{REPORTS}?status=dismissed").text
    assert "Knife care" in alice.get(f"{REPORTS}?status=nonsense").text
    assert "Reports (1 pending)" in Caller(HTML, "alice").get("/tenant-admin").text


def test_admins_of_another_tenant_cannot_find_a_report(world, reported):
    dave = Caller(HTML, "dave", "summit")

    dave.get(page_of(reported)).assert_refused(404)
    assert "Knife care" not in dave.get(f"{REPORTS}?status=all").text


def test_an_unknown_report_is_not_found(world):
    for report_id in ("7f000000-0000-4000-8000-000000000000", "nonsense"):
        Caller(HTML, "alice").get(f"{REPORTS}/{report_id}").assert_refused(404, "Report not found")


def test_the_number_of_queries_does_not_depend_on_the_number_of_reports(
    world, reported, django_assert_max_num_queries
):
    alice = Caller(HTML, "alice")
    alice.get(REPORTS)
    with django_assert_max_num_queries(8):
        alice.get(f"{REPORTS}?status=all")
    for kind in ("decision", "commitment"):
        report(alice, path_of(kind)).assert_done()
    alice.get(REPORTS)

    with django_assert_max_num_queries(8):
        shown = alice.get(f"{REPORTS}?status=all").text

    assert all(title in shown for title in TITLES.values())


@pytest.mark.meets("reports on a page")
def test_a_page_lists_a_hundred_reports(world, reported):
    rows = [
        Report(
            tenant_id=reported.tenant_id,
            item_id=reported.item_id,
            collective_id=reported.collective_id,
            author_id=reported.author_id,
            reporter=User.objects.create(
                email=f"{number}@example.com", created_at=world.now, updated_at=world.now
            ),
            reason="spam",
            title=f"Copy {number:03}.",
            created_at=world.now,
        )
        for number in range(100)
    ]
    Report.unscoped.bulk_create(rows)
    alice = Caller(MARKDOWN, "alice")

    pages = [alice.get(f"{REPORTS}?page={number}").text for number in (1, 2)]

    assert [page.count("Copy ") + page.count("Knife care") for page in pages] == [100, 1]


@pytest.mark.meets("copy of a reported text")
def test_a_copy_contains_the_beginning_of_a_very_long_text(world):
    note = Caller(REST, "bob").act("create_note", KITCHEN, text="x" * 100_001).json

    report(Caller(HTML, "alice"), note["path"]).assert_done()

    assert len(Report.unscoped.get().text) == 100_000
