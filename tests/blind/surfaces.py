"""Blind agents on each surface: Markdown pages, the MCP endpoint, the REST API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from tests.blind.reading import Document, Reply, Wire, filled, has_words, read_document

# The last protocol version that begins with a handshake.
PROTOCOL = "2025-11-25"


class MarkdownAgent:
    """An agent that opens pages, follows links, and performs the actions that pages list."""

    surface = "markdown"

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.here = Document(0, "")

    def connect(self) -> None:
        """Open the address that the human gave."""
        self.open("/")

    def open(self, path: str) -> Document:
        reply = self.wire.ask("GET", path, accept="text/markdown")
        return self._at(reply)

    def follow(self, *words: str) -> Document:
        return self.open(self.here.link(*words).path)

    def ask_page(self, word: str, value: str) -> Document:
        """Open the page again with the parameter that it explains with this word."""
        query = urlencode({self.here.parameter(word): value})
        return self.open(f"{self.here.fields['path']}?{query}")

    def who_am_i(self) -> Document:
        return self.follow("Who am I")

    def act(self, *words: str, dry: bool = False, **wishes: Any) -> Document:
        """Perform the action that the words describe, with the agent's text."""
        action = self.here.action(*words)
        return self.perform(action, filled(action.get("params", []), wishes), dry=dry)

    def perform(self, action: Mapping[str, Any], params: Any, *, dry: bool = False) -> Document:
        if dry:
            params = {**params, **self._dry_run(action)}
        return self._at(self.wire.ask("POST", action["path"], params, accept="text/markdown"))

    def help(self, *words: str) -> Document:
        self.follow("Help")
        return self.follow(*words)

    def _dry_run(self, action: Mapping[str, Any]) -> dict[str, bool]:
        """Read the description of the action, and return the parameter that it names."""
        described = self.wire.ask("GET", action["path"], accept="text/markdown")
        return {parameter_named("dry run", described.text): True}

    def _at(self, reply: Reply) -> Document:
        self.here = read_document(reply.status, reply.text)
        return self.here


class McpAgent(MarkdownAgent):
    """An agent with the tools of the MCP endpoint, which it chooses by their descriptions."""

    surface = "mcp"

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self.tools: list[Mapping[str, Any]] = []

    def connect(self) -> None:
        """Shake hands, list the tools, and note where the instructions say to begin."""
        client = {"name": "blind", "version": "1"}
        hello = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client}
        instructions = self._send("initialize", hello)["instructions"]
        self.tools = self._send("tools/list")["tools"]
        begin = re.search(r"begin with (/\w+)", instructions)
        assert begin, instructions
        self.beginning = begin.group(1)

    def open(self, path: str) -> Document:
        return self._call("read a page", path=path)

    def who_am_i(self) -> Document:
        return self.open(self.beginning)

    def follow(self, *words: str) -> Document:
        if not self.here.text:
            self.open(self.beginning)
        return super().follow(*words)

    def perform(self, action: Mapping[str, Any], params: Any, *, dry: bool = False) -> Document:
        if dry:
            description = self._tool("execute an action")["description"]
            params = {**params, parameter_named("dry run", description): True}
        context = {
            "identity": {"actor": self.here.fields["viewer"]},
            "visibility": action["visibility"],
            "intention": "Do what my human asked for.",
        }
        return self._call(
            "execute an action",
            context=context,
            path=action["path"],
            action=action["name"],
            params=params,
        )

    def help(self, *words: str) -> Document:
        self._call("help topic")
        return self._call("help topic", topic=self.here.link(*words).text.lower())

    def _tool(self, words: str) -> Mapping[str, Any]:
        return next(tool for tool in self.tools if has_words(tool["description"], words))

    def _call(self, words: str, **arguments: Any) -> Document:
        tool = self._tool(words)
        assert set(tool["inputSchema"].get("required", [])) <= set(arguments)
        result = self._send("tools/call", {"name": tool["name"], "arguments": arguments})
        status = result["structuredContent"].get("status", 0)
        self.here = read_document(status, result["content"][0]["text"])
        return self.here

    def _send(self, method: str, params: Any = None) -> Any:
        message = {"jsonrpc": "2.0", "id": self.wire.requests, "method": method}
        more = {} if params is None else {"params": params}
        return self.wire.ask("POST", "/mcp", {**message, **more}).json["result"]


