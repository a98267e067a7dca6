"""Count the requests and the tokens of an agent that knows an address and a token.

    .venv/bin/python -m bench.blind

Serve the demo world from a temporary folder, do the tasks of `tests/blind/tasks.py` on each
surface, and measure what pages cost beside the text of people. Tokens are a quarter of the
characters of the responses, as in `Content-Tokens-Estimate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection

from bench.load import HOST, Server, served
from tests.blind.overhead import (
    COMMENT,
    NOTE,
    ROOT,
    ROW,
    THREAD,
    WHOAMI,
    beside_its_text,
    beside_the_prompt,
    beside_the_routes,
    row,
)
from tests.blind.reading import Reply, Send, Wire, estimated_tokens
from tests.blind.stage import KITCHEN, Stage
from tests.blind.surfaces import MarkdownAgent, McpAgent, RestAgent
from tests.blind.tasks import TASKS, Agent, Task, do

PARENTS = {"scout": "alice"}
SURFACES = (MarkdownAgent, McpAgent, RestAgent)


def sender(port: int, token: str) -> Send:
    def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        sent = {"host": f"{HOST}:{port}", "authorization": f"Bearer {token}", **headers}
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read().decode())
        finally:
            connection.close()

    return send


def wire_to(server: Server, who: str) -> Wire:
    """Return the connection of an account with a new token."""
    parent = PARENTS.get(who)
    owner = ("--user", parent or who, *(("--for", who) if parent else ()))
    words = ("--tenant", "garden", *owner, "--name", "blind", "--scope", "write")
    return Wire(sender(server.port, server.manage("create_token", *words)))


def connected(agent: Agent) -> str:
    """Return the cost of connecting."""
    agent.connect()
    return f"{agent.wire.requests}, {agent.wire.tokens}"


def cost(agent: Agent, task: Task, stage: Stage) -> str:
    """Return the requests of a task, the shortest path, and the tokens."""
    do(task, agent, stage)
    return f"{agent.wire.requests} ({task.shortest[agent.surface]}), {agent.wire.tokens}"


def print_tasks(wires: Mapping[str, Wire]) -> None:
    stage = Stage(lambda who: Wire(wires[who].send))
    print("\n| task | begins at |", " | ".join(kind.surface for kind in SURFACES), "|")
    print("|---" * (len(SURFACES) + 2) + "|")
    firsts = [connected(kind(Wire(wires["scout"].send))) for kind in SURFACES]
    print("| Connect | – |", " | ".join(firsts), "|")
    for task in TASKS:
        costs = []
        for kind in SURFACES:
            agent = kind(Wire(wires[task.who].send))
            costs.append(cost(agent, task, stage) if task.is_for(kind.surface) else "–")
            if task.who == "carol":
                leave(wires["carol"])
        print(f"| {task.name} | {task.begins} |", " | ".join(costs), "|")


def leave(wire: Wire) -> None:
    """Let Carol leave the kitchen, if she joined it in a task."""
    wire.ask("POST", "/collectives/kitchen/api/v1/leave")


def print_overhead(wires: Mapping[str, Wire]) -> None:
    agent = MarkdownAgent(Wire(wires["alice"].send))
    agent.open("/")
    kitchen = agent.follow(KITCHEN)
    path = agent.follow("Where things go").fields["path"]
    notes = [beside_its_text(agent.open(path + below)) for below in ("", "/edit", "/settings")]
    for number in range(300):
        agent.wire.ask("POST", f"{path}/actions/add_comment", {"text": COMMENT.format(number)})
    scout = MarkdownAgent(Wire(wires["scout"].send))
    root = wires["scout"].ask("GET", "/api/v1").text
    print("| what | tokens | at most |\n|---|---|---|")
    print(f"| the pages of a note beside its text | {', '.join(map(str, notes))} | {NOTE} |")
    whoami = beside_the_prompt(scout.open("/whoami"))
    print(f"| `/whoami` of an agent beside its prompt | {whoami} | {WHOAMI} |")
    print(f"| a row of a collective's page | {row(kitchen)} | {ROW} |")
    print(f"| the root of the API beside its routes | {beside_the_routes(root)} | {ROOT} |")
    thread = estimated_tokens(agent.open(path).text)
    print(f"| a note with 300 comments | {thread} | {THREAD} |")


def main() -> None:
    with served() as (server, _):
        wires = {who: wire_to(server, who) for who in ("scout", "alice", "bob", "carol")}
        print_overhead(wires)
        print_tasks(wires)


if __name__ == "__main__":
    main()
