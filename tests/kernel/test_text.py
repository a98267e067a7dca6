from __future__ import annotations

import time

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from harmonic.kernel.rendering import text


@pytest.mark.parametrize("bad", ["\x00", "\ud800", "\ufdd0", "\ufdef", "\uffff", "\U0010fffe"])
def test_unstorable_characters_are_refused(bad):
    assert not text.is_acceptable(f"a{bad}b")


@pytest.mark.parametrize(
    "good", ["", "Knife care\n\ttab", "\x1b\x85\u202e", "日本 🔪", "\ufdcf\ufdf0\ufffd"]
)
def test_other_characters_are_accepted(good):
    assert text.is_acceptable(good)


@pytest.mark.parametrize(
    ("given_line", "expected"),
    [
        ("  Knife care ", "Knife care"),
        ("a\r\nb\nc\rd", "a b c d"),
        ("a\u2028b\u2029c\x85d\te\x1bf\x7fg\x9fh", "a b c d e f g h"),
        ("a\u202eb\u2066c\u2069", "abc"),
        ("\u202e  \u2067", ""),
        ("a\u200fb", "a\u200fb"),
    ],
)
def test_a_line_is_normalised_to_one_line(given_line, expected):
    assert text.normalise_line(given_line) == expected


# Soft hyphen, Hangul and braille fillers, zero-width space and joiner, marks of direction, a
# variation selector, a tag, the byte order mark, a musical null, and spaces between.
INVISIBLE = (
    "\u00ad", "\u034f", "\u115f\u1160", "\u17b4", "\u180e", "\u200b", "\u200d\u200c",
    "\u200e\u200f", "\u2060", "\u2800", "\u3000", "\u3164", "\ufe0f", "\ufeff", "\uffa0",
    "\U0001d159", "\U000e0020", " \u200b \t\u2800\n",
)  # fmt: skip


@pytest.mark.parametrize("invisible", INVISIBLE, ids=ascii)
def test_a_line_of_invisible_characters_is_empty(invisible):
    assert text.is_blank(invisible)
    assert text.normalise_line(invisible) == ""
    assert not text.is_blank(f"{invisible}a")


@pytest.mark.parametrize(
    "visible", ["👩\u200d🍳", "\u200fשלום", "क्\u200dष", "☺\ufe0f", ".", "\u0301"]
)
def test_invisible_characters_stay_beside_visible_ones(visible):
    assert not text.is_blank(visible)
    assert text.normalise_line(visible) == visible


@given(st.text())
def test_normalising_twice_changes_nothing(value):
    line = text.normalise_line(value)
    block = text.normalise_block(value)

    assert text.normalise_line(line) == line
    assert text.normalise_block(block) == block
    assert len(line.splitlines()) <= 1
    assert "\r" not in block


def test_a_block_keeps_everything_but_its_line_breaks():
    assert text.normalise_block("a\r\n\tb\rc \n\n\u202e") == "a\n\tb\nc \n\n\u202e"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a\nb", "<p>a<br>\nb</p>"),
        ("# a", "<h2>a</h2>"),
        ("###### a", "<h6>a</h6>"),
        ("a\n=", "<h2>a</h2>"),
        ("~~a~~ **b**", "<s>a</s> <strong>b</strong>"),
        ("- [ ] a\n- [x] b", '<li class="task">☐ a</li>\n<li class="task">☑ b</li>'),
        ("|a|\n|:-:|\n|b|", '<td class="align-center">b</td>'),
        ("|a|\n|:-:|\n|b|", '<th scope="col" class="align-center">a</th>'),
        ("|a|\n|-|\n|b|", '<th scope="col">a</th>'),
        ("```py\na < b\n```", '<pre><code class="language-py">a &lt; b'),
        ("```\na\n```", '<div class="scroll" role="region" tabindex="0" aria-label="Code"><pre>'),
        ("    a", '<div class="scroll" role="region" tabindex="0" aria-label="Code"><pre>'),
        ("|a|\n|-|", '<div class="scroll" role="region" tabindex="0" aria-label="Table"><table>'),
        ("see https://a.example/x", '<a href="https://a.example/x" rel="'),
        ("a@b.org", 'href="mailto:a@b.org"'),
        ("[a](/n/1)", '<a href="/n/1" rel="nofollow ugc noopener noreferrer">a</a>'),
        ("[a](#b)", 'href="#b"'),
        ("![a](/m/1.png)", '<img src="/m/1.png" alt="a" loading="lazy">'),
        ("README.md", "<p>README.md</p>"),
        ("<b>a</b>", "&lt;b&gt;a&lt;/b&gt;"),
    ],
)
def test_markdown_becomes_html(source, expected):
    assert expected in text.to_html(source)


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "[a](java\tscript:alert(1))",
        "[a](vbscript:x) [b](data:text/html,x) [c](ftp://x) <ftp://x>",
        "![a](javascript:x) ![b](data:image/png;base64,AA) ![c](mailto:a@b)",
        '[a](/x "onmouseover=\\"x")<a href="javascript:x" style="x">',
        "[a]: javascript:x\n\n[a]",
    ],
)
def test_hostile_markdown_is_rendered_as_text(source):
    soup = BeautifulSoup(text.to_html(source), "html.parser")

    assert {tag.name for tag in soup.find_all()} <= {"p", "a", "img", "br"}
    for tag in soup.find_all():
        assert set(tag.attrs) <= {"href", "src", "alt", "title", "rel", "loading"}
        assert str(tag.get("href", "/")).startswith("/")
        assert str(tag.get("src", "/")).startswith("/")


