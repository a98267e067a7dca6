"""The client of OpenAI-compatible chat endpoints.

Only the worker imports this module: importing `openai` takes longer than starting the server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAI, OpenAIError
from openai.types.chat import ChatCompletion

from harmonic.kernel.rendering.text import storable
from harmonic.runner.engine.chat import ChatMessage, ModelUnavailable, Reply, ToolRequest
from harmonic.runner.environment import RunSettings

# Local endpoints need no key, but the client sends one.
NO_KEY = "none"
# Characters of a token, if the endpoint does not report usage.
CHARACTERS_PER_TOKEN = 4
ID_LENGTH, NAME_LENGTH = 64, 64


class OpenAiChat:
    """A model of an endpoint. The client retries timeouts, 429 and 5xx, and obeys Retry-After."""

    def __init__(self, settings: RunSettings, model: str) -> None:
        self._model = model
        self._client = OpenAI(
            base_url=settings.url,
            api_key=settings.key or NO_KEY,
            timeout=settings.timeout,
            max_retries=settings.retries,
        )

    def reply(self, messages: Sequence[ChatMessage], tools: Sequence[Mapping[str, Any]]) -> Reply:
        try:
            completion = self._client.chat.completions.create(
                model=self._model, messages=cast(Any, messages), tools=cast(Any, tools)
            )
        except APITimeoutError as error:
            raise ModelUnavailable("The model's server did not respond in time.") from error
        except APIConnectionError as error:
            raise ModelUnavailable("The model's server cannot be reached.") from error
        except APIStatusError as error:
            message = f"The model's server responded with status {error.status_code}."
            raise ModelUnavailable(message) from error
        except (OpenAIError, ValueError) as error:
            raise _not_the_protocol() from error
        try:
            return _reply(completion, messages)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise _not_the_protocol() from error

    def close(self) -> None:
        self._client.close()


def _not_the_protocol() -> ModelUnavailable:
    return ModelUnavailable("The model's server did not return a chat completion.")


def _reply(completion: ChatCompletion, messages: Sequence[ChatMessage]) -> Reply:
    """Return the reply in a completion, whose types the client does not check."""
    message = completion.choices[0].message
    text = message.content or ""
    if not isinstance(text, str):
        raise TypeError("The content is not text.")
    text = storable(text)
    requests = tuple(
        ToolRequest(
            id=storable(str(call.id or f"call_{number}"))[:ID_LENGTH],
            name=storable(str(call.function.name))[:NAME_LENGTH],
            arguments=storable(str(call.function.arguments or "{}")),
        )
        for number, call in enumerate(message.tool_calls or [])
        if call.type == "function" or not call.type
    )
    usage = completion.usage
    if usage is None:
        estimated = sum(len(str(each.get("content") or "")) for each in messages)
        return Reply(
            text,
            requests,
            estimated // CHARACTERS_PER_TOKEN,
            (len(text) + sum(len(each.arguments) for each in requests)) // CHARACTERS_PER_TOKEN,
        )
    cost = getattr(usage, "cost", None)
    return Reply(
        text,
        requests,
        max(0, int(usage.prompt_tokens or 0)),
        max(0, int(usage.completion_tokens or 0)),
        float(cost) if isinstance(cost, int | float) else None,
    )
