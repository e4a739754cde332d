"""Lists of choices with weights: Accept, Accept-Encoding and their like (RFC 9110, 12.4.2)."""

from __future__ import annotations

import re

MAX_ITEMS = 64

_WEIGHT = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\Z")


def parse_accept(header: str | None) -> list[tuple[str, float]]:
    """Each choice in lower case without its parameters, and its weight; the best first.

    >>> parse_accept("text/html;level=1;q=0.5, application/json, */*;q=0")
    [('application/json', 1.0), ('text/html', 0.5), ('*/*', 0.0)]
    """
    if not header:
        return []
    found = []
    for item in header.split(",", MAX_ITEMS)[:MAX_ITEMS]:
        name, *parameters = item.split(";")
        name = name.strip().lower()
        if name:
            found.append((name, _weight(parameters)))
    return sorted(found, key=lambda choice: -choice[1])


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            # RFC 9110, 12.4.2. Whatever is no weight wants nothing.
            return float(value) if _WEIGHT.match(value := value.strip()) else 0.0
    return 1.0


def best_of(header: str | None, offers: tuple[str, ...]) -> str | None:
    """The offer that the client likes best by name; None if it names none of them.

    Wildcards choose nothing: who only says ``*/*`` gets what we would give anyway.
    """
    choices = parse_accept(header)
    wanted = {name: weight for name, weight in reversed(choices) if weight > 0 and name in offers}
    if not wanted:
        return None
    return max(wanted, key=lambda name: (wanted[name], -offers.index(name)))
