"""Workers that share a stream: each event goes to one worker of the consumer group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from mqlearn.messaging.message import COMPLETED, Outcome, outcome_of
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime import check
from mqlearn.runtime.base import Task, WorkerCrash
from mqlearn.runtime.handed_in import PASSES, ask
from mqlearn.runtime.pool import PoolOwner, WorkerPool
from mqlearn.streaming.consumer import Consumer
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.result import read_result
from mqlearn.streaming.stream import EventStream

EventHandler = Callable[[StreamEvent], object]


class EventStreamProcessor(PoolOwner):
    """A pool of workers, each a member of `consumer_group`: the partitions are divided among them.

    A worker takes up to `batch` events, and commits them after it has handled them
    (`commit="after"`: a crash repeats some) or before it handles the first (`"before"`: a crash
    loses some). Each function gets a copy of the event. An event has failed if one of the functions
    raised an exception, or returned one, or an `Outcome` that says so, or a coroutine or generator
    (nothing of it has run); any other result is success. `on_failure` says what is done then.
    "skip": the event is not tried again, and is recorded in `skipped` with the reason. "retry": its
    partition waits for the backoff of `retry`, and is then read again from this event on; but an
    event that was rejected (`Reject`) is skipped. "park": the event is appended to the stream
    `park`, and is no longer in order with the others of its key; if `park` refuses it, its
    partition waits as with "retry", and the error is reported. A function that raises
    `Release(delay)` has not failed: the partition waits for `delay` seconds.

    A crashed worker does not leave the group: `restart_after` seconds later a new member takes its
    place in the pool, while the crashed one keeps its partitions until its session times out.

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
        batch = check.whole("batch", batch, low=1)
        check.one_of("on_failure", on_failure, ("skip", "retry", "park"))
        check.instance("retry", retry, RetryPolicy, optional=True)
        check.instance("park", park, EventStream, optional=True)
        if (on_failure == "park") != (park is not None):
            raise ValueError(
                "park must be a stream if on_failure is 'park', and None if not, got "
                f"{check.short_repr(park)}"
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
        num_workers = check.whole("num_workers", num_workers, low=1)
        check.instance("name", name, str)
        self._pool.check_ended()
        names = [f"{name}-{i}" for i in range(num_workers)]
        self.consumers = {
            each: Consumer(self.stream, self.consumer_group, name=each) for each in names
        }
        try:
            # all join before the first one polls: otherwise that one would get all partitions, and
            # the others would cause a rebalance each
            for consumer in self.consumers.values():
                consumer.join()
            self._pool.start(num_workers, name)
        except BaseException:
            for consumer in self.consumers.values():  # members without a worker would do nothing
                consumer.close()
            raise

    def stop(self, timeout: float | None = None) -> None:
        """Let every worker finish the events it has taken, commit and leave the group; wait for
        them, at most `timeout` seconds. Then raise what one of them died of, if no call has raised
        it yet.

        Raises TimeoutError that names those which still work; they end when they have finished.
        """
        self._pool.stop(self._wake, timeout)

    def _wake(self) -> None:
        with self.stream.changed:
            self.stream.changed.notify_all()

    def _work(self) -> None:
        task = self.stream.runtime.current_task()
        assert task is not None
        while not self._pool.stopping:
            consumer = self.consumers[task.name]
            if consumer.closed:  # it has crashed, or a function has closed it
                consumer = self.consumers[task.name] = Consumer(
                    self.stream, self.consumer_group, name=task.name
                )
            try:
                self._take_turn(consumer, task)
            except WorkerCrash:
                task.crashed = True
            except PASSES:
                raise
            except BaseException:
                # the worker ends, so its partitions go to the others
                consumer.close()
                raise
            if task.crashed:
                # no `close`: a dead process cannot leave its group, which has to find out by itself
                consumer.die()
                return
        self.consumers[task.name].close()

    def _take_turn(self, consumer: Consumer, task: Task) -> None:
        """Poll once, handle the events and commit them."""
        events = consumer.poll(self.batch, cancelled=lambda: self._pool.stopping)
        if self.commit == "before":
            self._commit(consumer, events)
        done = self._handle_all(consumer, events, task)
        if self.commit == "after" and not task.crashed:
            self._commit(consumer, done)

    def _handle_all(
        self, consumer: Consumer, events: list[StreamEvent], task: Task
    ) -> list[StreamEvent]:
        """Handle the events, and return those that need not be read again. After an event that must
        be read again, the later events of its partition are not handled.
        """
        done, blocked = list[StreamEvent](), dict[int, tuple[int, float]]()
        for event in events:
            # to handle later events first would break the order within the partition
            if event.partition in blocked:
                continue
            outcome = self._try(event, task)
            if outcome is None:
                return done
            wait = self._settle(event, outcome, consumer.member)
            if wait is None:
                if self._failures:
                    self._failures.pop((event.partition, event.sequence_number), None)
                done.append(event)
            else:
                blocked[event.partition] = event.sequence_number, wait
        # not the partitions of an evicted member: it owns none any more
        waits = [
            wait
            for partition, (offset, wait) in blocked.items()
            if consumer.read_again(partition, offset)
        ]
        if waits:
            # the longest wait, since the worker waits for all of them at once
            self._wait(max(waits))
        return done

    def _try(self, event: StreamEvent, task: Task) -> Outcome | None:
        """Call every function; return the outcome of the first that did not complete, COMPLETED if
        all did, or None if the worker crashed.
        """
        outcome = COMPLETED
        # a copy: what a function does to it must not change the log, or what is committed
        copy = event.copy()
        for processor in list(self.processors):
            try:
                answer = read_result(processor(copy))
            except WorkerCrash:
                task.crashed = True  # one that was created outside this task has not marked it
            except PASSES:
                raise
            except BaseException as error:
                answer = outcome_of(error)
            if task.crashed:
                return None
            if outcome.kind == "completed":
                outcome = answer
        return outcome

    def _settle(self, event: StreamEvent, outcome: Outcome, member: str) -> float | None:
        """Count the outcome, and skip or park an event that failed. Return the seconds to wait if
        the event must be read again, else None.
        """
        if outcome.kind == "completed":
            self._count("processed")
            return None
        if outcome.kind == "released":
            return outcome.delay
        self._count("failed")
        retried = self.on_failure == "retry" and outcome.kind != "rejected"
        if retried or (self.park is not None and not self._parked(event)):
            return self._backoff(event, member)
        if self.park is None:
            self.skipped.append((event, outcome.reason))
        what = "skipped" if self.park is None else "parked"
        self._count(what)
        with self.stream.changed:
            self.stream.emit(
                what,
                self.stream.group(self.consumer_group).source,
                event.sequence_number,
                event.event_id,
                event.partition,
            )
        return None

    def _parked(self, event: StreamEvent) -> bool:
        """Append the event to the stream `park`; False if that refuses it, which is reported."""
        assert self.park is not None
        try:
            # a copy, since `append` writes the new place into what it is given
            refused = self.park.append(event.copy()) is False
            error = RuntimeError(f"the stream {self.park.name} refused the event {event.event_id}")
        except PASSES:
            raise
        except BaseException as raised:
            self.stream.runtime.report(raised)
            return False
        if refused:
            self.stream.runtime.report(error)
        return not refused

    def _backoff(self, event: StreamEvent, member: str) -> float:
        """Count one more failure of this event; return the seconds until the next try."""
        place = event.partition, event.sequence_number
        self._failures[place] += 1
        failures, runtime = self._failures[place], self.stream.runtime
        draw = runtime.draw("retry", self.consumer_group, member, failures)
        return ask(
            runtime,
            lambda: float(check.number("delay", self.retry.delay(failures, draw), low=0)),
            lambda: RetryPolicy().delay(failures, draw),
        )

    def _wait(self, seconds: float) -> None:
        """Wait before events are read again, unless the pool stops."""
        runtime = self.stream.runtime
        deadline = runtime.now + seconds
        if seconds <= 0:
            runtime.sleep(0)  # the other tasks get their turn, or no time would ever pass
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
