"""What a measurement writes into the documentation, between two marks of its own."""

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def write_block(page: str, command: str, text: str) -> None:
    """Replace what an earlier run of a command wrote into a page of ``docs``; the rest of the page is not ours."""
    path = DOCS / page
    begin, end = f"<!-- written by {command} -->", f"<!-- end of what {command} wrote -->"
    before, _, rest = path.read_text().partition(begin)
    if not rest:
        raise ValueError(f"docs/{page} has no place for what is measured: add the lines {begin} and {end}")
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}")
