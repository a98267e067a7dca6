"""The handles that people can choose, on every surface."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, on
from tests.fixtures.world import World

pytestmark = pytest.mark.django_db

BLANK = {
    HTML: "<span>Is required</span>",
    FORM: "<span>Is required</span>",
    MARKDOWN: "new_handle is required",
    REST: "Handle can't be blank",
}


@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("sent", ["!", "-", "。"])
def test_a_handle_without_letters_or_digits_counts_as_blank(
    world: World, call: Any, surface: str, sent: str
) -> None:
    answer = call("bob").act("update_profile", "/u/bob", new_handle=sent)

    answer.assert_invalid(BLANK[surface])
    assert world.person("bob").display_name == "Bob"


@on(HTML, MARKDOWN, REST)
def test_a_chosen_handle_is_stored_as_its_slug(world: World, call: Any, surface: str) -> None:
    call("bob").act("update_profile", "/u/bob", new_handle="Bob the Baker!").assert_done()

    assert world.person("Bob-the-Baker").display_name == "Bob"
