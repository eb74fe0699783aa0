"""Workers that share a stream: each event goes to one worker of the consumer group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime import check
from mqlearn.runtime.base import Task, WorkerCrash
from mqlearn.runtime.pool import PoolOwner, WorkerPool
from mqlearn.streaming.consumer import Consumer
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.stream import EventStream

EventHandler = Callable[[StreamEvent], object]


class EventStreamProcessor(PoolOwner):
    """A pool of workers, each a member of `consumer_group`: the partitions are divided among them.

    A worker takes up to `batch` events, and commits them after it has handled them
    (`commit="after"`: a crash repeats some) or before it handles the first (`"before"`: a crash
    loses some). An event has failed if one of the functions raised an exception. `on_failure` says
    what is done then. "skip": the event is not tried again, and is recorded in `skipped` with the
    reason. "retry": its partition waits for the backoff of `retry`, and is then read again from
    this event on. "park": the event is appended to the stream `park`, and is no longer in order
    with the others of its key. A crashed worker does not leave the group: `restart_after` seconds
    later a new member takes its place in the pool, while the crashed one keeps its partitions until
    its session times out.

    `counts` has the numbers of events "processed", "skipped" and "parked", of tries that "failed",
    and of commits that were "fenced".
    """

    def __init__(
        self,
        stream: EventStream,
        consumer_group: str,
        *,
        commit: str = "after",
        batch: int = 1,
        on_failure: str = "skip",
        retry: RetryPolicy | None = None,
        park: EventStream | None = None,
        restart_after: float = 1.0,
    ) -> None:
        check.instance("stream", stream, EventStream)
        check.instance("consumer_group", consumer_group, str)
        check.one_of("commit", commit, ("after", "before"))
        check.whole("batch", batch, low=1)
        check.one_of("on_failure", on_failure, ("skip", "retry", "park"))
        check.instance("retry", retry, RetryPolicy, optional=True)
        check.instance("park", park, EventStream, optional=True)
        if (on_failure == "park") != (park is not None):
            raise ValueError(
                f"park must be a stream if on_failure is 'park', and None if not, got {park!r}"
            )
        self._pool = WorkerPool(stream.runtime, self._work, restart_after=restart_after)
        self.stream, self.consumer_group = stream, consumer_group
        self.commit, self.batch, self.on_failure, self.park = commit, batch, on_failure, park
        self.retry = RetryPolicy() if retry is None else retry
        self.processors: list[EventHandler] = []
        self.skipped: list[tuple[StreamEvent, str]] = []
        self.counts = {"processed": 0, "failed": 0, "skipped": 0, "parked": 0, "fenced": 0}
        self.consumers: dict[str, Consumer] = {}  # by the worker's name
        # the failures of each event that its partition waits for, by partition and offset
        self._failures: Counter[tuple[int, int]] = Counter()
        self._counts_lock = stream.runtime.lock()

    def add_processor(self, processor: EventHandler) -> None:
        """Call `processor(event)` for each event, after the functions that were added earlier."""
        check.function("processor", processor)
        self.processors.append(processor)

    def start(self, num_workers: int = 2, *, name: str = "worker") -> None:
        """Start workers, `name`-0, `name`-1, …; those beyond the number of partitions have nothing
        to do.
        """
        check.whole("num_workers", num_workers, low=1)
        check.instance("name", name, str)
        self._pool.check_ended()
        names = [f"{name}-{i}" for i in range(num_workers)]
        self.consumers = {
            each: Consumer(self.stream, self.consumer_group, name=each) for each in names
        }
        # all join before the first one polls: otherwise that one would get all partitions, and the
        # others would cause a rebalance each
        for consumer in self.consumers.values():
            consumer.join()
        self._pool.start(num_workers, name)

    def stop(self) -> None:
        """Let every worker finish the events it has taken, commit and leave the group; wait for
        them.
        """
        self._pool.stop(self._wake)

    def _wake(self) -> None:
        with self.stream.changed:
            self.stream.changed.notify_all()

    def _work(self) -> None:
        task = self.stream.runtime.current_task()
        assert task is not None
        consumer = self.consumers[task.name]
        if consumer.generation:  # it has worked before, so this is the restart after a crash
            consumer = self.consumers[task.name] = Consumer(
                self.stream, self.consumer_group, name=task.name
            )
        while not self._pool.stopping:
            events = consumer.poll(self.batch, cancelled=lambda: self._pool.stopping)
            if self.commit == "before":
                self._commit(consumer, events)
            done = self._handle_all(consumer, events, task)
            if task.crashed:
                # no `close`: a dead process cannot leave its group, which has to find out by itself
                consumer.die()
                return
            if self.commit == "after":
                self._commit(consumer, done)
        consumer.close()

    def _handle_all(
        self, consumer: Consumer, events: list[StreamEvent], task: Task
    ) -> list[StreamEvent]:
        """Handle the events, and return those that need not be read again. After an event that must
        be tried again, the later events of its partition are not handled.
        """
        done, blocked = list[StreamEvent](), dict[int, StreamEvent]()
        for event in events:
            # to handle later events first would break the order within the partition
            if event.partition in blocked:
                continue
            error = self._try(event)
            if task.crashed:
                return done
            if error is not None and not self._skip_or_park(event, error):
                blocked[event.partition] = event
            else:
                done.append(event)
        # an evicted member owns no partition any more, so it cannot seek there
        if blocked and consumer.member in consumer.group.members:
            for partition, event in blocked.items():
                with self.stream.changed:  # retention may have dropped the event meanwhile
                    consumer.seek(
                        partition, max(event.sequence_number, self.stream.log_start(partition))
                    )
            self._wait_backoff(
                # the longest backoff of the blocked events, since the worker waits for all of them
                # at once
                max(self._failures[e.partition, e.sequence_number] for e in blocked.values()),
                consumer.member,
            )
        return done

    def _try(self, event: StreamEvent) -> str | None:
        """Call every function; return the error text of the first that failed, or None."""
        error_text: str | None = None
        for processor in self.processors:
            try:
                processor(event)
            except WorkerCrash:
                task = self.stream.runtime.current_task()
                assert task is not None
                task.crashed = True  # one that was created outside this task has not marked it
                return None
            except Exception as error:
                error_text = error_text or str(error) or type(error).__name__
        self._count("processed" if error_text is None else "failed")
        return error_text

    def _skip_or_park(self, event: StreamEvent, error: str) -> bool:
        """Skip or park an event that failed; return False if it must be tried again."""
        place = event.partition, event.sequence_number
        if self.on_failure == "retry":
            self._failures[place] += 1
            return False
        if self.park is not None:
            self.park.append(event)
        else:
            self.skipped.append((event, error))
        what = "skipped" if self.park is None else "parked"
        self._count(what)
        with self.stream.changed:
            self.stream.emit(
                what,
                self.stream.group(self.consumer_group).source,
                place[1],
                event.event_id,
                place[0],
            )
        return True

    def _wait_backoff(self, failures: int, member: str) -> None:
        """Wait before the next try, unless the pool stops."""
        runtime = self.stream.runtime
        deadline = runtime.now + self.retry.delay(
            failures, runtime.draw("retry", self.consumer_group, member, failures)
        )
        with self.stream.changed:
            while not self._pool.stopping and (left := deadline - runtime.now) > 0:
                self.stream.changed.wait(left)

    def _commit(self, consumer: Consumer, events: list[StreamEvent]) -> None:
        if events and not consumer.commit(
            {event.partition: event.sequence_number + 1 for event in events}
        ):
            self._count("fenced")

    def _count(self, what: str) -> None:
        with self._counts_lock:
            self.counts[what] += 1
