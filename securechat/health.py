"""What a load balancer asks: is this process alive, and can it serve?"""

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from accounts.services import secret_key

logger = logging.getLogger(__name__)


@require_safe
def live(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - a view
    return JsonResponse({"status": "live"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - a view
    """Say which parts work; 503 when one that every request needs does not."""
    parts = {name: _works(name, check) for name, check in PARTS.items()}
    everything = all(parts.values())
    return JsonResponse(
        {"status": "ready" if everything else "not ready", "parts": parts},
        status=200 if everything else 503,
    )


def _works(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - the outermost edge; any fault means not ready
        logger.warning("Not ready: %s (%s)", name, type(error).__name__)
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _migrations() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _cache() -> bool:
    """The cache is Redis where there is one, as are the channel layer and the queue."""
    cache.set("health", settings.CONFIG.environment, timeout=5)
    return bool(cache.get("health") == settings.CONFIG.environment)


PARTS = {
    "database": _database,
    "migrations": _migrations,
    "secret key": secret_key.opens_database,
    "cache": _cache,
}
