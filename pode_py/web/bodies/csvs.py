"""CSV: read from the body of a request, and written for a response (RFC 4180)."""

from __future__ import annotations

import csv
import io
from typing import Any

from pode_py.core.errors import StatusError
from pode_py.core.jsons import to_json
from pode_py.web.bodies.plain import plain, text_of

# How many cells that short rows lack are filled in. A body of a few bytes a row, below a first line
# of a million names, would otherwise become a million times its size.
MOST_FILLED = 100_000
# Two bytes can be a row, whose dict takes some 200.
MOST_ROWS = 1_000_000


def parse_csv(text: str) -> list[dict[str, str]]:
    """A dict of each row, by the names of the first line. Short rows get empty cells.

    400 for a row that has more cells than there are names, for one name twice, quotes that do not
    end, and a cell of more than 128 KiB; 413 for more than a million rows.

    >>> parse_csv("name,size\\na,1\\nb\\n")
    [{'name': 'a', 'size': '1'}, {'name': 'b', 'size': ''}]
    """
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return _dicts(rows)
    except csv.Error as error:
        raise StatusError(400, f"The body is not the CSV it should be: {error}.") from None


def _dicts(rows: Any) -> list[dict[str, str]]:
    names: list[str] = next((row for row in rows if row), [])
    if len(set(names)) < len(names):
        raise StatusError(400, "The first line of the CSV body has a name twice.")
    made: list[dict[str, str]] = []
    filled = 0
    for row in rows:
        if not row:
            continue
        missing = len(names) - len(row)
        if missing < 0:
            raise StatusError(
                400, f"Line {rows.line_num} of the CSV body has more cells than the first line."
            )
        if len(made) == MOST_ROWS:
            raise StatusError(413, f"The CSV body has more than {MOST_ROWS} rows.")
        filled += missing
        if filled > MOST_FILLED:
            raise StatusError(400, "The CSV body has too many rows that lack cells.")
        made.append(dict(zip(names, row + [""] * missing, strict=True)))
    return made


def to_csv(value: Any) -> str:
    """CSV of a dict, an object, or a list of them. All names are in the first line, in the order in
    which they are seen first; None is an empty cell, and '' is ``""``.

    >>> to_csv([{"a": 1}, {"a": None, "b": 'say "hi"'}])
    '"a","b"\\n"1",\\n,"say ""hi\"""'
    """
    tree = plain(value, what="CSV")
    rows = [_row(item) for item in (tree if isinstance(tree, list) else [tree])]
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return ""
    lines = [[_quoted(name) for name in names]]
    lines += [[_cell(row.get(name)) for name in names] for row in rows]
    # A line without anything is no row to who reads it.
    return "\n".join(",".join(line) or '""' for line in lines)


def _row(item: Any) -> dict[str, Any]:
    return item if isinstance(item, dict) else {"value": item}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return _quoted(to_json(value) if isinstance(value, (dict, list)) else text_of(value))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
