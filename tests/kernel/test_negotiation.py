from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonic.kernel.http.negotiation import Format, choose, instead_of_json, split_suffix

HTML, MARKDOWN, JSON = Format.HTML, Format.MARKDOWN, Format.JSON
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def ask(accept, *, content_type=None, suffix=None, has_token=False, is_api=False):
    return choose(
        accept=accept,
        content_type=content_type,
        suffix=suffix,
        has_token=has_token,
        is_api=is_api,
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", ("/", None)),
        ("", ("", None)),
        ("/n/ab12cd34", ("/n/ab12cd34", None)),
        ("/n/ab12cd34.md", ("/n/ab12cd34", MARKDOWN)),
        ("/n/ab12cd34.json", ("/n/ab12cd34", JSON)),
        ("/index.md", ("/", MARKDOWN)),
        ("/home.md", ("/", MARKDOWN)),
        ("/index.json", ("/", JSON)),
        ("/u/index.md", ("/u/index", MARKDOWN)),
        ("/.md", ("/.md", None)),
        ("/n/.md", ("/n/.md", None)),
        ("/n/x.MD", ("/n/x.MD", None)),
        ("/n/x.md/", ("/n/x.md/", None)),
        ("/n/x.md/edit", ("/n/x.md/edit", None)),
        ("/n/x.md.md", ("/n/x.md", MARKDOWN)),
        ("/n/x.md/actions", ("/n/x/actions", MARKDOWN)),
        ("/n/x.md/actions/add_comment", ("/n/x/actions/add_comment", MARKDOWN)),
        ("/n/x/actions/add_comment.md", ("/n/x/actions/add_comment", MARKDOWN)),
        ("/index.md/actions", ("/actions", MARKDOWN)),
    ],
)
def test_the_suffix_is_cut_from_the_path(path, expected):
    assert split_suffix(path) == expected


@pytest.mark.parametrize(
    ("accept", "session", "token"),
    [
        # b: Markdown by name
        ("text/markdown", MARKDOWN, MARKDOWN),
        ("Text/Markdown; charset=utf-8", MARKDOWN, MARKDOWN),
        # c: quality, then order; wildcards
        ("text/markdown;q=0.9, text/html;q=0.5", MARKDOWN, MARKDOWN),
        ("text/markdown;q=0.5, text/html;q=0.9", HTML, MARKDOWN),
        ("text/markdown, text/html", MARKDOWN, MARKDOWN),
        ("text/html, text/markdown", HTML, MARKDOWN),
        ("text/markdown, application/json", MARKDOWN, MARKDOWN),
        ("application/json, text/markdown", JSON, JSON),
        ("application/json, text/html", JSON, JSON),
        ("text/*", HTML, MARKDOWN),
        # d: browsers
        (BROWSER, HTML, MARKDOWN),
        ("text/markdown, text/html, */*", MARKDOWN, MARKDOWN),
        ("text/html, text/markdown, */*", HTML, MARKDOWN),
        ("text/html;q=0.8, text/markdown, */*;q=0.1", MARKDOWN, MARKDOWN),
        ("text/html, text/markdown;q=0.9, */*", HTML, MARKDOWN),
        ("text/markdown, */*;q=0.5", MARKDOWN, MARKDOWN),
        ("*/*, text/markdown", HTML, MARKDOWN),
        ("application/json, text/plain, */*", HTML, JSON),
        ("application/json, */*;q=0.5", JSON, JSON),
        # f: no usable Accept
        (None, HTML, MARKDOWN),
        ("", HTML, MARKDOWN),
        ("*/*", HTML, MARKDOWN),
        ("text/html", HTML, None),
        ("text/html, application/xhtml+xml;q=0.9", HTML, None),
        ("text/html, */*;q=0", HTML, None),
        ("text/html, text/markdown;q=0", HTML, None),
        ("text/html, application/json", HTML, JSON),
        # h: JSON
        ("application/json", JSON, JSON),
        ("application/*", JSON, JSON),
        # exclusions
        ("text/markdown;q=0", HTML, MARKDOWN),
        ("text/markdown;q=0, */*", HTML, JSON),
        ("text/html;q=0, */*", MARKDOWN, MARKDOWN),
        ("text/html;q=0, text/markdown;q=0, */*", JSON, JSON),
        ("*/*;q=0", HTML, MARKDOWN),
        # unreadable, or nothing we have
        ("image/png", HTML, MARKDOWN),
        (";;,, q=1", HTML, MARKDOWN),
        ("text/markdown;q=high, text/html;q=0.1", HTML, None),
        ("text/markdown;q=1.5", HTML, MARKDOWN),
        ('text/html;x="a,text/markdown"', HTML, None),
        ('text/html;x="unclosed, text/markdown', HTML, None),
    ],
)
def test_accept_chooses_among_the_formats_of_the_caller(accept, session, token):
    assert ask(accept) is session
    assert ask(accept, has_token=True) is token


