"""Explanations of a pixel, as a person reads them."""

from collections import Counter
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from catalog.explain.composite import Explanation
from catalog.explain.reduced import ReducedExplanation
from catalog.explain.verdict import Verdict
from s2lookback.mrap.match import Match
from s2lookback.scene import SCALE


def composite_text(one: Explanation) -> RenderableType:
    """Lay out why a pixel of a composite is what it is."""
    parts: list[RenderableType] = [
        Text(one.sentence, "bold"),
        _where(one.composite.id, one.place.row, one.place.column),
    ]
    if one.winner:
        values = "  ".join(f"{band} {value:.4f}" for band, value in one.values.items() if value is not None)
        parts.append(Text(f"reflectance  {values}"))
    parts.append(Text(f"seen clear   {one.observations} times"))
    if one.winner and one.winner.mask:
        parts.append(
            Text(f"mask         {'  made with '.join(by.id for by in (one.winner.mask, one.winner.model) if by)}")
        )
    if one.light:
        parts += _light(one.light, one)
    parts += [Text(f"note         {note}", "yellow") for note in one.notes]
    parts.append(_considered(one))
    if len(one.history) > 1:
        parts.append(_history(one))
    return Group(*parts, Text())


def reduced_text(one: ReducedExplanation) -> RenderableType:
    """Lay out why a pixel of a reduced scene is what it is."""
    doubt = "" if one.uncertainty is None else f"; uncertain by {one.uncertainty:.4f}"
    masked = f"{one.found}, cloud or shadow {_percent(one.probability)}"
    table = Table("band", "reduced", "as observed", "when last clear", box=None, pad_edge=False)
    for band, values in one.values.items():
        table.add_row(band, *(_value(number) for number in (values.reduced, values.observed, values.composite)))
    made_from = [source.id for source in (one.scene, one.mask, one.composite) if source]
    return Group(
        Text(one.sentence + doubt, "bold"),
        _where(one.reduced.id, one.place.row, one.place.column),
        Text(f"mask         {masked}"),
        Text(f"made from    {'  '.join(made_from)}"),
        table,
        Text(),
    )


def _where(name: str, row: int, column: int) -> Text:
    return Text(f"item         {name}, row {row}, column {column}")


def _considered(one: Explanation) -> Table:
    days = Counter(scene.sensed.date() for scene in one.considered)
    table = Table("sensed", "days", "mask", "cloud", "by", "why", box=None, pad_edge=False)
    for scene in one.considered:
        sensed = f"{scene.sensed:%Y-%m-%d}" if days[scene.sensed.date()] == 1 else _time(scene.sensed)
        style = {Verdict.SHOWN: "bold green", Verdict.STALE: "yellow"}.get(scene.verdict, "")
        table.add_row(
            sensed, str(scene.age), scene.found, _percent(scene.probability), scene.method, scene.reason, style=style
        )
    for column in table.columns[:-1]:
        column.no_wrap = True
    return table


def _light(light: Match, one: Explanation) -> list[RenderableType]:
    """Show the lines that bring what is shown to the light of the composite's newest scene, or why there are none."""
    if not light.lines:
        return [Text(f"light        as observed: {light.refused}")]
    table = Table("band", "as observed", "gain", "offset", "residual", "adjusted", box=None, pad_edge=False)
    for band, line in light.lines.items():
        fitted = (f"{line.gain:.3f}", f"{line.offset * SCALE:+.4f}", f"{line.residual * SCALE:.4f}")
        table.add_row(band, _value(one.values[band]), *fitted, _value(one.adjusted[band]))
    told = f"light        as observed; export --relight applies these lines, fitted on {light.samples} pixels"
    return [Text(told), table]


def _history(one: Explanation) -> Table:
    table = Table(
        "version", "made (UTC)", "shows", "changed", "replaced the one below because", box=None, pad_edge=False
    )
    for version in one.history:
        shown = _time(version.shown) if version.shown else "nothing"
        changed = "" if version.changed_pixels is None else f"{version.changed_pixels} pixels"
        table.add_row(version.version, version.made, shown, changed, "; ".join(version.causes))
    return table


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"


def _percent(number: int | None) -> str:
    return "" if number is None else f"{number} %"


def _value(number: float | None) -> str:
    return "" if number is None else f"{number:.4f}"
