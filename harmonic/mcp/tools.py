"""The four tools of the MCP endpoint: read a page, execute an action, search, get help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from harmonic.kernel.http.methods import REPLAYED
from harmonic.kernel.pages import action_path
from harmonic.kernel.rendering.text import is_acceptable
from harmonic.mcp.context import (
    AUDIENCES,
    ContextRefused,
    audience_refused,
    check_read,
    check_write,
)
from harmonic.mcp.dispatch import Caller, PageResponse

# Bytes of a result's text, with the line that says it was cut.
MAX_TEXT = 1024 * 1024
# Messages for responses without a body.
_WITHOUT_BODY = {401: "Authentication required", 403: "Access denied", 404: "Not found"}


class ToolError(Exception):
    """A call that a tool refuses before it reaches a page."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a tool call: text for the model, and structured content."""

    text: str
    facts: Mapping[str, Any]
    is_error: bool = False

    def object(self) -> dict[str, Any]:
        result: dict[str, Any] = {
            "content": [{"type": "text", "text": _cut(self.text)}],
            "structuredContent": dict(self.facts),
        }
        return {**result, "isError": True} if self.is_error else result


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its description for clients, and its function."""

    name: str
    description: str
    input_schema: Mapping[str, Any]
    annotations: Mapping[str, Any]
    run: Callable[[Caller, Mapping[str, Any]], Result]

    def object(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": self.input_schema,
            "outputSchema": _FACTS,
            "annotations": self.annotations,
        }


def path_in(sent: object) -> str:
    """Return the path that a message sends to a tool; "" if there is none that can be a page's."""
    for name in ("params", "arguments", "path"):
        sent = sent.get(name) if isinstance(sent, dict) else None
    return sent.partition("?")[0] if isinstance(sent, str) and is_acceptable(sent) else ""


def call(caller: Caller, name: str, arguments: Any) -> Result:
    """Call a tool by name, and return errors as its result."""
    tool = TOOLS.get(name)
    if tool is None:
        return _refused(f"Unknown tool: {name}")
    try:
        return tool.run(caller, arguments if isinstance(arguments, dict) else {})
    except ToolError as error:
        return _refused(str(error))
    except ContextRefused as refused:
        facts = {**refused.object(), "code": refused.error}
        return Result(refused.text(), facts, is_error=True)


def _refused(message: str) -> Result:
    return Result(message, {"error": message}, is_error=True)


# --- What each does -------------------------------------------------------------------------


def fetch_page(caller: Caller, arguments: Mapping[str, Any]) -> Result:
    path = _checked_path(_text(arguments, "path"))
    represented = check_read(caller.access, arguments.get("context"))
    if represented:
        return _result(caller.fetch("GET", path, headers=represented.headers))
    return _result(caller.follow(path))


def execute_action(caller: Caller, arguments: Mapping[str, Any]) -> Result:
    sent = _text(arguments, "path")
    name = _text(arguments, "action")
    params = arguments.get("params")
    if params is not None and not isinstance(params, dict):
        raise ToolError("params must be an object")
    path = _checked_path(sent).partition("?")[0].partition("/actions")[0] or "/"
    context = check_write(caller.access, arguments.get("context"))
    answer = caller.fetch(
        "POST",
        action_path(path, quote(name, safe="")),
        params or {},
        audience=context.claimed_audience,
        headers=context.represented.headers if context.represented else {},
    )
    if wrong := audience_refused(answer.refused, context):
        raise wrong
    return _result(answer)


def search(caller: Caller, arguments: Mapping[str, Any]) -> Result:
    return _result(caller.follow(f"/search?q={quote(_text(arguments, 'query'), safe='')}"))


def get_help(caller: Caller, arguments: Mapping[str, Any]) -> Result:
    topic = arguments.get("topic")
    if topic is not None and not isinstance(topic, str):
        raise ToolError("topic must be a string")
    below = f"/{quote(topic.strip())}" if topic and topic.strip() else ""
    return _result(caller.follow(f"/help{below}"))


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if value is None or value == "":
        raise ToolError(f"Missing required argument: {name}")
    if not isinstance(value, str):
        raise ToolError(f"{name} must be a string")
    if not value.strip():
        raise ToolError(f"Missing required argument: {name}")
    return value.strip()


def _checked_path(path: str) -> str:
    is_fine = path.startswith("/") and not path.startswith("//") and path.isprintable()
    if not is_fine or not is_acceptable(path):
        raise ToolError(f"Invalid path: {path[:200]}. Send a path that begins with one slash.")
    return path.partition("#")[0]


