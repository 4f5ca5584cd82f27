"""The program `s2lookback`: one subcommand a job."""

from flows.cli import again, deployed, looks, runs, serve, stale, trace  # each adds its commands to the program
from flows.cli.words import app

__all__ = ["again", "app", "deployed", "looks", "runs", "serve", "stale", "trace"]
