"""The IP address of a client, for rate limits, sign-in, logs and token usage."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# The bits of an IPv6 address that a provider assigns to one customer.
CUSTOMER_NETWORK = 64
# 203.0.113.7:51234, [2001:db8::1]:443 and [2001:db8::1], as proxies write them.
_WITH_PORT = re.compile(r"(?P<v4>[0-9.]+):[0-9]+|\[(?P<v6>[^\]]+)\](:[0-9]+)?")


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address in its canonical form, or "" if it is not known.

    `X-Forwarded-For` is read from its end while the sender is a trusted proxy of the settings. An
    entry that is not an address ends the search at the proxy that wrote it.
    """
    address = canonical(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.headers.get("X-Forwarded-For", "")
    hops = [hop for hop in map(str.strip, forwarded.split(",")) if hop]
    while hops and _is_trusted(address):
        hop = canonical(hops.pop())
        if not hop:
            break
        address = hop
    return address


@lru_cache(1024)
def canonical(address: str) -> str:
    """Return an IP address without port and scope, IPv4-mapped ones as IPv4, or "" if invalid."""
    match = _WITH_PORT.fullmatch(address)
    if match:
        address = match["v4"] or match["v6"]
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


@lru_cache(1024)
def rate_limit_address(address: str) -> str:
    """Return the address that rate limits count. For IPv6 clients it is the /64 network."""
    parsed = _parsed(canonical(address))
    if parsed is None or parsed.version == 4:
        return canonical(address)
    return str(ip_network(f"{parsed}/{CUSTOMER_NETWORK}", strict=False).network_address)


def is_exempt(address: str) -> bool:
    """Return whether a client is exempt from rate limits: loopback on a local machine."""
    parsed = _parsed(address)
    return not settings.LIMIT_LOOPBACK and parsed is not None and parsed.is_loopback


def _is_trusted(address: str) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in settings.TRUSTED_PROXIES)


@lru_cache(1024)
def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    return ip_address(address) if address else None
