"""A scripted mail server, as one of Django's e-mail backends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend

PATH = f"{__name__}.ScriptedBackend"


class ScriptedBackend(EmailBackend):
    """Backend that fails as scripted, before or after it accepts an e-mail, and then works."""

    opening: list[Exception] = []
    before: list[Exception] = []
    after: list[Exception] = []

    def open(self) -> bool:
        if self.opening:
            raise self.opening.pop(0)
        return True

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        if self.before:
            raise self.before.pop(0)
        sent = int(super().send_messages(messages))
        if self.after:
            raise self.after.pop(0)
        return sent


@contextmanager
def scripted(
    patch: pytest.MonkeyPatch,
    *,
    opening: Sequence[Exception] = (),
    before: Sequence[Exception] = (),
    after: Sequence[Exception] = (),
) -> Iterator[None]:
    patch.setattr("django.conf.settings.EMAIL_BACKEND", PATH)
    patch.setattr(ScriptedBackend, "opening", list(opening))
    patch.setattr(ScriptedBackend, "before", list(before))
    patch.setattr(ScriptedBackend, "after", list(after))
    yield
