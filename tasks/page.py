"""Pieces of Markdown for Prefect's pages; what comes from outside cannot break out of its place."""

from collections.abc import Iterable, Sequence


def plain(text: object, longest: int = 300) -> str:
    """Give a text that stands in a line, or in a cell of a table, as it is."""
    line = " ".join(str(text).split())
    cut = line if len(line) <= longest else f"{line[: longest - 1]}…"
    for sign, instead in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        ("|", "&#124;"),
        ("`", "&#96;"),
        ("[", "&#91;"),
        ("*", "&#42;"),
    ):
        cut = cut.replace(sign, instead)
    return cut


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay rows out under columns; a heading that ends in a colon is set to the right, as numbers are."""
    rule = ["---:" if column.endswith(":") else "---" for column in columns]
    lines = [[column.removesuffix(":") for column in columns], rule, *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def listed(lines: Sequence[str], most: int, rest: str) -> str:
    """List lines, at most so many; ``rest`` says where the others are."""
    more = [f"- … and {len(lines) - most} more: {rest}"] if len(lines) > most else []
    return "\n".join([*(f"- {line}" for line in lines[:most]), *more])
