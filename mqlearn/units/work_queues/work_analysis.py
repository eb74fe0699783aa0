"""The analysis of unit 02's runs: waits until work begins, idle workers beside waiting work, and
when the queue was full.
"""

from __future__ import annotations

import math
from collections import Counter

from mqlearn.messaging.percentile import percentile
from mqlearn.runtime.trace import Record


class WorkAnalysis:
    """The waits and idle times of the records from `start` to `until` (s).

    A wait is the time from sending until a worker begins, also if the worker already holds the job
    meanwhile; `mean` and `p95` are those of all waits (s), and `begun` is their number.
    `idle_beside_work` is the share of the workers' time that was idle although a job was not begun
    yet: at each time, as many workers count as could have begun a job. `most_held` is the largest
    number of jobs that one worker held. `refused` jobs found the queue full, the first of them at
    `full_at` (s since `start`).
    """

    def __init__(self, records: list[Record], start: float, until: float, workers: int) -> None:
        self.until, self.window = until, until - start
        sent: dict[str, float] = {}
        deliveries: Counter[str] = Counter()
        waits: list[float] = []
        open_jobs, idle, last, self.most_held, lost = 0, workers, start, 0, 0.0
        self.refused, self.full_at = 0, math.nan
        for time, event, _, _, message_id, _, _, worker, _, _ in records:
            # Summed from record to record, since both numbers change only at records.
            lost += min(open_jobs, idle) * (time - last)
            last = time
            if event == "sent":
                sent[message_id] = time
                open_jobs += 1
            elif event == "received":
                deliveries[worker] += 1
                self.most_held = max(self.most_held, deliveries[worker])
            elif event == "started":
                waits.append(time - sent[message_id])
                open_jobs, idle = open_jobs - 1, idle - 1
            elif event == "finished":
                idle += 1
            elif event == "acked":
                deliveries[worker] -= 1
            elif event == "rejected":
                self.refused += 1
                if self.refused == 1:
                    self.full_at = time - start
        self.begun = len(waits)
        lost += min(open_jobs, idle) * (until - last)
        self.idle_beside_work = lost / (workers * self.window)
        self.mean = math.fsum(waits) / len(waits) if waits else 0.0
        self.p95 = percentile(sorted(waits), 95) if waits else 0.0
