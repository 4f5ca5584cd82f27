"""STAC Browser beside the API, where it was built: its files, and its first page for every address of its own."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, RedirectResponse, Response

PLACE = "/browser"

_SCRIPT = "text/javascript"
_KINDS = {".html": "text/html", ".js": _SCRIPT, ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}


def add_browser(app: FastAPI, folder: Path) -> None:
    """Serve a build of STAC Browser that was made for the path ``/browser/``."""
    root = folder.resolve()

    @app.get(PLACE, include_in_schema=False)
    def start() -> Response:
        return RedirectResponse(f"{PLACE}/")

    @app.get(f"{PLACE}/{{path:path}}", include_in_schema=False)
    def file(path: str) -> FileResponse:
        """Give a file of the build; any other address is one that the browser's own script reads."""
        found = (root / path).resolve() if len(path) < 1000 and "\0" not in path else root
        asked = found if found.is_relative_to(root) and found.is_file() else root / "index.html"
        return FileResponse(asked, media_type=_KINDS.get(asked.suffix), headers={"Cache-Control": "no-cache"})
