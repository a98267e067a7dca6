"""Limits for templates: line length, format tags and independence of applications."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.one_database

FOLDER = Path(settings.BASE_DIR) / "templates"
TEMPLATES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html"))
GENERIC = [name for name in TEMPLATES if name.startswith(("forms/", "actions/"))]

LONGEST_LINE = 120
# Two tags for each format allow for small differences, such as a heading and a block. A template
# with more is hard to read and is split into a pair.
MOST_TAGS = 4
TAG = re.compile(r"{% (?:md|html)_only %}")


def text_of(name: str) -> str:
    return (FOLDER / name).read_text()


@pytest.mark.parametrize("name", TEMPLATES)
def test_lines_are_not_too_long(name: str):
    too_long = [line for line in text_of(name).splitlines() if len(line) > LONGEST_LINE]

    assert too_long == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_few_format_tags(name: str):
    assert len(TAG.findall(text_of(name))) <= MOST_TAGS


def test_every_markdown_template_has_an_html_template():
    forms = [name for name in TEMPLATES if name.endswith(".md.html")]

    assert "notes/show.md.html" in forms
    assert [name for name in forms if name.replace(".md.html", ".html") not in TEMPLATES] == []


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.endswith(".md.html")])
def test_markdown_templates_have_no_format_tags(name: str):
    assert TAG.findall(text_of(name)) == []


@pytest.mark.parametrize("name", GENERIC)
def test_generic_forms_mention_no_parameter_and_no_application_template(name: str):
    text = text_of(name)

    assert re.findall(r"field\.name ==|tokens?/|duration", text) == []
