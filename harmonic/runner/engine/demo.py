"""The demo model: a script for local machines without a model, so that a run can be watched.

It names itself wherever it speaks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping, Sequence
from time import sleep
from typing import Any

from harmonic.runner.engine.chat import ChatMessage, Reply, ToolRequest

# So that a run can be watched, and cancelled.
SECONDS_PER_REPLY = 1.0
# Collectives that it reads before it writes.
READ_AT_MOST = 3
_PLACE = re.compile(r"\]\((/(?:collectives|workspace)/[\w-]+)\)")


class DemoModel:
    """A script in the place of a model: read `/whoami` and collectives, write a note, finish."""

    def __init__(self, handle: str) -> None:
        self._handle = handle
        self._script = self._play()
        self._calls = 0
        next(self._script)

    def reply(self, messages: Sequence[ChatMessage], tools: Sequence[Mapping[str, Any]]) -> Reply:
        sleep(SECONDS_PER_REPLY)
        return self._script.send(str(messages[-1]["content"]))

    def close(self) -> None:
        self._script.close()

    def _play(self) -> Generator[Reply, str, None]:
        yield Reply("")  # The start; the first message is the task.
        found = yield self._call("I read who I am.", "fetch_page", path="/whoami")
        places = _places(found)
        for place in places[:READ_AT_MOST]:
            yield self._call("I read what is new there.", "fetch_page", path=place)
        if not places:
            yield Reply("I am the demo model. I found no collective to write in.")
            return
        result = yield self._call(
            "I write one short note.",
            "execute_action",
            path=f"{places[0]}/note",
            action="create_note",
            params={"title": "A note by the demo model", "text": self._note()},
            context={
                "identity": {"actor": f"@{self._handle}"},
                "visibility": "private" if places[0].startswith("/workspace/") else "shared",
                "intention": "To show how a run works.",
            },
        )
        yield Reply(_ending(result, places[0]))

    def _note(self) -> str:
        return (
            f"Hello! @{self._handle} ran on Harmonic's demo model, which is a short script and not"
            " a language model. It read this page and wrote this note to show how a run works."
        )

    def _call(self, said: str, name: str, **arguments: Any) -> Reply:
        self._calls += 1
        request = ToolRequest(f"demo_{self._calls}", name, json.dumps(arguments))
        return Reply(f"Demo model: {said}", (request,))


def _places(page: str) -> list[str]:
    """Return the paths of the collectives that a page links to, or else of the workspace."""
    found = list(dict.fromkeys(_PLACE.findall(page)))
    return [path for path in found if not path.startswith("/workspace/")] or found


def _ending(result: str, place: str) -> str:
    if "Action Success" in result:
        return f"I am the demo model, a script. I wrote one note at {place} and finished."
    return f"I am the demo model, a script. My note at {place} was refused, and I finished."
