from __future__ import annotations

import threading
from cProfile import Profile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harmonic.kernel.rendering.markdown import (
    Placeholders,
    escape_line,
    fence,
    html_to_markdown,
    render,
)
from harmonic.kernel.rendering.text import normalise_block, normalise_line

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "# heading",
    "a # b #",
    "---",
    "===",
    "***",
    "- item",
    "+ item",
    "1. item",
    "1) item",
    "12.",
    "> quote",
    "```",
    "````` ``` `",
    "~~~",
    "nav: | [Home](/)",
    "a | b | c",
    ":---",
    ":-: | :-:",
    "[a](/evil)",
    "[a]: /evil",
    "![a](/evil.png)",
    "wow!",
    "<script>alert(1)</script>",
    "<!-- x -->",
    "<https://evil.example>",
    "https://evil.example www.evil.example a@evil.example",
    "&lt;script&gt; &amp; &#35;",
    "*a* **b** __c__ _d_ ~~e~~",
    "snake_case_name",
    "`code`",
    "back\\slash \\* \\",
    "\ttab\tinside",
    "\u202eright to left",
    "a\nb\r\n# c\u2028d",
    "    indented",
    "$&+,/:;=?@",
    "",
]
CHARACTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).filter(
    lambda s: not any("\ufdd0" <= c <= "\ufdef" for c in s) and "\x00" not in s
)
SYNTAX = st.text(alphabet="#-=+*_~`[]()<>!|\\&;:.1 \tax\n/@w", max_size=24)


def texts_of(markdown):
    """Return the text leaves and code of a document, and the types of all its tokens."""
    leaves, kinds = [], []
    for token in PARSER.parse(markdown):
        kinds.append(token.type)
        if token.type == "fence":
            leaves.append(token.content)
        if token.type == "inline":
            children = token.children or []
            kinds += [child.type for child in children if child.type != "text"]
            leaves.append("".join(child.content for child in children))
    return [leaf.strip(" ") for leaf in leaves], kinds


def page(string, block="Plain."):
    kept = Placeholders()
    line = kept.line
    html = f"""
        <h1>Note: {line(string)}</h1>
        <h2>{line(string)}</h2>
        <p>{line(string)}</p>
        <p>{line(string)}. Then {line(string)}<a href="/n/1">{line(string)}</a></p>
        <ul><li>{line(string)}<ul><li>{line(string)}</li></ul></li></ul>
        <ol><li>{line(string)}</li></ol>
        <table>
          <thead><tr><th>Field</th><th>{line(string)}</th></tr></thead>
          <tbody><tr><td>{line(string)}</td><td><code>{kept.code(string)}</code></td></tr></tbody>
        </table>
        <blockquote><p>{line(string)}</p></blockquote>
        <p><strong>x {line(string)} y</strong></p>
        <dl><dt>{line(string)}</dt><dd>{line(string)}</dd></dl>
        <p>{kept.block(block)}</p>
        <p><em>End</em></p>"""
    return render(html, kept)


def shape(markdown):
    """Return the types of tokens, except those that an empty or a code string lacks."""
    return [kind for kind in texts_of(markdown)[1] if kind not in {"code_inline", "softbreak"}]


def assert_only_text(string):
    stored = normalise_line(string)
    leaves, _ = texts_of(page(string))

    assert shape(page(string)) == shape(page("harmless" if stored else ""))
    assert leaves.count(stored) >= (9 if stored else 0)
    assert f"Note: {stored}".strip() in leaves
    assert f"{stored}. Then {stored}{stored}".strip() in leaves
    assert leaves[-1] == "End"


@pytest.mark.parametrize("string", HOSTILE)
def test_a_hostile_line_is_plain_text_in_every_position(string):
    assert_only_text(string)


@given(SYNTAX | CHARACTERS)
@example("1")
@example("!")
@example("a\\")
def test_any_line_is_plain_text_in_every_position(string):
    assert_only_text(string)


@given(SYNTAX)
def test_adjacent_lines_form_no_markup(string):
    kept = Placeholders()
    html = f"<p>{kept.line(string)}{kept.line(string)} {kept.line(string)}</p>"
    stored = normalise_line(string)

    leaves, kinds = texts_of(render(html, kept))

    assert leaves == ([f"{stored}{stored} {stored}"] if stored else [])
    assert set(kinds) <= {"paragraph_open", "inline", "paragraph_close"}


@pytest.mark.parametrize(
    "string", ["Knife care", "What's up, Bob?", "a-b (c) 1.5", "5 > x"[:1], "Wow!"]
)
def test_an_ordinary_title_has_no_backslash(string):
    assert escape_line(string) == string


@pytest.mark.parametrize("string", HOSTILE)
def test_entities_are_never_written(string):
    escaped = escape_line(string)

    assert escaped.count("&") == escaped.count("\\&")
    assert "\n" not in escaped


