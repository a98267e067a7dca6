"""Links between items and their backlinks (content §11)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from collectives.links.models import Link
from tests.fixtures.rows import BOARD, KITCHEN, end_membership
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

pytestmark = pytest.mark.django_db
KINDS = ["Note", "Decision", "Commitment"]


def to(item: Any) -> str:
    """Return a Markdown link to an item."""
    return f"[there]({item['path']})"


# --- Storing --------------------------------------------------------------------------------


@pytest.mark.rule("links.stored")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_link_is_stored_with_its_text(call, write, backlinks):
    target = write()

    call("alice").act("create_note", KITCHEN, text=f"See {to(target)}").assert_done()

    assert len(backlinks(target)) == 1


@pytest.mark.rule("links.stored")
@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_items_of_all_kinds_link_to_each_other(write, backlinks, source: str, target: str):
    there = write(kind=target)

    linking = write(f"See {to(there)}", kind=source)

    assert backlinks(there) == [linking["id"]]


@pytest.mark.rule("links.stored")
def test_comments_and_final_statements_link_too(write, backlinks):
    target, decision = write(), write(kind="Decision")
    bob = Caller(REST, "bob")

    comment = bob.act("add_comment", target["path"], text=to(target)).assert_done().json
    bob.act("close_decision", decision["path"], final_statement=to(target)).assert_done()

    assert comment["id"] in backlinks(target)
    assert len(backlinks(target)) == 2


@pytest.mark.rule("links.follow-the-text")
@on(HTML, MARKDOWN, REST)
def test_an_edit_removes_and_adds_links(call, write, backlinks):
    first, second = write(), write()
    source = write(to(first))
    bob = call("bob")

    bob.act("update_note", source["path"], text=to(second)).assert_done()

    assert (backlinks(first), backlinks(second)) == ([], [source["id"]])


@pytest.mark.rule("links.follow-the-text")
@pytest.mark.parametrize(
    ("kind", "action"),
    [("Decision", "update_decision_settings"), ("Commitment", "update_commitment_settings")],
)
def test_an_edit_of_a_description_changes_links(write, backlinks, kind: str, action: str):
    first, second = write(), write()
    source = write(to(first), kind=kind)

    Caller(REST, "bob").act(action, source["path"], description=to(second)).assert_done()

    assert (backlinks(first), backlinks(second)) == ([], [source["id"]])


def test_a_link_that_stays_keeps_its_time(write, world):
    target = write()
    source = write(to(target))
    (before,) = Link.unscoped.filter(source=source["id"])

    Caller(REST, "bob").act("update_note", source["path"], text=f"{to(target)} again").assert_done()

    (after,) = Link.unscoped.filter(source=source["id"])
    assert (after.id, after.created_at) == (before.id, before.created_at)


@pytest.mark.rule("links.stored")
def test_a_target_that_is_named_twice_counts_once(write, backlinks):
    target = write()
    by_url = f"http://garden.localhost:8000{target['path']}"
    by_word = target["path"].replace("/collectives/", "/workspace/")
    whole = target["path"].replace(target["truncated_id"], target["id"])

    source = write(f"{by_url} [a]({by_word}) [b]({whole})")

    assert backlinks(target) == [source["id"]]


@pytest.mark.rule("links.refused-targets")
def test_links_to_unknown_items_and_to_the_item_itself_do_not_count(write):
    unknown = f"[a]({KITCHEN}/n/00000000)"
    source = write(unknown)

    Caller(REST, "bob").act("update_note", source["path"], text=to(source)).assert_done()

    assert not Link.unscoped.filter(source=source["id"]).exists()


@pytest.mark.rule("links.refused-targets")
@pytest.mark.parametrize("place", [BOARD, ""])
def test_a_link_to_another_collective_is_not_stored(write, world, place: str):
    elsewhere = write(who="carol", at=place)

    here = f"[here]({KITCHEN}/n/{elsewhere['truncated_id']})"
    source = write(f"{to(elsewhere)} http://garden.localhost:8000{elsewhere['path']} {here}")

    assert not Link.unscoped.filter(source=source["id"]).exists()


@pytest.mark.rule("links.refused-targets")
def test_a_wrong_kind_or_full_id_does_not_count(write):
    target = write()
    other_kind = target["path"].replace("/n/", "/d/")
    other_id = f"{KITCHEN}/n/{target['truncated_id']}-0000-4000-8000-000000000000"

    source = write(f"[a]({other_kind}) [b]({other_id})")

    assert not Link.unscoped.filter(source=source["id"]).exists()


def test_links_work_in_the_main_collective_and_in_workspaces(write, backlinks, world):
    workspace = f"/workspace/{world.workspace('bob').handle}"
    for place in ("", workspace):
        target = write(at=place)
        source = write(to(target), at=place)

        assert backlinks(target, "bob") == [source["id"]]


def test_a_refused_write_stores_no_link(write, backlinks):
    target = write()

    refused = Caller(REST, "bob").act(
        "create_commitment", KITCHEN, title="!", description=to(target), critical_mass=0
    )

    refused.assert_invalid()
    assert backlinks(target) == []


# --- Deleting -------------------------------------------------------------------------------


@pytest.mark.rule("links.deleted")
@pytest.mark.parametrize("kind", KINDS)
def test_links_of_a_deleted_item_return_with_it(write, backlinks, kind: str):
    target = write()
    source = write(to(target), kind=kind)
    bob, browser = Caller(REST, "bob"), Caller(HTML, "bob")

    bob.act(f"delete_{kind.lower()}", source["path"]).assert_done()
    assert backlinks(target) == []

    browser.act(f"restore_{kind.lower()}", source["path"]).assert_done()
    assert backlinks(target) == [source["id"]]


@pytest.mark.rule("links.deleted")
def test_links_to_a_deleted_item_return_with_it(write, backlinks):
    target = write()
    source = write(to(target))
    Caller(REST, "bob").act("delete_note", target["path"]).assert_done()
    most_linked = Caller(MARKDOWN, "alice").get(f"{KITCHEN}/backlinks").text
    edited = f"{to(target)} and more"
    Caller(REST, "bob").act("update_note", source["path"], text=edited).assert_done()

    Caller(HTML, "bob").act("restore_note", target["path"]).assert_done()

    assert target["path"] not in most_linked
    assert backlinks(target) == [source["id"]]


@pytest.mark.rule("links.deleted")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("below", ["", "/backlinks"])
def test_a_page_omits_backlinks_from_deleted_items(call, write, below: str):
    target = write()
    deleted, left = write(to(target)), write(to(target))
    Caller(REST, "bob").act("delete_note", deleted["path"]).assert_done()

    shown = call("alice").get(f"{target['path']}{below}").text

    assert left["path"] in shown
    assert deleted["path"] not in shown


# --- Reading --------------------------------------------------------------------------------


@pytest.mark.rule("links.shown")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_an_item_lists_its_backlinks(call, write, kind: str):
    target = write(kind=kind)
    sources = [write(f"{each} {to(target)}", kind=each) for each in KINDS]

    shown = call("alice").get(target["path"]).text

    assert "Backlinks" in shown
    for source, each in zip(sources, KINDS, strict=True):
        assert f"{each}: " in shown
        assert source["path"] in shown


def test_backlinks_in_markdown_are_lines_with_kind_and_title(write):
    target = write()
    source = write(f"Knives & [forks]({target['path']})")

    shown = Caller(MARKDOWN, "alice").get(target["path"]).response.text

    section = shown.partition("## Backlinks\n\n")[2].partition("\n## ")[0].strip()
    assert section == rf"* Note: [Knives \& \[forks\]({target['path']})]({source['path']})"


@on(HTML, MARKDOWN)
def test_a_page_without_backlinks_has_no_section(call, write):
    assert "Backlinks</h2>" not in (shown := call("alice").get(write()["path"]).text)
    assert "## Backlinks" not in shown


def test_the_newest_link_comes_first(write, backlinks):
    target = write()
    first, second = write(to(target)), write()
    Caller(REST, "bob").act("update_note", second["path"], text=to(target)).assert_done()
    third = write(to(target), kind="Decision")

    assert backlinks(target) == [third["id"], second["id"], first["id"]]


@pytest.mark.rule("links.shown")
@on(HTML, MARKDOWN, REST)
def test_a_former_member_cannot_read_backlinks(call, write, world):
    target = write()
    write(to(target))
    end_membership(world, "bob")

    for path in (f"{target['path']}/backlinks", f"{KITCHEN}/backlinks"):
        assert call("bob").get(path).status in (302, 403, 404)


@pytest.mark.rule("links.scopes")
@pytest.mark.parametrize("path", ["", "/backlinks"])
def test_a_page_omits_backlinks_that_the_token_cannot_read(write, path: str):
    target = write()
    note, decision = write(to(target)), write(to(target), kind="Decision")

    shown = Caller(MARKDOWN, "alice", scopes=["read:notes"]).get(f"{target['path']}{path}").text

    assert note["path"] in shown
    assert decision["path"] not in shown
    assert "Omitted: backlinks from decisions. Requires the scope `read:decisions`." in shown


@pytest.mark.rule("links.scopes")
def test_included_backlinks_require_no_further_scope(write, backlinks):
    target = write()
    decision = write(to(target), kind="Decision")

    assert backlinks(target, scopes=["read:notes"]) == [decision["id"]]


@pytest.mark.meets("backlinks on the page of an item")
@on(HTML, MARKDOWN)
def test_a_page_with_more_backlinks_links_to_all(call, write):
    target = write()
    sources = [write(f"{number} {to(target)}") for number in range(21)]
    alice = call("alice")

    shown = alice.get(target["path"]).text
    whole = alice.get(f"{target['path']}/backlinks").text

    assert sum(each["path"] in shown for each in sources) == 20
    assert f"{target['path']}/backlinks" in shown
    assert all(each["path"] in whole for each in sources)


@pytest.mark.meets("backlinks on a page of backlinks")
def test_all_backlinks_are_on_numbered_pages(write):
    target = write()
    for number in range(51):
        write(f"{number} {to(target)}")
    alice = Caller(MARKDOWN, "alice")

    first = alice.get(f"{target['path']}/backlinks").text
    second = alice.get(f"{target['path']}/backlinks?page=2").text

    assert (first.count("* Note: "), second.count("* Note: ")) == (50, 1)


# --- The most linked items ------------------------------------------------------------------


@pytest.mark.rule("links.most-linked")
@on(HTML, MARKDOWN)
def test_a_collective_lists_its_most_linked_items(call, write, world):
    Link.unscoped.all().delete()
    once, twice, latest = write(), write(), write()
    write(to(once))
    write(to(twice))
    write(f"{to(twice)} {to(latest)}")

    shown = call("alice").get(f"{KITCHEN}/backlinks").text

    places = [shown.index(item["path"]) for item in (twice, latest, once)]
    assert places == sorted(places)


@pytest.mark.rule("links.most-linked")
def test_links_from_deleted_items_do_not_count_among_the_most_linked(write):
    Link.unscoped.all().delete()
    once, twice = write(), write()
    sources = [write(to(target)) for target in (once, twice, twice)]
    for source in sources[1:]:
        Caller(REST, "bob").act("delete_note", source["path"]).assert_done()

    shown = Caller(MARKDOWN, "alice").get(f"{KITCHEN}/backlinks").text

    assert once["path"] in shown
    assert twice["path"] not in shown


@pytest.mark.meets("most linked items of a collective")
def test_ten_items_are_listed(write):
    for number in range(11):
        write(to(write(str(number))))

    shown = Caller(MARKDOWN, "alice").get(f"{KITCHEN}/backlinks").text

    assert "| 10 | " in shown
    assert "| 11 | " not in shown


@on(HTML, MARKDOWN)
def test_a_collective_without_links_says_so(call):
    shown = call("carol").get(f"{BOARD}/backlinks").text

    assert "No items link to each other yet." in shown
    assert "/help/links" in shown


@on(HTML, MARKDOWN)
def test_the_page_of_a_collective_links_to_its_backlinks(call):
    assert f"{KITCHEN}/backlinks" in call("alice").get(KITCHEN).text


# --- In HTML --------------------------------------------------------------------------------


@pytest.mark.rule("links.rendered")
@pytest.mark.parametrize("kind", KINDS)
def test_a_bare_url_of_an_item_is_shown_as_its_short_path(write, kind: str):
    target = write(kind=kind)
    url = f"http://garden.localhost:8000{target['path']}"
    source = write(f"{url} and [words]({url})", kind=kind)

    shown = Caller(HTML, "alice").get(source["path"]).text

    label = target["path"].removeprefix(f"{KITCHEN}/")
    assert re.search(rf'<a href="{url}"[^>]*><svg .*?</svg>{label}</a>', shown, re.DOTALL)
    assert re.search(rf'<a href="{url}"[^>]*>words</a>', shown)


@pytest.mark.rule("links.rendered")
def test_comments_and_final_statements_show_short_paths_too(write):
    target, decision = write(), write(kind="Decision")
    url = f"http://garden.localhost:8000{target['path']}"
    bob = Caller(REST, "bob")
    bob.act("close_decision", decision["path"], final_statement=url).assert_done()
    alice = Caller(HTML, "alice")

    stated = alice.get(decision["path"]).text
    bob.act("add_comment", target["path"], text=url).assert_done()
    commented = alice.get(target["path"]).text

    for shown in (stated, commented):
        assert f"</svg>n/{target['truncated_id']}</a>" in shown


@pytest.mark.rule("links.rendered")
@pytest.mark.parametrize("change", ["delete", "unknown", "elsewhere"])
def test_other_urls_are_shown_as_they_are(write, change: str):
    target = write(who="carol", at=BOARD) if change == "elsewhere" else write()
    path = f"{KITCHEN}/n/00000000" if change == "unknown" else target["path"]
    source = write(f"http://garden.localhost{path}")
    if change == "delete":
        Caller(REST, "bob").act("delete_note", target["path"]).assert_done()

    shown = Caller(HTML, "alice").get(source["path"]).text

    assert f">http://garden.localhost{path}</a>" in shown


@pytest.mark.parametrize("around", ["https://evil.example/?u={}", "{}/settings"])
def test_a_url_that_only_contains_an_items_url_is_shown_in_full(write, around: str):
    url = around.format(f"http://garden.localhost{write()['path']}")

    shown = Caller(HTML, "alice").get(write(f"<{url}>")["path"]).text

    assert f">{url}</a>" in shown


def test_markdown_keeps_the_text(write):
    target = write()
    url = f"http://garden.localhost:8000{target['path']}"
    source = write(url)

    assert f"```markdown\n{url}\n```" in Caller(MARKDOWN, "alice").get(source["path"]).text
