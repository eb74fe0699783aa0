"""Exercise 07.2: the topics that a pattern matches, in the dialect of RabbitMQ."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

PAIRS = 20  # in a seed
WORDS = ("orders", "order", "eu", "us", "paid", "a", "c++", "jfk")
LONGEST = 5  # words

Matches = Callable[[str, str], bool]


class Question(NamedTuple):
    """A pattern and a topic, the right answer, and the student's."""

    pattern: str
    topic: str
    right: bool
    answer: Answer

    @property
    def has_bool(self) -> bool:
        """True if the answer is a bool, right or wrong."""
        return self.answer.error is None and isinstance(self.answer.value, bool)

    @property
    def is_right(self) -> bool:
        """True if the answer is right."""
        return self.has_bool and self.answer.value == self.right


class MatchesExercise(Exercise[int, list[Question]]):
    """Each seed's pairs of a pattern and a topic, compared with what brute force says."""

    def play(self, answer: Callable[..., Any], case: int) -> list[Question]:
        return [
            Question(
                pattern, topic, brute_force(pattern, topic), call_answer(answer, pattern, topic)
            )
            for pattern, topic in pairs_of(case)
        ]

    def mistakes(self, world: list[Question]) -> Iterator[Mistake]:
        for question in world:
            if not question.is_right:
                yield Mistake(
                    f"matches({question.pattern!r}, {question.topic!r}): expected "
                    f"{question.right}, {question.answer}",
                    _hint(question.pattern, question.topic)
                    if question.has_bool
                    else "it is either True or False",
                    partial(mistaken, world),
                )
                return

    def summary(self, worlds: list[list[Question]]) -> str:
        questions = [question for world in worlds for question in world]
        return (
            f"{len(questions):,} pairs, {sum(each.right for each in questions):,} of them match, "
            "in the dialect of RabbitMQ: `*` is one word, `#` any number of them"
        )


def check_matches(matches: Matches) -> Verdict:
    """Grade `matches(pattern, topic)`, which returns True if the pattern matches the topic by the
    rules of RabbitMQ.

    Both are words with dots between them. In a pattern, the word `*` stands for exactly one word,
    the word `#` for any number of words, also none, and every other word stands for itself.

    In 100 seeds 2,000 pairs are compared with a search that tries every number of words for each
    `#`.
    """
    return EXERCISE.grade(matches)


EXERCISE = MatchesExercise()


def mistaken(questions: list[Question]) -> pd.DataFrame:
    """Return the table that a replay shows: all of a seed's pairs with a wrong answer."""
    import pandas as pd

    rows = [
        [each.pattern, each.topic, each.right, str(each.answer).removeprefix("it ")]
        for each in questions
        if not each.is_right
    ]
    return pd.DataFrame(rows, columns=["pattern", "topic", "should be", "your function"]).set_index(
        "pattern"
    )


def _hint(pattern: str, topic: str) -> str:
    wanted, words = pattern.split("."), topic.split(".")
    if "#" in wanted:
        return "# is any number of words: none, one, or more, wherever it stands"
    if len(wanted) != len(words):
        return (
            "without # there are as many words as in the pattern: * is one of them, and its dots "
            "count"
        )
    return "* is any one word, and every other word stands for itself, whatever characters it has"


def brute_force(pattern: str, topic: str) -> bool:
    """Return True if the topic matches the pattern, by trying every number of words for each
    `#`.
    """
    return _match_words(pattern.split("."), topic.split("."))


def _match_words(wanted: list[str], words: list[str]) -> bool:
    if not wanted:
        return not words
    if wanted[0] == "#":
        return any(_match_words(wanted[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and wanted[0] in ("*", words[0]) and _match_words(wanted[1:], words[1:])


def pairs_of(seed: int) -> list[tuple[str, str]]:
    """Return this seed's pairs: a pattern and a topic, the pattern made of the topic by a few
    changes.

    After some of the changes it still matches, after others it does not.
    """
    rng = random.Random(f"patterns {seed}")
    return [_pair(rng) for _ in range(PAIRS)]


def _pair(rng: random.Random) -> tuple[str, str]:
    topic = [rng.choice(WORDS) for _ in range(rng.randint(1, LONGEST))]
    pattern = list(topic)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(pattern) + 1)
        # Wildcards twice as often as other changes, since they are what is asked about.
        change = rng.choice(("star", "star", "hash", "hash", "swallow", "more", "less", "other"))
        if change == "hash":
            pattern.insert(place, "#")
        elif change == "more":
            pattern.insert(place, rng.choice(("*", *WORDS)))
        elif place < len(pattern) and (change != "less" or len(pattern) > 1):
            new = {"star": ["*"], "swallow": ["#"], "less": [], "other": [rng.choice(WORDS)]}[
                change
            ]
            pattern[place : place + (rng.randint(1, 2) if change == "swallow" else 1)] = new
    return ".".join(pattern), ".".join(topic)
