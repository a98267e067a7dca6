"""Parsing of Harmonic's Markdown documents in tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

# The safe loader in C where PyYAML has it, which is ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Read:
    """A parsed document: its frontmatter and the CommonMark tokens below it."""

    fields: dict[str, Any]
    body: str
    tokens: list[Token]

    @property
    def actions(self) -> list[str]:
        return [action["name"] for action in self.fields.get("actions", [])]

    @property
    def headings(self) -> list[str]:
        return [
            text_of(self.tokens[index + 1])
            for index, token in enumerate(self.tokens)
            if token.type == "heading_open"
        ]

    @property
    def fences(self) -> list[tuple[str, str]]:
        return [(token.info, token.content) for token in self.tokens if token.type == "fence"]

    @property
    def links(self) -> list[str]:
        """The targets of the links, relative to the path of the page."""
        return [
            target.removeprefix(self.fields["path"]) if self.fields["path"] != "/" else target
            for target in self.targets
        ]

    @property
    def targets(self) -> list[str]:
        """The targets of the links as they are written."""
        return [
            str(child.attrs["href"])
            for token in self.tokens
            for child in token.children or []
            if child.type == "link_open"
        ]

    @property
    def kinds(self) -> list[str]:
        """The types of all block and inline elements except text."""
        inner = [
            child.type
            for token in self.tokens
            for child in token.children or []
            if child.type not in {"text", "text_special", "softbreak"}
        ]
        return [token.type for token in self.tokens] + inner

    @property
    def texts(self) -> list[str]:
        return [text_of(token) for token in self.tokens if token.type == "inline"]


def text_of(token: Token) -> str:
    kept = {"text", "text_special", "code_inline"}
    return "".join(child.content for child in token.children or [] if child.type in kept)


def read(document: str) -> Read:
    assert document.startswith("---\napp: Harmonic\n")
    _, frontmatter, body = document.split("---\n", 2)
    assert body.startswith("nav: | [Home](/)")
    parser = MarkdownIt("commonmark").enable("table")
    fields = yaml.load(frontmatter, Loader=LOADER)
    return Read(fields, body, parser.parse(body))
