"""How right masks are, on simulated seasons with a truth and on real scenes without. ``make bench-masks``."""

import argparse
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np

from s2lookback.simulate.families import UNSEEN
from tests.bench import mask_pictures as pictures
from tests.bench import mask_real as real
from tests.bench import mask_speed
from tests.bench.mask_scores import (
    KINDS,
    Judged,
    displacements,
    losses,
    mistaken,
    of_kind,
    outline_error,
)
from tests.bench.mask_series import OURS, WAYS, Date, seasons, simulated
from tests.bench.report import DOCS, write_block

SEEDS = (101, 102)
"""Kept for confirming: nothing was chosen by them."""
TRAINED = 6
"""Scenes after which a model of the ones before is there: these dates are held out from what is learnt."""
DATES = 14
"""Scenes of a season."""
BLIND = {"s2cloudless": ("thick cloud", "thin cloud", "shadow", "hidden")}
"""What a way to mask does not tell."""
SERIES = "lookback"
"""The way whose masks are the product's by default."""

say = sys.stderr.write
Scored = Mapping[str, Mapping[str, Sequence[Judged]]]
"""Dates by way to mask and by family."""


def main(options: Sequence[str]) -> None:
    """Measure, say what came out, and write it into ``docs/accuracy.md``."""
    asked = _asked(options)
    scored: dict[str, dict[str, list[Judged]]] = {way: {} for way in WAYS}
    for family, scenarios in seasons(asked.seeds, final=asked.final).items():
        years = [simulated(scenario) for scenario in scenarios]
        for name, way in WAYS.items():
            say(f"{family}: {name}\n")
            scored[name][family] = [judged for year in years for judged in way(year)]
        _draw(asked, family, years[0], scored)
    tables = [f"Seeds {' '.join(map(str, asked.seeds))}.", *_simulated(scored), *_on_real(asked)]
    text = "\n\n".join(tables)
    say(text + "\n")
    if asked.report:
        write_block("accuracy.md", "make bench-masks", text)
    speed = mask_speed.report()
    say(speed + "\n")
    if asked.report:
        write_block("performance.md", "make bench-masks", speed)


def _asked(options: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench masks", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="seasons of each family")
    parser.add_argument("--final", action="store_true", help="score the family that development never saw as well")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("S2_REALDATA", "../shared/realdata")))
    parser.add_argument("--report", action="store_true", help="write tables and pictures into docs")
    return parser.parse_args(options)


def _simulated(scored: Scored) -> Iterator[str]:
    """Tabulate by class, by family, by what fire needs, by label."""
    together = {way: [date for dates in by.values() for date in dates] for way, by in scored.items()}
    yield "### By class, on all families\n\n" + "\n".join(_by_class(together))
    yield "### F1 by family, before growth\n\n" + "\n".join(_by_family(scored))
    yield "### What fire needs\n\n" + "\n".join(_by_loss(together))
    if UNSEEN.name in scored["label"]:
        alone = {way: by[UNSEEN.name] for way, by in scored.items()}
        yield "### What fire needs, in the family never seen\n\n" + "\n".join(_by_loss(alone))
    yield "### Place of shadows, and errors of the label\n\n" + "\n".join(_by_label(scored))


def _by_class(together: Mapping[str, Sequence[Judged]]) -> Iterator[str]:
    yield "| | way | precision | recall | F1 | IoU | BOA | outline, m |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for kind in KINDS:
        for way, dates in together.items():
            if kind not in BLIND.get(way, ()):
                found = [*astuple(of_kind(dates, kind))]
                yield f"| {kind} | {way} | {_cells(found)} | {outline_error(dates, kind):.0f} |"
    for way in OURS:
        yield f"| hidden, as published | {way} | {_cells([*astuple(of_kind(together[way], 'hidden', grown=True))])} | |"


def _cells(shares: Sequence[float]) -> str:
    return " | ".join("–" if math.isnan(share) else f"{share:.3f}" for share in shares)


def _by_family(scored: Scored) -> Iterator[str]:
    names = [*next(iter(scored.values()))]
    yield "| | way | " + " | ".join(names) + " |"
    yield "| --- | --- |" + " ---: |" * len(names)
    for kind in KINDS:
        for way, by in scored.items():
            if kind not in BLIND.get(way, ()):
                yield f"| {kind} | {way} | {_cells([of_kind(by[name], kind).f1 for name in names])} |"


def _by_loss(together: Mapping[str, Sequence[Judged]]) -> Iterator[str]:
    found = {way: losses(dates) for way, dates in together.items()}
    yield "| share of pixels | " + " | ".join(found) + " |"
    yield "| --- |" + " ---: |" * len(found)
    for row in found[SERIES]:
        yield f"| {row} | {_cells([column[row] for column in found.values()])} |"


def _by_label(scored: Scored) -> Iterator[str]:
    """Tell how far shadows lie off, and how many of the label's errors are gone on dates that no model learnt from."""
    yield "| family | label wrong | " + " | ".join(f"{way} wrong | errors gone" for way in OURS) + " | shadow off, px |"
    yield "| --- | ---: |" + " ---: |" * (2 * len(OURS) + 1)
    for family in scored["label"]:
        dates = {way: _held_out(by[family]) for way, by in scored.items()}
        before = mistaken(dates["label"])
        cells = [f"{before:.3f}"]
        for way in OURS:
            after = mistaken(dates[way])
            cells += [f"{after:.3f}", f"{1 - after / before:.0%}"]
        moves = displacements(scored[SERIES][family])
        moved = f"{np.median(moves):.1f}, at most {max(moves):.1f}" if moves else "–"
        yield f"| {family} | {' | '.join(cells)} | {moved} |"


def _held_out(dates: Sequence[Judged]) -> list[Judged]:
    return [date for number, date in enumerate(dates) if number % DATES >= TRAINED]


def _on_real(asked: argparse.Namespace) -> Iterator[str]:
    """Tabulate what can be said of real scenes, or that they are not there."""
    if not asked.data.is_dir():
        yield f"No real scenes: {asked.data} is not there."
        return
    early, late, masks = real.layton_masks(asked.data)
    shadow = real.painted(asked.data)
    lines = ["| shadow painted by hand, 2020-06-27 | precision | recall | F1 | IoU | BOA |", "| --- |" + " ---: |" * 5]
    lines += [f"| {way} | {_cells(astuple(rates))} |" for way, rates in real.layton_rates(masks, shadow).items()]
    yield "### Shadows painted by Layton\n\n" + "\n".join(lines)
    yield "### Beside the s2cloudless of eo-learn\n\n" + "\n".join(real.slovenian_rows(asked.data))
    scene, mask = real.smoke_and_fire(asked.data)
    yield "### The fire G90292\n\n" + "\n".join(real.counted(mask))
    if asked.report:
        pictures.draw_layton(early, late, shadow, masks, DOCS / "pictures" / "layton.png")
        pictures.draw_fire(scene, mask, DOCS / "pictures" / "G90292.png")


def _draw(asked: argparse.Namespace, family: str, season: Sequence[Date], scored: Scored) -> None:
    if asked.report:
        pictures.draw_season(season, scored[SERIES][family], DOCS / "pictures" / f"masks-{family}.png")
