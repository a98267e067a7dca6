"""Fill the tenant `bulk` with many rows, for benchmarks."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models, transaction
from django.utils import timezone

from accounts.models import Tenant, TenantUser
from accounts.rules import new_user
from collectives.events.models import CREATED, Event
from collectives.models import Collective
from collectives.notes.models import Note
from collectives.rules.members import add_member
from collectives.rules.tenants import join_tenant, new_tenant
from harmonic.kernel.database.short_ids import ShortIdModel
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.scopes import READ_WRITE
from tokens import secret
from tokens.models import ApiToken

SUBDOMAIN = "bulk"
PEOPLE = 20
BATCH = 2000
M = TypeVar("M", bound=models.Model)
WORDS = "soup bread rota stove garden water seed tool shelf paper light door table plan".split()


class Command(BaseCommand):
    help = "Fill the tenant 'bulk' for benchmarks. The same options create the same rows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--notes", type=int, default=1000)
        parser.add_argument("--tokens", type=int, default=100)
        parser.add_argument("--collectives", type=int, default=10)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.IS_PRODUCTION:
            raise CommandError("Benchmarks cannot run in production.")
        if Tenant.objects.filter(subdomain=SUBDOMAIN).exists():
            raise CommandError("The tenant 'bulk' already exists.")
        with transaction.atomic():
            made = Bulk(timezone.now())
            made.build(options["notes"], options["tokens"], options["collectives"])
        self.stdout.write(f"Filled the tenant '{SUBDOMAIN}'.")


class Bulk:
    """Builder of the rows: a few through the product's rules, most by bulk inserts."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.random = random.Random(20260513)  # noqa: S311 reproducible rows
        self.tenant = new_tenant(
            subdomain=SUBDOMAIN, name="Bulk", host=settings.HOST, now=now, is_api_enabled=True
        )
        self.people: list[TenantUser] = []
        self.collectives: list[Collective] = []

    def build(self, notes: int, tokens: int, collectives: int) -> None:
        with tenant_bound(self.tenant.id):
            self._people()
            self._collectives(collectives)
            self._notes(notes)
            insert(ApiToken, self._tokens(tokens))

    def _people(self) -> None:
        for number in range(PEOPLE):
            name = f"Person {number}"
            user = new_user(name=name, email=f"person{number}@bulk.example.com", now=self.now)
            self.people.append(join_tenant(user, self.tenant, now=self.now))

    def _collectives(self, wanted: int) -> None:
        for number in range(wanted):
            collective = Collective.objects.create(
                tenant=self.tenant,
                name=f"Collective {number}",
                handle=f"collective-{number}",
                is_api_enabled=True,
                created_by=self.people[0].user,
                created_at=self.now,
                updated_at=self.now,
            )
            self.collectives.append(collective)
            for person in self.people:
                add_member(collective, person, now=self.now, is_admin=person is self.people[0])

    def _notes(self, wanted: int) -> None:
        ids = short_ids(self.random, wanted)
        for batch in batched(ids, BATCH):
            notes = [self._note(note_id) for note_id in batch]
            Note.objects.bulk_create(notes)
            insert(Event, (created(note) for note in notes))

    def _note(self, note_id: uuid.UUID) -> Note:
        author = self.random.choice(self.people).user
        moment = self.now - timedelta(minutes=self.random.randrange(60 * 24 * 365))
        words = self.random.choices(WORDS, k=60)
        place = self.random.choice(self.collectives) if self.collectives else None
        return Note(
            id=note_id,
            truncated_id=str(note_id)[: ShortIdModel.SHORT],
            tenant=self.tenant,
            collective=place or Collective.objects.get(is_main=True),
            title=" ".join(words[:4]),
            text=" ".join(words),
            deadline=moment,
            created_by=author,
            updated_by=author,
            created_at=moment,
            updated_at=moment,
        )

    def _tokens(self, wanted: int) -> Iterator[ApiToken]:
        for number in range(wanted):
            plaintext = secret.new()
            yield ApiToken(
                tenant=self.tenant,
                owner=self.random.choice(self.people),
                name=f"Token {number}",
                token_hash=secret.digest(plaintext),
                token_prefix=secret.visible_prefix(plaintext),
                scopes=list(READ_WRITE),
                expires_at=self.now + timedelta(days=300),
                created_at=self.now,
                updated_at=self.now,
            )


def created(note: Note) -> Event:
    return Event(
        tenant_id=note.tenant_id,
        subject="note",
        verb=CREATED,
        collective_id=note.collective_id,
        item_id=note.id,
        actor_id=note.created_by_id,
        happened_at=note.created_at,
    )


def short_ids(source: random.Random, wanted: int) -> Iterator[uuid.UUID]:
    """Yield IDs that differ in their first eight characters, as required within a tenant."""
    taken: set[str] = set()
    while len(taken) < wanted:
        drawn = uuid.UUID(int=source.getrandbits(128), version=4)
        short = str(drawn)[: ShortIdModel.SHORT]
        if short not in taken:
            taken.add(short)
            yield drawn


def batched(items: Iterator[uuid.UUID], size: int) -> Iterator[list[uuid.UUID]]:
    while batch := list(islice(items, size)):
        yield batch


def insert(model: type[M], rows: Iterator[M]) -> None:
    while batch := list(islice(rows, BATCH)):
        model._default_manager.bulk_create(batch)
