"""The examples in the help about decisions work as shown."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from collectives.decisions.models import Decision
from tests.decisions.conftest import Member

EXAMPLE = re.compile(r"POST (/\S+)\n(\{.*?\})\n```", re.DOTALL)
TOPICS = {"decisions": 4, "executive-decisions": 2, "lottery-decisions": 1}


@pytest.mark.parametrize("topic", TOPICS)
def test_the_examples_of_the_help_run(alice: Member, topic: str) -> None:
    examples: list[tuple[str, str]] = EXAMPLE.findall(alice.read(f"/help/{topic}"))

    assert len(examples) == TOPICS[topic]
    for path, body in examples:
        newest: Any = Decision.unscoped.latest("created_at")
        response = alice.client.post(
            path.replace("{id}", newest.truncated_id),
            json.loads(body),
            "application/json",
            headers={"accept": "application/json"},
        )
        assert response.status_code == 200, response.content.decode()
        assert response.json()["success"] is True
