"""The clients that an agent runs in ("harnesses"), with the configuration that connects each.

The tabs of pages, their Markdown, the help and the route that creates a token for a client use
these definitions. A token is sent in a header only, never in a URL.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harmonic.kernel.registry import path_to

# Stands in for the token where that is not known.
PLACEHOLDER = "paste-the-token-here"


@dataclass(frozen=True, slots=True)
class McpServer:
    """The address of the MCP endpoint, a name for it, and a token, which a client needs."""

    origin: str
    handle: str
    token: str = PLACEHOLDER

    @property
    def server(self) -> str:
        """The name of the server in configurations: `harmonic-scout`."""
        return f"harmonic-{self.handle}"

    @property
    def url(self) -> str:
        return f"{self.origin}/mcp"

    @property
    def bearer(self) -> str:
        return f"Bearer {self.token}"

    @property
    def variable(self) -> str:
        """The environment variable of the token: `HARMONIC_MCP_TOKEN_SCOUT`."""
        return "HARMONIC_MCP_TOKEN_" + re.sub(r"[^A-Z0-9]", "_", self.handle.upper())


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to copy, with its language and a sentence that says where it goes."""

    words: str
    language: str
    text: str

    @property
    def fence(self) -> str:
        """The snippet as a fence of Markdown."""
        return f"```{self.language}\n{self.text}\n```"


@dataclass(frozen=True, slots=True)
class Harness:
    """A client: its key in paths, its name, and its configuration.

    `is_common` clients have a tab on the pages of tokens and agents.
    """

    key: str
    label: str
    configure: Callable[[McpServer], tuple[Snippet, ...]]
    is_common: bool = True
    # The configuration is entered in the client, as its help page describes.
    needs_help: bool = False

    @property
    def help_path(self) -> str:
        return path_to("help.connect", harness=self.key)


@dataclass(frozen=True, slots=True)
class Tab:
    """A client with its configuration for one connection."""

    harness: Harness
    snippets: tuple[Snippet, ...]


# --- Forms of configuration -----------------------------------------------------------------


def _json(words: str, value: Mapping[str, Any]) -> Snippet:
    return Snippet(words, "json", json.dumps(value, indent=2, ensure_ascii=False))


def _quoted(value: str) -> str:
    """Return a string in double quotes, as TOML and YAML read it."""
    return json.dumps(value, ensure_ascii=False)


def _in_shell(value: str) -> str:
    """Return a word of a command in double quotes, as people write them; else in single ones."""
    is_plain = not set(value) & set('"\\$`!')
    return f'"{value}"' if is_plain else shlex.quote(value)


def _remote(to: McpServer, **more: Any) -> dict[str, Any]:
    """Return the entry of a server in JSON, with `more` before its headers."""
    return {"url": to.url, **more, "headers": {"Authorization": to.bearer}}


def _servers(to: McpServer, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"mcpServers": {to.server: dict(entry)}}


# --- Clients --------------------------------------------------------------------------------


def _claude_code(to: McpServer) -> tuple[Snippet, ...]:
    header = _in_shell(f"Authorization: {to.bearer}")
    command = f"claude mcp add --transport http {to.server} {to.url} --header {header}"
    return (Snippet("Run this in a terminal:", "sh", command),)


def _claude_desktop(to: McpServer) -> tuple[Snippet, ...]:
    insecure = ["--allow-http"] if to.url.startswith("http:") else []
    bridge = {
        "command": "npx",
        "args": [
            "-y",
            "mcp-remote",
            to.url,
            *insecure,
            "--header",
            "Authorization:${AUTHORIZATION}",
        ],
        "env": {"AUTHORIZATION": to.bearer},
    }
    return (
        _json(
            "Add this to claude_desktop_config.json (Settings, Developer, Edit config):",
            _servers(to, {"type": "http", **_remote(to)}),
        ),
        _json(
            "If your version does not connect to servers with a URL, use the mcp-remote bridge"
            " instead, which requires Node.js:",
            _servers(to, bridge),
        ),
    )


def _cursor(to: McpServer) -> tuple[Snippet, ...]:
    words = "Add this to ~/.cursor/mcp.json, or to .cursor/mcp.json in a project:"
    return (_json(words, _servers(to, {"type": "http", **_remote(to)})),)


def _vscode(to: McpServer) -> tuple[Snippet, ...]:
    words = "Run “MCP: Open User Configuration” and add this to mcp.json:"
    return (_json(words, {"servers": {to.server: {"type": "http", **_remote(to)}}}),)


