"""Touch: every link and control outside running text is at least 44 px high and wide."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import Visit, Visitor
from tests.browser.pages import opener

pytestmark = pytest.mark.browser

MISSED = (Path(__file__).parent / "targets.js").read_text()
# Pages with lists, comments, tables, rails and forms.
PAGES = """
/ /collectives/kitchen /collectives/kitchen/n/NOTE /collectives/kitchen/note /collectives
/collectives/kitchen/members /collectives/kitchen/settings /u/alice /u/alice/settings
/u/alice/settings/tokens /u/alice/settings/tokens/TOKEN /u/alice/settings/tokens/new /ai-agents
/ai-agents/scout /ai-agents/scout/settings /settings/security /tenant-admin /tenant-admin/users
/whoami /help /help/api /api/v1/docs
/notifications /collectives/treasury /collectives/kitchen/heartbeats /collectives/kitchen/cycles
/collectives/kitchen/cycles/today /collectives/kitchen/d/DECISION
/collectives/kitchen/d/DECISION/voters /collectives/kitchen/d/DECISION/verify
/collectives/kitchen/d/DECISION/settings /collectives/kitchen/c/COMMITMENT
/collectives/kitchen/c/COMMITMENT/settings /collectives/kitchen/c/COMMITMENT/participants
""".split()

Opener = Callable[[str], Visit]


@pytest.fixture(scope="module", params=[360, 1280], ids=["phone", "tablet"])
def touched(request: pytest.FixtureRequest, visitor: Visitor) -> Opener:
    """Return a function that opens a page on a touch screen of Alice's."""
    visit = visitor("alice", width=request.param, touch=True)
    open_page = opener(visit)

    def opened(path: str) -> Visit:
        open_page(path)
        return visit

    return opened


@pytest.mark.parametrize("path", PAGES)
def test_targets_are_large_enough_for_a_finger(touched: Opener, path: str) -> None:
    visit = touched(path)

    assert visit.status == 200
    assert visit.page.evaluate(MISSED) == []


def test_a_small_target_would_be_found(touched: Opener) -> None:
    page = touched("/collectives/kitchen").page
    page.evaluate("document.querySelector('.stream__title > a').style.padding = 0")

    assert len(page.evaluate(MISSED)) == 1
