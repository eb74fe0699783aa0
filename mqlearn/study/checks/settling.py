"""Exercise 06.2: what becomes of each message of a batch, whatever the call has returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mqlearn.messaging.message import Message
from mqlearn.study.checks.answers import Fault, ask, judge
from mqlearn.study.checks.verdict import Verdict


def check_settle(settle: Callable[[list[Message], Any], list[str]]) -> Verdict:
    """Whether `settle(batch, results)` says of each message of a batch, in order, "ack" or "nack".

    `results` is what the batch's handler returned: a list with one result for each message, of which only True itself
    is a success. Or it is something that cannot be matched with the messages: a list that is too short or too long,
    None, a single True, or the exception that the handler raised. Then every message is nacked with a reason, in the
    form "nack: 3 results for 10 messages"; elsewhere a reason may be there.

    In each of 100 seeds twelve batches are settled.
    """
    return judge(violations, settle, lambda: "")


def violations(settle: Callable[..., Any], seed: int) -> Iterator[Fault]:
    """The faults with this seed's batches."""
    yield Fault(f"expected a list, {ask(settle, [Message(id='order-1')], [True])}", 'one "ack" or "nack" for each')
