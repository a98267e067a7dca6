"""`docs/limits.md` matches the code, and every bound in it has a test."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import get_resolver

from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.refusals import Invalid
from harmonic.kernel.registry import actions
from harmonic.site.bounds.document import BoundedParameter, document, every, parameters

ROOT = Path(settings.BASE_DIR)
_ = get_resolver().url_patterns


def test_the_page_matches_the_code() -> None:
    kept = (ROOT / "docs" / "limits.md").read_text()

    assert kept == document(), "run manage.py describe_limits and read the diff"


def test_every_bound_has_a_test() -> None:
    named = {name for path in (ROOT / "tests").rglob("test_*.py") for name in marked_in(path)}

    listed = [bound.name for bound in every()]
    assert len(listed) == len(set(listed))
    assert sorted(set(listed) - named) == [], "no test has these in its mark `meets`"
    assert sorted(named - set(listed)) == [], "no such bound"


def marked_in(path: Path) -> set[str]:
    """Return the bounds named by the marks of a module's tests."""
    text = path.read_text()
    if "mark.meets" not in text:
        return set()
    return {
        argument.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "meets"
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_every_setting_of_a_bound_is_documented() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text()

    settings_ = {bound.setting for bound in every() if bound.setting}
    assert [name for name in sorted(settings_) if f"`{name}`" not in manual] == []


@pytest.mark.parametrize("parameter", parameters(), ids=lambda each: f"{each.name} {each.length}")
def test_a_parameter_has_a_maximum_length(parameter: BoundedParameter) -> None:
    for action in actions().values():
        if action.name not in parameter.actions or action.params is None:
            continue
        for length in (parameter.length, parameter.length + 1):
            raw = RawParams({parameter.name: "x" * length})
            problems = problems_of(action.params, raw)
            is_refused = (parameter.name, "too_long") in problems
            assert is_refused is (length > parameter.length), (action.name, problems)


def problems_of(params: type, raw: RawParams) -> set[tuple[str, str]]:
    try:
        validated(params, raw)
    except Invalid as invalid:
        return {(problem.param, problem.code) for problem in invalid.problems}
    return set()
