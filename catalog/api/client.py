"""The smallest backend of stac-fastapi: it asks the catalog's own index."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import attr
import cql2
from fastapi import HTTPException, Request
from pydantic import BaseModel, ValidationError
from stac_fastapi.api.models import GeoJSONResponse
from stac_fastapi.types.core import BaseCoreClient
from stac_fastapi.types.errors import NotFoundError
from stac_fastapi.types.requests import get_base_url
from stac_fastapi.types.search import BaseSearchPostRequest
from starlette.responses import JSONResponse

from catalog.api.fields import with_fields
from catalog.api.hrefs import paging_link, served_collection, served_item
from catalog.api.limits import shallow
from catalog.api.question import Bounded, box_of
from catalog.api.stamps import stamped
from catalog.index.protocol import NEWEST_FIRST, Index, SearchRequest, SlowQueryError
from catalog.index.upkeep import current
from catalog.items.collections import NAMES
from catalog.layout import link
from catalog.store import Store

MOST = 1000
"""Items of the longest page: 6 MB."""

COUNTING = 1.0
"""Seconds that it may take to count the items of all pages."""


class Question(Bounded, BaseSearchPostRequest):
    """What a client asks."""


@attr.s(kw_only=True)
class CatalogClient(BaseCoreClient):
    """Answers out of the index, and describes collections as their own files do."""

    store: Store = attr.ib()
    model: type[BaseModel] = attr.ib()

    def landing_page(self, **kwargs: Any) -> Any:
        """Welcome, and lead to every collection."""
        base = get_base_url(kwargs["request"])
        page = super().landing_page(**kwargs)
        page["links"] += [link("child", f"{base}collections/{name}", title=name) for name in self.store.collections()]
        return page

    def post_search(self, search_request: Any, **kwargs: Any) -> Any:
        """Answer a search."""
        request: Request = kwargs["request"]
        return self._answer(search_request, request, f"{get_base_url(request)}search")

    def get_search(self, **kwargs: Any) -> Any:  # type: ignore[override]  # the names of the question are all one to it
        """Answer a search whose question stands in the URL."""
        request: Request = kwargs.pop("request")
        return self._answer(self._read(kwargs), request, f"{get_base_url(request)}search")

    def item_collection(self, collection_id: str, **kwargs: Any) -> Any:  # type: ignore[override]  # as above
        """Answer a search in one collection."""
        request: Request = kwargs.pop("request")
        self._collection(collection_id)
        question = self._read({**kwargs, "collections": [collection_id]})
        return self._answer(question, request, f"{get_base_url(request)}collections/{collection_id}/items")

    def get_item(self, item_id: str, collection_id: str, **kwargs: Any) -> Any:
        """Give one item."""
        item = current(self.store).get(item_id, collection_id)
        if item is None:
            raise NotFoundError(f"{item_id[:80]}: there is no such item in {collection_id[:80]}")
        (told,) = stamped(self.store, [item])
        return GeoJSONResponse(served_item(told, get_base_url(kwargs["request"])))

    def all_collections(self, **kwargs: Any) -> Any:
        """Describe every collection that holds something."""
        base = get_base_url(kwargs["request"])
        found = [served_collection(self._collection(name), base) for name in self.store.collections()]
        links = [link("self", f"{base}collections"), link("root", base), link("parent", base)]
        return JSONResponse({"collections": found, "links": links, "numberReturned": len(found)})

    def get_collection(self, collection_id: str, **kwargs: Any) -> Any:
        """Describe a collection."""
        return JSONResponse(served_collection(self._collection(collection_id), get_base_url(kwargs["request"])))

    def _collection(self, name: str) -> dict[str, Any]:
        found = self.store.collection(name) if name in NAMES else None
        if found is None:
            raise NotFoundError(f"{name[:80]}: there is no such collection")
        return found

    def _read(self, asked: Mapping[str, Any]) -> Any:
        """Read a question out of a URL as if it had been posted, so that both are checked alike."""
        body = {name: value for name, value in asked.items() if value is not None and name in _PLAIN}
        try:
            if asked.get("intersects"):
                body["intersects"] = json.loads(asked["intersects"])
            if asked.get("filter_expr"):
                body["filter"] = _filter(asked["filter_expr"], asked.get("filter_lang"))
            if asked.get("sortby"):
                body["sortby"] = [_sorting(one) for one in asked["sortby"]]
            if asked.get("fields"):
                body["fields"] = _choice(asked["fields"])
            return self.model.model_validate(body)
        except (ValidationError, ValueError, RecursionError) as error:
            raise HTTPException(400, f"the question is not understood: {error}") from error

    def _answer(self, question: Any, request: Request, href: str) -> GeoJSONResponse:
        base, asked, index = get_base_url(request), request_of(question), current(self.store)
        page = index.search(asked)
        items = [with_fields(served_item(item, base), question.fields) for item in stamped(self.store, page.items)]
        links = [link("self", href, "application/geo+json"), link("root", base)]
        if page.token:
            links.append(_next(request, question, href, page.token))
        counts = counted(index, asked, len(items), last=not page.token)
        return GeoJSONResponse({"type": "FeatureCollection", "features": items, "links": links, **counts})


_PLAIN = {"collections", "ids", "bbox", "datetime", "limit", "token"}


def request_of(question: Any) -> SearchRequest:
    """Take over a question that pydantic has read."""
    asked = SearchRequest(
        collections=question.collections,
        ids=question.ids,
        intersects=question.intersects and question.intersects.model_dump(mode="json"),
        start=question.start_date,
        end=question.end_date,
        filter=question.filter_expr,
        limit=min(question.limit or 10, MOST),
        token=question.token,
    )
    if question.bbox:
        asked = replace(asked, bbox=box_of(question.bbox))
    given = tuple((one.field, one.direction) for one in question.sortby or ())
    return replace(asked, sortby=given or NEWEST_FIRST)


def counted(index: Index, asked: SearchRequest, found: int, *, last: bool) -> dict[str, int]:
    """Tell how many items a page has and how many all pages have; not the latter where counting takes too long."""
    returned = {"numberReturned": found}
    if last and not asked.token:
        return {**returned, "numberMatched": found}
    try:
        return {**returned, "numberMatched": index.count(replace(asked, token=None), slowest=COUNTING)}
    except SlowQueryError:
        return returned


def _filter(text: str, language: str | None) -> Any:
    """Read a filter in either of the two languages."""
    if language == "cql2-json":
        return json.loads(text)
    try:
        return cql2.parse_text(shallow(text)).to_json()
    except cql2.ParseError as error:
        raise ValueError(f"the filter is no CQL2 ({error})") from error


def _sorting(text: str) -> dict[str, str]:
    return {"field": text.lstrip("+-").strip(), "direction": "desc" if text.startswith("-") else "asc"}


def _choice(fields: list[str]) -> dict[str, list[str]]:
    exclude = [field[1:] for field in fields if field.startswith("-")]
    return {"include": [field.lstrip("+") for field in fields if not field.startswith("-")], "exclude": exclude}


def _next(request: Request, question: Any, href: str, token: str) -> dict[str, Any]:
    if request.method == "POST":
        body = {**question.model_dump(mode="json", by_alias=True, exclude_unset=True), "token": token}
        return paging_link("next", href, method="POST", body=body)
    return paging_link("next", str(request.url.include_query_params(token=token)), method="GET")
