"""A deployed product, where the programs it needs are installed."""

import os
import shutil
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import services

from tests.deploy.site import Site
from tests.stories.conftest import free_port, launch, playwright
from tests.stories.product import new_database

__all__ = ["launch", "playwright"]

START_SECONDS = 90


@pytest.fixture(scope="session")
def cameras() -> None:
    """No faces here: nginx does not care what is in a request."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if not shutil.which("nginx"):
        pytest.skip("no nginx; on Debian: apt-get install nginx-light")
    with ExitStack() as stack:
        database_url, redis_url = _stores(stack)
        running = Site(
            folder=tmp_path_factory.mktemp("site"),
            port=free_port(),
            plain_port=free_port(),
            node_ports=(free_port(), free_port()),
            faces=False,
            database_url=new_database(database_url),
            redis_url=redis_url,
        )
        stack.callback(running.stop)
        running.start()
        _wait(running)
        yield running


def _stores(stack: ExitStack) -> tuple[str, str]:
    """Take those of the environment, or start some."""
    database_url = os.environ.get("SECURECHAT_DATABASE_URL")
    redis_url = os.environ.get("SECURECHAT_REDIS_URL")
    try:
        return (
            database_url or stack.enter_context(services.postgresql()),
            redis_url.replace("/0", "/2") if redis_url else stack.enter_context(services.redis()),
        )
    except services.ServiceMissing as missing:
        pytest.skip(f"no {missing}; on Debian: apt-get install {missing}")


@pytest.fixture(scope="session")
def trust(site: Site) -> ssl.SSLContext:
    """What a client needs to believe the site's certificate."""
    return ssl.create_default_context(cafile=str(site.folder / "fullchain.pem"))


@pytest.fixture
def client(site: Site, trust: ssl.SSLContext) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.origin, verify=trust, timeout=30) as http:
        yield http


def _wait(site: Site) -> None:
    deadline = time.monotonic() + START_SECONDS
    assert site.nginx is not None
    assert site.nginx.poll() is None, "nginx refuses the configuration; its words are above."
    waiting = [f"http://127.0.0.1:{port}/health/ready" for port in site.node_ports]
    while waiting:
        assert time.monotonic() < deadline, _log(site.logs)
        assert all(process.poll() is None for process in site.processes.values()), _log(site.logs)
        try:
            if httpx.get(waiting[0], timeout=5).status_code == 200:
                waiting.pop(0)
                continue
        except httpx.TransportError:
            pass
        time.sleep(0.3)


def _log(folder: Path) -> str:
    return "\n".join(path.read_text()[-3000:] for path in folder.iterdir())