@pytest.mark.parametrize(
    ("accept", "session", "token"),
    [
        ("application/json, text/plain, */*", HTML, MARKDOWN),
        ("application/json, */*", HTML, MARKDOWN),
        ("application/json, */*;q=0.1", HTML, MARKDOWN),
        ("application/json, text/*;q=0.1", HTML, MARKDOWN),
        ("application/json;q=0.5, text/markdown;q=0.4", MARKDOWN, MARKDOWN),
        ("application/json, text/markdown;q=0.4, text/html;q=0.5", HTML, MARKDOWN),
        ("application/json, text/markdown;q=0.4, text/html;q=0.3", MARKDOWN, MARKDOWN),
        ("application/json, text/html;q=0.5", HTML, None),
        ("application/json, text/markdown;q=0, */*", HTML, None),
        ("application/json, text/html;q=0, */*;q=0.1", MARKDOWN, MARKDOWN),
        ("application/json", None, None),
        ("application/*", None, None),
        ("application/json, text/plain", None, None),
        ("application/json, */*;q=0", None, None),
        (None, None, None),
    ],
)
def test_without_json_the_next_acceptable_format_is_chosen(accept, session, token):
    assert instead_of_json(accept, has_token=False) is session
    assert instead_of_json(accept, has_token=True) is token


@pytest.mark.parametrize("has_token", [False, True])
@pytest.mark.parametrize("accept", [None, "text/html", "application/json", "text/markdown"])
@pytest.mark.parametrize("suffix", [MARKDOWN, JSON])
def test_the_suffix_takes_precedence_over_accept(suffix, accept, has_token):
    assert ask(accept, suffix=suffix, has_token=has_token) is suffix


@pytest.mark.parametrize("accept", [None, "text/html", "text/markdown", "*/*"])
def test_the_api_responds_with_json_only(accept):
    assert ask(accept, has_token=True, is_api=True) is JSON


@pytest.mark.parametrize("content_type", ["application/json", "text/markdown; charset=utf-8"])
@pytest.mark.parametrize(
    ("accept", "expected"),
    [(None, MARKDOWN), ("*/*", MARKDOWN), ("text/html", MARKDOWN), ("application/json", JSON)],
)
def test_a_token_that_sends_json_or_markdown_reads_markdown(content_type, accept, expected):
    assert ask(accept, content_type=content_type, has_token=True) is expected


def test_a_form_does_not_make_html_acceptable_for_a_token():
    form = "application/x-www-form-urlencoded"

    assert ask("text/html", content_type=form, has_token=True) is None


@given(
    accept=st.text(max_size=200) | st.text(alphabet='texhml/*;q=0.1, "\\', max_size=200),
    content_type=st.none() | st.text(max_size=40),
    has_token=st.booleans(),
)
def test_any_header_is_accepted(accept, content_type, has_token):
    assert ask(accept, content_type=content_type, has_token=has_token) in {*Format, None}


@given(st.text(alphabet="/.mdjsonactiohe", max_size=40))
def test_splitting_a_suffix_twice_changes_nothing_unless_there_are_two(path):
    page, suffix = split_suffix(path)

    assert suffix is not None or page == path
    assert len(page) <= len(path)