ELSEWHERE = [
    "https://host/x.png",
    "HTTP://host/x.png",
    "https:host/x.png",
    "https:/host/x.png",
    "//host/x.png",
    "///host/x.png",
    "<//host/x.png>",
    "< //host/x.png>",
    "&#47;&#47;host/x.png",
    "&#x2f;/host/x.png",
    "&sol;&sol;host/x.png",
    "&nbsp;//host/x.png",
    "\u3000//host/x.png",
    "\\/\\/host/x.png",
]


@pytest.mark.parametrize("target", ELSEWHERE)
@pytest.mark.parametrize(
    "form", ["![a]({})", "![a][r]\n\n[r]: {}", "[![a]({})](/y)", "![b![a]({})]({})"]
)
def test_an_image_of_another_site_becomes_a_link(form, target):
    html = text.to_html(form.format(target, target))

    assert BeautifulSoup(html, "html.parser").find("img") is None


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("/x.png", "/x.png"),
        ("x.png", "x.png"),
        ("./x.png?a=//b#//c", "./x.png?a=//b#//c"),
        ("/a//x.png", "/a//x.png"),
        # What browsers take for a part of the path stands percent-encoded.
        ("/\\host/x.png", "/%5Chost/x.png"),
        ("/&#92;host/x.png", "/%5Chost/x.png"),
        ("/&Tab;/host/x.png", "/%09/host/x.png"),
        ("%2F%2Fhost/x.png", "%2F%2Fhost/x.png"),
    ],
)
def test_an_image_of_this_site_is_shown(target, source):
    image = BeautifulSoup(text.to_html(f"![a]({target})"), "html.parser").find("img")

    assert image is not None
    assert image["src"] == source


@pytest.mark.parametrize(
    ("source", "is_ours"),
    [
        ("/x.png", True),
        ("x.png", True),
        ("", True),
        ("//host", False),
        ("/\\host", False),
        ("\\\\host", False),
        ("\\/host", False),
        (" //host", False),
        ("/\t/host", False),
        ("\n/\r\\host", False),
        ("\x01//host", False),
        ("https:host", False),
        ("ht\ntps:host", False),
        ("data:image/png;base64,AA", False),
    ],
)
def test_urls_that_browsers_load_from_another_site_are_recognised(source, is_ours):
    assert text._is_same_origin(source) is is_ours


def test_empty_text_renders_as_empty():
    assert text.to_html("") == ""
    assert text.preview(" \n ") == text.first_line("\n\u202e\n") == ""


def test_a_very_long_text_is_shown_unformatted():
    html = text.to_html("<b>" + "a" * 100_000)

    assert html.startswith("<p>This text is longer than 100,000 characters")
    assert '<pre class="plain">&lt;b&gt;aaa' in html


