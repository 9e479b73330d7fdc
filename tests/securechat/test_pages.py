"""The pages that belong to no application."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_live_process_says_so(client: Client) -> None:
    answer = client.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


def test_a_process_with_database_and_cache_is_ready(client: Client) -> None:
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["parts"] == dict.fromkeys(
        ("database", "migrations", "secret key", "cache"), True
    )


def test_an_unknown_address_is_a_problem_with_a_code(client: Client) -> None:
    answer = client.get("/nowhere")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_the_error_page_names_every_code_once(client: Client) -> None:
    page = client.get("/docs/errors").content.decode()

    assert page.count('id="not_found"') == 1
    assert page.count('id="invalid_input"') == 1


def test_the_reference_names_every_operation_and_runs_no_script(client: Client) -> None:
    schema = client.get("/api/v1/schema/?format=json").json()

    page = client.get("/api/v1/docs/").content.decode()

    for path, methods in schema["paths"].items():
        assert path in page
        for operation in methods.values():
            if "operationId" in operation:
                assert f'id="{operation["operationId"]}"' in page
    for shape in schema["components"]["schemas"]:
        assert f'id="shape-{shape}"' in page
    assert "<script" not in page


@pytest.mark.parametrize("path", ["/", "/docs/errors", "/api/v1/docs/", "/health/live", "/admin/"])
def test_every_page_carries_the_strict_policy(client: Client, path: str) -> None:
    policy = client.get(path)["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
