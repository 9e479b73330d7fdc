"""Unsafe settings refuse to start: ``manage.py check``, run by every command that serves."""

from collections.abc import Collection, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.db import OperationalError, connection

from accounts.models import SealMarker
from accounts.services import secret_key

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


@register(Tags.security)
def origins_are_exact(**_: object) -> Iterable[CheckMessage]:
    for origin in settings.ORIGINS:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
            yield Error(
                f"SECURECHAT_ORIGIN is {origin!r}, which is not scheme://host[:port].",
                hint="For example https://chat.example.org",
                id="securechat.E001",
            )


@register(Tags.security)
def passwords_do_not_travel_in_the_clear(**_: object) -> Iterable[CheckMessage]:
    for origin in settings.ORIGINS:
        parts = urlsplit(origin)
        if parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS:
            yield Error(
                f"The origin {origin} is not https, so browsers offer neither camera nor keys.",
                hint="Put the server behind a proxy with a certificate and use an https origin.",
                id="securechat.E002",
            )


@register(Tags.security)
def production_has_its_parts(**_: object) -> Iterable[CheckMessage]:
    if not settings.PRODUCTION:
        return
    if settings.CONFIG.database_url is None:
        yield Error("SECURECHAT_DATABASE_URL is not set.", id="securechat.E003")
    if settings.CONFIG.redis_url is None:
        yield Error("SECURECHAT_REDIS_URL is not set.", id="securechat.E004")
    if settings.CONFIG.secret_key_file is None:
        yield Error("SECURECHAT_SECRET_KEY_FILE is not set.", id="securechat.E005")
    if not settings.HTTPS:
        yield Error("Every origin must be https in production.", id="securechat.E006")
    if not settings.CONFIG.second_factor_required:
        yield Warning("Passwords alone open the accounts.", id="securechat.W001")


@register(Tags.security)
def secret_key_is_private(**_: object) -> Iterable[CheckMessage]:
    path = _secret_key_file()
    if path.stat().st_mode & 0o077:
        yield Error(
            f"The secret key file {path} can be read by other users of this machine.",
            hint=f"chmod 600 {path}",
            id="securechat.E007",
        )


@register(Tags.staticfiles)
def browser_client_is_built(**_: object) -> Iterable[CheckMessage]:
    if not (settings.WEB_BUILD / "manifest.json").is_file():
        yield Warning(
            "The browser client is not built.",
            hint="npm --prefix web run build",
            id="securechat.W002",
        )


@register(Tags.database)
def secret_key_opens_the_database(
    databases: Collection[str] | None = None, **_: object
) -> Iterable[CheckMessage]:
    """Asked by the commands that serve; a database that is away or empty says nothing of keys."""
    if databases and not _opens():
        yield Error(
            f"{_secret_key_file()} is not the secret key with which this database was sealed.",
            hint="Put the old key back; if it is lost for ever, see docs/operating.md, "
            "“A lost secret key”.",
            id="securechat.E008",
        )


def _opens() -> bool:
    try:
        is_new = SealMarker._meta.db_table not in connection.introspection.table_names()  # noqa: SLF001  # Django's public name for it
        return is_new or secret_key.opens_database()
    except OperationalError:
        return True


def _secret_key_file() -> Path:
    return settings.CONFIG.secret_key_file or settings.DATA / "secret.key"
