"""Measure how much one hostile member slows down the requests of ten others.

    .venv/bin/python -m bench.hostile [SECONDS]

Ten members read and write once a second each, first alone, then during each attack for SECONDS.
The server enforces its limits on loopback. The members must get no 429 and no error, and their
median response time may increase by at most half.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from multiprocessing import get_context
from multiprocessing.queues import Queue

from bench.load import HOST, Server, Tally, in_parallel, read, request, signed_in, write

MEMBERS = 10
ATTACKERS = 8
# Used instead of a status code.
NO_ANSWER = 0
MOST = 1.5
PATHS = ("/api/v1/notes?limit=20", "/whoami.md", "/collectives/kitchen.md", "/actions.md")
# Ten members with a token each, a note with heavy comments and three long notes; prints JSON.
PREPARE = """
import json
from django.utils import timezone
from accounts.models import Tenant
from accounts.rules import new_user
from collectives.models import Collective
from collectives.notes.actions import add_comment, create_note
from collectives.rules.members import add_member
from collectives.rules.tenants import join_tenant
from harmonic.access.access_as import access_as
from harmonic.demo.seed import perform_action
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.management.commands.create_token import issue_token

now, tenant = timezone.now(), Tenant.objects.get(subdomain="garden")
values = {"name": "bench", "read_write": "write"}

def token(user):
    return issue_token({"tenant": "garden", "user": user, "agent": None}, values)

with tenant_bound(tenant.id):
    for number in range(10):
        user = new_user(name=f"Member {number}", email=f"m{number}@example.org", now=now)
        person = join_tenant(user, tenant, now=now, handle=f"member-{number}")
        add_member(Collective.objects.get(handle="kitchen"), person, now=now)
table = "|a|b|\\n|-|-|\\n" + "|*x*|`y`|\\n" * 9_700
bob = access_as("garden", "bob", "kitchen", now=now)
with tenant_bound(tenant.id):
    note = perform_action(create_note, bob, None, {"title": "Heavy", "text": table}).object
    for _ in range(20):
        perform_action(add_comment, bob, note, {"text": table[:97_000]})
    long = {"title": "Long", "text": "lorem ipsum dolor " * 55_000}
    for _ in range(3):
        perform_action(create_note, bob, None, long)
print(json.dumps({
    "members": [token(f"member-{number}") for number in range(10)],
    "hostile": [token("bob") for _ in range(25)],
    "note": f"/collectives/kitchen/n/{note.truncated_id}",
    "note_id": str(note.id),
}))
"""

FORK = get_context("fork")
Step = Callable[[], int]
# Returns the function that a thread of the attacker repeats.
Attack = Callable[[int], Step]


class Stage:
    """The server, its ten members, and the attacks that Bob can make."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.names = json.loads(server.manage("shell", "-v", "0", "-c", PREPARE))
        server.start()
        self.browse = signed_in(server)

    def attacks(self) -> dict[str, Attack | None]:
        notes = "/collectives/kitchen/api/v1/notes"
        # Words that many texts have a part of.
        words = "+".join(f"dolor{number}" for number in range(8))
        return {
            "nothing": None,
            "25 tokens": lambda number: self._get("/api/v1", number),
            "the heaviest page": lambda number: self._page,
            "the heaviest search": lambda number: self._get(f"{notes}?q={words}", number),
            "the longest list": lambda number: self._get(
                f"{notes}/{self.names['note_id']}/comments", number
            ),
            "slow bodies": lambda number: self._slow_body,
        }

    def _get(self, path: str, number: int) -> Step:
        tokens = self.names["hostile"][number::ATTACKERS]

        def step() -> int:
            return request(self.server.port, "GET", path, random.choice(tokens))[0]

        return step

    def _page(self) -> int:
        return self.browse(self.names["note"])[0]

    def _slow_body(self) -> int:
        """Begin four requests and leave them half sent until the server ends one of them."""
        head = f"POST /login HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n\r\nemail="
        opened = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(4)]
        for each in opened:
            each.settimeout(2)
            each.sendall(head.encode())
        with suppress(OSError):
            opened[0].recv(1)
        for each in opened:
            each.close()
        return NO_ANSWER


def attacked(attack: Attack, until: float, answers: Queue[dict[int, int]]) -> None:
    """Attack with several threads, in a process that shares nothing with the members."""
    counted = Counter[int]()

    def attacker(number: int) -> None:
        step = attack(number)
        while time.monotonic() < until:
            try:
                counted[step()] += 1
            except (OSError, HTTPException) as error:
                counted[getattr(error, "code", NO_ANSWER)] += 1

    in_parallel(ATTACKERS, attacker)
    answers.put(dict(counted))


def measured(stage: Stage, attack: Attack | None, seconds: float) -> tuple[Tally, dict[int, int]]:
    """Return the results of the members and the statuses of the attacker during an attack."""
    tally, until = Tally(), time.monotonic() + seconds
    answers: Queue[dict[int, int]] = FORK.Queue()
    process = FORK.Process(target=attacked, args=(attack, until, answers)) if attack else None
    if process:
        process.start()

    def member(number: int) -> None:
        dice, token = random.Random(number), stage.names["members"][number]
        while time.monotonic() < until:
            started = time.monotonic()
            try:
                if dice.random() < 0.2:
                    write(stage.server.port, token, tally)
                else:
                    read(stage.server.port, token, dice.choice(PATHS), tally)
            except (OSError, HTTPException):
                with tally.lock:
                    tally.statuses[NO_ANSWER] += 1
            time.sleep(max(0, 1 - (time.monotonic() - started)))

    in_parallel(MEMBERS, member)
    found = answers.get(timeout=120) if process else {}
    if process:
        process.join()
    return tally, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=30)
    seconds = parser.parse_args().seconds
    os.environ["HARMONIC_LIMIT_LOOPBACK"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        server.manage("prepare")
        try:
            stage = Stage(server)
            print(
                "| attack | members' median ms | × alone | members' statuses | attacker's | met |"
            )
            print("|---|---|---|---|---|---|")
            alone = 0.0
            for name, attack in stage.attacks().items():
                # Wait for a new window of the rate limits.
                time.sleep(61 - time.time() % 60 if attack else 0)
                tally, answers = measured(stage, attack, seconds)
                median = statistics.median(tally.seconds) * 1000
                alone = alone or median
                is_kept = set(tally.statuses) == {200} and median <= MOST * alone
                seen = f"{dict(tally.statuses)} | {answers or '–'}"
                kept = "yes" if is_kept else "no"
                print(
                    f"| {name} | {median:.0f} | {median / alone:.2f} | {seen} | {kept} |",
                    flush=True,
                )
        finally:
            server.stop()


if __name__ == "__main__":
    main()
