"""`make parity` accounts for each of Pode's functions."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.contract.names import table
from tests.contract.parity import status
from tests.contract.tables import NO_MEANING


def test_each_function_is_present_planned_or_without_a_meaning():
    counts = Counter(status(name) for name in table())
    assert counts.total() == 547
    assert counts["no meaning"] == len(NO_MEANING)


def test_parity_prints_every_area_and_every_reason():
    ran = subprocess.run(
        [sys.executable, "-m", "tests.contract.parity", "--planned"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    for row in table().values():
        assert row.area in ran.stdout
        assert row.name in ran.stdout or row.pode in ran.stdout or status(row.name) == "present"
    for reason in NO_MEANING.values():
        assert reason in ran.stdout
