"""The conversation with a model: requests, responses and failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# A message in the format of the chat completions API, and the conversation.
ChatMessage = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool call that a model asks for; `arguments` is JSON if the model made no mistake."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A response of the model: text, tool calls, and the tokens that it cost.

    `cost` is in US dollars, None if the endpoint does not report it.
    """

    text: str
    requests: tuple[ToolRequest, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None


class ModelUnavailable(Exception):
    """The model cannot be reached, refuses, or does not follow the protocol."""


class ChatModel(Protocol):
    """Protocol of a model: one that an endpoint offers, or the demo model."""

    def reply(self, messages: Sequence[ChatMessage], tools: Sequence[Mapping[str, Any]]) -> Reply:
        """Return the next response in a conversation.

        Raises:
            ModelUnavailable: the model does not respond.
        """

    def close(self) -> None:
        """Free all resources; a response that another thread waits for fails."""


def reply_message(reply: Reply, answered: Sequence[ToolRequest]) -> ChatMessage:
    """Return the message of a reply, for the conversation that goes on, with these tool calls."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if answered:
        message["tool_calls"] = [
            {
                "id": request.id,
                "type": "function",
                "function": {"name": request.name, "arguments": request.arguments},
            }
            for request in answered
        ]
    return message


def result_message(request: ToolRequest, text: str) -> ChatMessage:
    """Return the message with the result of a tool call."""
    return {"role": "tool", "tool_call_id": request.id, "content": text}
