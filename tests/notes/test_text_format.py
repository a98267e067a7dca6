"""The text of a note: formatted and sanitized in HTML, unchanged in Markdown and REST."""

from __future__ import annotations

import pytest

from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on


def write(where: str, text: str, surface: str = HTML) -> str:
    """Write a note by Bob, and return its page as a surface shows it."""
    made = Caller(REST, "bob").act("create_note", where, text=text).assert_done().json
    return Caller(surface, "bob").get(made["path"]).assert_done().text


@pytest.mark.rule("notes.formatted")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**bold** and *italic*", "<strong>bold</strong> and <em>italic</em>"),
        ("one\ntwo", "one<br>\ntwo"),
        ("- one\n- two", "<li>one</li>"),
        ("> said", "<blockquote>"),
        ("```\nx < 1\n```", "x &lt; 1"),
        ("|a|b|\n|-|-|\n|1|2|", "<td>1</td>"),
        ("~~gone~~", ">gone</"),
        # Headings are shifted by one below that of the page, and end at the sixth.
        ("# Top", "<h2>Top</h2>"),
        ("##### Fifth", "<h6>Fifth</h6>"),
        ("###### Sixth", "<h6>Sixth</h6>"),
    ],
)
def test_markdown_is_formatted(world, text, shown):
    assert shown in write(KITCHEN, text)


@pytest.mark.rule("notes.links-safe")
@pytest.mark.parametrize(
    "target", ["https://example.org/a", "http://example.org/a", "mailto:a@example.org", "/help"]
)
def test_links_with_allowed_schemes_are_kept(world, target):
    shown = write(KITCHEN, f"[there]({target})")

    assert f'<a href="{target}" rel="nofollow ugc noopener noreferrer">there</a>' in shown


@pytest.mark.rule("notes.links-safe")
def test_an_address_in_a_text_becomes_a_link(world):
    assert '<a href="https://example.org/a"' in write(KITCHEN, "See https://example.org/a.")


@pytest.mark.rule("notes.links-safe")
@pytest.mark.parametrize("scheme", ["javascript", "JaVaScRiPt", "data", "vbscript", "file", "ftp"])
def test_links_with_other_schemes_are_removed(world, scheme):
    shown = write(KITCHEN, f"[there]({scheme}:alert(1))")

    assert "there" in shown
    assert f'href="{scheme.lower()}:' not in shown.lower()


@pytest.mark.rule("notes.images-safe")
@pytest.mark.parametrize(
    ("source", "shown_as"),
    [
        ("/media/oven.png", '<img src="/media/oven.png" alt="An oven" loading="lazy">'),
        ("https://example.org/a.png", '<a href="https://example.org/a.png"'),
        ("data:image/png;base64,AA", "![An oven](data:image/png;base64,AA)"),
    ],
    ids=["own site", "another site", "data"],
)
def test_only_an_image_of_this_site_is_loaded(world, source, shown_as):
    shown = write(KITCHEN, f"![An oven]({source})")

    assert shown_as in shown
    assert (f'src="{source}"' in shown) is source.startswith("/")


@pytest.mark.rule("notes.images-safe")
@pytest.mark.parametrize("alt", ["An oven", ""])
def test_a_feed_shows_the_alt_text_of_external_images(world, alt):
    source = "https://example.org/a.png"
    Caller(REST, "bob").act("create_note", KITCHEN, title="Ours", text=f"![{alt}]({source})")

    text = Caller(HTML, "bob").get(KITCHEN).assert_done().text

    assert f'<p class="stream__line">{alt or source}</p>' in text


@pytest.mark.rule("notes.html-harmless")
@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<b onclick="alert(1)">bold</b>',
        '<img src=x onerror="alert(1)">',
        '<p style="color: red">red</p>',
    ],
)
def test_html_in_a_text_is_escaped(world, text):
    assert text not in write(KITCHEN, f"Before {text} after")


@pytest.mark.rule("notes.text-exact")
@pytest.mark.parametrize("text", ["# Top\n\n* one", "Ünïcødé 🌱", "a\n```\nb\n```", "<b>x</b>"])
def test_rest_and_markdown_return_the_text_unchanged(world, text):
    made = Caller(REST, "bob").act("create_note", KITCHEN, text=text).assert_done().json

    assert made["text"] == text
    assert text in Caller(MARKDOWN, "bob").get(made["path"]).assert_done().text


@pytest.mark.rule("notes.long-text-cut")
@on(MARKDOWN)
def test_a_long_text_is_truncated_at_a_newline_unless_full_text_is_requested(call):
    text = "\n".join(f"line {number:03}" for number in range(400))
    path = Caller(REST, "bob").act("create_note", KITCHEN, text=text).json["path"]
    bob = call("bob")

    cut = bob.get(path).assert_done().text
    whole = bob.get(f"{path}?full_text=true").assert_done().text

    assert "line 000\n" in cut
    assert "line 399" not in cut
    assert f"{path}?full_text=true" in cut
    assert f"of {len(text)} characters" in cut
    assert text in whole
