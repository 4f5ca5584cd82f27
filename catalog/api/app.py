"""The application that serves a catalog: STAC API, files, and, if it was built, the browser."""

import logging
import os
from importlib.metadata import version
from typing import Any, cast

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
from stac_fastapi.types.extension import ApiExtension
from stac_fastapi.types.search import APIRequest
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse

from catalog.api.client import CatalogClient, Question
from catalog.api.files import add_files
from catalog.api.hrefs import FILES
from catalog.api.limits import BodyLimit
from catalog.api.queryables import Queryables
from catalog.api.writing import Writing, key
from catalog.index.protocol import VARIABLE, QueryError
from catalog.layout import STAC_VERSION
from catalog.store import Store
from catalog.written import ConflictError, RefusedError
from s2lookback.errors import CatalogError, TransientError

_LOG = logging.getLogger(__name__)
_NAME = "s2lookback"

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
    """Serve the catalog at ``root`` through the index that its environment names."""
    store = Store(root)
    api = _api(store, pgstac=store.index.name == "postgresql")
    add_files(api.app, store)
    add_errors(api.app)
    return api.app


def _api(store: Store, *, pgstac: bool) -> StacApi:
    search, items = extensions()
    client: Any
    connected = None
    if pgstac:
        from catalog.api.pgstac import PgstacClient, PgstacQuestion, Settings, lifespan

        model = create_post_request_model(search, base_model=PgstacQuestion)
        made: Any = PgstacClient
        client = made(store=store, pgstac_search_model=model, landing_page_id=_NAME)
        connected = lifespan(os.environ[VARIABLE])
        about = _settings(Settings, use_api_hydrate=True)
    else:
        model = create_post_request_model(search, base_model=Question)
        client = CatalogClient(store=store, model=model, landing_page_id=_NAME)
        about = _settings(ApiSettings)
    return StacApi(
        app=FastAPI(
            title=_NAME,
            version=version(_NAME),
            openapi_url=about.openapi_url,
            docs_url=about.docs_url,
            redoc_url=None,
            description=about.stac_fastapi_description,
            lifespan=connected,
        ),
        settings=about,
        client=client,
        stac_version=STAC_VERSION,
        extensions=[*search, *items, *_writing(store)],
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


def _writing(store: Store) -> list[ApiExtension]:
    """Offer to write, if the environment gives a key."""
    found = key()
    return [Writing(store=store, key=found)] if found else []


def extensions() -> tuple[list[ApiExtension], list[ApiExtension]]:
    """Choose what can be asked beyond the core: across collections, and in one."""
    queryables: Any = Queryables()
    search = [SearchFilterExtension(client=queryables), SearchSortExtension(), FieldsExtension()]
    items = [
        ItemCollectionFilterExtension(client=queryables),
        ItemCollectionSortExtension(),
        FieldsExtension(conformance_classes=[FieldsConformanceClasses.ITEMS]),
    ]
    return [*search, TokenPaginationExtension()], [*items, TokenPaginationExtension()]


def _settings(kind: type[ApiSettings], **more: Any) -> ApiSettings:
    """Name the API; nothing is read from a file that happens to lie where it is started."""
    return kind(
        _env_file=None,
        stac_fastapi_title=_NAME,
        stac_fastapi_description="Sentinel-2 scenes, cloud masks, most recent available pixels and reduced scenes",
        stac_fastapi_landing_id=_NAME,
        stac_fastapi_version=version(_NAME),
        **more,
    )


def add_errors(app: FastAPI) -> None:
    """Answer with 400 what the asker must change, with 503 what may pass, with 500 what the keeper must mend."""

    def answer(status: int, code: str, sentence: str) -> JSONResponse:
        return JSONResponse({"code": code, "description": sentence}, status)

    @app.exception_handler(QueryError)
    def refused(_request: Request, error: QueryError) -> JSONResponse:
        return answer(400, "BadQuery", str(error))

    @app.exception_handler(RefusedError)
    def unwritten(_request: Request, error: RefusedError) -> JSONResponse:
        return answer(400, "BadItem", str(error)[:500])

    @app.exception_handler(ConflictError)
    def conflicting(_request: Request, error: ConflictError) -> JSONResponse:
        return answer(409, "Conflict", str(error))

    @app.exception_handler(TransientError)
    def busy(_request: Request, error: TransientError) -> JSONResponse:
        _LOG.warning("%s", error)
        return answer(503, "Busy", "the catalog is busy: try again")

    @app.exception_handler(CatalogError)
    def broken(_request: Request, error: CatalogError) -> JSONResponse:
        _LOG.error("%s", error)
        return answer(500, "Damaged", "the catalog cannot answer: its log says why")
