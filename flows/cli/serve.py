"""The subcommand that serves a catalog."""

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.words import HERE, Root, app, out, stop


@app.command(epilog="Example: s2lookback serve --root demo/catalog --port 8081")
def serve(
    root: Root = HERE,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8081,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    browser: Annotated[
        Path | None,
        typer.Option(envvar="S2LOOKBACK_BROWSER", help="STAC Browser, as deployments/browser/build.sh makes it."),
    ] = None,
) -> None:
    """Serve the catalog as a STAC API, with its files, on this machine unless told otherwise.

    It only reads; with S2LOOKBACK_API_KEY in the environment, whoever shows that key may write.
    """
    logging.getLogger("stac_fastapi.types.config").setLevel(logging.ERROR)  # warns of names that are given below
    try:
        import uvicorn

        from catalog.api.app import create_app
        from catalog.api.browser import PLACE, add_browser
    except ModuleNotFoundError as error:
        stop(f"serving needs {error.name}: pip install 's2lookback[serve]'")
    out.print(f"STAC API   http://{host}:{port}", highlight=False)
    served = create_app(str(root))
    if browser is not None and (browser / "index.html").is_file():
        add_browser(served, browser)
        out.print(f"browser    http://{host}:{port}{PLACE}/", highlight=False)
    uvicorn.run(served, host=host, port=port, log_level=os.environ.get("LOG_LEVEL", "warning"))
