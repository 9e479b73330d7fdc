"""Two web processes behind nginx, with the configuration of deploy/, on PostgreSQL and Redis."""

import json
import re
import shutil
import ssl
import time
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.deploy.site import METRICS_TOKEN, Site
from tests.stories.canaries import leaks
from tests.stories.conftest import Launch
from tests.stories.people import PersonAtBrowser

pytestmark = pytest.mark.story

LOGIN = "/_allauth/browser/v1/auth/login"
TEXTS = ["Which bank are you on?", "The other one."]
MOST_RELOADS = 20
NOT_AUTHENTICATED = 4401
SECONDS_TO_WRITE = 30


def figure(site: Site, node: int, name: str) -> float:
    """Read a counter of one process, as Prometheus does."""
    answer = httpx.get(
        f"http://127.0.0.1:{site.node_ports[node]}/metrics",
        headers={"Authorization": f"Bearer {METRICS_TOKEN}"},
    )
    found = re.search(rf"^{name} (\S+)$", answer.text, re.MULTILINE)
    assert found, answer.text
    return float(found[1])


def sockets(site: Site) -> list[float]:
    return [figure(site, node, "securechat_sockets") for node in (0, 1)]


def until(has_happened: Callable[[], bool]) -> None:
    """Logs are written after the answer has gone out; a busy machine takes its time."""
    deadline = time.monotonic() + SECONDS_TO_WRITE
    while not has_happened():
        assert time.monotonic() < deadline, "it was never written"
        time.sleep(0.05)


def person_at(site: Site, launch: Launch, username: str, display_name: str) -> PersonAtBrowser:
    context = launch(None).new_context(ignore_https_errors=True)
    person = PersonAtBrowser(
        product=site, context=context, username=username, display_name=display_name
    )
    person.open_page()
    person.accept(site.invitation(username, display_name=display_name))
    person.enrol_code()
    person.name_browser()
    return person


def put_on_another_node(site: Site, person: PersonAtBrowser) -> None:
    """Reload until nginx has sent the socket elsewhere than the first one's."""
    for _ in range(MOST_RELOADS):
        if sockets(site) == [1, 1]:
            return
        person.page.reload()
        expect(person.see("new-conversation")).to_be_visible(timeout=30_000)
        person.page.wait_for_timeout(1_000)
    pytest.fail(f"Both sockets stay on one node: {sockets(site)}.")


def test_people_on_different_nodes_read_each_other(site: Site, launch: Launch) -> None:
    ada = person_at(site, launch, "ada", "Ada Lovelace")
    ben = person_at(site, launch, "ben", "Ben Okri")
    put_on_another_node(site, ben)

    ada.start_conversation("Ben Okri")
    ada.write(TEXTS[0])
    ben.open_conversation("Ada Lovelace")
    ben.reads(TEXTS[0])
    ben.write(TEXTS[1])
    ada.reads(*TEXTS)

    assert sockets(site) == [1, 1]
    assert all(figure(site, node, "securechat_entries_delivered_total") > 0 for node in (0, 1))
    assert ada.errors == ben.errors == []


def test_a_socket_passes_and_is_told_why_it_is_closed(site: Site, trust: ssl.SSLContext) -> None:
    address = f"wss://localhost:{site.port}/ws/v1/?ticket=a-ticket-that-never-was"

    with connect(address, ssl=trust) as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=10)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == NOT_AUTHENTICATED


@pytest.mark.parametrize("address", ["/metrics", "/health/ready", "/health/live"])
def test_what_is_for_machines_is_not_for_the_world(client: httpx.Client, address: str) -> None:
    answer = client.get(address, headers={"Authorization": f"Bearer {METRICS_TOKEN}"})

    assert answer.status_code == 404


def test_a_page_comes_with_its_protection(client: httpx.Client, site: Site) -> None:
    page = client.get("/")

    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Strict-Transport-Security"]
    plain = httpx.get(f"http://localhost:{site.plain_port}/")
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://localhost/")


def test_bodies_stay_in_memory_and_below_their_limits(client: httpx.Client, site: Site) -> None:
    # Whatever nginx would put on the disk now fails.
    shutil.rmtree(site.folder / "bodies")
    face = client.put(f"/api/v1/face/captures/{uuid4()}/frames", content=b"x" * 2_000_000)
    part = client.patch(
        f"/api/v1/attachments/{uuid4()}",
        content=b"x" * 4 * 1024 * 1024,
        headers={"Connection": "close"},  # nginx may end one of which it did not read everything
    )
    too_large = client.post("/api/v1/conversations", content=b"x" * 3_000_000)
    far_too_large = client.patch(f"/api/v1/attachments/{uuid4()}", content=b"x" * 9 * 1024 * 1024)

    assert face.status_code in {401, 403}
    assert part.status_code in {401, 403}  # refused by the server, which need not read it
    assert part.headers["Content-Type"] == "application/problem+json"
    assert too_large.status_code == far_too_large.status_code == 413


def test_logins_are_limited_by_the_address_that_nginx_sees(
    site: Site, trust: ssl.SSLContext
) -> None:
    def client_at(address: str) -> httpx.Client:
        return httpx.Client(transport=httpx.HTTPTransport(verify=trust, local_address=address))

    def guess(client: httpx.Client, number: int) -> int:
        client.get(f"{site.origin}/api/v1/session")
        answer = client.post(
            site.origin + LOGIN,
            json={"username": f"nobody-{number}", "password": "wrong, of course"},
            headers={
                "X-CSRFToken": client.cookies["csrftoken"],
                "Origin": site.origin,
                "X-Forwarded-For": f"198.51.100.{number}",  # a lie
            },
        )
        return answer.status_code

    with client_at("127.0.0.7") as guesser, client_at("127.0.0.8") as bystander:
        answers = [guess(guesser, number) for number in range(40)]
        other = guess(bystander, 41)

    assert answers[0] == 400
    assert answers[-1] == 429
    assert other == 400


def test_no_log_has_an_address_a_ticket_or_a_name(site: Site, client: httpx.Client) -> None:
    answer = client.get("/api/v1/people", params={"search": "the heron lands"})
    line = f"{answer.headers['X-Request-ID']} GET 401 "
    until(lambda: line in (site.logs / "securechat.log").read_text())

    logs = {path.name: path.read_bytes() for path in site.logs.iterdir()}
    secrets = {
        "ticket": b"a-ticket-that-never-was",
        "search": b"the heron lands",
        "name": b"Ada Lovelace",
        "text": TEXTS[0].encode(),
    }
    assert leaks(logs, secrets) == []


def test_both_logs_name_a_request_by_one_number(site: Site, client: httpx.Client) -> None:
    number = client.get("/api/v1/session").headers["X-Request-ID"]
    until(lambda: number in (site.logs / "securechat.log").read_text())
    until(lambda: any(number in (site.logs / f"web-{n}.log").read_text() for n in (0, 1)))

    lines = [
        json.loads(line)
        for node in (0, 1)
        for line in (site.logs / f"web-{node}.log").read_text().splitlines()
    ]
    (line,) = [line for line in lines if line.get("request") == number]
    assert (line["route"], line["status"]) == ("session", 200)
