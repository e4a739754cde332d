"""Negotiation: which of several representations a client prefers (RFC 9110, 12.5). Pure.

Other than in accept.py, wildcards count, and the most specific range decides: this is for answers
that exist in each of the offers.
"""

from __future__ import annotations

from collections.abc import Sequence

from pode_py.http.accept import parse_accept


def preferred_type(header: str | None, offers: Sequence[str]) -> str | None:
    """The offer with the highest weight, of equal ones the first; None if none is acceptable.

    >>> preferred_type("text/*;q=0.5, application/xml", ("application/json", "application/xml"))
    'application/xml'
    >>> preferred_type("*/*, application/json;q=0", ("application/json", "text/csv"))
    'text/csv'
    """
    weights = dict(reversed(parse_accept(header)))
    if not weights:
        return offers[0]

    def weight(offer: str) -> float:
        ranges = (offer, f"{offer.partition('/')[0]}/*", "*/*")
        return next((weights[one] for one in ranges if one in weights), 0.0)

    best = max(offers, key=weight)  # of equal ones the first
    return best if weight(best) > 0 else None


def preferred_language(header: str | None, offers: Sequence[str]) -> str:
    """The offer that fits best, else the first: a page in any language beats none (12.5.4).

    A range fits its tag and narrower ones, and falls back to wider ones (RFC 4647, 3.3 and 3.4).

    >>> preferred_language("de-AT, en;q=0.8", ("en", "de"))
    'de'
    >>> preferred_language("fr", ("en", "de"))
    'en'
    """
    ranges = parse_accept(header)
    refused = {name for name, weight in ranges if weight == 0}
    known = [(offer, offer.lower()) for offer in offers]
    for wanted, weight in ranges:
        if weight == 0:
            break
        parts = wanted.split("-")
        for length in range(len(parts), 0, -1):
            prefix = "-".join(parts[:length])
            for offer, tag in known:
                fits = wanted == "*" or tag == prefix or tag.startswith(f"{prefix}-")
                if fits and tag not in refused:
                    return offer
    return offers[0]
