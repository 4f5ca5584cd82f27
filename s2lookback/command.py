"""Turns a settings model into a command line: required fields by position, all others as options."""

import argparse
import inspect
import logging
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, NoReturn, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, DirectoryPath, Field, ValidationError, model_validator
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from s2lookback.errors import CatalogError, SceneError, TransientError

ALIASES = {"output_dir": "out", "sample_size": "sample", "only_test_last_date": "test_only_last"}
"""Shorter or older names of options, by field."""

_SWITCH = {"true", "false", "yes", "no", "on", "off", "1", "0"}
_STDERR = Console(stderr=True)


def _calendar_day(text: object) -> object:
    """Read a day as ISO 8601 writes it; pydantic alone would take 20250730 for seconds since 1970."""
    return date.fromisoformat(text) if isinstance(text, str) else text


Day = Annotated[date, BeforeValidator(_calendar_day)]
Share = Annotated[float, Field(ge=0, le=1)]


class FolderSettings(BaseModel):
    """What the commands that read folders of images and masks have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: ClassVar[str]
    """Name of the module that answers: ``python3 -m s2lookback.<command>``."""
    examples: ClassVar[tuple[str, ...]]
    """Arguments of command lines that can be pasted."""

    image_dir: DirectoryPath = Field(description="Folder of ENVI images, one sensing time each.")
    mask_dir: tuple[DirectoryPath, ...] = Field(
        min_length=1,
        description="Folder of ENVI masks (probability, percent or binary); several, separated by commas, are joined.",
    )
    output_dir: Path | None = Field(None, description="Folder for the results; none means beside IMAGE_DIR.")
    mask_threshold: Share | None = Field(
        1e-5,
        description="Mask probability from which a pixel is masked; none means anything above zero. Next to nothing "
        "suits Sen2Cor's percentages; 0.5 suits the masks of s2lookback.masking.",
    )
    min_mask_prop_trigger: Share = Field(0.0, description="Share of masked pixels below which a date is left as it is.")
    start: Day | None = Field(None, description="First day, UTC.")
    end: Day | None = Field(None, description="Last day, UTC, included.")
    png: bool = Field(True, description="Write a picture of every date as well.")
    n_workers: Annotated[int, Field(ge=1, le=1024)] = Field(2, description="Dates that are read at the same time.")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(20, description="Seed of everything that is sampled.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.end < self.start:
            raise ValueError(f"start must not be after end, found {self.start} and {self.end}")
        return self

    def within(self, day: date) -> bool:
        """Tell whether a day lies between start and end, both included."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)

    def output(self, suffix: str) -> Path:
        """Make the folder for the results, by default beside the images and named after them."""
        images = self.image_dir.resolve()
        folder = self.output_dir or images.with_name(f"{images.name}_{suffix}")
        folder.mkdir(parents=True, exist_ok=True)
        return folder


class LookBackSettings(FolderSettings):
    """What a command that compares a date with earlier ones and samples both has besides."""

    max_lookback_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        7, description="Days that may lie between a date and an earlier one."
    )
    sample_size: Annotated[int, Field(ge=10, le=100_000_000)] | None = Field(
        None, description="Pixels drawn from one date; none leaves it to the command."
    )
    sample_between_prop: tuple[Share, Share] = Field((0.5, 0.5), description="Split of the sample: masked,clear.")
    sample_within_prop: tuple[Share, Share] = Field(
        (0.8, 0.5), description="Largest share of a date's pixels that is drawn: masked,clear."
    )


S = TypeVar("S", bound=FolderSettings)
T = TypeVar("T")
R = TypeVar("R")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of a page."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def run(model: type[S], function: Callable[[S], None], argv: Sequence[str] | None = None) -> int:
    """Read a command line, call ``function`` with the settings and return the exit code: 0, or 1 for a failure.

    Raises:
        SystemExit: 2 for wrong arguments, 0 after ``--help``.
    """
    settings = parse(model, sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[_handler()])
    try:
        function(settings)
    except (SceneError, CatalogError, TransientError, OSError) as error:
        sys.stderr.write(f"s2lookback.{model.command}: {error}\n")
        return 1
    return 0


