"""A local server that speaks the chat completions protocol and plays scripted models."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "scripted"


@dataclass
class Sent:
    """The response of a scripted model: a body, with status and headers."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


# Returns the response for the number of the request (from 0) and its JSON body.
Script = Callable[[int, dict[str, Any]], Any]


def says(text: str, *, tokens: int = 10) -> dict[str, Any]:
    """Return a completion that is a final message."""
    return _completion({"role": "assistant", "content": text}, tokens)


def calls(*wanted: tuple[str, Any], said: str | None = None, tokens: int = 10) -> dict[str, Any]:
    """Return a completion with tool calls: names with arguments, as objects or as raw text."""
    requests = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": sent if isinstance(sent, str) else json.dumps(sent),
            },
        }
        for number, (name, sent) in enumerate(wanted)
    ]
    return _completion({"role": "assistant", "content": said, "tool_calls": requests}, tokens)


def reads(path: str) -> tuple[str, Any]:
    return "fetch_page", {"path": path}


def acts(
    path: str, action: str, params: Any = None, visibility: str = "shared", handle: str = "steward"
) -> tuple[str, Any]:
    context = {
        "identity": {"actor": f"@{handle}"},
        "visibility": visibility,
        "intention": "To do the task.",
    }
    arguments = {"path": path, "action": action, "params": params or {}, "context": context}
    return "execute_action", arguments


def _completion(message: dict[str, Any], tokens: int) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": tokens,
            "completion_tokens": 1,
            "total_tokens": tokens + 1,
        },
    }


class ModelServer:
    """The server; `script` decides its responses, `requests` has what it was sent."""

    def __init__(self) -> None:
        self.script: Script = lambda number, sent: says("Nothing to do.")
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def plays(self, *answers: Any) -> None:
        """Play these responses in order; the last one is repeated."""
        self.script = lambda number, sent: answers[min(number, len(answers) - 1)]

    def hang(self, seconds: float = 30) -> None:
        """Wait, in a script, until the test is over."""
        self.released.wait(seconds)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        played = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with played._lock:
                    number = len(played.requests)
                    played.requests.append(body)
                    played.keys.append(self.headers.get("Authorization", ""))
                answer = played.script(number, body)
                sent = answer if isinstance(answer, Sent) else Sent(json.dumps(answer).encode())
                try:
                    self.send_response(sent.status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(sent.body)))
                    for name, value in sent.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(sent.body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *args: Any) -> None:
                return

        return Handler

    @contextmanager
    def running(self) -> Iterator[ModelServer]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)
