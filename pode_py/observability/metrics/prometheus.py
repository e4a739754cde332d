"""Exposition: the metrics as Prometheus reads them, through the package prometheus-client.

Each server has a registry of its own; the package's global one is not touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from pode_py.core.errors import StartError
from pode_py.observability.metrics.metric import Metric
from pode_py.observability.metrics.metrics import Metrics


class Exposition:
    """Raises StartError if prometheus-client is not installed."""

    def __init__(self, metrics: Metrics) -> None:
        client = _need_prometheus()
        self._registry = client.CollectorRegistry()
        self._registry.register(_Collector(metrics))
        for collector in (client.ProcessCollector, client.PlatformCollector, client.GCCollector):
            collector(registry=self._registry)
        metrics.requests.timed = True

    def write(self, accept: str | None) -> tuple[bytes, str]:
        """The text, in the form that the Accept header asks for, and its content type."""
        from prometheus_client.exposition import choose_encoder

        try:
            encoder, content_type = choose_encoder(accept or "")
        except (TypeError, ValueError):  # a version that is none
            encoder, content_type = choose_encoder("")
        return encoder(self._registry), content_type


class _Collector:
    """Makes the package's metric families of ours, each time somebody reads them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import HistogramMetricFamily

        for metric in self._metrics.collect():
            yield _family(metric)
        durations = self._metrics.requests.durations()
        yield HistogramMetricFamily(
            "pode_request_duration_seconds",
            "From the whole request to the sent answer. Event streams are left out.",
            buckets=[(_bound(bound), count) for bound, count in durations.buckets],
            sum_value=durations.total,
        )


def _family(metric: Metric) -> Any:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    kinds: dict[str, Any] = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
    labels = [metric.label] if metric.label else []
    family = kinds[metric.kind](metric.name, metric.about, labels=labels)
    for label, value in metric.samples():
        family.add_metric([] if label is None else [label], value)
    return family


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)


def _need_prometheus() -> ModuleType:
    try:
        import prometheus_client
    except ImportError as error:
        raise StartError(
            "add_metrics_route needs the package prometheus-client. Install it with: "
            'pip install "pode-py[metrics]"'
        ) from error
    return prometheus_client
