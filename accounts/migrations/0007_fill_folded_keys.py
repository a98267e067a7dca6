"""Fill the keys of addresses and handles, and rename handles that cannot be used.

A handle whose key an older member of the tenant has, and one in the form of an id (which no
address could name), gets a number. Two accounts with one address stop the migration: which of
them the address belongs to is not for a program to decide.
"""

import logging
import re
import unicodedata

from django.core.management.base import CommandError
from django.db import migrations

BATCH = 500
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HANDLE_LENGTH = 64
KEY_LENGTH = 254

_log = logging.getLogger("harmonic.migrations")


def folded(value):
    once = unicodedata.normalize("NFKC", value).casefold()
    return unicodedata.normalize("NFKC", once)


def fill(apps, schema_editor):
    _fill_addresses(apps.get_model("accounts", "User"))
    _fill_handles(apps.get_model("accounts", "TenantUser"))


def _fill_addresses(users):
    owners, clashes, batch = {}, [], []
    for user in users.objects.only("id", "email").order_by("created_at", "id").iterator(BATCH):
        user.email_key = folded(user.email)
        if len(user.email_key) > KEY_LENGTH:
            clashes.append(f"{user.id}: its address is too long")
        elif user.email_key in owners:
            clashes.append(f"{owners[user.email_key]} and {user.id}: they have one address")
        owners[user.email_key] = user.id
        batch.append(user)
    if clashes:
        raise CommandError(
            "These accounts have the same e-mail address, now that case, width and Unicode"
            " composition are ignored. With the previous version, change the address of one of each"
            f" or delete it, then migrate again. {'; '.join(clashes)}."
        )
    users.objects.bulk_update(batch, ["email_key"], batch_size=BATCH)


def _fill_handles(memberships):
    taken, batch = set(), []
    members = memberships.unscoped.only("id", "tenant_id", "handle")
    for member in members.order_by("tenant_id", "created_at", "id"):
        old = member.handle
        # A free number is found among all handles of the tenant, those behind this one too.
        member.handle = _usable(members, member, taken)
        member.handle_key = folded(member.handle)
        taken.add((member.tenant_id, member.handle_key))
        batch.append(member)
        if member.handle != old:
            _log.warning(
                "The handle %s of member %s in tenant %s is now %s.",
                old,
                member.id,
                member.tenant_id,
                member.handle,
            )
    memberships.unscoped.bulk_update(batch, ["handle", "handle_key"], batch_size=BATCH)


def _usable(members, member, taken):
    key = folded(member.handle)
    if (member.tenant_id, key) not in taken and not ID.fullmatch(key):
        return member.handle
    others = members.filter(tenant_id=member.tenant_id).values_list("handle", flat=True)
    keys = {folded(handle) for handle in others} | {
        key for tenant_id, key in taken if tenant_id == member.tenant_id
    }
    base, number = member.handle[: HANDLE_LENGTH - 6], 2
    while folded(f"{base}-{number}") in keys:
        number += 1
    return f"{base}-{number}"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_folded_keys"),
    ]

    # Backwards there is nothing to empty: the migration before drops both columns.
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
