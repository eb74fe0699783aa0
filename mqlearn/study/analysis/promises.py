"""The analysis of promises: what producers were told of their values, against what a log has in the
end.

It sees only what is seen from outside: the answers, and what readers got. A value that was
acknowledged must be in the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

from mqlearn.runtime import check
from mqlearn.runtime.books import UnbalancedBooks
from mqlearn.runtime.trace import Record

ANSWERS = ("yes", "no", "maybe", "nothing")


class PromiseAnalysis:
    """The promises made to all producers, and those that were kept.

    `told` has what each producer was told (see `Producer.told`), by its name; each in the order of
    sending. `log` are the values in the log at the end, in its order, and `read` those that a
    reader got meanwhile. Then `sent` is the number of values, `acknowledged` that of those told
    "yes"; of these `kept` are in the log, and `lost` are those that are not. `there` is the number
    of values in the log that were not acknowledged. `count[answer, True]` is the number of values
    in the log that were told this answer, `count[answer, False]` that of the others. `twice` are
    the values that are in the log more than once, `overtaken` those that stand behind a value that
    the same producer sent later, and `vanished` those that a reader got and that are not in the
    log.

    Raises UnbalancedBooks for a value in `log` that no producer has sent.
    """

    def __init__(
        self,
        told: Mapping[str, Mapping[Hashable, str]],
        log: Sequence[Hashable],
        read: Iterable[Hashable] = (),
    ) -> None:
        for name, answers in told.items():
            for answer in set(answers.values()):
                check.one_of(f"each answer of {name}", answer, ANSWERS)
        copies = Counter(log)
        self._answers = {value: a for answers in told.values() for value, a in answers.items()}
        self.sent = len(self._answers)
        self.count = Counter((a, value in copies) for value, a in self._answers.items())
        self.acknowledged = sum(answer == "yes" for answer in self._answers.values())
        self.lost = [v for v, a in self._answers.items() if a == "yes" and v not in copies]
        self.kept = self.count["yes", True]
        self.there = sum(self.count[answer, True] for answer in ANSWERS[1:])
        self.twice = [value for value, times in copies.items() if times > 1]
        self.overtaken = _overtaken(told, log)
        self.vanished = [value for value in dict.fromkeys(read) if value not in copies]
        # each side is counted by itself, so that a value that came out of nowhere is found
        if len(copies) != self.kept + self.there:
            raise UnbalancedBooks(
                f"the log has {len(copies)} values: {self.kept} acknowledged ones and "
                f"{self.there} others were sent"
            )
        if self.acknowledged != self.kept + len(self.lost):
            raise UnbalancedBooks(
                f"{self.acknowledged} values were acknowledged, but {self.kept} are kept and "
                f"{len(self.lost)} lost"
            )

    def check_records(self, records: Iterable[Record]) -> None:
        """Compare with the records of the log itself.

        Raises UnbalancedBooks if the log has acknowledged a value that its producer was not told
        of, or the other way round.
        """
        recorded = {record.message_id for record in records if record.event == "acknowledged"}
        told = {
            value if isinstance(value, str) else check.short_repr(value)
            for value, answer in self._answers.items()
            if answer == "yes"
        }
        if recorded != told:
            first = min(recorded ^ told)
            raise UnbalancedBooks(
                f"{len(recorded)} values are acknowledged in the trace, {len(told)} producers were "
                f"told yes; the first that differs is {first}"
            )


def _overtaken(
    told: Mapping[str, Mapping[Hashable, str]], log: Sequence[Hashable]
) -> list[Hashable]:
    """Return the values whose first copy stands behind a value that their producer sent later."""
    sent = {
        value: (name, number)
        for name, answers in told.items()
        for number, value in enumerate(answers)
    }
    newest: dict[str, int] = {}
    behind = []
    for value in dict.fromkeys(log):
        name, number = sent.get(value, ("", 0))
        if number < newest.get(name, 0):
            behind.append(value)
        newest[name] = max(number, newest.get(name, 0))
    return behind
