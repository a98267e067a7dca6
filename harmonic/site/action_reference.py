"""`docs/actions.md`, the reference of all actions, generated from the registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harmonic.kernel.actions import Action
from harmonic.kernel.registry import actions, pages
from harmonic.kernel.rendering.documents import described_params
from harmonic.site.action_index import path_of

HEAD = """\
# Actions

Every action, generated from its declaration in the code by `manage.py describe_actions`. Do not
edit this page.

- **Path**: the pages that have the action. Run it with `POST {path}/actions/{name}`. In a workspace
  `/collectives/{handle}` is `/workspace/{handle}`; in the main collective it is empty. An action
  marked *REST only* has no page; its route is in [api.md](api.md).
- **Parameters**: `*` marks required ones. `GET {path}/actions/{name}` describes them.
- **Scope**: the scope that a token needs on every surface. The same verb with `all` covers it.
- **Agents**: whether an AI agent may run it. The person who manages the
  agent grants *usual* and *careful* actions; a new agent has the usual ones.

| action | description | path | parameters | scope | agents |
|---|---|---|---|---|---|
"""


def document() -> str:
    """Return `docs/actions.md`."""
    rows = [_row(actions()[name]) for name in sorted(actions())]
    return HEAD + "\n".join(rows) + "\n"


def _row(action: Action[Any]) -> str:
    cells = (
        f"`{action.name}`",
        action.sentence,
        "<br>".join(f"`{path}`" for path in _paths(action)) or "*REST only*",
        ", ".join(_params(action)) or "–",
        " or ".join(f"`{scope}`" for scope in (action.scope, *action.other_scopes)),
        action.grant.level,
    )
    return f"| {' | '.join(cells)} |"


def _paths(action: Action[Any]) -> Iterator[str]:
    for mounted in pages().values():
        if action in mounted.page.actions:
            yield path_of(mounted)


def _params(action: Action[Any]) -> Iterator[str]:
    for param in described_params(action.params):
        yield f"`{param['name']}`{'*' if param['required'] else ''}"
