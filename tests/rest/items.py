"""Items of every kind with what belongs to them, and the paths of their routes."""

from __future__ import annotations

import re
from typing import Any

# Kinds whose routes exist inside a collective.
INSIDE = frozenset({"notes", "decisions", "commitments", "cycles", "heartbeats", "join", "leave"})
_PARAMETER = re.compile(r"/(\w+)/(?::\w+|\{\w+\})")


def items_at(program: Any, base: str) -> dict[str, str]:
    """Create items below a base of the API, and return their ids by the word before them."""
    decision = _made(program, f"{base}/decisions", question="Which pots?")
    option = _made(program, f"{base}/decisions/{decision}/options", title="Copper")
    votes = f"{base}/decisions/{decision}/options/{option}/votes"
    commitment = _made(program, f"{base}/commitments", title="Scrub the pots", critical_mass=2)
    program.post(f"{base}/commitments/{commitment}/join", {})
    note = _made(program, f"{base}/notes", text="Water the seedlings.")
    table = {"columns": [{"name": "Item"}], "rows": [{"Item": "Copper"}]}
    tabular = _made(program, f"{base}/notes", subtype="table", table_data=table)
    for item in (f"notes/{note}", f"decisions/{decision}", f"commitments/{commitment}"):
        _made(program, f"{base}/{item}/comments", text="Copper conducts.")
    return {
        "notes": note,
        "table notes": tabular,
        "rows": _table_row(program, f"{base}/notes/{tabular}/table"),
        "decisions": decision,
        "options": option,
        "votes": _made(program, votes, accepted=True),
        "commitments": commitment,
        "decisions participants": _first(program, f"{base}/decisions/{decision}/participants"),
        "commitments participants": _first(
            program, f"{base}/commitments/{commitment}/participants"
        ),
        "cycles": "today",
    }


def filled(path: str, ids: dict[str, str]) -> str:
    """Return a path with ids instead of its parameters."""
    values = iter(ids_in(path, ids))
    return _PARAMETER.sub(lambda found: f"/{found[1]}/{next(values)}", path)


def ids_in(path: str, ids: dict[str, str]) -> list[str]:
    """Return the ids of the parameters in a path, by the word before each."""
    kind = path.rpartition("/api/v1")[2].strip("/").partition("/")[0]
    if "/table" in path:
        kind = "table"
    words = [found[1] for found in _PARAMETER.finditer(path)]
    # Participants of decisions and of commitments are different rows.
    return [ids.get(f"{kind} {word}") or ids[word] for word in words]


def _made(program: Any, path: str, **body: Any) -> str:
    response = program.post(path, body)
    assert response.status_code in {200, 201}, response.content
    return str(response.json()["id"])


def _table_row(program: Any, path: str) -> str:
    return str(program.get(path).json()["rows"][0]["id"])


def _first(program: Any, path: str) -> str:
    return str(program.get(path).json()[0]["id"])
