"""The generation of docs/rules.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.listing import (
    COMMAND,
    PAGE,
    RULES,
    Group,
    RuleTest,
    groups,
    page,
    problems,
    rule_tests,
)


def test_every_rule_has_a_test_and_every_mark_names_a_rule():
    assert problems(groups(), rule_tests()) == []


def test_docs_rules_md_is_current():
    assert PAGE.read_text() == page(groups(), rule_tests()), f"Run: {COMMAND}"


def test_rule_ids_are_unique():
    ids = [rule for group in groups() for rule in group.sentences]

    assert len(ids) == len(set(ids)) == RULES.read_text().count(' = "') - len(groups())


RULE = Group("Members", {"members.leave": "A member can leave."})
HELD = {"members.leave": [RuleTest("tests/test_members.py", "test_a_member_leaves")]}


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (HELD, []),
        ({}, ["No test checks the rule members.leave."]),
        (
            HELD | {"members.fly": [RuleTest("tests/test_members.py", "test_a_member_flies")]},
            [
                "tests/test_members.py: test_a_member_flies names the rule members.fly,"
                " which is not in rules.toml."
            ],
        ),
    ],
)
def test_rules_without_tests_and_unknown_marks_are_reported(tests, said):
    assert problems([RULE], tests) == said


def test_marks_are_read_from_test_files(tmp_path: Path):
    folder = tmp_path / "tests"
    folder.mkdir()
    source = (
        'import pytest\n@pytest.mark.rule("members.leave", "roles.end")\ndef test_one(): pass\n'
    )
    (folder / "test_members.py").write_text(source)
    (folder / "helpers.py").write_text(source)

    one = RuleTest("tests/test_members.py", "test_one")
    assert rule_tests(folder) == {"members.leave": [one], "roles.end": [one]}
