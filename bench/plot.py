"""The goals as a picture: bars of ratios on a logarithmic axis, as SVG. It computes no ratio.

A bar starts at 1, which is as good as the peer, or just within the limit, and goes to the right for
better. The picture has its own ground and follows a reader's dark mode.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10

from bench.goals import Outcome, times

WIDTH = 900
LEFT, RIGHT = 430, 760  # of the axis
ROW, BAR = 24, 13
TOP = 64
GAP = 62  # between panels

STYLE = """
  text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 14px }
  .small { font-size: 11px; fill: #59636e }
  .ground { fill: #ffffff }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .one { stroke: #59636e; stroke-width: 1 }
  .goal { stroke: #1f2328; stroke-width: 2 }
  .reached { fill: #0969da }
  .missed { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .ground { fill: #0d1117 }
    .grid { stroke: #30363d }
    .one { stroke: #9198a1 }
    .goal { stroke: #e6edf3 }
    .reached { fill: #4493f8 }
    .missed { fill: #f0883e }
  }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: what it is, how many times better, how many times better it should be."""

    label: str
    better: float
    goal: float
    text: str


def picture(outcomes: Sequence[Outcome]) -> str:
    """Return the SVG of all goals that were measured; those against peers come first."""
    # A limit of nothing, such as no event lost, has no ratio.
    measured = [one for one in outcomes if one.margin and isfinite(one.margin)]
    panels = [
        (
            "How many times better than the peer",
            [_against(one) for one in measured if one.goal.against],
        ),
        (
            "How many times within the limit",
            [_within(one) for one in measured if not one.goal.against],
        ),
    ]
    top, drawn = 0, []
    for title, bars in panels:
        if bars:
            drawn += _panel(title, bars, top)
            top += TOP + ROW * len(bars) + GAP
    return "\n".join([*_head(top), *drawn, "</svg>", ""])


def _against(outcome: Outcome) -> Bar:
    goal, value = outcome.goal, outcome.value
    assert value is not None
    label = f"{goal.text}: {outcome.peer}"
    if goal.at_least is not None:
        return Bar(label, value, goal.at_least, outcome.value_text())
    return Bar(label, 1 / value, 1 / (goal.at_most or 1), times(1 / value))


def _within(outcome: Outcome) -> Bar:
    assert outcome.margin is not None
    label = f"{outcome.goal.text} {outcome.limit_text()}"
    return Bar(label, outcome.margin, 1, outcome.value_text())


def _head(height: int) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="Goals of the benchmarks">'
    )
    yield f"<style>{STYLE}</style>"
    yield f'<rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>'


def _panel(title: str, bars: Sequence[Bar], top: int) -> Iterator[str]:
    values = [1.0, *(bar.better for bar in bars), *(bar.goal for bar in bars)]
    low, high = floor(log10(min(values))), max(1, ceil(log10(max(values))))

    def x(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (log10(value) - low) / (high - low)

    first = top + TOP
    bottom = first + ROW * len(bars)
    yield f'<text class="title" x="20" y="{top + 30}">{escape(title)}</text>'
    yield (
        f'<text class="small" x="20" y="{top + 48}">Blue: goal reached. Orange: not reached. '
        "The upright mark is the goal.</text>"
    )
    for power in range(low, high + 1):
        at = x(10.0**power)
        yield f'<path class="grid" d="M{at:.1f} {first - 4}V{bottom + 4}"/>'
        yield (
            f'<text class="small" x="{at:.1f}" y="{bottom + 20}" text-anchor="middle">'
            f"{10.0**power:g}</text>"
        )
    for row, bar in enumerate(bars):
        yield from _row(bar, first + ROW * row, x(1), x(bar.better), x(bar.goal))
    yield f'<path class="one" d="M{x(1):.1f} {first - 4}V{bottom + 4}"/>'


def _row(bar: Bar, y: int, one: float, end: float, goal: float) -> Iterator[str]:
    base = y + ROW / 2 + 4.5
    kind = "reached" if bar.better >= bar.goal else "missed"
    left, width = min(one, end), max(abs(end - one), 1)
    yield f'<text x="{LEFT - 14}" y="{base}" text-anchor="end">{escape(bar.label)}</text>'
    yield (
        f'<rect class="{kind}" x="{left:.1f}" y="{y + (ROW - BAR) / 2}" width="{width:.1f}" '
        f'height="{BAR}"/>'
    )
    yield f'<path class="goal" d="M{goal:.1f} {y + 3}v{ROW - 6}"/>'
    yield f'<text x="{WIDTH - 20}" y="{base}" text-anchor="end">{escape(bar.text)}</text>'
