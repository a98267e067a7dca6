"""Helpers to run the jobs that send e-mails, and to read sent e-mails."""

from __future__ import annotations

import re
from email.message import Message
from typing import Any

from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db.models.functions import Now
from django_tasks import TaskResultStatus as Status
from django_tasks_db.models import DBTaskResult

from harmonic.jobs import claims, running
from harmonic.kernel.operations.jobs import SHORT
from tests.jobs.rows import a_worker


def run_jobs(*, again: bool = False) -> None:
    """Run the due jobs as a worker does; with `again`, also jobs that wait for a retry."""
    worker = a_worker()
    if again:
        DBTaskResult.objects.filter(status=Status.READY).update(run_after=Now())
    while (claim := claims.claim_next(worker, SHORT)) is not None:
        running.run(claim)


def outbox(to: str = "") -> list[EmailMultiAlternatives]:
    """Return the sent e-mails, to one address or to all."""
    sent: list[Any] = mail.outbox
    return [each for each in sent if not to or each.to == [to]]


def only(to: str) -> EmailMultiAlternatives:
    [found] = outbox(to)
    return found


def header(sent: EmailMultiAlternatives, name: str) -> str:
    """Return a header as sent, unfolded."""
    message: Message = sent.message()
    return re.sub(r"\r?\n\s*", "", str(message[name]))


def html_of(sent: EmailMultiAlternatives) -> str:
    [(content, kind)] = sent.alternatives
    assert kind == "text/html"
    return str(content)


def path_in(url: str) -> str:
    """Return the path of a link in an e-mail, which must lead to the garden."""
    origin, _, path = url.partition("localhost:8000")
    assert origin == "http://garden.", url
    return path


def link(sent: EmailMultiAlternatives, words: str) -> str:
    """Return the path of the link with this text."""
    found = re.search(rf'href="([^"]+)">\s*{re.escape(words)}', html_of(sent))
    assert found is not None, html_of(sent)
    return path_in(found[1])
