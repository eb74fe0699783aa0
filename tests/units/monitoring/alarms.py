"""Right and wrong answers to exercise 13.3."""

from __future__ import annotations

from collections import deque

from mqlearn import BurnRateAlert, Sample, ThresholdAlert


class Remembering:
    """An alarm that can look back."""

    def __init__(self) -> None:
        self.past: deque[Sample] = deque(maxlen=40)
        self.held = 0

    def ago(self, sample: Sample, seconds: float) -> Sample:
        """The newest sample that is so old."""
        old = (each for each in reversed(self.past) if each.now <= sample.now - seconds)
        return next(old, Sample(0.0))

    def see(self, sample: Sample) -> bool:
        fires = self.rule(sample)
        self.past.append(sample)
        return fires

    def rule(self, sample: Sample) -> bool:
        raise NotImplementedError

    def hold(self, condition: bool, times: int) -> bool:
        """True if the condition was true so many times running."""
        self.held = self.held + 1 if condition else 0
        return self.held >= times

    def died(self, sample: Sample) -> int:
        """In the last minute."""
        return sample.dead - self.ago(sample, 60).dead

    def silent(self, sample: Sample) -> bool:
        """No order in the last minute."""
        return sample.now >= 60 and sample.sent == self.ago(sample, 60).sent

    def uncharged(self, sample: Sample) -> int:
        """Done and not charged in the last two minutes."""
        before = self.ago(sample, 120)
        return sample.done - sample.charged - (before.done - before.charged)


class Right(Remembering):
    """Old for three looks, or five dead, or silence, or five not charged."""

    def rule(self, sample: Sample) -> bool:
        old = self.hold(sample.oldest > 50, 3)
        return old or self.died(sample) >= 5 or self.silent(sample) or self.uncharged(sample) >= 5


class ByTheShare(Remembering):
    """The share of bad orders of the last two minutes, the oldest, and silence."""

    def rule(self, sample: Sample) -> bool:
        before = self.ago(sample, 120)
        ended = sample.done - before.done + sample.dead - before.dead
        bad = sample.late - before.late + sample.dead - before.dead + self.uncharged(sample)
        old = self.hold(sample.oldest > 50, 3)
        return old or (bad >= 4 and bad > 0.1 * ended) or self.silent(sample)


class WithThePackage(Remembering):
    """The package's own alerts, and silence."""

    def __init__(self) -> None:
        super().__init__()
        self.rules = (
            ThresholdAlert(lambda seen: seen.oldest, 50, hold=20.0),
            ThresholdAlert(lambda seen: seen.dead, 4, window=60.0),
            ThresholdAlert(lambda seen: seen.done - seen.charged, 4, window=120.0),
        )

    def rule(self, sample: Sample) -> bool:
        fires = [rule.see(sample) for rule in self.rules]
        return any(fires) or self.silent(sample)


class AnyDeadLetter(Remembering):
    def rule(self, sample: Sample) -> bool:
        return self.died(sample) >= 1 or sample.oldest > 60


class ATightAge(Remembering):
    def rule(self, sample: Sample) -> bool:
        return sample.oldest > 15 or self.died(sample) >= 5


class Deep(Remembering):
    limit = 20

    def rule(self, sample: Sample) -> bool:
        return sample.waiting > self.limit


class VeryDeep(Deep):
    limit = 100


class NothingDone(Remembering):
    def rule(self, sample: Sample) -> bool:
        return sample.done == self.ago(sample, 10).done or self.died(sample) >= 5


class BadForFiveMinutes(Remembering):
    def rule(self, sample: Sample) -> bool:
        bad = sample.oldest > 30 or self.died(sample) >= 3
        return self.hold(bad or self.silent(sample) or self.uncharged(sample) > 0, 30)


class Silent(Remembering):
    def rule(self, sample: Sample) -> bool:
        return False


class OnlyTheAge(Remembering):
    def rule(self, sample: Sample) -> bool:
        return sample.oldest > 60


class ShareOfDead(Remembering):
    def rule(self, sample: Sample) -> bool:
        sent = sample.sent - self.ago(sample, 60).sent
        return self.died(sample) > 0.05 * max(1, sent)


class SinceTheStart(Remembering):
    def rule(self, sample: Sample) -> bool:
        return sample.late + sample.dead > 0.01 * max(1, sample.done)


class BurnOfWhatIsDone:
    def __init__(self) -> None:
        self.rule = BurnRateAlert(
            lambda seen: seen.late + seen.dead, lambda seen: seen.done + seen.dead, factor=6.0
        )

    def see(self, sample: Sample) -> bool:
        return self.rule.see(sample)


class AgeAndDead(Remembering):
    def rule(self, sample: Sample) -> bool:
        return sample.oldest > 60 or self.died(sample) >= 5


class AllButCharged(Remembering):
    def rule(self, sample: Sample) -> bool:
        old = self.hold(sample.oldest > 50, 3)
        return old or self.died(sample) >= 5 or self.silent(sample)
