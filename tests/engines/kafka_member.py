"""A member of a consumer group in a process of its own, which its test kills.

It prints the id of each event that it has polled, commits after the first `commit` of them, and
then goes on reading without a commit until it has `count`; then it waits to be killed.
"""

from __future__ import annotations

import sys

from mqlearn.engines import KafkaStream

LONG = 1000.0  # seconds, longer than its test waits


def main(url: str, name: str, group: str, commit: int, count: int) -> None:
    """Poll `count` events, one at a time."""
    with KafkaStream(url, name, 2) as stream, stream.consumer(group, name="killed") as consumer:
        for number, event in enumerate(consumer, start=1):
            print(event.event_id, flush=True)
            if number == commit:
                consumer.commit()
            if number == count:
                stream.runtime.sleep(LONG)


if __name__ == "__main__":
    _, url, name, group, commit, count = sys.argv
    main(url, name, group, int(commit), int(count))
