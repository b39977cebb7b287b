"""Prefect's own server, with pages that talk to nobody but this server, and a picture for our blocks.

The UI that ships with Prefect asks an analytics host at every start, whatever is set. A content security policy keeps
the browser from it. Started by `partsight up` and by the compose file: `python -m infra.server --port 4200`.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Server:
    """The ASGI application: Prefect's, with our headers on every page, and the picture of our blocks."""

    def __init__(self, inner: Any) -> None:
        from blocks.collection import LOGO

        self._inner, self._path = inner, LOGO
        self._logo = logo()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request, or one event of the server's life."""
        if scope["type"] == "http" and scope["path"] == self._path:
            headers = [(b"content-type", b"image/png"), (b"cache-control", b"max-age=86400"), *HEADERS]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self._logo})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        await self._inner(scope, receive, guarded if scope["type"] == "http" else send)


def logo(side: int = 200) -> bytes:
    """A nut in a viewfinder, as PNG: (side, side)."""
    from math import cos, pi, sin

    from PIL import Image, ImageDraw

    big, middle = 4 * side, 2 * side
    picture = Image.new("RGBA", (big, big), (24, 33, 48, 255))
    draw = ImageDraw.Draw(picture)
    corners = [(middle + 0.3 * big * cos(k * pi / 3), middle + 0.3 * big * sin(k * pi / 3)) for k in range(6)]
    draw.polygon(corners, fill=(214, 221, 230, 255))
    hole = 0.155 * big
    draw.ellipse((middle - hole, middle - hole, middle + hole, middle + hole), fill=(24, 33, 48, 255))
    near, far, long, wide = 0.1 * big, 0.9 * big, 0.16 * big, round(0.035 * big)
    for x, inward in ((near, long), (far, -long)):
        for y, down in ((near, long), (far, -long)):
            draw.line(((x + inward, y), (x, y), (x, y + down)), fill=(86, 204, 157, 255), width=wide, joint="curve")
    buffer = io.BytesIO()
    picture.resize((side, side), Image.Resampling.LANCZOS).save(buffer, "PNG")
    return buffer.getvalue()


def app() -> Server:
    """Make the application; whether background services run in it is said by the environment."""
    from prefect.server.api.server import create_app

    return Server(create_app(final=True))


def serve(host: str = "127.0.0.1", port: int = 4200, *, services: bool = True) -> None:
    """Serve until a signal ends it. `services` says whether schedules, automations and the like run in this process."""
    import uvicorn

    # Prefect reads these when it is first imported; PREFECT_SERVER_UI_API_URL says where the pages ask for the API
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_API_HOST", host)
    os.environ.setdefault("PREFECT_SERVER_API_PORT", str(port))
    if not services:
        os.environ["PREFECT__SERVER_WEBSERVER_ONLY"] = "1"
    uvicorn.run(
        "infra.server:app",
        factory=True,
        host=host,
        port=port,
        log_level="warning",
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,  # a page that is open somewhere must not hold it
    )


def _main() -> None:
    import argparse

    parser = argparse.ArgumentParser(prog="python -m infra.server", description="Serve Prefect's API and UI.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument("--no-services", action="store_true", help="leave the background services to another process")
    given = parser.parse_args()
    serve(given.host, given.port, services=not given.no_services)


if __name__ == "__main__":
    _main()
