"""Which limits a request counts against, and what its answer says of them.

A token's requests count for the token, everybody else's for their address, and all of them
for the tenant (`docs/operations.md`, Limits).
"""

from __future__ import annotations

from functools import cache, lru_cache
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse

from harmonic.kernel import audit
from harmonic.kernel.access import Access, Refused
from harmonic.kernel.limits import CacheStore, Count, FileStore, Limit, Store, count

MINUTE = 60
READS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK = frozenset({"127.0.0.1", "::1"})
# What each limit counts, as its refusal says it.
COUNTED = {
    "requests": "requests of one caller",
    "writes": "writes of one caller",
    "tenant": "requests of all callers of a tenant",
}
# The bits of an IPv6 address that a provider gives to a household or a server.
SENDERS_NETWORK = 64


@cache
def store() -> Store:
    if settings.CACHE_URL:
        return CacheStore(caches["default"])
    return FileStore(settings.VAR_DIR / "limits.sqlite3")


def counted(request: HttpRequest, access: Access) -> tuple[Count, ...]:
    """Count a request, and return where its sender stands: requests, writes, the tenant.

    What is beyond a sender's own limit does not count for the tenant: nobody can use up what
    all of its people share.
    """
    token, now = access.token, access.now.timestamp()
    caller = f"token:{token.id}" if token else f"address:{_counted_as(access.remote_address)}"
    own = {
        Limit("requests", settings.LIMIT_REQUESTS): 1,
        Limit("writes", settings.LIMIT_WRITES): int(request.method not in READS),
    }
    counts = count(store(), own, caller, now, MINUTE)
    if any(each.is_exceeded for each in counts):
        return counts
    shared = {Limit("tenant", settings.LIMIT_TENANT): 1}
    return counts + count(store(), shared, str(access.tenant.id), now, MINUTE)


def refuse_exceeded(access: Access, counts: tuple[Count, ...]) -> None:
    """Pass while no limit is exceeded, or the sender is exempt.

    Raises:
        Refused: 429.
    """
    exceeded = next((each for each in counts if each.is_exceeded), None)
    if exceeded and not is_exempt(access.remote_address):
        raise _too_many(access, exceeded)


def is_exempt(address: str) -> bool:
    """Answer whether a caller is counted and told, but never refused."""
    return not settings.LIMIT_LOOPBACK and address in LOOPBACK


@lru_cache(1024)
def _counted_as(address: str) -> str:
    """Return whom an address counts for: in IPv6, its network, which is one sender's."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4 or parsed.ipv4_mapped:
        return address
    return str(ip_network((int(parsed), SENDERS_NETWORK), strict=False))


def _too_many(access: Access, exceeded: Count) -> Refused:
    audit.record("rate_limited", access, warn=True, limit=exceeded.limit.name)
    return Refused(
        f"Rate limit exceeded. Retry after {exceeded.reset_in} seconds.",
        status=429,
        code="rate_limited",
        hint=(
            f"Wait, then send fewer: {exceeded.limit.quota} {COUNTED[exceeded.limit.name]}"
            " are let in a minute."
        ),
        headers={"Retry-After": str(exceeded.reset_in)},
    )


def tell(response: HttpResponse, counts: tuple[Count, ...]) -> None:
    """Say in the headers of a REST answer where its sender stands."""
    told = [each for each in counts if each.limit.name != "tenant" or each.is_exceeded]
    if not told:
        return
    policies = (f'"{c.limit.name}";q={c.limit.quota};w={MINUTE}' for c in told)
    states = (f'"{c.limit.name}";r={c.remaining};t={c.reset_in}' for c in told)
    response["RateLimit-Policy"] = ", ".join(policies)
    response["RateLimit"] = ", ".join(states)
    nearest = min((each for each in told if each.is_hit), key=lambda each: each.remaining)
    response["X-RateLimit-Limit"] = str(nearest.limit.quota)
    response["X-RateLimit-Remaining"] = str(nearest.remaining)
    response["X-RateLimit-Reset"] = str(nearest.reset_in)


def client_address(request: HttpRequest) -> str:
    """Return the sender's address: from a proxy's header only where settings name the proxy."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    while hops and _is_trusted(address):
        address = hops.pop() or address
    return address


def _is_trusted(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in settings.TRUSTED_PROXIES)
