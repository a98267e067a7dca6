"""Runs with scripted models: what they write, how they end, and what they cannot do."""

from __future__ import annotations

from collections import Counter

from collectives.items.models import Item
from tests.runner.model_server import acts, calls, reads, says

KITCHEN = "/collectives/kitchen"
NOTE = acts(f"{KITCHEN}/note", "create_note", {"title": "Soup", "text": "There is soup."})


def written_by(handle="steward"):
    rows = Item.unscoped.filter(created_by__memberships__handle=handle, deleted_at=None)
    return Counter(rows.values_list("kind", flat=True))


def test_a_run_reads_writes_and_finishes(world, model, runs):
    model.plays(calls(reads("/whoami"), said="First I look."), calls(NOTE), says("Done."))

    run = runs.carry_out()

    assert (run.status, run.success, run.ended_because) == ("completed", True, "finished")
    assert (run.final_message, run.error) == ("Done.", "")
    assert (run.steps_count, run.total_tokens) == (2, 33)
    assert world.note("Soup").item.created_by == world.user("steward")
    read, act = runs.steps(run)
    assert (read.type, read.detail["path"], read.detail["said"]) == (
        "fetch_page",
        "/whoami",
        "First I look.",
    )
    assert act.detail["resource"]["type"] == "Note"
    assert act.detail["params"] == ["title", "text"]
    assert not runs.is_token_live(run)
