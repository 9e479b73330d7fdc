"""The pages that belong to no application: the chat itself, refusals, the API's documentation."""

import json
from collections.abc import Iterator
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from accounts.metrics import count_refusal
from securechat_sdk.wire.errors import ChatError


@require_safe
@ensure_csrf_cookie
def chat(request: HttpRequest) -> HttpResponse:
    """The one page of the browser client."""
    files = built_files()
    if not files:
        return HttpResponse(
            "The browser client is not built yet: run bin/serve, or npm --prefix web run build.",
            status=503,
            content_type="text/plain",
        )
    response = render(
        request,
        "index.html",
        {
            "main_url": files["main.js"],
            "style_url": files["style.css"],
            "worker_url": files["worker.js"],
            "organisation": settings.CONFIG.organisation,
        },
    )
    response["Cache-Control"] = "no-cache"
    return response


@cache
def built_files() -> dict[str, str]:
    """Map each entry of the build to its address; empty while nothing is built."""
    manifest = settings.WEB_BUILD / "manifest.json"
    if not manifest.is_file():
        return {}
    names: dict[str, str] = json.loads(manifest.read_text())
    return {entry: static(f"web/{name}") for entry, name in names.items()}


def csrf_failure(request: HttpRequest, reason: str = "") -> JsonResponse:  # noqa: ARG001 - Django's
    return problem(403, "csrf_failed", "The request did not come from the chat's own page.")


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:  # noqa: ARG001 - Django's
    return problem(404, "not_found", "There is no such thing, or it is not for you.")


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:  # noqa: ARG001 - Django's
    return problem(400, "invalid_input", "The request is not valid.")


def server_error(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's
    return problem(500, "server_error", "The server failed. Its log says where.")


def problem(status: int, code: str, title: str) -> JsonResponse:
    count_refusal(code)
    return JsonResponse(
        {"type": f"/docs/errors#{code}", "title": title, "status": status, "code": code},
        status=status,
        content_type="application/problem+json",
    )


@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    """Every code a refusal may carry, read off the classes that are raised."""
    by_code = {refusal.code: refusal for refusal in reversed(list(_refusals(ChatError)))}
    return render(request, "docs/errors.html", {"refusals": sorted(by_code.items())})


def _refusals(base: type[ChatError]) -> Iterator[type[ChatError]]:
    """The more general first: where several share a code, its words are those of the first."""
    for refusal in base.__subclasses__():
        yield refusal
        yield from _refusals(refusal)
