"""The application that serves a catalog: STAC API, files, and, if it was built, the browser."""

import logging
from importlib.metadata import version
from typing import cast

from brotli_asgi import BrotliMiddleware
from fastapi import FastAPI, Request
from stac_fastapi.api.app import StacApi
from stac_fastapi.api.middleware import ProxyHeaderMiddleware
from stac_fastapi.api.models import (
    ItemCollectionUri,
    create_get_request_model,
    create_post_request_model,
    create_request_model,
)
from stac_fastapi.extensions import (
    FieldsExtension,
    ItemCollectionFilterExtension,
    SearchFilterExtension,
    TokenPaginationExtension,
)
from stac_fastapi.extensions.fields import FieldsConformanceClasses
from stac_fastapi.extensions.sort import ItemCollectionSortExtension, SearchSortExtension
from stac_fastapi.types.config import ApiSettings
from stac_fastapi.types.search import APIRequest
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse

from catalog.api.client import CatalogClient
from catalog.api.files import add_files
from catalog.api.hrefs import FILES
from catalog.api.limits import BodyLimit
from catalog.api.queryables import Queryables
from catalog.index import QueryError
from catalog.layout import STAC_VERSION
from catalog.store import Store
from s2lookback.errors import CatalogError, TransientError

_LOG = logging.getLogger(__name__)

MIDDLEWARES = [
    # A range of a compressed file is no range of the file, and COGs are compressed within.
    Middleware(BrotliMiddleware, excluded_handlers=[f"^/{FILES}/"]),
    Middleware(ProxyHeaderMiddleware),
    Middleware(BodyLimit),
    Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST", "OPTIONS"],
        allow_headers=["Content-Type", "Range", "If-None-Match", "If-Modified-Since"],
        expose_headers=["Accept-Ranges", "Content-Range", "Content-Length", "ETag"],
        max_age=600,
    ),
]


def create_app(root: str) -> FastAPI:
    """Serve the catalog at ``root`` through its embedded index."""
    store = Store(root)
    queryables = Queryables()
    search = [
        SearchFilterExtension(client=queryables),
        SearchSortExtension(),
        FieldsExtension(),
        TokenPaginationExtension(),
    ]
    items = [
        ItemCollectionFilterExtension(client=queryables),
        ItemCollectionSortExtension(),
        FieldsExtension(conformance_classes=[FieldsConformanceClasses.ITEMS]),
        TokenPaginationExtension(),
    ]
    model = create_post_request_model(search)
    api = StacApi(
        settings=settings(),
        client=CatalogClient(store=store, model=model, landing_page_id="s2lookback"),
        stac_version=STAC_VERSION,
        extensions=[*search, *items],
        search_get_request_model=create_get_request_model(search),
        search_post_request_model=model,
        items_get_request_model=cast(
            type[APIRequest],
            create_request_model(
                "ItemCollectionUri", base_model=ItemCollectionUri, extensions=items, request_type="GET"
            ),
        ),
        response_class=JSONResponse,
        middlewares=MIDDLEWARES,
    )
    add_files(api.app, store.root)
    add_errors(api.app)
    return api.app


def settings() -> ApiSettings:
    """Name the API."""
    return ApiSettings(
        stac_fastapi_title="s2lookback",
        stac_fastapi_description="Sentinel-2 scenes, cloud masks, most recent available pixels and reduced scenes",
        stac_fastapi_landing_id="s2lookback",
        stac_fastapi_version=version("s2lookback"),
    )


def add_errors(app: FastAPI) -> None:
    """Answer with 400 what the asker must change, with 503 what may pass, with 500 what the keeper must mend."""

    def answer(status: int, code: str, sentence: str) -> JSONResponse:
        return JSONResponse({"code": code, "description": sentence}, status)

    @app.exception_handler(QueryError)
    def refused(_request: Request, error: QueryError) -> JSONResponse:
        return answer(400, "BadQuery", str(error))

    @app.exception_handler(TransientError)
    def busy(_request: Request, error: TransientError) -> JSONResponse:
        _LOG.warning("%s", error)
        return answer(503, "Busy", "the catalog is busy: try again")

    @app.exception_handler(CatalogError)
    def broken(_request: Request, error: CatalogError) -> JSONResponse:
        _LOG.error("%s", error)
        return answer(500, "Damaged", "the catalog cannot answer: its log says why")