def _codex(to: McpServer) -> tuple[Snippet, ...]:
    commands = (
        f"export {to.variable}={_in_shell(to.token)}\n"
        f"codex mcp add {to.server} --url {to.url} --bearer-token-env-var {to.variable}"
    )
    table = (
        f"[mcp_servers.{to.server}]\n"
        f"url = {_quoted(to.url)}\n"
        f"bearer_token_env_var = {_quoted(to.variable)}"
    )
    return (
        Snippet("Run this in a terminal:", "sh", commands),
        Snippet(
            "Instead of the second line, you can add this to ~/.codex/config.toml:", "toml", table
        ),
    )


def _cline(to: McpServer) -> tuple[Snippet, ...]:
    entry = {"type": "streamableHttp", **_remote(to), "disabled": False, "autoApprove": []}
    words = "Open MCP Servers, Configure, and add this to cline_mcp_settings.json:"
    return (_json(words, _servers(to, entry)),)


def _continue(to: McpServer) -> tuple[Snippet, ...]:
    block = (
        "name: Harmonic\n"
        "version: 0.0.1\n"
        "schema: v1\n"
        "mcpServers:\n"
        f"  - name: {to.server}\n"
        "    type: streamable-http\n"
        f"    url: {_quoted(to.url)}\n"
        "    requestOptions:\n"
        "      headers:\n"
        f"        Authorization: {_quoted(to.bearer)}"
    )
    return (Snippet("Save this as .continue/mcpServers/harmonic.yaml:", "yaml", block),)


def _goose(to: McpServer) -> tuple[Snippet, ...]:
    extension = (
        "extensions:\n"
        f"  {to.server}:\n"
        "    enabled: true\n"
        "    type: streamable_http\n"
        f"    name: {to.server}\n"
        f"    uri: {_quoted(to.url)}\n"
        "    headers:\n"
        f"      Authorization: {_quoted(to.bearer)}\n"
        "    timeout: 300"
    )
    return (
        Snippet("Add this to ~/.config/goose/config.yaml:", "yaml", extension),
        Snippet(
            "Or add a remote extension (Streamable HTTP) in Goose, with the address above and the"
            " header Authorization, whose value is:",
            "text",
            to.bearer,
        ),
    )


def _any_client(to: McpServer) -> tuple[Snippet, ...]:
    words = "Most clients are configured like this. The transport is Streamable HTTP:"
    return (_json(words, _servers(to, {"type": "http", **_remote(to)})),)


def _curl(to: McpServer) -> tuple[Snippet, ...]:
    arguments = {"name": "fetch_page", "arguments": {"path": "/whoami"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": arguments}
    command = (
        f"curl -H {_in_shell(f'Authorization: {to.bearer}')}"
        ' -H "Content-Type: application/json"'
        f" -d {shlex.quote(json.dumps(message))} {to.url}"
    )
    return (Snippet("Read a page over MCP, without a client:", "sh", command),)


def _env(to: McpServer) -> tuple[Snippet, ...]:
    return (Snippet("Add this line to the .env file:", "env", f"{to.variable}={to.token}"),)


def _address_and_token(to: McpServer) -> tuple[Snippet, ...]:
    return (
        Snippet("Address of the server (Streamable HTTP):", "text", to.url),
        Snippet("Token, for the header Authorization: Bearer …", "text", to.token),
    )


_ALL = (
    Harness("claude-code", "Claude Code", _claude_code),
    Harness("claude-desktop", "Claude Desktop", _claude_desktop),
    Harness("cursor", "Cursor", _cursor),
    Harness("vscode", "VS Code", _vscode),
    Harness("codex", "Codex", _codex),
    Harness("cline", "Cline", _cline),
    Harness("goose", "Goose", _goose),
    Harness("mcp", "Any MCP client", _any_client),
    Harness("curl", "curl", _curl),
    Harness("env", ".env file", _env),
    Harness("continue", "Continue", _continue, is_common=False),
    Harness("codex-cloud", "Codex Cloud", _address_and_token, False, needs_help=True),
    Harness("hermes-agent", "Hermes Agent", _address_and_token, False, needs_help=True),
    Harness("openclaw", "OpenClaw", _address_and_token, False, needs_help=True),
)
HARNESSES: Mapping[str, Harness] = {harness.key: harness for harness in _ALL}


def tabs(to: McpServer) -> tuple[Tab, ...]:
    """Return the common clients with their configuration."""
    return tuple(Tab(each, each.configure(to)) for each in _ALL if each.is_common)