@pytest.mark.parametrize(
    "unit",
    ["[", "![", "[a](", "http://a.", "a@b.", "www.", "*a", "_*", "> ", "- ", "`a``", "<", "|a"],
)
@pytest.mark.parametrize("length", [10_000, 100_000, 1_000_000])
def test_every_text_renders_quickly(unit, length):
    source = (unit * length)[:length]
    start = time.process_time()

    text.to_html(source)

    assert time.process_time() - start < 5


@given(st.text(max_size=200))
def test_any_text_renders(source):
    assert isinstance(text.to_html(source), str)


def test_the_first_line_that_is_not_blank_is_the_title():
    assert text.first_line("\n \r\n  Knife care \nmore") == "Knife care"
    assert text.first_line("a" * 256) == "a" * 256
    assert text.first_line("a" * 257) == "a" * 253 + "..."


def test_a_preview_is_one_short_line():
    assert text.preview("a\n\n  b\r\nc") == "a b c"
    assert text.preview("a" * 101) == "a" * 99 + "…"
    assert len(text.preview("word " * 50)) <= 100


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Plain words, 3 of them.", "Plain words, 3 of them."),
        ("A **dull** knife\nslips[^1]", "A dull knife slips[^1]"),
        ("| Day | Cooks |\n|---|---|\n| Mon | Al*i*ce |", "Day Cooks Mon Alice"),
        ("Try:\n\n```python\nmelt(butter)\n```\n\n- [x] done", "Try: melt(butter) ☑ done"),
        ("# Head\n> see [the list](/n/1) ![pan](p.png)", "Head see the list pan"),
        ("![A pan](https://example.org/p.png) ![](//example.org)", "A pan //example.org"),
        ("1. Rinse\n2. Dry", "Rinse Dry"),
        ("<b>raw</b> &amp; loud", "<b>raw</b> & loud"),
        ("**" + "word " * 40 + "end**", "word " * 19 + "word…"),
        ("[" * 300, "[" * 99 + "…"),
        (" \n ", ""),
    ],
)
def test_an_excerpt_is_the_text_without_markup(source, expected):
    assert text.excerpt(source) == expected


@pytest.mark.parametrize(
    "cluster",
    [
        "e\u0301",
        "👩\u200d👧",
        "👍🏽",
        "🇨🇭",
        "❤\ufe0f",
        "\u1112\u1161\u11ab",
        "🏴\U000e0067\U000e007f",
    ],
)
@pytest.mark.parametrize("before", range(5))
def test_truncation_never_splits_a_grapheme_cluster(cluster, before):
    source = "a" * before + cluster * 60

    shown = text.preview(source).removesuffix("…")
    cut, was_cut = text.truncate(source, 50)

    assert was_cut
    for part in (shown, cut):
        assert part.startswith("a" * before)
        assert len(part[before:]) % len(cluster) == 0


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a" * 10, ("a" * 10, False)),
        ("a" * 11, ("a" * 10, True)),
        ("a\nb\n" + "c" * 9, ("a\nb", True)),
        ("a" * 10 + "\nb", ("a" * 10, True)),
        ("\n" + "a" * 20, ("\n" + "a" * 9, True)),
    ],
)
def test_a_long_text_is_truncated_at_a_line_break(source, expected):
    assert text.truncate(source, 10) == expected


@given(st.text(max_size=60), st.integers(1, 50))
def test_a_truncated_text_is_a_prefix_within_the_limit(source, limit):
    cut, was_cut = text.truncate(source, limit)

    assert source.startswith(cut)
    assert len(cut) <= limit
    assert was_cut == (cut != source)
    assert len(text.preview(source, limit)) <= limit


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ana María  (Ops)", "Ana-Maria-Ops"),
        ("Straße Ørsted Łódź Æsir", "Strasse-Orsted-Lodz-AEsir"),
        ("a_b - c--d", "a_b-c-d"),
        ("-a!", "a"),
        ("日本", ""),
        ("a\u0301\nb", "a-b"),
    ],
)
def test_a_name_becomes_a_handle(name, expected):
    assert text.slug(name) == expected


@given(st.text(max_size=60))
def test_slug_is_idempotent(name):
    handle = text.slug(name)

    assert text.slug(handle) == handle
    assert handle.isascii()
    assert "--" not in handle
