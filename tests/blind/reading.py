"""An agent's requests, and what it reads in the responses.

The agents of these tests know an address and a token. `Wire` sends a request and counts it, and
`Document` is a page as an agent reads it: its actions, its links with the lines around them, and
its sentences. Nothing here knows a path or a parameter of Harmonic.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

LINK = re.compile(r"\[((?:[^\]\\]|\\.)+)\]\(([^)\s]+)\)")
ESCAPED = re.compile(r"\\(.)")
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Reply:
    """A response: its status and its text."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


# Sends a request: method, path, body, headers.
Send = Callable[[str, str, bytes, Mapping[str, str]], Reply]


def estimated_tokens(text: str) -> int:
    """Return a quarter of the characters, as `Content-Tokens-Estimate` does."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


@dataclass
class Wire:
    """The connection of an agent, with the requests it sent and the tokens it read."""

    send: Send
    requests: int = 0
    tokens: int = 0

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        sent = b"" if body is None else json.dumps(body).encode()
        reply = self.send(method, path, sent, {"content-type": "application/json", **headers})
        self.requests += 1
        self.tokens += estimated_tokens(reply.text)
        return reply

    def reset(self) -> None:
        self.requests = self.tokens = 0


@dataclass(frozen=True)
class Link:
    """A link with the line that contains it."""

    text: str
    path: str
    line: str


@dataclass(frozen=True)
class Document:
    """A Markdown page as an agent reads it."""

    status: int
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    body: str = ""

    @property
    def actions(self) -> list[Mapping[str, Any]]:
        return list(self.fields.get("actions", []))

    @property
    def links(self) -> list[Link]:
        """The links outside of fences, the navigation line last."""
        navigation, _, rest = self.body.partition("\n")
        return [*_links(rest), *_links(navigation)]

    def parameter(self, *words: str) -> str:
        """Return the parameter of the page that is explained with these words behind it."""
        for name, meaning in re.findall(r"`\?(\w+)=\w+` \(([^)]*)\)", self.body):
            if has_words(meaning, *words):
                return str(name)
        raise AssertionError(f"no parameter is for {words}:\n{self.text}")

    @property
    def resource(self) -> Link:
        """The link to what an action made or changed."""
        _, _, below = self.body.partition("## Resource\n")
        return next(_links(below))

    @property
    def says(self) -> str:
        """The body as one line of words, without the targets of links."""
        return " ".join(ESCAPED.sub(r"\1", LINK.sub(r"\1", self.body)).split())

    def link(self, *words: str) -> Link:
        """Return the first link with these words in its text, or else in its line."""
        for place in ("text", "line"):
            for link in self.links:
                if has_words(getattr(link, place), *words):
                    return link
        raise AssertionError(f"no link leads to {words}:\n{self.text}")

    def action(self, *words: str) -> Mapping[str, Any]:
        """Return the action with these words in its name or its description."""
        for action in self.actions:
            if has_words(f"{action['name']} {action['description']}".replace("_", " "), *words):
                return action
        raise AssertionError(f"no action does {words}:\n{self.text}")


def has_words(text: str, *words: str) -> bool:
    return all(word.lower() in text.lower() for word in words)


def read_document(status: int, text: str) -> Document:
    _, frontmatter, body = text.split("---\n", 2)
    return Document(status, text, yaml.safe_load(frontmatter), body)


def _links(text: str) -> Iterator[Link]:
    fence = ""
    for line in text.splitlines():
        mark = re.match(r"(`{3,})", line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif mark:
            fence = mark.group(1)
        else:
            plain = ESCAPED.sub(r"\1", line)
            for link in LINK.finditer(line):
                yield Link(ESCAPED.sub(r"\1", link.group(1)), link.group(2), plain)


def filled(params: list[Mapping[str, Any]], wishes: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters by name for what the agent wants to say.

    A wish belongs to the parameter whose name is its word, or else whose description has it.
    """
    sent = {}
    for word, value in wishes.items():
        named = [each for each in params if has_words(each["name"], word)]
        described = [each for each in params if has_words(each.get("description", ""), word)]
        assert named or described, f"no parameter takes {word}: {params}"
        sent[(named or described)[0]["name"]] = value
    missing = [each["name"] for each in params if each["required"] and each["name"] not in sent]
    assert not missing, f"the task says nothing for {missing}"
    return sent