def _handler() -> logging.Handler:
    """Choose where the log goes: above the progress bar on a terminal, unwrapped lines elsewhere."""
    if _STDERR.is_terminal:
        return RichHandler(console=_STDERR, show_path=False, show_time=False, show_level=False)
    return logging.StreamHandler()


def parse(model: type[S], argv: Sequence[str]) -> S:
    """Read a command line into settings.

    Raises:
        SystemExit: 2 for wrong arguments, 0 after ``--help``.
    """
    parser = _parser(model)
    given = {name: _value(model, name, text) for name, text in vars(parser.parse_args(_spelled(model, argv))).items()}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        parser.error(_sentence(model, error.errors(include_url=False)[0]))


def _parser(model: type[FolderSettings]) -> _Parser:
    program = f"python3 -m s2lookback.{model.command}"
    parser = _Parser(
        prog=program,
        usage=" ".join([program, *(name.upper() for name, field in model.model_fields.items() if field.is_required())])
        + " [--option=value ...]",
        description=inspect.getdoc(model),
        epilog="examples:\n" + "\n".join(f"  {program} {example}" for example in model.examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    schemas = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        text = f"{field.description} {_limits(schemas[name])}".replace("%", "%%")
        if field.is_required():
            parser.add_argument(name, metavar=name.upper(), help=text)
        else:
            options = [f"--{option}" for option in (name, ALIASES.get(name)) if option]
            shown = f"{text}[{_text(field.default)}]"
            parser.add_argument(*options, dest=name, metavar="X", help=shown, default=argparse.SUPPRESS)
    return parser


def _limits(schema: dict[str, Any]) -> str:
    """Tell the bounds of a field, or the words it may be."""
    for part in (schema, *schema.get("anyOf", ()), schema.get("items", {}), *schema.get("prefixItems", ())):
        if "minimum" in part or "maximum" in part:
            return f"({part.get('minimum', '')} to {part.get('maximum', '')}) "
        if "enum" in part:
            return f"({', '.join(map(str, part['enum']))}) "
    return ""


def _text(default: object) -> str:
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default).lower()


def _spelled(model: type[FolderSettings], argv: Sequence[str]) -> list[str]:
    """Write option names with underscores, and a bare switch as ``--switch=true``."""
    aliases = {alias: name for name, alias in ALIASES.items()}
    spelled: list[str] = []
    rest = deque(argv)
    while rest:
        word = rest.popleft()
        if word == "--":
            return [*spelled, word, *rest]
        if word.startswith("--"):
            name, equals, text = word[2:].partition("=")
            name = name.replace("-", "_")
            field = model.model_fields.get(aliases.get(name, name))
            if field and field.annotation is bool and not equals:
                equals, text = "=", rest.popleft() if rest and rest[0].lower() in _SWITCH else "true"
            word = f"--{name}{equals}{text}"
        spelled.append(word)
    return spelled


def _value(model: type[FolderSettings], name: str, text: str) -> str | list[str] | None:
    """Split what is a list and turn the word none into None; pydantic does the rest."""
    if text.lower() == "none" and not model.model_fields[name].is_required():
        return None
    several = "tuple[" in str(model.model_fields[name].annotation)
    return text.split(",") if several else text


def _sentence(model: type[FolderSettings], fault: Any) -> str:
    """Put pydantic's first complaint into one sentence that names the option."""
    reason = fault["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if not fault["loc"]:
        return str(reason)
    if fault["type"] == "missing":
        reason = "needs more values, separated by commas"
    name = str(fault["loc"][0])
    shown = name.upper() if model.model_fields[name].is_required() else f"--{name}"
    found = ",".join(fault["input"]) if isinstance(fault["input"], list) else fault["input"]
    return f"{shown}: {reason[0].lower()}{reason[1:]}, found {found!r}"


def progress(stage: str, items: Sequence[T], label: Callable[[T], str]) -> Iterator[T]:
    """Give the items one by one and show on standard error, where that is a terminal, which one is being worked on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_STDERR, disable=not _STDERR.is_terminal) as bar:
        task = bar.add_task(stage, total=len(items))
        for item in items:
            bar.update(task, description=f"{stage} {label(item)}")
            yield item
            bar.advance(task)


def ahead(function: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """Apply a function to items in threads; give the results in order, never more than ``workers`` of them waiting."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) == workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
