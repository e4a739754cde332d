"""Writes pode_py/core/pode_names.py: the names of all of Pode's functions, for error messages.

python -m tools.pode_names [--check]

With --check it changes nothing, and exits with 1 if the file is stale.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

from pode_py.core.names import spelled
from tests.contract.names import table
from tests.contract.tables import NO_MEANING

FILE: Final = Path(__file__).parent.parent / "pode_py" / "core" / "pode_names.py"

_HEAD: Final = '''\
# ruff: noqa: E501 - data
"""Pode's names: every public function of Pode, and which mean nothing here. Data only.

`python -m tools.pode_names` writes this file.
"""

from __future__ import annotations

from typing import Final
'''


def written() -> str:
    """The file as it should be."""
    nouns = defaultdict(list)
    for row in table().values():
        verb, _, noun = row.pode.partition("-")
        if noun:
            nouns[verb].append(noun.removeprefix("Pode"))
    names = [f"{verb} {' '.join(sorted(some))}" for verb, some in sorted(nouns.items())]
    odd = [f"{row.pode} {name}" for name, row in table().items() if spelled(row.pode) != name]
    reasons = [f"{name} {reason}" for name, reason in sorted(NO_MEANING.items())]
    parts = [
        _HEAD,
        _text("NAMES", "A verb and its nouns, without Pode's own before them.", names),
        _text("ODD", "Those whose name here is not made as others are.", sorted(odd)),
        _text("NO_MEANING", "What cannot mean anything in Python or on Linux, and why.", reasons),
    ]
    return "\n".join(parts)


def _text(name: str, what: str, lines: list[str]) -> str:
    whole = "\n".join(lines)
    return f'#: {what}\n{name}: Final = """\\\n{whole}\n"""\n'


def main() -> int:
    """Write the file, or say that it is stale."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args()
    if FILE.is_file() and FILE.read_text("utf-8") == written():
        return 0
    if options.check:
        print(f"{FILE.name} is stale: python -m tools.pode_names")
        return 1
    FILE.write_text(written(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
