"""Draw random sentences of the product to review their language (docs/voice.md).

    .venv/bin/python bin/sentences.py [--seed 1] [--count 20] [--commit HEAD]

Sentences come from five sources: templates, help topics, refusals, documentation and docstrings.
The same seed and commit always give the same sentences.
"""

from __future__ import annotations

import argparse
import ast
import io
import random
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFUSALS = re.compile(
    r"Denied|Refused|NotFound|Forbidden|Unauthorized|Unauthenticated|Conflict|Throttled"
    r"|\w*(Refused|Refusal|Error|Failed|Invalid|Gone)"
)
TEMPLATE_TAG = re.compile(
    r"\{%.*?%\}|\{#.*?#\}|<!--.*?-->|<(svg|script|style|pre)\b.*?</\1>", re.DOTALL
)
BLOCK = re.compile(r"</?(p|h\d|li|ul|ol|t[dhr]|div|pre|button|label|option|section|dt|dd)\b[^>]*>")
END = re.compile(r"(?<=[.!?:])\s+(?=[A-Z“`…])")
WORD = re.compile(r"[^\W\d_]{2,}")
FENCE = re.compile(r"^(`{3,}).*?^\1$", re.DOTALL | re.MULTILINE)

Source = Callable[[str, str], Iterator[str]]


def main() -> int:
    options = arguments()
    files = dict(files_of(options.commit))
    for name, source in SOURCES.items():
        found = sorted(
            {
                (" ".join(sentence.split()), path)
                for path, text in files.items()
                for chunk in source(path, text)
                for sentence in END.split(chunk)
                if len(WORD.findall(sentence)) > 2
                and not sentence.startswith(("Shown by ", "[test_"))
            }
        )
        drawn = random.Random(options.seed).sample(found, min(options.count, len(found)))  # noqa: S311 no secret
        print(f"\n## {name} ({len(found)} sentences)\n")
        for sentence, path in drawn:
            print(f"- {sentence}  [{path}]")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Draw random sentences of the product.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20, help="sentences for each source")
    parser.add_argument("--commit", default="HEAD")
    return parser.parse_args()


def files_of(commit: str) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each Python, HTML and Markdown file in a commit."""
    archive = subprocess.run(
        ["git", "archive", commit],  # noqa: S607 git is found on the path
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            if member.name.endswith((".py", ".html", ".md")) and (file := tar.extractfile(member)):
                yield member.name, file.read().decode()


# --- Sources --------------------------------------------------------------------------------


def templates(path: str, text: str) -> Iterator[str]:
    is_ours = path.startswith("templates/") and not path.startswith(
        ("templates/help/", "templates/styleguide/")
    )
    return prose_of_html(text) if is_ours else iter(())


def help_topics(path: str, text: str) -> Iterator[str]:
    return prose_of_html(text) if path.startswith("templates/help/") else iter(())


def prose_of_html(text: str) -> Iterator[str]:
    """Yield the text of each block of a template, with `…` for values."""
    bare = re.sub(r"\{\{.*?\}\}", "…", TEMPLATE_TAG.sub("", text))
    for block in re.sub(BLOCK, "\0", bare).split("\0"):
        yield unescape(re.sub(r"<[^>]*>", "", block)).strip()


def refusals(path: str, text: str) -> Iterator[str]:
    if not path.endswith(".py") or path.startswith(("tests/", "bench/", "bin/")):
        return
    for node in ast.walk(ast.parse(text)):
        # Hints that several refusals share are constants.
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper():
            yield from (string for string in strings_in(node.value) if string.endswith("."))
        if isinstance(node, ast.Call) and REFUSALS.fullmatch(ast.unparse(node.func).split(".")[-1]):
            for argument in [*node.args, *(each.value for each in node.keywords)]:
                yield from strings_in(argument)


def strings_in(node: ast.expr) -> Iterator[str]:
    """Yield a string or a formatted string, with `…` for values."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts
            )
        case ast.IfExp(body=body, orelse=other):
            yield from strings_in(body)
            yield from strings_in(other)


def documentation(path: str, text: str) -> Iterator[str]:
    """Yield the paragraphs, list items and table cells of a document."""
    if path.endswith(".md"):
        for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*|]|\d+\.) )|\|", FENCE.sub("", text)):
            yield re.sub(r"^[\s#>*-]+", "", re.sub(r"\]\([^)]*\)", "]", block)).strip()


def docstrings(path: str, text: str) -> Iterator[str]:
    if path.endswith(".py"):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, kinds) and (docstring := ast.get_docstring(node)):
                yield from docstring.split("\n\n")


SOURCES: dict[str, Source] = {
    "Templates": templates,
    "Help": help_topics,
    "Refusals": refusals,
    "Documentation": documentation,
    "Docstrings": docstrings,
}


if __name__ == "__main__":
    sys.exit(main())
