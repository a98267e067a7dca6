"""Icons and theme colour: in the tenant's accent, as the style sheet draws it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser

# Draw a colour in any notation, and read it back as hexadecimal.
ACCENT = """() => {
  const context = document.createElement("canvas").getContext("2d");
  const probe = document.body.appendChild(document.createElement("span"));
  probe.style.color = "var(--accent)";
  context.fillStyle = getComputedStyle(probe).color;
  context.fillRect(0, 0, 1, 1);
  const rgb = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  return "#" + rgb.map(value => value.toString(16).padStart(2, "0")).join("");
}"""

KINDS = """links => Promise.all(
  links.map(async link => (await fetch(link)).headers.get("content-type"))
)"""


def theme_color(page: Page, scheme: str) -> str | None:
    found = page.locator(f'meta[name="theme-color"][media*="{scheme}"]')
    return found.get_attribute("content")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tenant", ["garden", "harbor", "summit"])
def test_the_theme_colour_is_the_accent(visitor: Visitor, tenant: str, scheme: str) -> None:
    page = visitor(scheme=scheme).open("/login", tenant)

    assert theme_color(page, scheme) == page.evaluate(ACCENT)


def test_each_page_names_an_icon_and_a_touch_icon_that_load(visitor: Visitor) -> None:
    visit = visitor()
    page = visit.open("/login")
    links = page.locator("link[rel=icon], link[rel=apple-touch-icon]").evaluate_all(
        "links => links.map(link => link.href)"
    )

    kinds = page.evaluate(KINDS, links)

    assert kinds == ["image/svg+xml", "image/png"]
