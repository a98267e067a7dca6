"""Generate docs/rules.md from rules.toml and from the tests that check the rules."""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = Path(__file__).with_name("rules.toml")
PAGE = ROOT / "docs" / "rules.md"
COMMAND = "python -m tests.rules"
INTRODUCTION = f"""\
# Rules

What people, agents and tokens can and cannot do, one sentence per rule, with the tests that
check it. Each test runs on every surface that has the action: HTML, Markdown and REST.

`{COMMAND}` generates this page from `tests/rules/rules.toml` and the tests marked with
`@pytest.mark.rule("members.leave")`. It fails if a rule has no test or a mark names an unknown
rule.
"""


@dataclass(frozen=True)
class Group:
    """The rules of one area: sentences by ID."""

    title: str
    sentences: Mapping[str, str]


@dataclass(frozen=True)
class RuleTest:
    """A test that checks a rule."""

    path: str
    name: str


def groups() -> list[Group]:
    """Read the rules. An ID consists of the area and the key."""
    areas = tomllib.loads(RULES.read_text())
    return [
        Group(area.pop("title"), {f"{name}.{key}": sentence for key, sentence in area.items()})
        for name, area in areas.items()
    ]


def rule_tests(tests: Path = ROOT / "tests") -> dict[str, list[RuleTest]]:
    """Return the marked tests by rule ID, in the order of the files."""
    found: dict[str, list[RuleTest]] = defaultdict(list)
    for path in sorted(tests.rglob("test_*.py")):
        source = path.read_text()
        if "mark.rule(" not in source:
            continue
        for name, rule in _marks(ast.parse(source)):
            found[rule].append(RuleTest(path.relative_to(tests.parent).as_posix(), name))
    return found


def _marks(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the name of each marked test of a module with the rule ID, once for each mark."""
    for test in ast.walk(module):
        if not isinstance(test, ast.FunctionDef):
            continue
        for mark in test.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.rule":
                for rule in mark.args:
                    yield test.name, ast.literal_eval(rule)


def problems(rules: list[Group], tests: Mapping[str, list[RuleTest]]) -> list[str]:
    """Return a message for each rule without a test and each mark of an unknown rule."""
    known = [rule for group in rules for rule in group.sentences]
    untested = [f"No test checks the rule {rule}." for rule in known if rule not in tests]
    unknown = [
        f"{test.path}: {test.name} names the rule {rule}, which is not in {RULES.name}."
        for rule in tests
        if rule not in known
        for test in tests[rule]
    ]
    return untested + unknown


def page(rules: list[Group], tests: Mapping[str, list[RuleTest]]) -> str:
    """Return the text of docs/rules.md."""
    return "\n".join([INTRODUCTION, *(_section(group, tests) for group in rules)])


def _section(group: Group, tests: Mapping[str, list[RuleTest]]) -> str:
    rows = [
        f"| `{rule}` | {sentence} | {_cell(tests[rule])} |"
        for rule, sentence in group.sentences.items()
    ]
    return "\n".join([f"## {group.title}\n", "| ID | Rule | Tests |", "|---|---|---|", *rows, ""])


def _cell(tests: list[RuleTest]) -> str:
    return "<br>".join(f"[{test.name}](../{test.path})" for test in tests)
