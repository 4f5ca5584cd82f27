"""The program, run as a module."""

from flows.cli import app

app()
