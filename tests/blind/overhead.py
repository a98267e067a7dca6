"""The overhead of pages beyond people's texts, in tokens as in `Content-Tokens-Estimate`."""

from __future__ import annotations

import re

from tests.blind.reading import Document, estimated_tokens

FENCE = re.compile(r"^(`{3,})markdown\n.*?^\1\n", re.MULTILINE | re.DOTALL)
# The most that each may cost, in tokens.
NOTE, WHOAMI, ROW, ROOT, THREAD = 350, 250, 60, 900, 3_500
# What the action that reports content to the admins adds to a note, for all but its author.
REPORT = 90
READERS = ("confirm_read", "report_content")
# An action in the frontmatter without parameters, and each of its parameters.
ACTION, PARAMETER = 52, 40
# A route in the root of the API.
ROUTE = 28
COMMENT = "Comment {}: a sentence of the usual length, and another one after it."


def beside_its_text(seen: Document) -> int:
    """Return the tokens of a note's page without its text, its comments and its history."""
    text = FENCE.sub("", seen.text)
    for heading in ("Comments", "History"):
        text = without_section(text, heading)
    return estimated_tokens(text)


def action_entries(seen: Document) -> list[str]:
    """Return the parts of the frontmatter that describe an action each."""
    frontmatter = seen.text.split("---\n", 2)[1]
    listed = frontmatter.partition("\nactions:\n")[2]
    return re.findall(r"^  - name: .*\n(?:    .*\n)*", listed, re.MULTILINE)


def beside_the_prompt(seen: Document) -> int:
    """Return the tokens of `/whoami` without what the person who manages the agent chose.

    That is the identity prompt, and the sentence with the names of capabilities, of which each
    kind of items has more.
    """
    text = without_section(seen.text, "Identity Prompt")
    return estimated_tokens(re.sub(r"(?m)^.* restricted your capabilities\. .*\n", "", text))


def beside_the_routes(root: str) -> int:
    """Return the tokens of the root of the API without its list of routes.

    That the root lists every route is a contract, so that it grows with each kind of items.
    """
    return estimated_tokens(re.sub(r'(?<="routes":\[).*?\](?=,"openapi")', "", root))


def row(seen: Document) -> int:
    """Return the tokens of a row of a list of notes, on average."""
    rows = re.findall(r"^\* \*\*Note\*\*.*(?:\n {2}.*)*", seen.text, re.MULTILINE)
    return round(sum(map(estimated_tokens, rows)) / len(rows))


def without_section(text: str, heading: str) -> str:
    return re.sub(rf"^## {heading}.*?(?=^## |^> \[)", "", text, flags=re.MULTILINE | re.DOTALL)
