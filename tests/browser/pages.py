"""Every page of the site, enumerated from its routes, with paths that Alice can open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from harmonic.kernel.access import AccessLevel
from harmonic.site.help import TOPICS
from tests.access.routes import FRONT_DOOR, Route, routes
from tests.browser.conftest import Visit

# Pages in another state: of another person or collective, or with a parameter.
VARIANTS = """
/u/bob /u/scout /ai-agents/steward /ai-agents/steward/settings /ai-agents/scout/run
/collectives/treasury /collectives/board/join
/collectives/treasury/members/actions/leave_collective
/collectives/kitchen/members/actions/update_member_roles?user_handle=bob
/collectives/kitchen/members/actions/remove_member?user_handle=bob
/reverify?scope=admin /collectives/kitchen?q=knife /collectives/kitchen?q=zanzibar
/collectives/kitchen/n/TABLE /collectives/kitchen/n/REMINDER /search?q=knife /search?q=zanzibar
/collectives/kitchen/note?subtype=table /collectives/kitchen/note?subtype=reminder
""".split()
# Handles for paths with one; Alice's by default.
HANDLES = {"ai-agents/<str:handle>/run": "steward", "ai-agents/": "scout", "tenant-admin/": "bob"}


def _paths(route: Route) -> Iterator[str]:
    """Return the paths of a route. Words in capitals stand for IDs that only the server knows."""
    path = f"/{route.pattern}".replace("<str:action_name>", route.action_name)
    handle = next((who for prefix, who in HANDLES.items() if path[1:].startswith(prefix)), "alice")
    ids = {"collective": "kitchen", "note_id": "NOTE", "token_id": "TOKEN", "run_id": "RUN"}
    ids |= {"commitment_id": "COMMITMENT", "cycle_name": "today"}
    ids |= {"decision_id": "DECISION", "receipt": "RECEIPT"}
    ids["harness"] = "codex-cloud" if path.startswith("/help") else "claude-desktop"
    for name, value in {**ids, "handle": handle}.items():
        path = path.replace(f"<str:{name}>", value)
    for slug in [topic.slug for topic in TOPICS] if "<path:slug>" in path else [""]:
        filled = path.replace("<path:slug>", slug)
        assert "<" not in filled, f"{route.pattern}: give its parameter an id of the demo world"
        yield filled


def _is_absent(route: Route) -> bool:
    """Return whether the demo world has no such object: entries in logs, jobs, reports, e-mails."""
    absent = ("<str:entry_id>", "<str:job_id>", "<str:report_id>", "<str:signed>")
    return any(name in route.pattern for name in absent)


def _enumerated() -> Iterator[str]:
    """Return the paths of all pages; pages of collectives only for the kitchen.

    The API responds with JSON, except for its reference. A path that ends in `.html` is a part of
    the page beside it, for scripts to insert, and one that ends in `.ics` or `.csv` is a file.
    """
    for route in routes():
        is_of_any_collective = (
            route.rule is not None and route.rule.access_level == AccessLevel.COLLECTIVE
        )
        is_repeated = route.place == "room" or (not route.place and is_of_any_collective)
        is_data = route.is_api and route.pattern != "api/v1/docs"
        is_part = route.pattern.endswith((".html", ".ics", ".csv"))
        is_page = not (is_repeated or is_data or is_part or _is_absent(route))
        is_page = is_page and route.action_name != "unknown_action"
        if is_page and route.urlconf != FRONT_DOOR:
            yield from _paths(route)


PAGES = [*dict.fromkeys([*_enumerated(), *VARIANTS])]
# Pages that need no account, on a tenant's host and on the base domain.
PUBLIC = [
    path
    for route in routes()
    if route.urlconf != FRONT_DOOR
    and route.rule
    and route.rule.access_level == AccessLevel.PUBLIC
    and not route.action_name
    and not _is_absent(route)
    for path in _paths(route)
]
FRONT_DOORS = [path for route in routes() if route.urlconf == FRONT_DOOR for path in _paths(route)]


def opener(visit: Visit) -> Callable[[str], None]:
    """Return a function that opens a page in Alice's browser."""
    decision, receipt = _decision(visit)
    ids = {
        "NOTE": _item(visit, "Welcome to the kitchen"),
        "COMMITMENT": _item(visit, "Whoever cooks does not wash up"),
        "TABLE": _item(visit, "Who brings what to the open day"),
        "REMINDER": _item(visit, "Order flour"),
        "TOKEN": _token(visit),
        "RUN": _run(visit),
        "DECISION": decision,
        "RECEIPT": receipt,
    }

    def open_page(path: str) -> None:
        for name, value in ids.items():
            path = path.replace(name, value)
        visit.console.clear()
        visit.open(path)

    return open_page


def _item(visit: Visit, title: str) -> str:
    page = visit.open("/collectives/kitchen")
    item = page.get_by_role("link", name=title).first
    return urlsplit(item.get_attribute("href") or "").path.rsplit("/", 1)[1]


def _decision(visit: Visit) -> tuple[str, str]:
    """Return the ID of a decision and the receipt of a voter."""
    page = visit.open("/collectives/kitchen")
    page.get_by_role("link", name="Which oven do we buy?").first.click()
    path = urlsplit(page.url).path
    receipt = visit.open(f"{path}/voters").get_by_role("link", name="Receipt").first
    return path.rsplit("/", 1)[1], (receipt.get_attribute("href") or "").rsplit("/", 1)[1]


def _token(visit: Visit) -> str:
    page = visit.open("/u/alice/settings/tokens/new")
    page.get_by_label("Name").fill("every page")
    page.get_by_role("button", name="Create token").click()
    page.get_by_role("link", name="Done").click()
    return urlsplit(page.url).path.rsplit("/", 1)[1]


def _run(visit: Visit) -> str:
    """Give steward a task that no worker takes, and return the ID of the run."""
    page = visit.open("/ai-agents/steward/run")
    page.get_by_label("Task").fill("Water the beans.")
    page.get_by_role("button", name="Run task").click()
    return urlsplit(page.url).path.rsplit("/", 1)[1]
