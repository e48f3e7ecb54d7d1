"""What a histogram of the metrics has counted, and what it has counted since an earlier look at it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client import Counter, Histogram


@dataclass(frozen=True, slots=True)
class Tally:
    """`buckets` by their upper bound, each with all below it, as Prometheus has them."""

    count: float = 0.0
    total: float = 0.0
    buckets: Mapping[float, float] = field(default_factory=dict)

    def since(self, before: "Tally") -> "Tally":
        """What has come after `before`."""
        buckets = {bound: count - before.buckets.get(bound, 0.0) for bound, count in self.buckets.items()}
        return Tally(self.count - before.count, self.total - before.total, buckets)

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """Within its bucket by proportion; beyond the last finite bound it is that bound."""
        if not self.count:
            return None
        wanted, below, reached = share * self.count, 0.0, 0.0
        for bound, count in sorted(self.buckets.items()):
            if count >= wanted and count > reached:
                return below if math.isinf(bound) else below + (bound - below) * (wanted - reached) / (count - reached)
            below, reached = bound, count
        return below


def tallies(metric: Histogram, label: str | None = None) -> dict[str, Tally]:
    """Of each value of one label; of all together, under the empty name, without one."""
    counts: dict[str, float] = {}
    totals: dict[str, float] = {}
    buckets: dict[str, dict[float, float]] = {}
    for sample in next(iter(metric.collect())).samples:
        name = sample.labels.get(label, "") if label is not None else ""
        if sample.name.endswith("_bucket"):
            theirs = buckets.setdefault(name, {})
            bound = float(sample.labels["le"])
            theirs[bound] = theirs.get(bound, 0.0) + sample.value
        elif sample.name.endswith("_count"):
            counts[name] = counts.get(name, 0.0) + sample.value
        elif sample.name.endswith("_sum"):
            totals[name] = totals.get(name, 0.0) + sample.value
    return {name: Tally(count, totals[name], buckets[name]) for name, count in counts.items()}


def counted(metric: Counter) -> float:
    """All that a counter has counted, whatever its labels."""
    return sum(sample.value for sample in next(iter(metric.collect())).samples if sample.name.endswith("_total"))
