"""The regular work of notifications about API tokens."""

from __future__ import annotations

from collectives.notifications.token_notices import expiry, usage
from harmonic.kernel.operations.jobs import do_regularly


def register() -> None:
    """Register the regular work that notifies people of their tokens."""
    do_regularly("notify of tokens that expire", expiry.EVERY, expiry.notify_of_expiry)
    do_regularly("notify of new networks of tokens", usage.EVERY, usage.notify_of_networks)
    do_regularly("notify of refused tokens", usage.EVERY, usage.notify_of_refusals)
