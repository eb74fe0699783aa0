"""The contract of logs: append, read, commit, seek, lag, history, groups, placement."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from mqlearn import StreamEvent, ThreadRuntime, Trace
from mqlearn.engines import EngineError
from mqlearn.engines.servers.process import free_port
from mqlearn.streaming.partition_log import OffsetOutOfRange
from mqlearn.streaming.partitioner import partition_for
from tests.engines.contract import rule
from tests.engines.site import finish
from tests.engines.streams import LogSite, append_all, make_log, member, owned
from tests.engines.until import until


def events(n: int, key: str = "", **fields: Any) -> list[StreamEvent]:
    """Return `n` events of one key, or of a key each."""
    return [
        StreamEvent("orders", event_id=f"e{i}", partition_key=key or f"order-{i}", **fields)
        for i in range(n)
    ]


def ids(found: Any) -> list[str]:
    """Return the ids of events."""
    return [event.event_id for event in found]


@rule("append, read")
def test_events_are_read_in_their_order(log_site: LogSite) -> None:
    """Each has its offset, and comes back with all its fields."""
    log = log_site.open(1)
    sent = events(5, "k", event_type="paid", data={"total": 20.0, "items": ["a", None]})
    for event in sent:
        assert log.append(event)
    found = list(log.read("billing"))
    assert ids(found) == ids(sent)
    assert [event.sequence_number for event in found] == [0, 1, 2, 3, 4]
    first = found[0]
    assert (first.event_type, first.data) == ("paid", {"total": 20.0, "items": ["a", None]})
    assert (first.stream_id, first.key, first.partition) == ("orders", "k", 0)
    assert first.timestamp is not None
    assert list(log.read("billing")) == []


@rule("any text in an event")
def test_any_text_survives(log_site: LogSite) -> None:
    """Id, type, key and data come back as they were, whatever their characters."""
    log = log_site.open(1)
    data = {"": "\ud800", "𝔘\x00": ["\udfff", 1e308, 2**63, True, {"deep": {"er": []}}]}
    log.append(StreamEvent("s-é", "e-😀", "typ\u202e", data, partition_key="straße"))
    (found,) = log.read("g")
    assert (found.stream_id, found.event_id, found.event_type) == ("s-é", "e-😀", "typ\u202e")
    assert (found.key, found.data) == ("straße", data)


@rule("a key goes where murmur2 says")
def test_keys_have_their_partition(log_site: LogSite) -> None:
    """The partition of each key is the same in memory and on a genuine broker, and its events keep
    their order.
    """
    log = log_site.open(4)
    keys = [f"order-{number}" for number in range(40)] + ["é", "😀", "", "x" * 500]
    sent = [
        StreamEvent("orders", f"{turn}-{key}", partition_key=key) for turn in (0, 1) for key in keys
    ]
    append_all(log, sent)
    found = list(log.read("g"))
    assert len(found) == len(sent)
    for event in found:
        assert event.partition == partition_for(event.key, 4), event.key
    for key in keys:
        turns = [event.event_id[0] for event in found if event.event_id[2:] == key]
        assert turns == ["0", "1"]


@rule("a commit is where a group goes on")
def test_a_group_goes_on_where_it_stopped(log_site: LogSite) -> None:
    """An event is committed when the next one is asked for; a `break` reads the last one again."""
    log = log_site.open(1)
    append_all(log, events(6, "k"))
    seen = []
    for event in log.read("g"):
        seen.append(event.event_id)
        if event.event_id == "e2":
            break
    assert seen == ["e0", "e1", "e2"]
    assert log.lag("g") == {0: 4}
    assert ids(log.read("g")) == ["e2", "e3", "e4", "e5"]
    assert log.commit_offset("g", 0, 5) is True
    assert ids(log.read("g")) == ["e5"]
    with pytest.raises(OffsetOutOfRange):
        log.commit_offset("g", 0, 7)


@rule("seek: replay from any offset")
def test_a_group_can_go_back(log_site: LogSite) -> None:
    """Reading deletes nothing; only an offset that is not in the log is refused."""
    log = log_site.open(1)
    append_all(log, events(5, "k"))
    if log_site.lacks("replay"):
        pytest.fail("replay is what a log is for")
    assert len(list(log.read("g"))) == 5
    assert log.seek("g", 0, 1) is True
    assert ids(log.read("g")) == ["e1", "e2", "e3", "e4"]
    for offset in (6, -1):
        with pytest.raises((OffsetOutOfRange, ValueError)):
            log.seek("g", 0, offset)
    assert list(log.read("g")) == []


@rule("lag")
def test_the_lag_is_what_a_group_has_not_read(log_site: LogSite) -> None:
    """By partition, from the committed offset to the end."""
    log = log_site.open(2)
    if log_site.lacks("exact_size"):
        pytest.fail("a log knows its ends")
    append_all(log, events(20))
    sizes = Counter(partition_for(f"order-{number}", 2) for number in range(20))
    assert log.lag("g") == {0: sizes[0], 1: sizes[1]}
    list(log.read("g", partition=0))
    assert log.lag("g") == {0: 0, 1: sizes[1]}
    assert log.get_stream_info()["total_events"] == 20
    assert log.get_latest_offset() == {0: sizes[0], 1: sizes[1]}


@rule("history leaves no trace on a group")
def test_history_touches_no_group(log_site: LogSite) -> None:
    """It reads all, or one partition, or one key, and no group has moved."""
    log = log_site.open(2)
    append_all(log, events(8))
    assert sorted(ids(log.history())) == [f"e{number}" for number in range(8)]
    assert ids(log.history(key="order-3")) == ["e3"]
    assert {event.partition for event in log.history(1)} == {1}
    assert sum(log.lag("g").values()) == 8


@rule("each group gets every event")
def test_two_groups_read_all(log_site: LogSite) -> None:
    """What one has read is still there for the other."""
    log = log_site.open(2)
    append_all(log, events(10))
    if log_site.lacks("groups"):
        pytest.fail("groups are what a log is for")
    assert sorted(ids(log.read("billing"))) == sorted(ids(log.read("mail")))
    assert log.lag("billing") == log.lag("mail") == {0: 0, 1: 0}


@rule("members of a group share the partitions")
def test_a_group_is_rebalanced(log_site: LogSite) -> None:
    """One member has all; with a second each has half; once one leaves, the other has all again.
    Each event is read by one of them, in the order of its key.
    """
    log, clock = log_site.open(4), ThreadRuntime()
    owners: dict[str, dict[str, Any]] = {}
    seen: list[tuple[int, int]] = []
    stop: list[str] = []

    def run(name: str) -> None:
        reader = member(log, "g", name=name)
        owners[name] = {"reader": reader}
        while name not in stop:
            found = reader.poll(timeout=0.2)
            seen.extend((event.partition, event.sequence_number) for event in found)
            reader.commit()
            owners[name]["has"] = owned(reader)
        reader.close()
        owners.pop(name)

    def shares(*sizes: int) -> bool:
        has = [owner.get("has", []) for owner in list(owners.values())]
        together = sorted(partition for each in has for partition in each)
        return sorted(map(len, has)) == sorted(sizes) and together == [0, 1, 2, 3]

    first = clock.spawn(run, "first")
    until(lambda: shares(4), "the first has all")
    append_all(log, events(40))
    second = clock.spawn(run, "second")
    until(lambda: shares(2, 2), "they have two each")
    append_all(log, events(40))
    until(lambda: len(set(seen)) == 80, "all are read")
    assert log.commit_offset("g", 0, 0) is False, "only its members may commit"
    assert log.seek("g", 0, 0) is False
    stop.append("first")
    finish(first)
    until(lambda: shares(4), "the second has all")
    stop.append("second")
    finish(second)
    assert log.lag("g") == {0: 0, 1: 0, 2: 0, 3: 0}


@rule("a dead member's events are read again, from its commit")
def test_a_member_dies(log_site: LogSite) -> None:
    """A process that is killed with signal 9 leaves its partitions to the next member, which begins
    where the dead one has committed.
    """
    from tests.engines.holder import other_module

    log = log_site.open(1)
    append_all(log, events(10, "k"))
    if not log_site.engine:
        log.group("g", session_timeout=1.0, heartbeat_interval=0.3)  # 45 s by default
        dead = member(log, "g", name="victim")
        assert len(dead.poll(timeout=1)) == 10 and dead.commit({0: 6})
        dead.die()
    else:
        told = [log_site.kind, log_site.url, log.name, "1", "g", "6"]
        with other_module("tests.engines.streams", *told) as other:
            assert int(other.line()) > 6
            other.kill()
    successor, found = member(log, "g", name="next"), list[str]()
    until(
        lambda: found.extend(ids(successor.poll(timeout=0.5))) or found,
        "its partition is taken over",
    )
    assert found == ["e6", "e7", "e8", "e9"]
    assert successor.commit() and log.lag("g") == {0: 0}
    successor.close()


@rule("server killed while appending: all there, once, in order")
def test_killed_while_appending(log_site: LogSite) -> None:
    """A producer that waits for its confirms goes on through the restart."""
    if not log_site.engine:
        log_site.says_no()
        return
    log, clock = log_site.open(1), ThreadRuntime()
    confirmed: list[str] = []

    def append() -> None:
        for event in events(100, "k"):
            assert log.append(event)
            confirmed.append(event.event_id)

    appending = clock.spawn(append)
    until(lambda: len(confirmed) >= 30, "some are confirmed")
    log_site.server.kill()
    log_site.server.start()
    finish(appending)
    assert ids(log.history()) == confirmed == [f"e{number}" for number in range(100)]


@rule("several appends become visible together, or not at all")
def test_transactions(log_site: LogSite) -> None:
    """Where the log has transactions; elsewhere there is no call for them."""
    log = log_site.open(1)
    if log_site.lacks("transactions"):
        assert not hasattr(log, "transaction")
        return
    with log.transaction() as transaction:
        for event in events(2, "k"):
            transaction.append(event)
        assert list(log.history()) == []
    until(lambda: ids(log.history()) == ["e0", "e1"], "both are visible")
    with pytest.raises(OSError, match="power cut"), log.transaction() as transaction:
        append_and_fail(transaction)
    assert ids(log.history()) == ["e0", "e1"]


def append_and_fail(transaction: Any) -> None:
    """Append an event, and raise an error before the transaction ends."""
    transaction.append(StreamEvent("orders", "e9", partition_key="k"))
    raise OSError("power cut")


@rule("the trace of a log")
def test_what_happens_is_recorded(log_site: LogSite) -> None:
    """Appended, read, committed: the same records on every log."""
    trace = Trace()
    log = log_site.open(1, trace=trace)
    append_all(log, events(2, "k"))
    list(log.read("g"))
    found = [(record.event, record.entry) for record in trace.records]
    assert [each for each in found if each[0] == "appended"] == [("appended", 0), ("appended", 1)]
    assert [each for each in found if each[0] == "read"] == [("read", 0), ("read", 1)]
    assert ("committed", 2) in found


@rule("bad input to a log: named, nothing changes")
def test_bad_input_is_refused(log_site: LogSite) -> None:
    """Each error names the parameter and the value."""
    log = log_site.open(2)
    for call, error in (
        (lambda: log.append("text"), TypeError),
        (lambda: log.commit_offset("g", 2, 0), ValueError),
        (lambda: log.commit_offset("g", 0, -1), ValueError),
        (lambda: log.read("g", partition=2), ValueError),
        (lambda: log.read(7), TypeError),
        (lambda: log.lag(7), TypeError),
        (lambda: list(log.history(2)), ValueError),
    ):
        with pytest.raises(error, match=r"must .*, got "):
            call()  # type: ignore[no-untyped-call]
    assert log.get_stream_info()["total_events"] == 0
    if not log_site.engine:
        log_site.says_no()
        return
    for data in ({"x": object()}, {"x": float("nan")}, {1: "x"}):
        with pytest.raises(TypeError, match=r"data must .*, got "):
            log.append(StreamEvent("orders", data=data))
    with pytest.raises(EngineError, match=r"partition_count must be 2, .* got 3"):
        log_site.open(3, name=log.name)
    assert log.get_stream_info()["total_events"] == 0


@rule("no server for a log: an error that says so")
def test_a_wrong_address(log_site: LogSite) -> None:
    """A wrong URL and a closed port are told apart from a broker."""
    if not log_site.engine:
        log_site.says_no()
        return
    closed = f"kafka://127.0.0.1:{free_port()}"
    for url in ("", "nonsense", "gopher://127.0.0.1:70/", closed):
        with pytest.raises((EngineError, ValueError), match="url must be") as refused:
            make_log(log_site.kind, url, log_site.name(), 1)
        assert repr(url) in str(refused.value)


@rule("a log says what it has")
def test_a_log_has_its_row_of_the_table(log_site: LogSite) -> None:
    """`features` is the row of its kind; what a log has no call for is unsupported."""
    log = log_site.open(1)
    if log_site.engine:
        assert log.features == log_site.features
    calls = {"priority": "send", "delay": "send", "lease": "receive", "dead_letter_reason": "nack"}
    for feature, call in calls.items():
        assert log_site.features.get(feature, "unsupported") == "unsupported"
        assert not hasattr(log, call)
