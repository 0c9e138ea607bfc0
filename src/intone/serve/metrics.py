"""What operators watch: requests, latency, queue, streams, and what was refused and why, as Prometheus reads it."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The figures of one service.

    Parameters
    ----------
    waiting, streams : callable
        Give how many recordings wait, and how many streams are open.
    """

    def __init__(self, waiting: Callable[[], int], streams: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "intone_requests", "Requests that were answered", ["route", "status"], registry=self._registry
        )
        self._latency = Histogram(
            "intone_request_seconds", "Time to the answer", ["route"], buckets=BUCKETS, registry=self._registry
        )
        self._refused = Counter(
            "intone_refused", "Requests and streams that were refused, by reason", ["code"], registry=self._registry
        )
        self._sound = Counter("intone_sound_seconds", "Seconds of sound that were heard", registry=self._registry)
        Gauge("intone_queue", "Recordings that wait", registry=self._registry).set_function(waiting)
        Gauge("intone_streams", "Streams that are open", registry=self._registry).set_function(streams)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def refused(self, code: str) -> None:
        """Count something that was refused."""
        self._refused.labels(code).inc()

    def heard(self, seconds: float) -> None:
        """Count sound."""
        self._sound.inc(seconds)

    def text(self) -> bytes:
        """Give all of it."""
        return generate_latest(self._registry)
