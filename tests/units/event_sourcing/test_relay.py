"""Exercise 10.3: the check of the relay passes right answers, catches and replays wrong ones."""

import pytest

from mqlearn.lab.dashboard import Dashboard
from mqlearn.runtime.base import WorkerCrash
from mqlearn.study.verdict import recall
from mqlearn.units.event_sourcing.crashing_relay import ShopDatabase
from mqlearn.units.event_sourcing.relay import EXERCISE, check_relay


def relay(outbox, publish):
    """The worked solution: publish, then remove; what is there decides, not what was there last
    time.
    """
    for entry, event in outbox.pending():
        publish(event)
        outbox.remove(entry)


def one_at_a_time(outbox, publish):
    """The same, looking again after each."""
    while pending := outbox.pending():
        entry, event = pending[0]
        publish(event)
        outbox.remove(entry)


def removes_first(outbox, publish):
    """A relay that crashes in between has lost the event."""
    for entry, event in outbox.pending():
        outbox.remove(entry)
        publish(event)


class AfterTheLast:
    """Asks for ids beyond the last one published: what commits late is passed over."""

    def __init__(self):
        self.last = 0

    def __call__(self, outbox, publish):
        if not self.last or not outbox.pending():
            self.last = 0  # another seed, or nothing left
        for entry, event in outbox.pending():
            if entry > self.last:
                publish(event)
                self.last = entry
                outbox.remove(entry)


def newest_first(outbox, publish):
    """In the wrong order."""
    for entry, event in reversed(outbox.pending()):
        publish(event)
        outbox.remove(entry)


def removes_in_the_end(outbox, publish):
    """A death publishes the whole batch again."""
    pending = outbox.pending()
    for _, event in pending:
        publish(event)
    for entry, _ in pending:
        outbox.remove(entry)


def never_removes(outbox, publish):
    """Everything again and again."""
    for _, event in outbox.pending():
        publish(event)


def swallows(outbox, publish):
    """The error of publishing is caught, and the event removed all the same."""
    for entry, event in outbox.pending():
        try:
            publish(event)
        except WorkerCrash:
            continue
        finally:
            outbox.remove(entry)


def only_the_last(outbox, publish):
    """One event of those that are there, the newest."""
    for entry, event in outbox.pending()[-1:]:
        publish(event)
        outbox.remove(entry)


WRONG = (removes_first, newest_first, removes_in_the_end, never_removes, only_the_last)


@pytest.mark.parametrize("fn", [relay, one_at_a_time, swallows])
def test_the_worked_solution_passes(fn):
    """The dead remove nothing, whatever they catch: the third is right, too."""
    text = check_relay(fn).text
    assert text.startswith("passed: 100 seeds, 3,") and text.endswith(
        "at most one again for each death"
    ), text


@pytest.mark.parametrize("fn", WRONG)
def test_wrong_answers_are_caught(fn, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, fn) >= 20
    assert not check_relay(fn)


def test_what_comes_after_the_last_id_misses_what_commits_late():
    """In at least twenty seeds, by the hint that says why."""
    worlds = [EXERCISE.play(AfterTheLast(), seed) for seed in range(100)]
    found = [mistake for world in worlds for mistake in EXERCISE.mistakes(world)]
    assert sum("a smaller one may appear later" in mistake.hint for mistake in found) >= 20


def test_each_mistake_has_its_sentence():
    """The event that was lost and where it is, the one that came late, the one that came again."""
    assert "it is no longer in the outbox" in check_relay(removes_first).text
    assert "was published after later events of that order" in check_relay(newest_first).text
    assert "remove each as soon as it is published" in check_relay(removes_in_the_end).text
    seen: set[int] = set()

    def remembers(outbox, publish):
        for entry, event in outbox.pending():
            if entry not in seen:
                seen.add(entry)
                publish(event)
            outbox.remove(entry)

    assert "a memory of former calls is of another life" in check_relay(remembers).text
    assert (
        "remove takes an id, got 'order-"
        in check_relay(
            lambda outbox, publish: [
                (publish(event), outbox.remove(event.event_id)) for _, event in outbox.pending()
            ]
        ).text
    )


def test_an_answer_without_end_is_ended():
    """It looks into the outbox forever."""

    def forever(outbox, publish):
        while True:
            outbox.pending()

    def stubborn(outbox, publish):
        while True:
            try:
                outbox.pending()
            except Exception:
                continue

    assert "still going on after 5000 steps" in check_relay(stubborn).text
    assert not check_relay(forever)


def test_the_outbox_shows_what_is_committed_and_ids_come_late():
    """Nothing that is open or rolled back; in most seeds some id commits after a larger one."""
    late = 0
    for seed in range(100):
        shop = ShopDatabase(seed)
        while shop.begun < 40 or shop.open:
            shop.tick()
            assert not {event.event_id for _, event in shop.open.values()} & set(shop.committed)
        assert sorted(shop.outbox) == sorted(shop.committed.values()) and len(shop.outbox) < 41
        late += list(shop.committed.values()) != sorted(shop.committed.values())
    assert late >= 90


def test_a_failing_history_can_be_replayed():
    """An event removed unpublished is dead, one that was passed over is open, and a crash repeats
    what it published.
    """
    lost, missed, again = (
        recall(check_relay(fn).failing_seed)
        for fn in (removes_first, AfterTheLast(), removes_in_the_end)
    )
    outcomes = [
        dict(zip(run.jobs()["message_id"], run.jobs()["outcome"], strict=True))
        for run in (lost, missed)
    ]
    assert (
        "order-2/6 was committed and never published" in lost.verdict
        and outcomes[0]["order-2/6"] == "dead"
    )
    shop = EXERCISE.play(removes_first, lost.seed)
    assert sum(outcome == "dead" for outcome in outcomes[0].values()) == len(
        set(shop.committed) - {event.event_id for event in shop.published}
    )
    assert sum(outcome == "" for outcome in outcomes[1].values()) == missed.totals["left"] > 0
    assert again.jobs()["tries"].sum() == again.totals["published"]
    assert Dashboard(lost.charts).sentence(lost).startswith("Journeys of ")
