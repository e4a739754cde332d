"""Bursts to a part of the streams: group after group, and client id after client id.

Each stream gets as many events as in the burst to all of them, so deliveries compare directly. But
an event reaches ten streams or one instead of a thousand, so the server has to send a hundred or a
thousand times as many of them.
"""

from bench.bursts import bursts
from bench.contenders import PODE_PY, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, whole
from bench.settings import Settings
from bench.stream_client import StreamClient

GROUP_SIZE = 10
PATH = "/members?stream={stream}"


def title(settings: Settings) -> str:
    return (
        f"Groups: {settings.burst} events of 64 bytes to each group of {GROUP_SIZE} and to each "
        f"client id of {settings.streams:,} streams, beside the burst to all"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return deliveries and sent events a second of bursts to all, to groups, to client ids."""
    streams = settings.streams
    with (
        Server(contender, settings.server_core) as server,
        StreamClient(server, streams, settings.client_core, path=PATH) as client,
    ):
        figures = {}
        for audience, size in (("all", streams), ("group", GROUP_SIZE), ("client", 1)):
            path = f"/burst_to?audience={audience}&parts={streams // size}&n={settings.burst}"
            figures[audience] = bursts(client, path, settings.burst, settings.burst_timeout)
            figures[audience]["events_s"] = figures[audience]["deliveries_s"] / size
    return figures


def _beside_all(audience: str, figure: str) -> Column:
    title = {"deliveries_s": "deliveries/s", "events_s": "events/s"}[figure]

    def ratio(figures: Figures) -> float | None:
        everybody = figures["all"][figure]
        return figures[audience][figure] / everybody if everybody else None

    return Column(f"{audience} : all, {title}", ratio, "{:.2f}".format)


SCENARIO = Scenario(
    key="groups",
    order=130,
    title=title,
    contenders=(PODE_PY,),
    columns=(
        Column("all, deliveries/s", lambda figures: figures["all"]["deliveries_s"], whole),
        Column("all, events/s", lambda figures: figures["all"]["events_s"], whole),
        Column("group, deliveries/s", lambda figures: figures["group"]["deliveries_s"], whole),
        Column("group, events/s", lambda figures: figures["group"]["events_s"], whole),
        Column("client, deliveries/s", lambda figures: figures["client"]["deliveries_s"], whole),
        Column("client, events/s", lambda figures: figures["client"]["events_s"], whole),
        _beside_all("group", "deliveries_s"),
        _beside_all("client", "deliveries_s"),
        _beside_all("group", "events_s"),
        _beside_all("client", "events_s"),
        Column(
            "lost", lambda figures: sum(figures[audience]["lost"] for audience in figures), whole
        ),
    ),
    measure=measure,
    goals=(
        Goal("to groups, deliveries/s beside all", "group : all, deliveries/s", at_least=1),
        Goal("to client ids, deliveries/s beside all", "client : all, deliveries/s", at_least=1),
        Goal("to groups, events/s beside all", "group : all, events/s", at_least=1),
        Goal("to client ids, events/s beside all", "client : all, events/s", at_least=1),
    ),
)
