"""Fonts are small, come from the tenant's host and cause no layout shift."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Request

from tests.browser.conftest import Visit, Visitor

pytestmark = pytest.mark.browser

FONTS = Path(__file__).resolve().parents[2] / "static" / "fonts"
MAX_BYTES = 120_000
MAIN_PAGES = ("/", "/collectives/kitchen", "/u/alice/settings/tokens", "/settings", "/help")
LAYOUT_SHIFT = """() => new Promise(resolve => {
  let score = 0;
  const observer = new PerformanceObserver(list => {
    for (const entry of list.getEntries()) score += entry.value;
  });
  observer.observe({type: "layout-shift", buffered: true});
  setTimeout(() => resolve(score), 200);
})"""


@pytest.fixture(scope="module", params=[360, 1280])
def visit(request: pytest.FixtureRequest, visitor: Visitor) -> Visit:
    return visitor("alice", width=request.param)


def loaded(visit: Visit) -> set[str]:
    faces = "[...document.fonts].filter(face => face.status === 'loaded').map(face => face.family)"
    return {family.strip('"') for family in visit.page.evaluate(faces)}


def test_the_files_together_are_small() -> None:
    assert 0 < sum(path.stat().st_size for path in FONTS.glob("*.woff2")) < MAX_BYTES


def test_each_family_has_its_licence() -> None:
    families = {path.name.rsplit("-", 1)[0] for path in FONTS.glob("*.woff2")}

    assert families == {path.stem.removeprefix("OFL-") for path in FONTS.glob("OFL-*.txt")}


def test_pages_are_set_in_fonts_of_the_own_host(visit: Visit) -> None:
    requested: list[Request] = []
    visit.page.on("request", lambda request: requested.append(request))

    visit.open("/collectives/kitchen").wait_for_load_state("networkidle")

    assert loaded(visit) >= {"Literata", "Inter"}
    hosts = {urlsplit(request.url).netloc for request in requested}
    assert hosts == {urlsplit(visit.server.url()).netloc}


@pytest.mark.parametrize("path", MAIN_PAGES)
def test_the_layout_does_not_shift(visit: Visit, path: str) -> None:
    visit.open(path).wait_for_load_state("networkidle")

    assert visit.page.evaluate(LAYOUT_SHIFT) == 0
