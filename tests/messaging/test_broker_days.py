"""Days of a broker: whoever comes, goes, fails, dies or is slow is told what it is owed, and the
books close.
"""

from __future__ import annotations

import time
from collections import Counter
from random import Random

from mqlearn import (
    Message,
    RetryPolicy,
    Simulation,
    ThreadRuntime,
    TopicBasedMessageBroker,
    Trace,
    WorkerCrash,
)
from mqlearn.messaging.patterns import matches

TOPICS = ("orders.eu", "orders.us", "chat")
PATTERNS = (*TOPICS, "orders.*", "*.eu", "*")
DEADLINE = 30.0  # seconds of real time after which a live test has failed; it takes one or two


class Subscriber:
    """A callback with habits drawn from its dice; it notes what it finished, in order."""

    def __init__(self, sim: Simulation, seed: int) -> None:
        self.sim, self.dice = sim, Random(seed)
        self.seconds = self.dice.choice((0.0, 0.1, 3.0))
        self.failing, self.mortal = self.dice.choice((0.0, 0.3)), self.dice.choice((0.0, 0.1))
        self.retry = self.dice.choice((None, RetryPolicy(2.0)))
        self.done: list[int] = []

    def __call__(self, message: Message) -> bool:
        if self.seconds:
            self.sim.sleep(self.seconds)
        if self.dice.random() < self.mortal:
            raise WorkerCrash
        if self.dice.random() < self.failing:
            return False
        self.done.append(int(message.id))
        return True


class Day:
    """A broker, one publisher, subscribers that come and go, and stats asked for in between."""

    def __init__(self, seed: int) -> None:
        self.sim, self.dice, self.trace = Simulation(seed), Random(seed), Trace()
        self.broker = TopicBasedMessageBroker(runtime=self.sim, trace=self.trace)
        # by name of the subscription: what was published while it subscribed
        self.owed: dict[str, list[int]] = {}
        self.here: list[tuple[str, str, Subscriber]] = []  # name, pattern, who
        self.ever: dict[str, Subscriber] = {}
        self.dropped: set[str] = set()

    def come(self) -> None:
        pattern, who = self.dice.choice(PATTERNS), Subscriber(self.sim, self.dice.randrange(10**9))
        name = f"s{len(self.ever)}"
        self.broker.subscribe(pattern, who, retry=who.retry, name=name)
        self.here.append((name, pattern, who))
        self.ever[name], self.owed[name] = who, []

    def go(self) -> None:
        if self.here:
            name, pattern, who = self.here.pop(self.dice.randrange(len(self.here)))
            drain = self.dice.random() < 0.5
            assert self.broker.unsubscribe(pattern, who, drain=drain)
            if not drain:
                self.dropped.add(name)

    def publish(self, number: int) -> None:
        topic = self.dice.choice(TOPICS)
        assert self.broker.publish(topic, Message(id=str(number), max_retries=1))
        for name, pattern, _ in self.here:
            if matches(pattern, topic):
                self.owed[name].append(number)

    def ask(self) -> None:
        """The stats of each topic are what the records add up to at this very moment."""
        for topic in TOPICS:
            stats = self.broker.get_topic_stats(topic)
            listed = [
                name
                for pattern in self.broker.subscribers
                for name, own, _ in self.here
                if own == pattern and matches(pattern, topic)
            ]
            assert [each["name"] for each in stats.get("subscriptions", [])] == listed
            for each in stats.get("subscriptions", []):
                books = self.trace.balance(each["name"])
                assert (each["queue_size"], each["in_flight_count"], each["dead_letter_count"]) == (
                    books.waiting + books.delayed,
                    books.in_flight,
                    books.dead,
                )

    def spend(self) -> None:
        for number in range(80):
            self.dice.choices((self.come, self.go, self.ask, lambda: None), (3, 1, 2, 8))[0]()
            self.publish(number)
            self.sim.run(until=self.sim.now + self.dice.choice((0.0, 0.0, 0.5, 2.0)))
        self.sim.run()

    def settle_up(self) -> None:
        for name, who in self.ever.items():
            books = self.trace.balance(name)
            assert books.accepted == len(self.owed[name])
            assert books.accepted == books.completed + books.dead + books.purged, (
                "somebody is owed something still"
            )
            assert books.purged == 0 or name in self.dropped
            assert books.completed == len(who.done) == len(set(who.done)) and set(who.done) <= set(
                self.owed[name]
            )
            if who.retry is None:
                assert who.done == sorted(who.done), f"{name} was promised the order"


def test_forty_days_tell_everybody_what_they_are_owed_and_in_order() -> None:
    """Comings, goings, failures, crashes and patterns at random: accepted = done + dead + purged
    for each.
    """
    overtaken = 0
    for seed in range(40):
        day = Day(seed)
        with day.sim:
            day.spend()
            day.ask()
            day.settle_up()
            overtaken += any(who.done != sorted(who.done) for who in day.ever.values())
    assert overtaken > 10, "delayed retries never cost the order: the days are too quiet to tell"


def test_many_publishers_on_real_threads_are_heard_by_all_in_one_order() -> None:
    """Eight publish at once; all twelve subscribers hear all in one and the same order, also if one
    fails.
    """
    runtime, trace = ThreadRuntime(), Trace()
    broker = TopicBasedMessageBroker(runtime=runtime, trace=trace)
    heard: list[list[str]] = [[] for _ in range(12)]
    for mine in heard:
        broker.subscribe("orders.*", lambda message, mine=mine: mine.append(message.id), name="ear")  # type: ignore[misc]

    def picky(message: Message) -> bool:
        return not message.id.endswith("7")

    broker.subscribe("orders.eu", picky, name="picky")

    def produce(producer: int) -> None:
        for i in range(250):
            assert broker.publish("orders.eu", Message(id=f"{producer}-{i}", max_retries=1))

    deadline = time.monotonic() + DEADLINE
    loops = [each.workers[0] for those in broker.subscribers.values() for each in those]
    producers = [runtime.spawn(produce, i) for i in range(8)]
    for producer in producers:
        producer.join(max(0.0, deadline - time.monotonic()))
        assert not producer.is_alive(), "a publisher is stuck"
    for each in [each for those in broker.subscribers.values() for each in those]:
        assert broker.unsubscribe(each.pattern, each.callback)  # it drains
    for loop in loops:
        loop.join(max(0.0, deadline - time.monotonic()))
        assert not loop.is_alive(), "a subscription does not end"
    assert len(heard[0]) == 2000 and all(mine == heard[0] for mine in heard)
    own = [[each for each in heard[0] if each.startswith(f"{producer}-")] for producer in range(8)]
    assert own == [[f"{producer}-{i}" for i in range(250)] for producer in range(8)]
    assert trace.balance("picky").dead == 200 and trace.balance("picky").completed == 1800
    assert broker.get_topic_stats("orders.eu")["subscriber_count"] == 0
    assert Counter(record.event for record in trace.records)["rejected"] == 0
