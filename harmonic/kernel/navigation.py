"""The menus of HTML pages, and the entries that pages declare."""

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


def without_badge(access: Access) -> int:
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NavEntry:
    """A page's entry in a menu."""

    menu: Menu
    # Entries are sorted by it.
    order: int
    label: str
    # The name of a Lucide icon.
    icon: str
    # Returns whether a signed-in caller sees the entry.
    is_shown: Callable[[Access], bool] = for_everyone
    # Whether the entry is marked as current on pages below its path too.
    has_below: bool = True
    # A path that redirects to the page. By default the page's own path, with the viewer's handle if
    # the route has one.
    path: str = ""
    # Returns the number next to the label; 0 shows none.
    badge: Callable[[Access], int] = without_badge


_unread: list[Callable[[Access], int]] = []


def count_unread_with(count: Callable[[Access], int]) -> None:
    """Register the function that counts the caller's unread notifications."""
    _unread[:] = [count]


def unread_count(access: Access) -> int:
    """Return the number of unread notifications for the line of links in Markdown."""
    return sum(count(access) for count in _unread)
