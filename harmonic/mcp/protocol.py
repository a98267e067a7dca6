"""Messages and versions of the Model Context Protocol (MCP), over JSON-RPC 2.0.

The protocol's own package is used in the tests only: importing it takes longer than starting
the whole server (`docs/decisions/0035-mcp-dispatches-to-pages.md`).
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpRequest

# https://modelcontextprotocol.io/specification/2026-07-28: no handshake, metadata in each request.
STATELESS: Final = "2026-07-28"
# Versions that begin with `initialize`, the newest first.
WITH_HANDSHAKE: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
VERSIONS: Final = (STATELESS, *WITH_HANDSHAKE)

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022

_META: Final = "io.modelcontextprotocol/"
VERSION_KEY: Final = f"{_META}protocolVersion"
CAPABILITIES_KEY: Final = f"{_META}clientCapabilities"
SERVER_KEY: Final = f"{_META}serverInfo"
CLIENT_KEY: Final = f"{_META}clientInfo"
# The parameter that the `Mcp-Name` header repeats, by method.
_NAMED: Final = {"tools/call": "name", "resources/read": "uri"}
_ENCODED_BEFORE, _ENCODED_AFTER = "=?base64?", "?="


@dataclass(frozen=True, slots=True)
class ProtocolError(Exception):
    """A JSON-RPC error with its HTTP status."""

    code: int
    message: str
    status: int = 200
    id: str | int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    data: dict[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return {"jsonrpc": "2.0", "id": self.id, "error": error}


@dataclass(frozen=True, slots=True)
class RpcRequest:
    """One request of a client."""

    id: str | int | None
    method: str
    params: Any
    # Sent without `initialize`, as of version 2026-07-28.
    is_stateless: bool

    def error(self, code: int, message: str, status: int = 0) -> ProtocolError:
        """Return an error with the ID of this message and, in stateless versions, a status."""
        if self.is_stateless:
            status = status or (404 if code == METHOD_NOT_FOUND else 400)
        return ProtocolError(code, message, status or 200, self.id)

    def arguments(self, *required: str) -> dict[str, Any]:
        """Return the parameters.

        Raises:
            ProtocolError: they are not an object, or one of `required` is missing or blank.
        """
        params = {} if self.params is None else self.params
        if not isinstance(params, dict):
            raise self.error(INVALID_PARAMS, "params must be an object")
        for name in required:
            value = params.get(name)
            if not isinstance(value, str) or not value.strip():
                raise self.error(INVALID_PARAMS, f"Missing required argument: {name}")
        return params


def parse(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a request's body.

    Raises:
        ProtocolError: the body is not JSON, or is a batch or not an object.
    """
    try:
        sent = _decode(body.decode())
    except (ValueError, RecursionError):
        raise ProtocolError(PARSE_ERROR, "Parse error", 400) from None
    if isinstance(sent, list):
        raise ProtocolError(INVALID_REQUEST, "Batches are not supported. Send one message.", 400)
    if not isinstance(sent, dict):
        raise ProtocolError(INVALID_REQUEST, "The body must be a JSON object.", 400)
    return sent


def _no_constant(name: str) -> None:
    """Refuse `NaN` and `Infinity`, which Python accepts and JSON does not have."""
    raise ValueError(name)


_decode = json.JSONDecoder(parse_constant=_no_constant).decode


def is_notification(sent: dict[str, Any]) -> bool:
    return "id" not in sent


def client_of(sent: dict[str, Any]) -> str:
    """Return the name that the client gives itself in a message, as sent; "" if it gives none.

    `initialize` has it in its parameters, messages of stateless versions in their metadata.
    """
    params = sent.get("params")
    if not isinstance(params, dict):
        return ""
    meta = params.get("_meta")
    found = params.get("clientInfo") if sent.get("method") == "initialize" else None
    if found is None and isinstance(meta, dict):
        found = meta.get(CLIENT_KEY)
    info = found if isinstance(found, dict) else {}
    names = (info.get("title"), info.get("name"))
    return next((name for name in names if isinstance(name, str) and name.strip()), "")


def message_of(request: HttpRequest, sent: dict[str, Any]) -> RpcRequest:
    """Return the message of a client after comparing it with its headers.

    Raises:
        ProtocolError: the message has no method, an unsupported version, or conflicting headers.
    """
    id_ = sent["id"] if isinstance(sent["id"], str | int) else None
    method, params = sent.get("method"), sent.get("params")
    if not isinstance(method, str) or not method:
        raise ProtocolError(INVALID_REQUEST, "The message has no method.", 400, id_)
    meta = params.get("_meta") if isinstance(params, dict) else None
    claimed = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
    header = request.headers.get("MCP-Protocol-Version")
    message = RpcRequest(id_, method, params, STATELESS in {claimed, header})
    if claimed is not None and claimed not in VERSIONS:
        raise _unsupported(message, str(claimed))
    if message.is_stateless:
        _check_metadata(message, meta if isinstance(meta, dict) else {})
        _check_headers(request, message, str(claimed))
    return message


def check_version_header(request: HttpRequest) -> None:
    """Refuse an unsupported version in the header.

    Raises:
        ProtocolError: the version is not supported.
    """
    version = request.headers.get("MCP-Protocol-Version")
    if version is not None and version not in VERSIONS:
        message = f"Unsupported protocol version: {version[:40]}. Supported: {', '.join(VERSIONS)}"
        raise ProtocolError(INVALID_REQUEST, message, 400)


def _unsupported(message: RpcRequest, version: str) -> ProtocolError:
    data = {"supported": list(VERSIONS), "requested": version[:40]}
    return ProtocolError(
        UNSUPPORTED_VERSION, "Unsupported protocol version", 400, message.id, data=data
    )


def _check_metadata(message: RpcRequest, meta: dict[str, Any]) -> None:
    if not isinstance(meta.get(VERSION_KEY), str):
        raise message.error(INVALID_PARAMS, f"Missing required field of _meta: {VERSION_KEY}")
    if not isinstance(meta.get(CAPABILITIES_KEY), dict):
        raise message.error(INVALID_PARAMS, f"Missing required field of _meta: {CAPABILITIES_KEY}")


def _check_headers(request: HttpRequest, message: RpcRequest, claimed: str) -> None:
    """Refuse a stateless request whose headers do not match its body."""
    expected = {"MCP-Protocol-Version": claimed, "Mcp-Method": message.method}
    if param := _NAMED.get(message.method):
        named = message.params.get(param) if isinstance(message.params, dict) else None
        if isinstance(named, str):
            expected["Mcp-Name"] = named
    for header, value in expected.items():
        sent = request.headers.get(header)
        if sent is None or _decoded(sent) != value:
            fault = "is missing" if sent is None else "does not match the body"
            raise message.error(HEADER_MISMATCH, f"Header mismatch: {header} {fault}.")


def _decoded(header: str) -> str | None:
    """Return the value of a header, which may be encoded; None if it cannot be decoded."""
    if not (header.startswith(_ENCODED_BEFORE) and header.endswith(_ENCODED_AFTER)):
        return header
    encoded = header[len(_ENCODED_BEFORE) : -len(_ENCODED_AFTER)]
    try:
        return b64decode(encoded, validate=True).decode()
    except (Base64Error, UnicodeDecodeError):
        return None
