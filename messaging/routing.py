"""The addresses of the sockets."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from messaging.authentication import CallerAuthentication
from messaging.consumers import device_socket


async def no_such_socket(_scope: Any, receive: Any, send: Any) -> None:
    """Refuse the handshake; the types are ASGI's, which has none."""
    await receive()
    await send({"type": "websocket.close"})


websocket_application = URLRouter(
    [path("ws/v1/", CallerAuthentication(device_socket)), re_path("", no_such_socket)]
)
