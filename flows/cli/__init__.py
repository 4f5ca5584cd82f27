"""The program `s2lookback`: one subcommand a job."""

from flows.cli import (  # each adds its commands to the program
    again,
    catalog,
    deployed,
    drained,
    looks,
    matrix,
    runs,
    serve,
    stale,
    trace,
)
from flows.cli.words import app

__all__ = ["again", "app", "catalog", "deployed", "drained", "looks", "matrix", "runs", "serve", "stale", "trace"]
