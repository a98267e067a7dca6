"""The styleguide is complete and only served in the local environment."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.test import override_settings

from tests.markdown.reading import read

pytestmark = [pytest.mark.one_database, pytest.mark.django_db]

COMPONENTS = Path(settings.BASE_DIR) / "static/css/components"
# Parts of the page layout, which the styleguide page has itself.
OF_THE_FRAME = {"rail", "menu-button", "frame", "aside"}


def classes_of(style_sheet: Path) -> set[str]:
    """Return the classes at the start of the rules of a component."""
    source = re.sub(r"/\*.*?\*/", "", style_sheet.read_text(), flags=re.DOTALL)
    starts = re.findall(r"^  (\.[^{]+)\{", source, re.MULTILINE)
    return {name for start in starts for name in re.findall(r"\.([a-z][\w-]*)", start)}


@pytest.fixture
def soup(anonymous: Any) -> BeautifulSoup:
    answer = anonymous().get("/styleguide")
    assert answer.status_code == 200
    return BeautifulSoup(answer.content, "html.parser")


@pytest.mark.parametrize("component", sorted(COMPONENTS.glob("*.css")), ids=lambda path: path.stem)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_styleguide_shows_every_class_in_both_themes(
    soup: BeautifulSoup, component: Path, theme: str
) -> None:
    pane = soup if component.stem == "styleguide" else soup.select_one(f"[data-theme={theme}]")
    assert pane is not None
    shown = {name for tag in pane.find_all(True) for name in tag.get_attribute_list("class")}

    declared = classes_of(component) - OF_THE_FRAME

    assert declared
    assert declared - shown == set()


def test_the_style_sheet_imports_every_component() -> None:
    imported = (COMPONENTS.parent / "app.css").read_text()

    for component in COMPONENTS.glob("*.css"):
        assert f'@import url("components/{component.name}");' in imported


def test_element_ids_are_unique(soup: BeautifulSoup) -> None:
    ids = Counter(str(tag["id"]) for tag in soup.find_all(id=True))

    assert [name for name, count in ids.items() if count > 1] == []


def test_the_markdown_page_has_only_its_heading(anonymous: Any) -> None:
    answer = anonymous().get("/styleguide.md")

    assert answer.status_code == 200
    assert read(answer.content.decode()).headings == ["Style guide"]


@pytest.mark.parametrize("path", ["/styleguide", "/styleguide.md"])
def test_the_styleguide_does_not_exist_in_production(anonymous: Any, path: str) -> None:
    with override_settings(ENV="production"):
        assert anonymous().get(path).status_code == 404
