"""Settings, read from the environment. `docs/architecture.md` explains the choices."""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from environs import Env, validate

from collectives.items import registry
from harmonic.environment import (
    AT_LEAST_ONE,
    POSITIVE,
    Network,
    check_cache_url,
    check_secret_key,
    check_sender,
    email_settings,
    networks,
)
from harmonic.kernel.operations import log_format
from harmonic.kernel.operations.logs import formatter as log_formatter
from harmonic.runner import environment as runner
from harmonic.server.private_files import FILE, FOLDER, make_private

BASE_DIR = Path(__file__).resolve().parent.parent

# All errors of the environment are reported together, when it is sealed below.
env = Env(eager=False)
env.add_parser("networks", networks)
env.add_parser("email_settings", email_settings)
ENV = env.str("HARMONIC_ENV", "local", validate=validate.OneOf(["local", "production"]))
IS_PRODUCTION = ENV == "production"
VAR_DIR = Path(env.str("HARMONIC_VAR", str(BASE_DIR / "var")))
HOST = env.str("HARMONIC_HOST", *(() if IS_PRODUCTION else ("localhost",)))
PORT = env.int("HARMONIC_PORT", 8000)
DATABASE_URL = env.str("DATABASE_URL", *(() if IS_PRODUCTION else ("",)))
SECRET_KEY = (
    env.str("HARMONIC_SECRET_KEY", validate=check_secret_key)
    if IS_PRODUCTION
    else env.str("HARMONIC_SECRET_KEY", "")
)
LOG_LEVEL = env.str("HARMONIC_LOG_LEVEL", log_format.default_level(ENV))
LOG_FORMAT = env.str(
    "HARMONIC_LOG_FORMAT",
    log_format.default_format(ENV),
    validate=validate.OneOf([log_format.JSON, log_format.TEXT]),
)
SESSION_ABSOLUTE_TIMEOUT = timedelta(seconds=env.int("SESSION_ABSOLUTE_TIMEOUT", 24 * 3600))
SESSION_IDLE_TIMEOUT = timedelta(seconds=env.int("SESSION_IDLE_TIMEOUT", 2 * 3600))
REVERIFICATION_TIMEOUT = timedelta(seconds=env.int("REVERIFICATION_TIMEOUT", 3600))
# On a local machine, callers on loopback are exempt from the limits unless this is on.
LIMIT_LOOPBACK = env.bool("HARMONIC_LIMIT_LOOPBACK", False) or IS_PRODUCTION
# Limits per minute: requests and writes of a human with all their agents, or of an anonymous
# address; the same of each token; requests of all members of a tenant.
LIMIT_REQUESTS = env.int("HARMONIC_LIMIT_REQUESTS", 300, validate=AT_LEAST_ONE)
LIMIT_WRITES = env.int("HARMONIC_LIMIT_WRITES", 60, validate=AT_LEAST_ONE)
LIMIT_TOKEN_REQUESTS = env.int(
    "HARMONIC_LIMIT_TOKEN_REQUESTS", LIMIT_REQUESTS, validate=AT_LEAST_ONE
)
LIMIT_TOKEN_WRITES = env.int("HARMONIC_LIMIT_TOKEN_WRITES", LIMIT_WRITES, validate=AT_LEAST_ONE)
LIMIT_TENANT = env.int("HARMONIC_LIMIT_TENANT", 6000, validate=AT_LEAST_ONE)
# Megabytes that a person and their agents can store in a day.
LIMIT_STORAGE = env.int("HARMONIC_LIMIT_STORAGE", 50, validate=AT_LEAST_ONE)
# Proxies whose X-Forwarded-For is trusted, as addresses or networks.
TRUSTED_PROXIES: tuple[Network, ...] = env.networks("HARMONIC_TRUSTED_PROXIES", "")
# Seconds to transfer a request line with its headers, and a body or a response; the latter have
# another second for each BODY_BYTES_PER_SECOND (below).
HEADERS_TIMEOUT = env.float("HARMONIC_HEADERS_TIMEOUT", 5.0, validate=POSITIVE)
BODY_TIMEOUT = env.float("HARMONIC_BODY_TIMEOUT", 10.0, validate=POSITIVE)
# The Redis server that holds the counters of limits for several machines; one machine needs none.
CACHE_URL = env.str("CACHE_URL", "", validate=check_cache_url)
# The source of the randomness of draws: drand, or fixed values for tests and for work offline.
BEACON = env.str("HARMONIC_BEACON", "drand", validate=validate.OneOf(["drand", "test"]))
# The mail server. In production there is none by default: e-mails must not end up in the logs.
EMAIL: dict[str, Any] = env.email_settings(
    "HARMONIC_EMAIL_URL", "" if IS_PRODUCTION else "console:"
)
EMAIL_FROM = env.str("HARMONIC_EMAIL_FROM", "", validate=check_sender)
RUNS = runner.read(env)
env.seal()


