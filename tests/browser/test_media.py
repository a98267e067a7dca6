"""Print, forced colours and zoom: the same page in other media."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import Visit, Visitor
from tests.browser.pages import opener
from tests.browser.test_pages import overflow

pytestmark = pytest.mark.browser

PAGES = """
/ /collectives/kitchen /collectives/kitchen/n/NOTE /u/alice/settings/tokens
/u/alice/settings/tokens/TOKEN /u/alice/settings/tokens/new /ai-agents/scout/settings /help/api
/api/v1/docs /whoami
""".split()
CONTROLS = "button, .button, input:not([type=hidden]), select, textarea, nav, .skip, .foot"
SHOWN = "all => all.filter(each => each.checkVisibility()).map(each => each.outerHTML.slice(0, 90))"
# Forced colours replace every background, so an edge has to show what a control is.
BARE = """all => all.filter(each => {
  const style = getComputedStyle(each);
  return each.checkVisibility() && parseFloat(style.borderBlockStartWidth) === 0;
}).map(each => each.outerHTML.slice(0, 90))"""


Opener = Callable[[str], Visit]


@pytest.fixture(scope="module")
def seen(visitor: Visitor) -> Opener:
    """Return a function that opens a page on a screen of Alice's, in no special medium."""
    visit = visitor("alice")
    open_page = opener(visit)

    def opened(path: str) -> Visit:
        visit.page.emulate_media(media="screen", forced_colors="none")
        visit.page.set_viewport_size({"width": 1280, "height": 800})
        open_page(path)
        assert visit.status == 200
        return visit

    return opened


@pytest.mark.parametrize("path", PAGES)
def test_print_shows_the_text_and_no_controls(seen: Opener, path: str) -> None:
    page = seen(path).page
    heading = page.get_by_role("heading", level=1)

    page.emulate_media(media="print")

    assert heading.is_visible()
    assert page.eval_on_selector_all(CONTROLS, SHOWN) == []


def test_a_printed_note_has_its_text_and_comments(seen: Opener) -> None:
    page = seen("/collectives/kitchen/n/NOTE").page
    page.emulate_media(media="print")

    assert page.locator("main .prose").first.is_visible()
    assert page.locator(".comment .prose").first.is_visible()


@pytest.mark.parametrize("path", PAGES)
def test_controls_keep_an_edge_in_forced_colours(seen: Opener, path: str) -> None:
    page = seen(path).page
    page.emulate_media(forced_colors="active")

    assert page.eval_on_selector_all("main :is(button, .button, .control, .notice)", BARE) == []


def test_the_current_entry_of_a_menu_is_marked_in_forced_colours(seen: Opener) -> None:
    page = seen("/").page
    page.emulate_media(forced_colors="active")
    edge = "element => getComputedStyle(element).outlineStyle"

    assert page.locator("#menu [aria-current=page]").evaluate(edge) == "solid"
    assert page.locator("#menu a:not([aria-current])").first.evaluate(edge) == "none"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("zoom", ["the page", "the text"])
def test_twice_the_size_fits_the_screen(seen: Opener, path: str, zoom: str) -> None:
    visit = seen(path)
    if zoom == "the page":
        visit.page.set_viewport_size({"width": 640, "height": 400})
    else:
        visit.page.evaluate("document.documentElement.style.fontSize = '200%'")

    assert overflow(visit) <= 0
