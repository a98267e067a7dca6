"""The language rules of docs/voice.md that can be checked without a reader."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.one_database

ROOT = Path(settings.BASE_DIR)
VOICE = ROOT / "docs" / "voice.md"
FOLDERS = (
    "harmonic", "accounts", "tokens", "collectives", "api", "templates", "static", "docs", "bench",
    "bin", "tests",
)  # fmt: skip
TEXTS = {".html", ".txt", ".md", ".js", ".css", ".toml"}
# Files that quote the phrases.
QUOTING = {VOICE, Path(__file__)}

# One distinctive part of each phrase to avoid. Each row of the table has one.
PHRASES = (
    "acts as you, in ",
    "Each counts for itself",
    "Times are those of UTC",
    "For whom",
    "What it may do",
    "Also writes: ",
    "Lifetime, ",
    "Into the environment first",
    "every page, with .md at its end",
    "ways to write, its capabilities",
    "What is ticked",
    "is told about itself",
    "May write where",
    "Stopping deletes all",
    "may be a minute old",
    "at most in a day",
    "what was done to it, is in",
    "can get in here",
    "get in only while",
    "after a time of inactivity",
    "learns in JSON too how",
    "What meets a request",
    "a host that is not ours",
    "None where nothing happened",
    "shows around its own content",
    "The last page that a function answers",
)
QUESTION = re.compile(
    r"(what|who|whom|whose|which|where|when|why|how|whether|says|tells|answer whether)\b",
    re.IGNORECASE,
)


def files(folder: str) -> list[Path]:
    return sorted(
        path
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path not in QUOTING and "__pycache__" not in path.parts
    )


def flattened(text: str) -> str:
    """Return a text on one line, without code and emphasis marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>|[`*]", "", text))


def prose_of(path: Path) -> str:
    """Return the text of a file; of Python its strings, docstrings and comments."""
    if path.suffix in TEXTS:
        return flattened(path.read_text())
    return flattened(python_prose(path.read_text())) if path.suffix == ".py" else ""


def python_prose(source: str) -> str:
    # The parser joins adjacent strings, which the source may have on several lines.
    strings = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    comments = [
        token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    return "\n".join([*strings, " ".join(comments)])


def phrases_in(text: str) -> list[str]:
    return [phrase for phrase in PHRASES if phrase in text]


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each docstring."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text


def questions_in(source: str) -> list[tuple[int, str]]:
    return [
        (line, text.splitlines()[0])
        for line, text in docstrings(source)
        if QUESTION.match(text.lstrip("`"))
    ]


@cache
def examples() -> list[str]:
    """Return the left column of the table of examples."""
    table = VOICE.read_text().partition("## Examples")[2].partition("\n\nNames")[0]
    return re.findall(r"^\| (.+?) \| .+ \|$", table, re.MULTILINE)[1:]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_phrase_of_the_table_is_used(folder: str) -> None:
    found = {
        path.relative_to(ROOT).as_posix(): phrases
        for path in files(folder)
        if (phrases := phrases_in(prose_of(path)))
    }

    assert found == {}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_no_phrase_of_the_table_is_in_the_documents_of_the_root(name: str) -> None:
    assert phrases_in(prose_of(ROOT / name)) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_docstring_begins_with_a_question_word(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in files(folder)
        if path.suffix == ".py"
        for line, text in questions_in(path.read_text())
    ]

    assert found == []


def test_every_example_has_a_phrase_that_is_looked_for() -> None:
    assert len(examples()) >= 25
    assert [each for each in examples() if not phrases_in(flattened(each))] == []
    assert [phrase for phrase in PHRASES if phrase not in flattened(" ".join(examples()))] == []


def test_phrases_are_found_across_lines_and_markup() -> None:
    assert phrases_in(flattened("<b>What</b> is\n  ticked, it may do.")) == ["What is ticked"]
    assert phrases_in(flattened(python_prose('x = ("Each counts "\n     "for itself")\n'))) == [
        "Each counts for itself"
    ]
    assert phrases_in(flattened(python_prose("# Each counts\n# for itself.\n"))) == [
        "Each counts for itself"
    ]


@pytest.mark.parametrize(
    ("docstring", "is_found"),
    [
        ("Whether a token is live.", True),
        ("What an agent may do.", True),
        ("Says what is missing.", True),
        ("Answer whether a token is live.", True),
        ("Return whether a token is live.", False),
        ("Whole requests only.", False),
    ],
)
def test_question_words_are_found_in_docstrings_of_all_kinds(
    docstring: str, is_found: bool
) -> None:
    function = f'class Box:\n    async def run(self):\n        """{docstring}"""\n'

    assert bool(questions_in(f'"""{docstring}"""\n')) is is_found
    assert bool(questions_in(function)) is is_found
