"""What a night did to its tiles, and what to do next: a page for Prefect, sentences for the program."""

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence

from s2lookback.errors import CatalogError, GridMismatchError, SceneError, TransientError
from tasks.page import listed, plain, table
from tasks.report import TileReport, counted

Named = Mapping[str, str]
EMPTY: Named = {}

MOST = 40
"""Lines of one list."""

NAMED = 5
"""Tiles that one sentence names."""

_STEPS = {
    SceneError.__name__: "get the files again, or leave it out for good: `s2lookback retract`; then `{rerun}`",
    GridMismatchError.__name__: "its rasters lie on another grid: get the files again; then `{rerun}`",
    TransientError.__name__: "this may pass, and the next night tries again; now: `{rerun}`",
    CatalogError.__name__: "`s2lookback catalog check{root}` names what is damaged; then `{rerun}`",
    "Crashed": "the run died: its page has the log; then `{rerun}`",
    "Cancelled": "somebody cancelled it; when it may run: `{rerun}`",
}
"""What to do about an error, by its class."""

_BUG = "this is a bug: send the log of its run to those who keep the code; once it is mended: `{rerun}`"

_COLUMNS = ("tile", "new:", "late:", "changed:", "skipped:", "made:", "up to date:", "clear, newest:", "state")


def summary(reports: Sequence[TileReport], *, named: Named = EMPTY, watch: Sequence[str] = ()) -> str:
    """Write a night down: what to do next, its tiles, what failed and what was skipped, and why.

    Args:
        reports: One a tile.
        named: Options that the run was given, and that its environment does not hold: scenes, masks, root.
        watch: Sentences on what is not as it used to be.
    """
    ledger = f"`s2lookback ledger{_options(named, 'root')}`"
    steps = next_steps(reports, named) or ["Nothing: every tile is up to date."]
    idle = [report.tile for report in reports if not _busy(report)]
    busy = sorted((report for report in reports if _busy(report)), key=_rank)
    skipped = [
        f"{report.tile} · {plain(out.name)}: {plain(out.reason)}" for report in reports for out in report.left_out
    ]
    failed = [f"{report.tile} · {report.error}: {plain(report.failed)}" for report in reports if report.failed]
    parts = {
        "What to do next": listed(steps, MOST, "see the lists below"),
        "To be watched": listed(watch, MOST, "see the log of this run"),
        "Tiles": table(_COLUMNS, map(_row, busy)) if busy else "",
        "Failed": listed(failed, MOST, ledger),
        "Skipped": listed(skipped, MOST, ledger),
        "Nothing new": ", ".join(idle),
    }
    return "\n\n".join(f"### {name}\n\n{part}" for name, part in parts.items() if part)


def totals(reports: Sequence[TileReport]) -> str:
    """Sum a night up in a line."""
    failed = sum(bool(report.failed) for report in reports)
    scenes = {
        "new": sum(len(report.new) for report in reports),
        "late": sum(len(report.late) for report in reports),
        "changed": sum(len(report.changed) for report in reports),
        "skipped": sum(len(report.left_out) for report in reports),
    }
    came = ", ".join(f"{number} {name}" for name, number in scenes.items() if number) or "none new"
    made, kept = (sum(getattr(report, name).total() for report in reports) for name in ("made", "kept"))
    tiles = f"{counted(len(reports), 'tile')}: {len(reports) - failed} done, {failed} failed"
    return f"{tiles} · scenes: {came} · products: {made} made, {kept} up to date"


def next_steps(reports: Sequence[TileReport], named: Named = EMPTY) -> list[str]:
    """Say what a person has to do, a sentence for each class of error; none if nothing is to do."""
    found: dict[str, list[str]] = defaultdict(list)
    skipped: dict[str, int] = defaultdict(int)
    for report in reports:
        errors = {report.error} if report.failed else {out.error for out in report.left_out}
        for error in errors:
            found[error].append(report.tile)
        for out in report.left_out:
            skipped[out.error] += 1
    return [_step(error, tiles, skipped.get(error, 0), named) for error, tiles in sorted(found.items())]


def _step(error: str, tiles: list[str], skipped: int, named: Named) -> str:
    those = ", ".join(tiles[:NAMED]) + (f" and {len(tiles) - NAMED} more" if len(tiles) > NAMED else "")
    what = f"{counted(skipped, 'scene')} skipped of {those}" if skipped else f"{those} failed"
    rerun = f"s2lookback rerun --failed --error {error} --since '2 days'{_options(named, 'scenes', 'masks', 'root')}"
    return f"{what} ({error}): {_STEPS.get(error, _BUG).format(rerun=rerun, root=_options(named, 'root'))}."


def _options(named: Named, *wanted: str) -> str:
    """Write options down as a shell reads them; those that are empty stand in the environment."""
    return "".join(f" --{name} {shlex.quote(named[name])}" for name in wanted if named.get(name))


def _busy(report: TileReport) -> bool:
    return bool(report.failed or report.left_out or report.made)


def _rank(report: TileReport) -> tuple[bool, bool, bool, str]:
    """Put first what a person has to look at."""
    return not report.failed, not report.left_out, not report.late, report.tile


def _row(report: TileReport) -> list[object]:
    newest = max(report.dates, key=lambda one: one.sensed, default=None)
    counts = [len(one) for one in (report.new, report.late, report.changed, report.left_out)]
    return [
        report.tile,
        *(number or "" for number in counts),
        report.made.total(),
        report.kept.total(),
        f"{100 * newest.clear_share:.0f} %" if newest else "",
        f"failed: {report.error}" if report.failed else "done",
    ]
