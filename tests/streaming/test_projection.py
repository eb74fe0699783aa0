"""A view keeps its own place, can be made again beside the old one, and mails nobody."""

from collections import Counter

import pytest

from mqlearn import EventStream, OrderEventStore, Projection, Simulation, StreamEvent


def count(state: Counter[str], event: StreamEvent) -> Counter[str]:
    """How many orders are in each status, wrongly: what an order was before is not taken off."""
    return state + Counter([event.data.get("status", "?")])


def orders(n: int) -> EventStream:
    """`n` orders on one stream, all created, every third one confirmed."""
    store = OrderEventStore()
    for i in range(n):
        store.create_order(f"order-{i}", "c", [])
    for i in range(0, n, 3):
        store.update_order_status(f"order-{i}", "confirmed")
    return store.stream


def test_it_folds_each_event_once_and_goes_on_where_it_was() -> None:
    """Catching up twice counts nothing twice; what comes later is folded alone; no group is
    touched.
    """
    stream = orders(30)
    view = Projection(stream, count, Counter())
    assert (view.catch_up(), view.catch_up()) == (40, 0)
    stream.append(StreamEvent("orders", partition_key="order-1", data={"status": "shipped"}))
    assert view.catch_up() == 1
    assert view.state == {"pending": 30, "confirmed": 10, "shipped": 1} and view.folded == 41
    assert view.offsets == stream.get_latest_offset() and stream.groups == {}


def test_a_mended_one_is_rebuilt_beside_the_old_which_answers_meanwhile() -> None:
    """The old keeps its state and its place; the new has read everything; rebuilding again gives
    the same.
    """
    stream = orders(30)
    view = Projection(stream, count, {})

    def latest(state: dict[str, str], event: StreamEvent) -> dict[str, str]:
        return state | {event.data["order_id"]: event.data["status"]}

    wrong = Projection(stream, count, Counter())
    wrong.catch_up()
    view = Projection(stream, latest, {})
    new = view.rebuilt()
    assert Counter(new.state.values()) == {"pending": 20, "confirmed": 10}
    assert wrong.state == {"pending": 30, "confirmed": 10} and view.state == {} and view.folded == 0
    assert new.rebuilt().state == new.state
    assert wrong.rebuilt(lambda state, event: state + Counter(["all"])).state == {"all": 40}


def test_a_rebuild_sends_no_mail_where_mails_are_a_group_of_their_own() -> None:
    """A thousand orders, two rebuilds: 3,000 mails from within the fold, 1,000 from the group."""
    stream, naive, right = orders(1000), [], []

    def mailing(state: int, event: StreamEvent) -> int:
        if event.event_type == "order_created":
            naive.append(event.data["order_id"])
        return state + 1

    def mail() -> None:
        right.extend(
            e.data["order_id"] for e in stream.read("mailer") if e.event_type == "order_created"
        )

    view = Projection(stream, mailing, 0)
    view.catch_up()
    mail()
    for _ in range(2):
        assert view.rebuilt().state == view.state
        mail()
    assert (len(naive), len(right), len(set(right))) == (3000, 1000, 1000)


def test_it_goes_on_from_what_was_saved() -> None:
    """State and offsets are saved together; what is saved is not changed by what happens next."""
    stream = orders(30)
    view = Projection(stream, count, Counter())
    view.catch_up()
    saved = view.save()
    stream.append(StreamEvent("orders", partition_key="order-1", data={"status": "shipped"}))
    view.catch_up()
    again = Projection(stream, count, saved=saved)
    assert again.catch_up() == 1
    assert again.state == view.state and again.offsets == view.offsets
    assert saved["state"] == {"pending": 30, "confirmed": 10}


def test_events_come_in_the_order_in_which_the_stream_took_them() -> None:
    """Also across partitions, and up to a time; an unchanged initial state serves the next
    rebuild.
    """
    with Simulation() as sim:
        stream = EventStream("orders", runtime=sim)
        for n in range(20):
            sim.run(until=n)
            stream.append(StreamEvent("orders", partition_key=f"order-{n}", data={"n": n}))

        def into(seen: list[int], event: StreamEvent) -> list[int]:
            # changes what it is given: the initial list must not be that one
            seen.append(event.data["n"])
            return seen

        initial: list[int] = []
        view = Projection(stream, into, initial)
        assert view.catch_up(until=9.5) == 10 and view.state == list(range(10))
        saved = view.save()
        Projection(stream, into, saved=saved).catch_up()
        assert (initial, saved["state"]) == ([], list(range(10)))
        view.catch_up()
        assert view.state == list(range(20)) == view.rebuilt().state
        assert len({event.partition for event in stream.history()}) == 4


def test_a_fold_that_fails_stops_before_the_event_that_it_could_not_fold() -> None:
    """State and offset stay together: after mending, it goes on with that very event."""
    stream = EventStream("orders", 1)
    for n in (1, 0, 2):
        stream.append(StreamEvent("orders", data={"n": n}))
    view = Projection(stream, lambda state, event: state + 1 / event.data["n"], 0.0)
    with pytest.raises(ZeroDivisionError):
        view.catch_up()
    assert (view.state, view.offsets) == (1.0, {0: 1})
    view.evolve = lambda state, event: state + event.data["n"]
    assert view.catch_up() == 2 and view.state == 3.0


def test_only_what_save_returned_is_taken_back() -> None:
    """The error says what is missing."""
    with pytest.raises(ValueError, match=r"saved must be what save\(\) returned, got {'state': 1}"):
        Projection(EventStream("orders"), count, saved={"state": 1})
