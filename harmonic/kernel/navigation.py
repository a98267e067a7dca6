"""Navigation: the menus of HTML pages, and the entries that pages declare for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from harmonic.kernel.access import Access


class Menu(Enum):
    # The same on every page.
    SITE = auto()
    # On pages of a collective or workspace.
    PLACE = auto()


def for_everyone(access: Access) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class NavEntry:
    """A page's entry in a menu."""

    menu: Menu
    # Entries of a menu are in this order.
    order: int
    label: str
    # A name of Lucide's icons.
    icon: str
    # Whether a signed-in caller sees the entry.
    is_shown: Callable[[Access], bool] = for_everyone
    # Whether it is marked as current on the pages below its path, too.
    has_below: bool = True
    # An address that redirects to the page. By default it is the page's own path, with the handle
    # of the viewer if the route has one.
    path: str = ""
