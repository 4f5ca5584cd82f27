"""What a server takes in: no more than it must."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 2**20
"""Bytes of the largest body: an outline of 10 000 points fits."""


class BodyLimit:
    """Refuses a body that is too large, whatever its header says of its length."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST_BODY) -> None:
        """Stand before an application."""
        self.app = app
        self.largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body up to the limit, then let the application answer."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self.app(scope, receive, send)
            return
        body, more = b"", True
        while more and len(body) <= self.largest:
            message = await receive()
            body += message.get("body", b"")
            more = message["type"] == "http.request" and message.get("more_body", False)
        if len(body) > self.largest:
            sentence = f"a body has no more than {self.largest} bytes here"
            await JSONResponse({"code": "TooLarge", "description": sentence}, 413)(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, replay, send)