# --- Results --------------------------------------------------------------------------------


def _result(answer: PageResponse) -> Result:
    status = answer.response.status_code
    facts: dict[str, Any] = {"status": status, "path": answer.path}
    if answer.refused is not None:
        facts |= {"error": answer.refused.message, "code": answer.refused.code}
        if answer.refused.hint:
            facts["hint"] = answer.refused.hint
    if (resource := answer.resource) is not None:
        facts["resource"] = {"type": resource.type, "id": resource.id, "path": resource.path}
    if REPLAYED in answer.response.headers:
        facts["replayed"] = True
    text = answer.text
    if not answer.is_success and not text.strip():
        text = _WITHOUT_BODY.get(status, f"HTTP {status}")
    return Result(text, facts, is_error=not answer.is_success)


def _cut(text: str) -> str:
    encoded = text.encode(errors="replace")
    if len(encoded) <= MAX_TEXT:
        return text
    note = f"\n[response truncated — original was {len(encoded)} bytes, capped at {MAX_TEXT}]"
    return encoded[: MAX_TEXT - len(note.encode())].decode(errors="ignore") + note


# --- Descriptions for clients ---------------------------------------------------------------

_STRING = {"type": "string"}
_FACTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "status": {"type": "integer", "description": "The HTTP status of the page's answer."},
        "path": {"type": "string", "description": "The page or action that responded."},
        "error": {"type": "string", "description": "Why the call was refused."},
        "code": {"type": "string", "description": "The reason in a word, for programs."},
        "hint": {"type": "string", "description": "What to do about it."},
        "resource": {
            "type": "object",
            "description": "What the action made or changed: its type, id and path.",
        },
        "replayed": {
            "type": "boolean",
            "description": "Whether this is the response to an earlier call with the same key.",
        },
    },
}
_READS = {"readOnlyHint": True, "openWorldHint": False}


def _object(properties: Mapping[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": dict(properties), **needed, **more}


_READER = _object(
    {
        "identity": _object(
            {
                "viewer": {**_STRING, "description": "Your own handle, such as @scout."},
                "viewing_as": {**_STRING, "description": "The person that you represent."},
            },
            "viewer",
        ),
        "representation_session_id": _STRING,
    },
    description="Optional: who you are. A wrong handle is refused.",
)
_WRITER = _object(
    {
        "identity": _object(
            {
                "actor": {**_STRING, "description": "Your own handle, such as @scout."},
                "acting_as": {**_STRING, "description": "The person that you represent."},
            },
            "actor",
        ),
        "visibility": {
            **_STRING,
            "enum": list(AUDIENCES),
            "description": "Who will see the result: the action's `visibility` on its page.",
        },
        "intention": {**_STRING, "description": "Why you do this, in one sentence."},
        "representation_session_id": _STRING,
    },
    "identity",
    "visibility",
    "intention",
    description="Who acts, who will see it, and why. A wrong claim is refused.",
)

_ALL = (
    Tool(
        "fetch_page",
        "Read a page of Harmonic as Markdown. Its frontmatter lists the actions that you can"
        " execute there, with their parameters. Begin with /whoami.",
        _object(
            {"path": {**_STRING, "description": "A path, such as /whoami."}, "context": _READER},
            "path",
        ),
        {"title": "Read a page", **_READS},
        fetch_page,
    ),
    Tool(
        "execute_action",
        "Execute an action that the frontmatter of a page lists. Send its parameters in"
        " `params`. Set `dry_run` to true in them to see what would happen.",
        _object(
            {
                "context": _WRITER,
                "path": {**_STRING, "description": "The page that lists the action."},
                "action": {**_STRING, "description": "The action's name."},
                "params": {"type": "object", "description": "The action's parameters by name."},
            },
            "context",
            "path",
            "action",
        ),
        {"title": "Execute an action", "destructiveHint": True, "openWorldHint": False},
        execute_action,
    ),
    Tool(
        "search",
        "Search everything that you can read in this community.",
        _object(
            {
                "query": {
                    **_STRING,
                    "description": 'Words, "a phrase", -excluded, and operators such as type:note'
                    " or creator:@alice. The help topic search lists them.",
                }
            },
            "query",
        ),
        {"title": "Search", **_READS},
        search,
    ),
    Tool(
        "get_help",
        "Read a help topic, or the list of topics without one.",
        _object({"topic": {**_STRING, "description": "A topic, such as agents."}}),
        {"title": "Get help", **_READS},
        get_help,
    ),
)
TOOLS: dict[str, Tool] = {tool.name: tool for tool in _ALL}
