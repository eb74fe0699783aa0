"""The package speaks plain technical English: its docstrings, its comments, its error texts."""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.source import modules, name, tree

# A docstring begins with a verb or a noun of the field, never with one of these.
OPENINGS = re.compile(r"(who|whoever|whom|what|how|whether)\b", re.IGNORECASE)

# What a reader whose first language is another stumbles over -> what to say instead.
ODD = {
    r"(?:^|[.:;] )(?:Who|Whoever) \w+s? ": "a worker that …; if you …",
    r"\btak(?:e|es|en|ing) [\w' ]{1,20} for (?:alive|dead|done|an? |the )": "mistake … for",
    r"\b(?:failures?|retr(?:y|ies)|tr(?:y|ies)) (?:is |are |was )?charged\b": "counted",
    r"\bcharged? (?:a |the )?(?:failure|retr(?:y|ies))\b": "counted as a failure",
    r"\bis charged a\b": "costs the message a",
    r"\b(?:of|to|from|by|for|with) whom\b": "a clause of its own",
    r"\b(?:of|to|from|by|with|in|on|before|after) which\b": "a clause of its own",
    r"\bwork(?:s|ed)? off\b": "clear the backlog",
    r"\bsome (?:ten|twenty|hundred)\b": "about ten",
    r"\bby (?:tens|hundreds|thousands)\b": "in batches of",
    r"\bof no (?:use|effect)\b": "does not help, has no effect",
    r"\beach its own\b": "each has its own",
    r"\bfor ever\b": "forever",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bshall\b": "is to, must",
    r"\bheirs?\b": "the next owner",
    r"\bborne\b": "tolerated",
    r"\bdealt out\b": "assigned",
    r"\bheart and all\b": "heartbeat included",
    r"\b(?:[Ss]omebody|[Ss]omeone|[Nn]obody|[Ee]verybody|[Aa]nybody)\b": "a worker, no caller",
    r"\bmanieth\b": "which one",
    r"\bmost people\b": "expect",
    r"\bseen? to it\b": "make sure",
    r"\bwhatever (?:he|she)\b|\b(?:he|him|his|she|her)\b": "it",
    r"\b(?:seconds?|minutes?|messages?|tries|items?|jobs?|orders?|events?|calls?|rows?|entry|entries)"
    r" an? (?:second|minute|hour|order|message|item|worker|seed|job|event|file|call|try)\b": "per",
    r"\bbegun anew\b|\banew\b": "again",
    r"\btell(?:s|ing)? apart\b|\btold apart\b": "distinguish",
    r"\bput off\b": "delay",
    r"\bgoes? by\b": "uses",
    r"\blay(?:s)? hands?\b": "…",
}


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Every docstring of a file, with its line."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree(path)):
        if isinstance(node, kinds) and (said := ast.get_docstring(node)):
            yield node.body[0].lineno, said


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Every comment of a file, those on lines that follow each other as one."""
    found: list[tuple[int, int, str]] = []
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                row, said = token.start[0], token.string.lstrip("# ")
                if found and found[-1][1] == row - 1:
                    found[-1] = (found[-1][0], row, f"{found[-1][2]} {said}")
                else:
                    found.append((row, row, said))
    yield from ((row, said) for row, _, said in found)


def errors(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of what a file raises."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            parts = [
                str(part.value)
                for part in ast.walk(node.exc)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            yield node.lineno, " ".join(parts)


def odd(text: str) -> list[str]:
    """The odd words of a text, with what to say instead."""
    plain = re.sub(r"`[^`]*`|\"[^\"]*\"", "", text)
    flat = " ".join(plain.split())
    return [
        f"{found.group().strip()!r} ({instead})"
        for pattern, instead in ODD.items()
        if (found := re.search(pattern, flat))
    ]


def complaints(path: Path) -> list[str]:
    """What is wrong with the language of a file, line by line."""
    said = [
        f"{line}: begins with {text.split()[0]!r}"
        for line, text in docstrings(path)
        if OPENINGS.match(text)
    ]
    for line, text in (*docstrings(path), *comments(path), *errors(path)):
        said += [f"{line}: {word}" for word in odd(text)]
    return said


@pytest.mark.parametrize("path", modules("mqlearn"), ids=name)
def test_it_speaks_plain_english(path: Path) -> None:
    """No docstring opens with a question word; no odd word is left."""
    assert complaints(path) == []


def test_the_list_finds_what_it_names() -> None:
    """Each pattern is seen in a sentence that has it, and plain sentences pass."""
    for sentence in (
        "Who finds a claim may not go on.",
        "It takes the worker for dead.",
        "Three failures charged so far.",
        "A worker of whom nothing is heard.",
        "The backlog is worked off.",
        "It waits for ever.",
        "The code to mend.",
        "Partitions are dealt out.",
        "Nobody gets a permit.",
        "One second an order.",
    ):
        assert odd(sentence), sentence
    assert not odd("A worker that finds a claim waits until the lease ends.")
