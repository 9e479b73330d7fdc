"""The addresses of the sockets."""

from typing import Any

from messaging.authentication import CallerAuthentication
from messaging.consumers import device_socket

# Scope, receive and send are ASGI's, which has no types: hence Any.


async def no_such_socket(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Refuse the handshake."""
    await receive()
    await send({"type": "websocket.close"})


APPLICATIONS = {"/ws/v1/": CallerAuthentication(device_socket)}


async def websocket_application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    application = APPLICATIONS.get(scope["path"], no_such_socket)
    await application(scope, receive, send)
