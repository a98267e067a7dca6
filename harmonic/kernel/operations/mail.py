"""E-mails: their headers, and the outcome of each attempt.

Error messages of mail servers can contain addresses, so they are never logged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from smtplib import (
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from harmonic.kernel.operations.jobs import JobFailed
from harmonic.kernel.rendering.text import normalise_line

SUBJECT_LENGTH = 200
# From this status code on, a refusal is permanent.
FINAL = 500


class NotSent(JobFailed):
    """The e-mail was not sent, and can be tried again."""


class InDoubt(JobFailed):
    """The connection ended before the mail server confirmed that it accepted the e-mail."""


class Rejected(JobFailed):
    """The mail server permanently refuses the recipient or the e-mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """An e-mail. `key` identifies it, so that mail programs recognise duplicates."""

    to: str
    subject: str
    text: str
    html: str
    key: str
    # The link to unsubscribe with one POST (RFC 8058).
    unsubscribe_url: str = ""

    @property
    def headers(self) -> dict[str, str]:
        _, _, domain = settings.DEFAULT_FROM_EMAIL.rstrip(">").rpartition("@")
        headers = {"Message-ID": f"<{self.key}@{domain}>", "Auto-Submitted": "auto-generated"}
        if self.unsubscribe_url:
            headers["List-Unsubscribe"] = f"<{self.unsubscribe_url}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return headers


_is_muted: ContextVar[bool] = ContextVar("is_muted", default=False)


@contextmanager
def without_mail() -> Iterator[None]:
    """Create no e-mails, for people who do not exist: those of the demo world."""
    token = _is_muted.set(True)
    try:
        yield
    finally:
        _is_muted.reset(token)


def is_mail_on() -> bool:
    """Return whether this server sends e-mails."""
    return bool(settings.IS_EMAIL_ON) and not _is_muted.get()


def send(mail: Mail) -> None:
    """Send an e-mail.

    Raises:
        NotSent: the mail server is unavailable, or refuses the e-mail temporarily.
        InDoubt: the e-mail may have been sent.
        Rejected: the mail server refuses the e-mail permanently.
    """
    connection = _opened()
    message = EmailMultiAlternatives(
        normalise_line(mail.subject)[:SUBJECT_LENGTH],
        mail.text,
        to=[normalise_line(mail.to)],
        headers=mail.headers,
        connection=connection,
    )
    message.attach_alternative(mail.html, "text/html")
    try:
        message.send()
    except Exception as error:
        raise _failure(error) from None
    finally:
        _close(connection)


def _opened() -> BaseEmailBackend:
    connection: BaseEmailBackend = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException):
        raise NotSent("The mail server is unavailable.") from None
    return connection


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, SMTPException):
        return  # the server has answered already


def _failure(error: Exception) -> JobFailed:
    """Return what an error while sending says about the e-mail, without its text."""
    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return _refused(min(codes, default=0), "The mail server refuses the recipient")
    if isinstance(error, SMTPResponseException):
        # Refused before the text of the e-mail, the server's settings may be wrong.
        code = error.smtp_code if isinstance(error, SMTPDataError) else 0
        return _refused(code, "The mail server refuses the e-mail")
    if isinstance(error, SMTPServerDisconnected | OSError):
        return InDoubt("The mail server did not confirm the e-mail.")
    if isinstance(error, SMTPException):
        return NotSent("The mail server does not accept the e-mail.")
    return Rejected(f"The e-mail cannot be written ({type(error).__name__}).")


def _refused(code: int, sentence: str) -> JobFailed:
    if code >= FINAL:
        return Rejected(f"{sentence} ({code}).")
    return NotSent(f"{sentence} for now.")
