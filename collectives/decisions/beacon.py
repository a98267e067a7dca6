"""The randomness beacon: drand's quicknet chain, which no one can predict or influence.

A draw uses the first round that is published after the deadline
(https://docs.drand.love/developer/http-api).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException, HTTPSConnection

from django.conf import settings

CHAIN = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
GENESIS = 1_692_803_367
PERIOD = 3
RELAYS = ("api.drand.sh", "api2.drand.sh", "api3.drand.sh")
TIMEOUT = 10
LONGEST_ANSWER = 65_536
DRAND, TEST = "drand", "test"
# The fixed values of the provider for tests.
TEST_ROUND = 1
TEST_RANDOMNESS = "deadbeef"
_HEX = re.compile(r"[0-9a-f]{1,128}")


class BeaconUnavailable(Exception):
    """No relay answered, or two of them disagree."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A round of the beacon and its randomness, in hexadecimal."""

    round: int
    randomness: str


def round_after(deadline: datetime) -> int:
    """Return the first round published after a deadline, truncated to whole seconds."""
    return max(2, (int(deadline.timestamp()) - GENESIS) // PERIOD + 2)


def is_real() -> bool:
    """Return whether draws use drand, not the provider for tests."""
    return settings.BEACON == DRAND


def draw_after(deadline: datetime) -> Draw:
    """Return the draw of a decision with this deadline.

    Raises:
        BeaconUnavailable: try again later.
    """
    if not is_real():
        return Draw(TEST_ROUND, TEST_RANDOMNESS)
    number = round_after(deadline)
    return Draw(number, randomness_of(number))


def expected_round(deadline: datetime) -> int:
    """Return the round that the draw of a decision with this deadline must have used."""
    return round_after(deadline) if is_real() else TEST_ROUND


def randomness_of(number: int) -> str:
    """Return the randomness of a round: two relays must agree, unless only one answers.

    Raises:
        BeaconUnavailable: no relay answered, or two answers differ.
    """
    answers: list[str] = []
    for relay in RELAYS:
        if (answer := _ask(relay, number)) is None:
            continue
        answers.append(answer)
        if len(answers) == 2:
            break
    if not answers or len(set(answers)) > 1:
        raise BeaconUnavailable(f"{len(set(answers))} answers for round {number} of drand.")
    return answers[0]


def path_of(number: int) -> str:
    return f"/{CHAIN}/public/{number}"


def verification_url(number: int | None) -> str:
    """Return the public URL of a round, or "" if draws use the provider for tests."""
    return f"https://{RELAYS[0]}{path_of(number)}" if number and is_real() else ""


def _ask(relay: str, number: int) -> str | None:
    """Return the randomness that a relay has for a round, or None if it has no usable answer."""
    connection = HTTPSConnection(relay, timeout=TIMEOUT)
    try:
        connection.request("GET", path_of(number), headers={"Accept": "application/json"})
        response = connection.getresponse()
        body = response.read(LONGEST_ANSWER)
        if response.status != 200:
            return None
        answer = json.loads(body)
        randomness = answer["randomness"] if answer["round"] == number else ""
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()
    return randomness if isinstance(randomness, str) and _HEX.fullmatch(randomness) else None
