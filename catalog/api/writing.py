"""Writing over HTTP: items come and go for whoever shows the key; without a key in the environment nobody can."""

import json
import os
from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated, Any

import attr
from fastapi import APIRouter, FastAPI, HTTPException, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from stac_fastapi.extensions.transaction import TransactionConformanceClasses
from stac_fastapi.types.errors import NotFoundError
from stac_fastapi.types.extension import ApiExtension
from stac_fastapi.types.requests import get_base_url
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from catalog.api.hrefs import own_item, served_item
from catalog.api.stamps import unstamped
from catalog.items.collections import NAMES
from catalog.layout import ID, Item
from catalog.store import Store
from catalog.written import RefusedError, remove, write
from s2lookback.errors import CatalogError

VARIABLE = "S2LOOKBACK_API_KEY"
"""Environment variable with the key; where it is not set, nothing can be written."""

_SHORTEST = 16
_ITEMS = "/collections/{collection_id}/items"
_ITEM = _ITEMS + "/{item_id}"
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False)
_BEARER = HTTPBearer(auto_error=False)
_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"description": "What was sent is no item that the catalog can hold"},
    401: {"description": "No key was shown"},
    403: {"description": "Another key was shown"},
    404: {"description": "There is no such item, or collection"},
    409: {"description": "It contradicts what is there"},
    413: {"description": "It is too large"},
}


def key() -> str | None:
    """Read the key that the environment gives; None where it gives none.

    Raises:
        CatalogError: If it is too short to be one.
    """
    found = os.environ.get(VARIABLE)
    if found and len(found) < _SHORTEST:
        raise CatalogError(f"{VARIABLE} has {len(found)} characters, expected at least {_SHORTEST}")
    return found or None


@attr.s(kw_only=True)
class Writing(ApiExtension):
    """Takes in, changes and removes items, one at a time; the collections follow from them."""

    store: Store = attr.ib()
    key: str = attr.ib(repr=False)
    conformance_classes: list[str] = attr.ib(factory=lambda: [TransactionConformanceClasses.ITEMS])
    schema_href: str | None = attr.ib(default=None)

    def register(self, app: FastAPI) -> None:
        """Add the endpoints."""
        router = APIRouter(dependencies=[Security(self.allowed)], tags=["Transactions"], responses=_ANSWERS)
        ways: list[tuple[str, str, Callable[..., Any], int, str]] = [
            ("POST", _ITEMS, self.create, 201, "application/geo+json"),
            ("PUT", _ITEM, self.replace, 204, "application/geo+json"),
            ("PATCH", _ITEM, self.patch, 204, "application/merge-patch+json"),
        ]
        for method, path, answer, status, kind in ways:
            schema = {kind: {"schema": {"type": "object"}}}
            body = {"requestBody": {"required": True, "content": schema}}
            router.add_api_route(path, answer, methods=[method], status_code=status, openapi_extra=body)
        router.add_api_route(_ITEM, self.delete, methods=["DELETE"], status_code=204)
        app.include_router(router)

    def allowed(
        self,
        header: Annotated[str | None, Security(_HEADER)],
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> None:
        """Let pass who shows the key, in either of the two headers."""
        shown = bearer.credentials if header is None and bearer is not None else header
        if shown is None:
            raise HTTPException(401, "writing needs a key", {"WWW-Authenticate": "Bearer"})
        if not compare_digest(_hash(shown), _hash(self.key)):
            raise HTTPException(403, "this key does not open the catalog")

    async def create(self, collection_id: str, request: Request) -> Response:
        """Take in an item whose files are in the catalog already."""
        item = self._read(await request.body(), collection_id, None, request)
        await run_in_threadpool(write, self.store, item, old=None)
        base = get_base_url(request)
        place = f"{base}collections/{collection_id}/items/{item['id']}"
        stands = await run_in_threadpool(self._standing, collection_id, item["id"])
        return JSONResponse(served_item(stands, base), 201, {"Location": place}, "application/geo+json")

    async def replace(self, collection_id: str, item_id: str, request: Request) -> Response:
        """Put an item in the place of another: what it says, or with other files another version."""
        old = await run_in_threadpool(self._standing, collection_id, item_id)
        item = self._read(await request.body(), collection_id, item_id, request)
        await run_in_threadpool(write, self.store, item, old=old)
        return Response(status_code=204)

    async def patch(self, collection_id: str, item_id: str, request: Request) -> Response:
        """Change a part of an item: a JSON merge patch, in which null takes away."""
        old = await run_in_threadpool(self._standing, collection_id, item_id)
        served = served_item(old, get_base_url(request))
        patched = json.dumps(_merged(served, _parsed(await request.body())))
        item = self._read(patched.encode(), collection_id, item_id, request)
        await run_in_threadpool(write, self.store, item, old=old)
        return Response(status_code=204)

    async def delete(self, collection_id: str, item_id: str) -> Response:
        """Remove an item that nothing was made from, with its files and its older versions."""
        old = await run_in_threadpool(self._standing, collection_id, item_id)
        await run_in_threadpool(remove, self.store, old)
        return Response(status_code=204)

    def _standing(self, collection: str, name: str) -> Item:
        found = ID.fullmatch(name) if collection in NAMES else None
        item = self.store.item(collection, found[1], name) if found else None
        if item is None:
            raise NotFoundError(f"{name[:80]}: there is no such item in {collection[:80]}")
        return item

    def _read(self, body: bytes, collection: str, name: str | None, request: Request) -> Item:
        if collection not in NAMES:
            raise NotFoundError(f"{collection[:80]}: there is no such collection")
        item = _parsed(body)
        if item.get("collection", collection) != collection or (name or item.get("id")) != item.get("id"):
            raise RefusedError("its id or its collection is not that of the address")
        try:
            return own_item(unstamped({**item, "collection": collection}), get_base_url(request))
        except (CatalogError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise RefusedError(f"is no item ({type(error).__name__}: {error})") from error


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise RefusedError(f"is {type(content).__name__}, expected a JSON object")
    return content


def _merged(target: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a JSON merge patch. Source: RFC 7396, section 2."""
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value) if isinstance(value, Mapping) else value
    return merged
