"""The files of the catalog over HTTP: whole or in ranges, so that a map reads only the part of a COG that it shows."""

import re
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import FileResponse

from catalog.api.hrefs import FILES, TOPS
from catalog.store import Store

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_KINDS = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".json": "application/json",
    ".png": "image/png",
    ".xml": "application/xml",
}


def add_files(app: FastAPI, store: Store) -> None:
    """Serve the files that the catalog publishes."""

    @app.head(f"/{FILES}/{{path:path}}", include_in_schema=False)
    @app.get(f"/{FILES}/{{path:path}}", tags=["Files"], response_class=FileResponse)
    def file(path: str, request: Request) -> FileResponse:
        """Give a file, or a range of it."""
        found = published(store, path, request)
        if found is None:
            raise HTTPException(404, "there is no such file")
        return FileResponse(found, media_type=_KINDS.get(found.suffix, "application/octet-stream"))


def published(store: Store, path: str, user: object) -> Path | None:
    """Find a file that the catalog publishes, for as long as its user lives.

    None for every other, above all one that is not below the root.
    """
    parts = path.split("/")
    if parts[0] not in TOPS or len(path) > 1000 or not all(_PART.fullmatch(part) for part in parts):
        return None
    root, found = store.root, store.root.joinpath(*parts)
    if store.place.url != str(root) and len(parts) <= 5:  # a copy, which may lack it
        store.bring(found, user)
    return found if found.is_file() and found.resolve().is_relative_to(root.resolve()) else None
