"""Limits of requests: sizes, times, rates and connections."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from accounts.models import User
from api.idempotency.keys import KEY_LENGTH
from api.models import KeyedRequest
from harmonic.access import kept_forms, rate_limits
from harmonic.agent_log.models import Entry
from harmonic.kernel.database import outages
from harmonic.kernel.parameters import decoding
from harmonic.kernel.pipeline import RUNS
from harmonic.mcp import dispatch, middleware, tools
from harmonic.server import config, errors, worker
from harmonic.site.bounds.bound import Bound, Section
from tokens.models import ApiToken

MCP = Section(
    "MCP",
    (
        Bound("body of an MCP message", middleware.MAX_BODY, "bytes", "413"),
        Bound("MCP messages of a token a second", middleware.BURST, "messages", "429"),
        Bound("MCP messages per minute from a token", middleware.SUSTAINED, "messages", "429"),
        Bound(
            "MCP messages per minute from a person and their agents",
            middleware.PRINCIPAL,
            "messages",
            "429",
        ),
        Bound(
            "MCP messages per minute from a tenant's members",
            settings.LIMIT_TENANT,
            "messages",
            "429",
            "HARMONIC_LIMIT_TENANT",
        ),
        Bound("life of an entry in an agent's log", Entry.KEPT, "", "it is deleted"),
        Bound(
            "age of an agent's reads that are not yet in its log",
            Entry.READS_WRITTEN_EVERY,
            "",
            "they are written together",
        ),
        Bound("name of an MCP client", ApiToken.CLIENT_LENGTH, "characters", "it is cut off"),
        Bound("text of a tool's result", tools.MAX_TEXT, "bytes", "it is cut and says so"),
        Bound(
            "redirects that a tool follows",
            dispatch.MAX_REDIRECTS,
            "redirects",
            "the next redirect is the result",
        ),
    ),
)

REQUESTS = Section(
    "Requests",
    (
        Bound(
            "body of a request",
            settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20,
            "MB",
            "413 `payload_too_large`",
        ),
        Bound(
            "fields of a form",
            settings.DATA_UPLOAD_MAX_NUMBER_FIELDS,
            "fields",
            "400 `invalid`",
        ),
        Bound(
            "characters of a form interrupted by sign-in or reverification",
            kept_forms.MAX_CHARACTERS,
            "characters",
            "it is not kept",
        ),
        Bound("nesting of a JSON body", decoding.MAX_DEPTH, "levels", "400 `invalid`"),
        Bound("request line", config.limit_request_line, "bytes", "414"),
        Bound("a header", config.limit_request_field_size, "bytes", "431"),
        Bound("headers of a request", config.limit_request_fields, "headers", "431"),
        Bound(
            "request line and headers together",
            errors.MAX_HEAD_BYTES // 1024,
            "kB",
            "431",
        ),
        Bound(
            "time for a request line and headers",
            timedelta(seconds=settings.HEADERS_TIMEOUT),
            "",
            "408 `request_timeout`",
            "HARMONIC_HEADERS_TIMEOUT",
        ),
        Bound(
            "time for a body, or for reading a response",
            timedelta(seconds=settings.BODY_TIMEOUT),
            "",
            "408 `request_timeout`; one more second for each"
            f" {settings.BODY_BYTES_PER_SECOND // 1024} kB",
            "HARMONIC_BODY_TIMEOUT",
        ),
        Bound(
            "waiting for a database that is away",
            int(outages.CONNECT_SECONDS * 1000),
            "milliseconds",
            "503 `unavailable`",
        ),
        Bound(
            "waiting for a lock of the database",
            int(outages.LOCK_SECONDS * 1000),
            "milliseconds",
            "503 `unavailable`",
        ),
        Bound(
            "execution time of a PostgreSQL statement",
            int(outages.STATEMENT_SECONDS * 1000),
            "milliseconds",
            "503 `unavailable`",
        ),
        Bound(
            "runs of an action that conflicts with others",
            RUNS,
            "runs",
            "503 `unavailable`",
        ),
        Bound(
            "connections of a process",
            config.worker_connections,
            "connections",
            "503 `overloaded` for the connection that has waited longest",
            "HARMONIC_CONNECTIONS",
        ),
        Bound(
            "bodies and unread responses of a process",
            worker.MAX_HELD_BYTES // 2**20,
            "MB",
            "503 `overloaded` for the connection that holds most",
        ),
        Bound(
            "requests per minute from a person or an address",
            settings.LIMIT_REQUESTS,
            "requests",
            "429 `rate_limited`; agents count for their parent",
            "HARMONIC_LIMIT_REQUESTS",
        ),
        Bound(
            "writes per minute from a person or an address",
            settings.LIMIT_WRITES,
            "writes",
            "429 `rate_limited`; agents count for their parent",
            "HARMONIC_LIMIT_WRITES",
        ),
        Bound(
            "requests per minute from a token",
            settings.LIMIT_TOKEN_REQUESTS,
            "requests",
            "429 `rate_limited`",
            "HARMONIC_LIMIT_TOKEN_REQUESTS",
        ),
        Bound(
            "writes per minute from a token",
            settings.LIMIT_TOKEN_WRITES,
            "writes",
            "429 `rate_limited`",
            "HARMONIC_LIMIT_TOKEN_WRITES",
        ),
        Bound(
            "requests per minute from a tenant's members",
            settings.LIMIT_TENANT,
            "requests",
            "429 `rate_limited`",
            "HARMONIC_LIMIT_TENANT",
        ),
        Bound(
            "requests per minute from a person in a tenant",
            settings.LIMIT_TENANT // rate_limits.TENANT_SHARES,
            "requests",
            "429 `rate_limited`; a quarter of the tenant's limit",
            "HARMONIC_LIMIT_TENANT",
        ),
        Bound(
            "wrong passwords in twenty minutes",
            settings.AXES_FAILURE_LIMIT,
            "attempts",
            "429; sign-in is locked for that account and address for 20 minutes",
        ),
        Bound(
            "bytes that one person stores in a day",
            settings.LIMIT_STORAGE,
            "MB",
            "429 `storage_limit`; agents count for their parent; days are in UTC",
            "HARMONIC_LIMIT_STORAGE",
        ),
        Bound("search of users", User.EMAIL_LENGTH, "characters", "400 `invalid`"),
        Bound("`Idempotency-Key`", KEY_LENGTH, "characters", "400 `idempotency_key_invalid`"),
        Bound(
            "bytes of a response kept for its key",
            KeyedRequest.KEPT_BYTES,
            "bytes",
            "the response is built again from the object that was created",
        ),
    ),
)