@given(SYNTAX | CHARACTERS)
@example("# Title\n\n```markdown\n````\n~~~\n---\nnav: |")
@example("\t- a\n    b  \n\n")
@example("")
def test_a_block_is_unchanged_inside_its_fence(text):
    stored = normalise_block(text)

    fences = [t for t in PARSER.parse(page("x", text)) if t.type == "fence"]

    assert [token.info for token in fences] == ["markdown"]
    assert fences[0].content == stored + ("" if stored.endswith("\n") or not stored else "\n")
    assert shape(page("x", text)) == shape(page("x"))


def test_a_fence_is_longer_than_any_run_inside():
    assert fence("a") == "```markdown\na\n```"
    assert fence("a\n") == "```markdown\na\n```"
    assert fence("````\n```") == "`````markdown\n````\n```\n`````"


def test_a_block_in_a_table_cell_or_a_sentence_falls_back_to_a_line():
    kept = Placeholders()
    block = kept.block("a\n# b")

    assert render(f"<p>See {block} now</p>", kept) == "See a \\# b now\n"


def test_a_block_in_a_list_item_starts_at_the_margin():
    kept = Placeholders()
    html = f"<ul><li>Bob wrote:<p>{kept.block('# hi')}</p></li></ul>"

    assert "\n```markdown\n# hi\n```\n" in render(html, kept)


def test_raw_markdown_is_inserted_unchanged():
    kept = Placeholders()

    assert render(f"<p>{kept.raw('**a** | b')}</p>", kept) == "**a** | b\n"


def test_placeholders_inside_strings_are_not_replaced():
    kept = Placeholders()
    first = kept.line("\ufdd01\ufdd1")
    html = f"<p>{first} {kept.line('secret')}</p>"

    assert render(html, kept) == "\ufdd01\ufdd1 secret\n"


def test_strings_in_code_and_link_targets_are_escaped_for_their_position():
    kept = Placeholders()
    html = (
        f"<p><code>{kept.code('a_b*c')}</code> <code>/u/{kept.code('x`y')}</code>"
        f' <a href="/s?q={kept.line("a) <b>")}">q</a></p>'
        f"<pre><code>{kept.line('```')}" + "\n# &lt;</code></pre>"
    )

    assert render(html, kept) == (
        "`a_b*c` /u/x\\`y [q](/s?q=a%29%20%3Cb%3E)\n\n````\n```\n# <\n````\n"
    )


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h1>A</h1><h3> B  c\n d</h3>", "# A\n\n### B c d\n"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "* a\n  * b\n* c\n"),
        ("<ol start=3><li>a</li><li>b</li></ol>", "3. a\n4. b\n"),
        (
            "<table><tr><th scope=col>a</th><th>b</th></tr><tr><td>1</td><td>x|y</td></tr></table>",
            "| a | b |\n| --- | --- |\n| 1 | x\\|y |\n",
        ),
        ("<p>created_at 2*3 <code>a_b</code></p>", "created_at 2*3 `a_b`\n"),
        (
            '<p><a href="/">Home</a> | <a href="https://a.b">https://a.b</a></p>',
            "[Home](/) | [https://a.b](https://a.b)\n",
        ),
        ('<p><a href="/a b(c)">x</a></p>', "[x](/a%20b%28c%29)\n"),
        ("<p>a<br>b</p>", "a\\\nb\n"),
        ("<p>a\n   b</p>\n\n\n<p>c</p>", "a b\n\nc\n"),
        ("<p>&lt;script&gt; &amp;lt; AT&amp;T `</p>", "\\<script> \\&lt; AT&T \\`\n"),
        ("<dl><dt>A</dt><dd>b</dd><dt>C</dt><dd>d</dd></dl>", "* A: b\n* C: d\n"),
        ('<p><time datetime="2026">now</time> <em>[deleted]</em></p>', "now *[deleted]*\n"),
        (
            "<p>a</p><script>x</script><style>x</style><form>x</form><button>x</button><svg>x</svg>",
            "a\n",
        ),
        ('<p>a</p><p hidden>b</p><p class="x html-only">c</p>', "a\n"),
        (
            "<header><h1>A</h1></header><section><p>b</p></section><footer>c</footer>",
            "# A\n\nb\n\nc\n",
        ),
        ("<blockquote><p>a</p></blockquote><hr><p>b</p>", "> a\n\n---\n\nb\n"),
        ("", "\n"),
    ],
)
def test_template_html_becomes_markdown(html, expected):
    assert html_to_markdown(html) == expected


def test_the_same_page_has_the_same_placeholders():
    one, two = Placeholders(), Placeholders()

    assert [one.line("a"), one.block("b")] == [two.line("x"), two.block("y")]


def test_cached_conversions_do_not_mix_pages():
    found = []

    def work(number):
        kept = Placeholders()
        html = f"<p>{kept.line(str(number))} {number % 7}</p>"
        found.append(render(html, kept) == f"{number} {number % 7}\n")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [True] * 50


def test_a_long_list_converts_in_linear_time():
    def calls(items):
        row = '<li><h3><a href="/n/1">x</a></h3><p>by <a href="/u/bob">Bob</a></p></li>'
        html = f"<ol>{row * items}</ol><table>{'<tr><td>a</td></tr>' * items}</table>"
        profile = Profile()
        profile.runcall(html_to_markdown, html)
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(800) < 10 * calls(100)
