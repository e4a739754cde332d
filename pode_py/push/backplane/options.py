"""BackplaneOptions: how much Redis keeps, for how long, and how long anybody waits for it."""

from __future__ import annotations

from dataclasses import dataclass

#: A larger event would fill the buffers through which Redis publishes.
MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BackplaneOptions:
    """`limit` and `size` bound, in events and bytes, the history of all names in Redis, and what
    a node keeps for it while it can't be reached. Times are in seconds: `timeout` for an answer,
    `beat` between signs of life, `life` after which a silent node is taken for dead, `expiry`
    after which Redis forgets everything when no node is there any more."""

    prefix: str = "pode"
    limit: int = 100_000
    size: int = 64 * 1024 * 1024
    timeout: float = 1.0
    beat: float = 2.0
    life: float = 6.0
    expiry: float = 86_400.0

    @property
    def tag(self) -> str:
        """What all keys begin with: the braces keep them on one node of a cluster."""
        return f"{{{self.prefix}}}"

    @property
    def channel(self) -> str:
        return f"{self.tag}:events"

    def channel_of(self, node: str) -> str:
        """Where one node alone listens."""
        return f"{self.tag}:to:{node}"

    def key(self, *parts: str) -> str:
        return ":".join((self.tag, *parts))

    @property
    def life_ms(self) -> int:
        return round(self.life * 1000)

    @property
    def expiry_ms(self) -> int:
        return round(self.expiry * 1000)
