"""The registry of pages and actions, and the checks of their declarations.

Mounting a page registers the page and its actions; a REST route registers the action that it runs.
A form may run a variant of a registered action, with other parameters under the same name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.urls import get_resolver

from harmonic.kernel.access import AccessLevel
from harmonic.kernel.actions import Action
from harmonic.kernel.capabilities import (
    ALL,
    ALL_USUAL,
    FORTHCOMING,
    NEVER,
    NO_CAPABILITIES,
    Capabilities,
    Level,
)
from harmonic.kernel.parameters.signatures import mismatches
from harmonic.kernel.parameters.wording import humanize

if TYPE_CHECKING:
    from harmonic.kernel.pages import Page

Faults = Iterator[str]
_TYPE = re.compile(r"[a-z_]+\.[a-z_]+")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_PLAIN = re.compile(r"[\w.@-]+")


@dataclass(frozen=True, slots=True)
class MountedPage:
    """A page and its route, below the prefix of its collective."""

    page: Page[Any]
    route: str

    def path_below(self, place_path: str, kwargs: Mapping[str, object]) -> str:
        """Return the path of the page; parameters without a plain value in `kwargs` stay in braces.

        `place_path` is the path of the collective, for pages inside one.
        """

        def value(match: re.Match[str]) -> str:
            given = str(kwargs.get(match[1], ""))
            return given if _PLAIN.fullmatch(given) else f"{{{match[1]}}}"

        is_inside = self.page.access_level in {AccessLevel.COLLECTIVE, AccessLevel.NON_MEMBERS}
        prefix = place_path if is_inside else ""
        return f"{prefix}/{_PARAMETER.sub(value, self.route)}".rstrip("/") or "/"


class Registry:
    """Pages and actions by name. The site has one registry; tests create others."""

    def __init__(self) -> None:
        self.pages: dict[str, MountedPage] = {}
        self.actions: dict[str, Action[Any]] = {}
        self.variants: list[Action[Any]] = []
        self._routed: list[Action[Any]] = []
        self._clashes: list[str] = []

    def add_page(self, page: Page[Any], route: str) -> None:
        """Register a page, its actions and the variants that its forms run."""
        known = self.pages.setdefault(page.name, MountedPage(page, route))
        if known.page is not page:
            self._clashes.append(f"Two pages have the name {page.name!r}.")
        self.add_actions(page.actions)
        self.add_variants(page.writes.values())

    def add_actions(self, actions: Iterable[Action[Any]]) -> None:
        """Register the actions of a page, or of a REST route."""
        for action in actions:
            if self.actions.setdefault(action.name, action) is not action:
                self._clashes.append(f"Two actions have the name {action.name!r}.")

    def add_variants(self, actions: Iterable[Action[Any]]) -> None:
        """Register what forms and REST routes run."""
        self.variants.extend(actions)

    def add_routed(self, actions: Iterable[Action[Any]]) -> None:
        """Register the actions of REST routes; those without a page are added last."""
        self._routed.extend(actions)

    def settle(self) -> None:
        """Add the actions of REST routes after all pages are mounted."""
        self.add_actions(each for each in self._routed if each.name not in self.actions)
        self._routed.clear()

    def faults(self) -> Faults:
        """Yield a sentence for each error in the declarations."""
        self.settle()
        yield from dict.fromkeys(self._clashes)
        for action in self.actions.values():
            yield from self._faults_of(action)
        for variant in self.variants:
            yield from self._faults_of_variant(variant)

    def _faults_of(self, action: Action[Any]) -> Faults:
        if action.grant.is_grantable and not action.grant.group:
            yield f"The action {action.name!r} can be granted, but has no group in the form."
        if action.people_only and action.grant != NEVER:
            yield f"The action {action.name!r} is for people only, but agents may be granted it."
        if action.is_read == bool(_TYPE.fullmatch(action.emits)):
            yield f"The action {action.name!r} must emit an event if, and only if, it writes."
        for fault in mismatches(action.effect, action.params):
            yield f"The effect of the action {action.name!r} does not fit: {fault}."
        if action.name in FORTHCOMING:
            yield f"The action {action.name!r} exists; remove it from FORTHCOMING."

    def _faults_of_variant(self, variant: Action[Any]) -> Faults:
        registered = self.actions.get(variant.name)
        if registered is None:
            yield f"A form or REST route runs the action {variant.name!r}, which no page has."
        elif registered.grant != variant.grant:
            yield f"A variant of the action {variant.name!r} has another grant than the action."
        for fault in mismatches(variant.effect, variant.params):
            yield f"A variant of the action {variant.name!r} does not fit: {fault}."


site = Registry()


def pages() -> Mapping[str, MountedPage]:
    """Return every mounted page by name."""
    _mount()
    return site.pages


def actions() -> Mapping[str, Action[Any]]:
    """Return every action by name, in the order of the pages that have them."""
    _mount()
    return site.actions


def path_to(name: str, place_path: str = "", **kwargs: object) -> str:
    """Return the path of the page `name`, below the path of its collective if it is in one.

    `kwargs` fill the parameters of its route.

    Raises:
        KeyError: no page has this name, or a parameter of its route is missing.
    """
    below = _PARAMETER.sub(lambda match: quote(str(kwargs[match[1]])), pages()[name].route)
    return f"{place_path}/{below}".rstrip("/") or "/"


def _mount() -> None:
    # Loading the URL patterns mounts the pages; commands run without a request that loads them.
    _ = get_resolver().url_patterns
    site.settle()


# --- Capabilities that can be granted -------------------------------------------------------


def grantable(*levels: Level) -> list[str]:
    """Return the names of the actions that can be granted, of all levels or of `levels`."""
    wanted: Collection[Level] = levels or (Level.USUAL, Level.CAREFUL)
    return [name for name, action in actions().items() if action.grant.level in wanted]


def groups() -> list[tuple[str, list[Action[Any]]]]:
    """Return the actions that can be granted, by heading of the settings form.

    In each group the usual actions come before the careful ones.
    """
    found: dict[str, list[Action[Any]]] = {}
    for action in actions().values():
        if action.grant.is_grantable:
            found.setdefault(action.grant.group, []).append(action)
    return [(group, sorted(members, key=_is_careful)) for group, members in found.items()]


def options() -> list[tuple[str, list[tuple[str, ...]]]]:
    """Return the names and labels of `groups` for a form, with a mark on careful ones."""
    return [
        (group, [(each.name, humanize(each.name), _mark_of(each)) for each in members])
        for group, members in groups()
    ]


def _mark_of(action: Action[Any]) -> str:
    return "Unusual for an agent" if _is_careful(action) else ""


def _is_careful(action: Action[Any]) -> bool:
    return action.grant.level is Level.CAREFUL


def granted_actions(capabilities: Capabilities) -> list[str]:
    """Return the names of the granted actions."""
    return [name for name in grantable() if capabilities.hold(name, actions()[name].grant)]


def granted_by(capabilities: Capabilities) -> list[str]:
    """Return the granted names for the security log, including forthcoming actions."""
    return [*granted_actions(capabilities), *_to_come(capabilities)]


def _to_come(capabilities: Capabilities) -> list[str]:
    """Return the granted names whose action does not exist yet."""
    names = FORTHCOMING if ALL in capabilities.names else capabilities.names
    return sorted(names - {*actions(), ALL_USUAL})


def ungranted_actions(capabilities: Capabilities) -> list[str]:
    """Return the names of the actions that can be granted and were not."""
    held = granted_actions(capabilities)
    return [name for name in grantable() if name not in held]


def stored(selected: Collection[str], before: Capabilities = NO_CAPABILITIES) -> list[str]:
    """Return the list to store for an agent whose parent selected these names.

    Names that cannot be granted are dropped. Selecting every usual capability also grants the
    usual ones of later releases. Names in `before` whose action does not exist yet are kept, since
    no form shows them, unless nothing is selected.
    """
    if not selected:
        return []
    known, usual = grantable(), grantable(Level.USUAL)
    chosen = [name for name in known if name in selected]
    if set(usual) <= set(chosen):
        chosen = [ALL_USUAL, *(name for name in chosen if name not in usual)]
    forthcoming = [name for name in selected if name in FORTHCOMING]
    return list(dict.fromkeys([*chosen, *_to_come(before), *forthcoming]))
