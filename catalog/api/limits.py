"""What a server takes in: no more than it must, and no question that cannot be answered in time."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 2**20
"""Bytes of the largest body: an outline of 10 000 points fits."""

LONGEST_QUERY = 2**14
"""Bytes after the question mark of an address."""

_MOST = {"points": 10_000, "objects": 600, "values": 3_000, "levels": 60, "characters": 8_000}
"""What a question may have; an object is half a condition, or a geometry. pgSTAC took half a minute for 15 000
conditions, and longer than it may for an outline of as many bytes as the largest body."""

_MOST_PARENTHESES = 12
_QUOTED = re.compile(r"""'[^'\\()]*'|["][^"\\()]*["]""")


class BodyLimit:
    """Refuses a body that is too large, whatever its header says of its length."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST_BODY) -> None:
        """Stand before an application."""
        self.app = app
        self.largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body up to the limit, then let the application answer."""
        if len(scope.get("query_string", b"")) > LONGEST_QUERY:
            sentence = f"a question in an address has no more than {LONGEST_QUERY} bytes here: post it"
            await JSONResponse({"code": "TooLarge", "description": sentence}, 414)(scope, receive, send)
            return
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


def bounded(question: Any) -> Any:
    """Let pass a question that can be answered in time.

    Raises:
        HTTPException: If it cannot, with status 400; no ``ValueError``, of which pydantic
            would tell the whole question.
    """
    sizes = _sizes(question)
    for name, most in _MOST.items():
        if sizes[name] > most:
            raise HTTPException(400, f"the question has {sizes[name]} {name}, at most {most} are answered")
    return question


def shallow(text: str) -> str:
    """Let pass a filter whose parentheses do not lie too deep in others.

    The parser of CQL2 takes twice as long for each one around a mistake, and thousands end the process.

    Raises:
        HTTPException: If they do, with status 400.
    """
    plain = _QUOTED.sub("", text)
    closing = 0 if "'" in plain or '"' in plain else 1  # in doubt whether one is quoted, none closes
    depth = 0
    for character in plain:
        depth = max(0, depth + (character == "(") - closing * (character == ")"))
        if depth > _MOST_PARENTHESES:
            raise HTTPException(400, f"the filter has parentheses in more than {_MOST_PARENTHESES} others")
    return text


def _sizes(question: Any) -> dict[str, int]:
    """Count what a question has, without recursion: it may be nested as deep as its bytes allow."""
    sizes = dict.fromkeys(_MOST, 0)
    parts: list[tuple[Any, int]] = [(question, 0)]
    while parts:
        part, level = parts.pop()
        sizes["levels"] = max(sizes["levels"], level)
        if isinstance(part, Mapping):
            sizes["objects"] += 1
            parts += [(one, level + 1) for one in (*part.keys(), *part.values())]
        elif isinstance(part, list | tuple) and not _is_point(part):
            parts += [(one, level + 1) for one in part]
        elif isinstance(part, list | tuple):
            sizes["points"] += 1
        else:
            sizes["values"] += 1
            sizes["characters"] = max(sizes["characters"], len(part) if isinstance(part, str) else 0)
    return sizes


def _is_point(part: Sequence[Any]) -> bool:
    return 2 <= len(part) <= 3 and all(isinstance(one, int | float) for one in part)
