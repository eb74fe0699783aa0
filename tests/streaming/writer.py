"""What the test kills: a process that appends orders to a file, and says after each that it is
there.
"""

import sys

from mqlearn.streaming.durable import DurableEventStream
from mqlearn.streaming.event import StreamEvent

if __name__ == "__main__":
    stream = DurableEventStream(sys.argv[1])
    for n in range(10_000):
        stream.append(
            StreamEvent(
                "orders",
                event_type="order_created",
                data={"n": n, "pad": "x" * 200},
                partition_key=f"order-{n}",
            )
        )
        print(n, flush=True)