class RestAgent:
    """A program that reads the root of the API and the part of its description that it names."""

    surface = "rest"

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.base = "/api/v1"
        self.here: Any = None
        self.status = 0

    def connect(self) -> None:
        """Read the root, and the description of notes to which it leads."""
        self.root = self._got(self.base)
        self.part = path_of(next(each for each in self.root["parts"] if "openapi" in each))
        self.description = self._got(self.part)

    def call(
        self,
        method: str,
        *words: str,
        of: str = "",
        at: str = "",
        query: Mapping[str, str] | None = None,
        **wishes: Any,
    ) -> Any:
        """Call the route with these words in its path, `of` an object, `at` a base."""
        template = self._template(method, words, bool(of))
        path = (at or self.base) + re.sub(r":\w+", quote(of), template)
        asked = f"{path}?{urlencode(query)}" if query else path
        body = None if method == "GET" else self._body(method, template, wishes)
        return self._answered(self.wire.ask(method, asked, body))

    def reach(self) -> Any:
        """Read what the token says about itself: where it works, and who could change that."""
        return self.call("GET", "tokens", "self")

    def enter(self, collective: str) -> None:
        """Go to the collective that the token reaches under this name."""
        reached = [each["collective"] for each in self.reach()["reach"]]
        self.place = next(each for each in reached if each["name"] == collective)
        self.base = self.place["api_path"]

    def base_below(self, page: str) -> str:
        """Return the base of the collective with this page, as the description spells bases."""
        for server in self.description["servers"]:
            before, _, after = server["url"].partition("{")
            base = page + after.partition("}")[2]
            if re.fullmatch(re.escape(before) + "[^/]+", page) and after:
                return str(base)
        raise AssertionError(f"no base for {page}: {self.description['servers']}")

    def named_in(self, method: str, *words: str, about: tuple[str, ...], of: bool = False) -> Any:
        """Return the parameter of a route that the description explains with these words."""
        template = self._template(method, words, of)
        if self._operation(method, template) is None:
            self._describe(words[-1])
        for each in self._operation(method, template)["parameters"]:
            parameter = self._resolved(each)
            if has_words(f"{parameter['name']} {parameter.get('description', '')}", *about):
                return parameter
        raise AssertionError(f"no parameter is about {about}")

    def _describe(self, resource: str) -> None:
        """Read the description of another resource, at the address of the first with its name."""
        described = re.sub(r"(?<==)\w+$", resource, self.part)
        self.description = self.wire.ask("GET", described).json

    def _template(self, method: str, words: tuple[str, ...], has_object: bool) -> str:
        for each in self.root["routes"]:
            below = each["path"].removeprefix("/api/v1")
            literal = [part for part in below.split("/")[1:] if not part.startswith(":")]
            fits = literal == list(words) and (":" in below) == has_object
            if fits and method in each["methods"]:
                return str(below)
        raise AssertionError(f"the root lists no {method} with {words}")

    def _body(self, method: str, template: str, wishes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body; without a description, from what the person said."""
        operation = self._operation(method, template)
        if operation is None:
            return dict(wishes)
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return {}
        schema = self._resolved(content["application/json"]["schema"])
        required = schema.get("required", [])
        params: list[Mapping[str, Any]] = [
            {"name": name, "required": name in required, **self._resolved(each)}
            for name, each in schema["properties"].items()
        ]
        return filled(params, wishes)

    def _operation(self, method: str, template: str) -> Any:
        path = re.sub(r":(\w+)", r"{\1}", template)
        return self.description["paths"].get(path, {}).get(method.lower())

    def _resolved(self, described: Any) -> Any:
        reference = described.get("$ref", "")
        found = self.description if reference else described
        for part in reference.split("/")[1:]:
            found = found[part]
        return found

    def _got(self, path: str) -> Any:
        return self._answered(self.wire.ask("GET", path))

    def _answered(self, reply: Reply) -> Any:
        self.status, self.here = reply.status, reply.json
        return self.here


def path_of(url: str) -> str:
    """Return the path and the query of a URL."""
    return re.sub(r"^\w+://[^/]+", "", url)


def parameter_named(words: str, text: str) -> str:
    """Return the identifier that the text spells with these words: `dry_run` for "dry run"."""
    found = re.search(words.replace(" ", "[_-]"), text)
    assert found, f"{words} is named nowhere:\n{text}"
    return found.group(0)
