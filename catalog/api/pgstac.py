"""The backend for pgSTAC: stac-fastapi's own, asked as the catalog asks, with hrefs that a client can follow."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import attr
from asyncpg import exceptions
from fastapi import FastAPI, Request
from stac_fastapi.pgstac.config import PostgresSettings, ServerSettings, Settings
from stac_fastapi.pgstac.core import CoreCrudClient
from stac_fastapi.pgstac.db import close_db_connection, connect_to_db
from stac_fastapi.pgstac.types.search import PgstacSearch
from stac_fastapi.types.requests import get_base_url
from starlette.concurrency import run_in_threadpool

from catalog.api.client import MOST, counted, request_of
from catalog.api.fields import with_fields
from catalog.api.hrefs import resolved_again, served_item
from catalog.api.limits import bounded, shallow
from catalog.api.question import Bounded, box_of
from catalog.api.stamps import stamped
from catalog.index.pgstac_query import ENDS, box_shape, renamed
from catalog.index.places import bounds
from catalog.index.protocol import NEWEST_FIRST, QueryError, SlowQueryError
from catalog.index.upkeep import current
from catalog.store import Store
from s2lookback.errors import TransientError

__all__ = ["PgstacClient", "PgstacQuestion", "Settings", "lifespan"]

_SLOWEST = 30_000
"""Milliseconds that a question may take."""


class PgstacQuestion(Bounded, PgstacSearch):  # type: ignore[misc]  # stac-fastapi's backend for pgSTAC has no types
    """What a client asks, as pgSTAC's backend reads it."""


@attr.s(kw_only=True)
class PgstacClient(CoreCrudClient):  # type: ignore[misc]  # as above
    """Asks pgSTAC for what ends where its ``datetime`` is, and around the right side of the Earth."""

    store: Store = attr.ib()

    def _clean_search_args(self, *given: Any, **named: Any) -> Any:
        """Read a question out of a URL; what is no JSON there is the asker's fault."""
        asked = shallow(named.get("filter_query") or "")
        try:
            if asked and named.get("filter_lang") != "cql2-text":
                bounded(json.loads(asked))  # before cql2 validates it, which takes minutes for 300 levels
            return super()._clean_search_args(*given, **named)
        except (ValueError, RecursionError) as error:
            raise QueryError(f"the question is not understood: {error}") from error

    async def _search_base(self, search_request: Any, request: Request) -> Any:
        """Answer a question of any endpoint."""
        index, question = await run_in_threadpool(current, self.store), request_of(search_request)
        # Taken out of the question, or the answer would go out as plain JSON for its items might be none any more.
        fields, search_request.fields = getattr(search_request, "fields", None), None
        with _told():
            answer = await super()._search_base(asked(search_request), request)
        base = get_base_url(request)
        found = [resolved_again(item, base) for item in answer["features"]]
        found = await run_in_threadpool(stamped, self.store, found)
        answer["features"] = [with_fields(served_item(item, base), fields) for item in found]
        last = not any(link["rel"] == "next" for link in answer["links"])
        counts = await run_in_threadpool(counted, index, question, len(found), last=last)
        return {**answer, **counts}


def asked(question: Any) -> Any:
    """Put a question as the index does: see ``catalog.index.pgstac_query``; whole items are cut to size afterwards."""
    whole = question.model_dump(by_alias=True, exclude_unset=True, exclude={"fields"}, mode="json")
    if whole.get("intersects"):
        bounds(whole["intersects"])
    keys = [(one["field"], one["direction"]) for one in whole.get("sortby") or ()] or [*NEWEST_FIRST]
    keys += [(name, "asc") for name in ("id", "collection") if name not in {key for key, _ in keys}]
    whole["sortby"] = [{"field": ENDS.get(name, name), "direction": direction} for name, direction in keys]
    whole["limit"] = min(whole.get("limit") or 10, MOST)
    if whole.get("filter"):
        whole["filter"] = renamed(whole["filter"])
    if whole.get("bbox"):
        whole["intersects"] = box_shape(box_of(whole.pop("bbox")))
    return type(question).model_validate(whole)


def lifespan(address: str) -> Any:
    """Hold connections to PostgreSQL while the application runs."""
    parts = urlsplit(address)
    settings = PostgresSettings(
        pguser=unquote(parts.username or ""),
        pgpassword=unquote(parts.password or ""),
        pghost=parts.hostname or "127.0.0.1",
        pgport=parts.port or 5432,
        pgdatabase=parts.path[1:],
        server_settings=ServerSettings(statement_timeout=str(_SLOWEST)),
    )

    @asynccontextmanager
    async def connected(app: FastAPI) -> AsyncIterator[None]:
        await connect_to_db(app, postgres_settings=settings)
        yield
        await close_db_connection(app)

    return connected


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except exceptions.QueryCanceledError as error:
        raise SlowQueryError("the question takes too long: ask for less") from error
    except (exceptions.RaiseError, exceptions.DataError, exceptions.UndefinedFunctionError) as error:
        raise QueryError(f"the question is not understood: {str(error)[:200]}") from error
    except (exceptions.PostgresConnectionError, OSError) as error:
        raise TransientError("PostgreSQL cannot be reached now") from error
