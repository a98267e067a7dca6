"""Links in texts: `[knives](/collectives/kitchen/n/3f0c7a52)`, and URLs of items."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from django.conf import settings

from collectives.items import kinds
from harmonic.kernel.database.short_ids import ShortIdModel

# The number of items that a text can link to. Further links are ignored.
MAX_LINKS: Final = 200


class Address(NamedTuple):
    """The address of an item in a link: its kind, and its short or full ID."""

    kind: str
    item_id: str


@dataclass(frozen=True, slots=True)
class Site:
    """The common part of the URLs and paths of a collective's items."""

    subdomain: str
    # None in the main collective, whose items are at the root.
    handle: str | None

    @property
    def scope(self) -> str:
        """The pattern for the path of the collective, with either prefix."""
        if self.handle is None:
            return ""
        return f"/(?:collectives|workspace)/{re.escape(self.handle)}"

    @property
    def origin(self) -> str:
        """The pattern for the tenant's base URL, with any port."""
        scheme = "https" if settings.IS_PRODUCTION else "http"
        return rf"{scheme}://{re.escape(f'{self.subdomain}.{settings.HOST}')}(?::\d+)?"


def may_have_links(text: str) -> bool:
    """Return whether a text contains the path of an item in any collective."""
    return _anywhere().search(text) is not None


def addresses_in(text: str, site: Site) -> tuple[Address, ...]:
    """Return the distinct addresses in a collective that a text links to: URLs, then paths.

    A URL counts anywhere, a path only as the whole target of a Markdown link.
    """
    found = dict.fromkeys(_found(text, site))
    return tuple(found)[:MAX_LINKS]


def address_of(url: str, site: Site) -> Address | None:
    """Return the address of the item in a collective with this URL or path, or None."""
    whole = rf"(?:{site.origin})?{site.scope}{_item()}(?:[?#].*)?"
    found = re.fullmatch(whole, url, re.DOTALL)
    return Address(_prefixes()[found[1]], found[2]) if found else None


def _found(text: str, site: Site) -> Iterator[Address]:
    path = f"{site.scope}{_item()}"
    for pattern in (f"{site.origin}{path}", rf"\]\({path}\)"):
        for prefix, item_id in re.findall(pattern, text):
            yield Address(_prefixes()[prefix], item_id)


def _item() -> str:
    """Return the pattern for the path of an item below its collective."""
    return rf"({'|'.join(_prefixes())})([0-9a-f-]+)"


@cache
def _prefixes() -> dict[str, str]:
    """Return the kinds by the path prefixes of their items, such as `/n/`."""
    return {kind.path(""): kind.name for kind in kinds.all_kinds()}


@cache
def _anywhere() -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(_prefixes())})[0-9a-f-]{{{ShortIdModel.SHORT}}}")
