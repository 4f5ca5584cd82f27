"""What the tables say of a night follows from what was measured, by sums that can be done by hand."""

from tests.bench.growth import TABLES, Growth, Load
from tests.bench.measure import Cost
from tests.bench.night_tables import load_table, overhead_table, soak_table, stage_table
from tests.bench.overhead import Overhead, Round
from tests.bench.soak import Night


def cost(seconds: float) -> Cost:
    return Cost(wall=seconds, cpu=seconds, peak=4000.0, read=700.0, written=300.0)


STAGES = {
    threads: {name: cost(25.0) for name in ("ingest", "train 2", "train 4", "mask", "mrap", "reduce")}
    for threads in (1, 2)
}


def growth(rows: float, size: float) -> Growth:
    return Growth(dict.fromkeys(TABLES, rows), size)


def test_a_night_of_a_province_is_the_sum_of_its_runs():
    each = {"tile": growth(5, 100_000), "nightly": growth(1, 25_000), "reconcile": growth(1, 10_000)}
    text = load_table(
        Load("SQLite", each, growth(2, 1_000), {7: {"what ran last": 0.02}, 1407: {"what ran last": 0.04}})
    )
    megabytes = (160 * 100_000 + 160 * 25_000 + 288 * 10_000 + 24 * 1_000) / 1e6
    assert f"at most {megabytes:.0f} MB and 1089 runs" in text
    assert "800 task runs: in 1000 nights without retention 23 GB, 1,089,000 runs and 800,000 task runs" in text
    assert "90 days kept, 2.1 GB" in text
    assert "| what ran last | 20 | 40 |" in text


def test_prefects_share_is_what_it_adds_over_all_that_a_tile_takes():
    one, two = (Round(tiles, 8, 30.0 * tiles / 2, 9.0 * tiles, 2.0 * tiles, 0.5, 400, 10) for tiles in (1, 2))
    long = Round(1, 24, 50, 20, 3.6, 0.5, 400, 10)
    text = overhead_table(Overhead(cost(6.5), 4.0, 0.02, (one, two), long), STAGES)
    assert "Prefect adds 5.00 s: its server takes 1.20 s a run and 0.100 s a product" in text
    assert (
        "takes 100 s of CPU for its four products, so Prefect's share of CPU time is 4.8 % (goal: below 5 %, met)"
        in text
    )
    assert "9.1 % on 1 threads" in text
    assert "| 2 | 30.0 | 9.00 | 2.00 | 0.25 | 400 | 10.0 | 50 % |" in text


def test_stages_and_nights_are_told_with_their_units():
    assert "| ingest | 25.0 | 25.0 | 25.0 | 4.0 | 0.70 | 0.30 |" in stage_table(STAGES, 5490)
    flat = [Night(400.0, 7, 1.0 + 0.01 * (number % 2)) for number in range(40)]
    leaky = [Night(400.0 + number, 7 + number, 1.0 + 0.01 * (number % 2)) for number in range(40)]
    text = soak_table(flat, leaky, 0)
    assert "| 40 nights in one process, file handles | 7.00 | +0.0000 | 0.0000 | flat |" in text
    assert "| 40 through a server, memory, MB | 429.50 | +1.0000 | 0.0000 | rises |" in text
    assert "found 0 faults" in text