def local_secret_key(path: Path) -> str:
    """Return the key stored in `path`, created once, so that sessions survive a restart."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(50))
    return path.read_text()


make_private(VAR_DIR)
SECRET_KEY = SECRET_KEY or local_secret_key(VAR_DIR / "secret_key")
DEBUG = False

# --- Hosts -----------------------------------------------------------------------------------
HOST = HOST.lower()
ALLOWED_HOSTS = [HOST, f".{HOST}", "127.0.0.1", "[::1]", "localhost"]
PUBLIC_SCHEME = "https" if IS_PRODUCTION else "http"

# --- Applications ----------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "axes",
    "django_tasks",
    "django_tasks_db",
    "lucide",
    "harmonic",
    "accounts",
    "accounts.agents",
    "tokens",
    "collectives",
    "collectives.events",
    "collectives.items",
    *registry.applications(),
    "collectives.tables",
    "collectives.feed",
    "collectives.links",
    "collectives.reports",
    "collectives.cycles",
    "collectives.notifications",
    "collectives.reminders",
    "collectives.search",
    "api",
    "harmonic.agent_log",
    "harmonic.mcp",
    "harmonic.jobs",
    "harmonic.runner",
]

MIDDLEWARE = [
    "harmonic.http.redaction.RedactionMiddleware",
    "harmonic.http.request_id.RequestIdMiddleware",
    "harmonic.http.request_id.HealthcheckMiddleware",
    "harmonic.http.request_id.HostMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "harmonic.http.content_security_policy.ContentSecurityPolicyMiddleware",
    "harmonic.http.help_link.HelpLinkMiddleware",
    "harmonic.mcp.middleware.McpMiddleware",
    "harmonic.http.bodies.BodyMiddleware",
    "harmonic.http.outages.OutageMiddleware",
    "harmonic.http.cookies.HostSessionMiddleware",
    "harmonic.http.cookies.CsrfMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "harmonic.agent_log.writes.AgentLogMiddleware",
    "harmonic.access.middleware.AccessMiddleware",
    "api.idempotency.middleware.KeyedPagesMiddleware",
]

ROOT_URLCONF = "harmonic.urls"
FRONT_DOOR_URLCONF = "harmonic.site.front_door"
WSGI_APPLICATION = "harmonic.wsgi.application"
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.contrib.messages.context_processors.messages",
                "harmonic.site.context.site",
            ],
            "builtins": [
                "django.templatetags.static",
                "harmonic.templatetags.forms",
                "harmonic.templatetags.people",
                "harmonic.templatetags.places",
                "harmonic.templatetags.content",
                "harmonic.templatetags.searches",
                "harmonic.templatetags.times",
                "harmonic.templatetags.icons",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader"],
                )
            ],
        },
    }
]

# --- Database --------------------------------------------------------------------------------
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    # Seconds that commands wait for a lock; harmonic/kernel/database sets those of requests.
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
}

POSTGRES_OPTIONS = {
    # Seconds; the minimum that libpq accepts.
    "connect_timeout": 2,
    # Milliseconds until an unresponsive network closes a connection.
    "tcp_user_timeout": 2500,
    # The server plans a statement once per connection, not for every request.
    "server_side_binding": True,
    "prepare_threshold": 5,
}


def database(url: str) -> dict[str, Any]:
    """Return Django's database settings for a URL; the default is the SQLite file in `var/`."""
    if not url or url.startswith("sqlite"):
        config = dict(dj_database_url.parse(url)) if url else {}
        return {
            "ENGINE": "harmonic.kernel.database.sqlite3",
            "NAME": config.get("NAME") or VAR_DIR / "harmonic.sqlite3",
            "OPTIONS": SQLITE_OPTIONS,
            # A new connection costs more than a request's queries.
            "CONN_MAX_AGE": None,
            # The threads of a test share a file; each would have its own in-memory database.
            "TEST": {"NAME": VAR_DIR / "test.sqlite3"},
        }
    return {
        **dj_database_url.parse(url),
        "ENGINE": "harmonic.kernel.database.postgresql",
        "OPTIONS": POSTGRES_OPTIONS,
        # Each thread keeps its connection, and checks whether the server closed it.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": database(DATABASE_URL)}

# --- Background jobs -------------------------------------------------------------------------
# Tasks are stored in the database; `manage.py work` runs them.
TASKS = {"default": {"BACKEND": "harmonic.jobs.backend.JobBackend", "QUEUES": ["default", "long"]}}

# --- E-mail ----------------------------------------------------------------------------------
IS_EMAIL_ON = bool(EMAIL)
EMAIL_BACKEND = EMAIL.get("EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend")
EMAIL_HOST, EMAIL_PORT = EMAIL.get("EMAIL_HOST"), EMAIL.get("EMAIL_PORT")
EMAIL_HOST_USER = EMAIL.get("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = EMAIL.get("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL.get("EMAIL_USE_TLS"), EMAIL.get("EMAIL_USE_SSL")
EMAIL_TIMEOUT = EMAIL.get("EMAIL_TIMEOUT")
EMAIL_FILE_PATH = EMAIL.get("EMAIL_FILE_PATH")
DEFAULT_FROM_EMAIL = EMAIL_FROM or f"Harmonic <no-reply@{HOST}>"

# --- Caches ----------------------------------------------------------------------------------
REDIS_TIMEOUT = 1.0


def cache(url: str) -> dict[str, Any]:
    """Return Django's cache settings for a URL; the default is the process's memory."""
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        "KEY_PREFIX": "harmonic",
        # Seconds. An unresponsive server must not delay every request.
        "OPTIONS": {"socket_connect_timeout": REDIS_TIMEOUT, "socket_timeout": REDIS_TIMEOUT},
    }


CACHES: dict[str, dict[str, Any]] = {
    "default": cache(CACHE_URL),
    # Rendered texts, shared by the processes of a machine; can be deleted at any time.
    "rendered": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": VAR_DIR / "rendered",
        "TIMEOUT": int(timedelta(days=30).total_seconds()),
        "OPTIONS": {"MAX_ENTRIES": 2000},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People and sessions ---------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.sign_in.PasswordBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]

SESSION_ENGINE = "harmonic.kernel.http.session_store"
SESSION_COOKIE_NAME = "_harmonic_session"
SESSION_COOKIE_SECURE = IS_PRODUCTION
SESSION_COOKIE_AGE = int(SESSION_ABSOLUTE_TIMEOUT.total_seconds())
CSRF_COOKIE_SECURE = IS_PRODUCTION
CSRF_FAILURE_VIEW = "harmonic.http.refusals.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Five wrong passwords in twenty minutes, counted by address and by account.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=20)
AXES_LOCKOUT_PARAMETERS = ["ip_address", "username"]
AXES_CLIENT_IP_CALLABLE = "accounts.sign_in.address_of_failure"
AXES_USERNAME_CALLABLE = "accounts.sign_in.account_of_failure"
AXES_WHITELIST_CALLABLE = "accounts.sign_in.is_exempt_from_the_limit"
AXES_DISABLE_ACCESS_LOG = True
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
SILENCED_SYSTEM_CHECKS = ["axes.W002"]  # no axes middleware: sign-in renders its own response

# --- Requests and responses ------------------------------------------------------------------
# A million characters fit in any encoding.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
# Bytes per second of a body or a response, once BODY_TIMEOUT has passed.
BODY_BYTES_PER_SECOND = 64 * 1024
# No route accepts files: a file in a form is ignored and never stored.
FILE_UPLOAD_HANDLERS: list[str] = []
# Collected static files are in `var/`, which is private.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = FILE, FOLDER

REST_FRAMEWORK: dict[str, Any] = {
    # The access middleware decides access; REST framework only parses and renders.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.http.negotiation.JsonOnly",
    "EXCEPTION_HANDLER": "api.http.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "UNICODE_JSON": True,
    "COMPACT_JSON": True,
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if IS_PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds())
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "connect-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
    }
}

# --- Static files ----------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "harmonic.http.static.HashedStorage"},
}
WHITENOISE_MAX_AGE = 60

# --- Language and time -----------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- Logs ------------------------------------------------------------------------------------
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": log_formatter(ENV, LOG_FORMAT)},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"axes": {"level": "ERROR"}},
}
