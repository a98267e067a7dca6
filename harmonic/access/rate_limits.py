"""Rate limits of a request, the headers that report them, and the refusal (429).

A request counts against its token and its human: the sessions, tokens and agents of one human
share a limit. Requests of members also count against the tenant. Anonymous requests count
against their address only (`docs/operations.md`, Limits).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from django.conf import settings
from django.core.cache import caches
from django.http import HttpResponse

from harmonic.kernel.access import Access, Actor
from harmonic.kernel.http.client_address import is_exempt, rate_limit_address
from harmonic.kernel.http.methods import SAFE
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.operations import audit
from harmonic.kernel.operations.limits import CacheStore, Count, FileStore, Limit, Store, count
from harmonic.kernel.refusals import Refused

# One human can use at most this fraction (1/n) of the tenant's limit.
TENANT_SHARES = 4


@cache
def store() -> Store:
    if settings.CACHE_URL:
        return CacheStore(caches["default"])
    return FileStore(settings.VAR_DIR / "limits.sqlite3")


# --- Counting -------------------------------------------------------------------------------


def count_request(request: AccessRequest, access: Access) -> tuple[Count, ...]:
    """Count a request against its limits, and return their state, the narrowest first.

    A request that exceeds a narrower limit does not count against a wider one. A token cannot use
    up its human's limit, nor a human the tenant's.
    """
    is_write = request.method not in SAFE
    limits = _member_limits(access, access.actor) if access.actor else _address_limits(access)
    hits = {limit: int(is_write or limit.name != "writes") for limit in limits}
    counts = count(store(), hits, access.now.timestamp())
    if is_exempt(access.remote_address):
        # An exempt client uses nothing up; the headers must not report limits that do not apply.
        return tuple(replace(each, hits=0) for each in counts)
    return counts


def _address_limits(access: Access) -> Iterable[Limit]:
    address = rate_limit_address(access.remote_address)
    return _pair("address", address, 0, settings.LIMIT_REQUESTS, settings.LIMIT_WRITES)


def _member_limits(access: Access, actor: Actor) -> Iterable[Limit]:
    if access.token:
        token = settings.LIMIT_TOKEN_REQUESTS, settings.LIMIT_TOKEN_WRITES
        yield from _pair("token", str(access.token.id), 0, *token)
    human = str(actor.parent_id or actor.user_id)
    share = max(1, settings.LIMIT_TENANT // TENANT_SHARES)
    yield from _pair(
        "human", human, 1, min(settings.LIMIT_REQUESTS, share), min(settings.LIMIT_WRITES, share)
    )
    yield Limit("tenant", "tenant", f"tenant:{access.tenant.id}", settings.LIMIT_TENANT, 2)


def _pair(owner: str, key: str, level: int, requests: int, writes: int) -> Iterable[Limit]:
    yield Limit("requests", owner, f"requests:{owner}:{key}", requests, level)
    yield Limit("writes", owner, f"writes:{owner}:{key}", writes, level)


# --- Refusing -------------------------------------------------------------------------------


def refuse_exceeded(access: Access, counts: tuple[Count, ...]) -> None:
    """Do nothing if no limit is exceeded.

    Raises:
        Refused: 429.
    """
    exceeded = next((each for each in counts if each.is_exceeded), None)
    if exceeded:
        raise _too_many(access, exceeded)


def _too_many(access: Access, exceeded: Count) -> Refused:
    limit = exceeded.limit
    audit.record("rate_limited", access, warn=True, limit=limit.name, owner=limit.owner)
    return Refused(
        f"Rate limit exceeded. Retry after {exceeded.reset_in} seconds.",
        status=429,
        code="rate_limited",
        hint=f"{_subject(access, limit)} {limit.quota} {_unit(limit)} per minute.",
        headers={"Retry-After": str(exceeded.reset_in)},
    )


def _unit(limit: Limit) -> str:
    word = "write" if limit.name == "writes" else "request"
    return word if limit.quota == 1 else f"{word}s"


def _subject(access: Access, limit: Limit) -> str:
    """Return the beginning of the hint, which names the owner of the exceeded limit."""
    if limit.owner == "token":
        return "This token is limited to"
    if limit.owner == "tenant":
        return f"The members of {access.tenant.name} share a limit of"
    if limit.owner == "address":
        return "Requests without a valid token or session are limited, by address, to"
    if access.actor and access.actor.parent_id:
        return (
            "This agent, the person who manages it and that person's other agents share a limit of"
        )
    return "Your sessions, tokens and agents share a limit of"


# --- Reporting ------------------------------------------------------------------------------


def nearest_limits(counts: Iterable[Count]) -> dict[str, Count]:
    """Return, by name, the limit with the least remaining; the tenant's only when exceeded."""
    nearest: dict[str, Count] = {}
    for each in counts:
        name = each.limit.name
        if name == "tenant" and not each.is_exceeded:
            continue
        if name not in nearest or each.remaining < nearest[name].remaining:
            nearest[name] = each
    return nearest


def add_rate_limit_headers(response: HttpResponse, counts: tuple[Count, ...]) -> None:
    """Report the sender's nearest limits in the headers of a response to a program."""
    reported = nearest_limits(counts)
    if not reported:
        return
    response["RateLimit-Policy"] = ", ".join(
        f'"{name}";q={each.limit.quota};w={each.limit.seconds}' for name, each in reported.items()
    )
    response["RateLimit"] = ", ".join(
        f'"{name}";r={each.remaining};t={each.reset_in}' for name, each in reported.items()
    )
    hit = [each for each in reported.values() if each.is_hit] or [*reported.values()]
    nearest = min(hit, key=lambda each: each.remaining)
    response["X-RateLimit-Limit"] = str(nearest.limit.quota)
    response["X-RateLimit-Remaining"] = str(nearest.remaining)
    response["X-RateLimit-Reset"] = str(nearest.reset_in)
