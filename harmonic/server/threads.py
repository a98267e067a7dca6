"""The threads that write what a process collects, in the server and in the worker."""

from __future__ import annotations


def start_writing() -> None:
    """Start the threads that store the use of tokens and the log of agents."""
    from harmonic.agent_log.storing import flush_regularly
    from tokens.usage import settle_every_minute

    settle_every_minute()
    flush_regularly()
