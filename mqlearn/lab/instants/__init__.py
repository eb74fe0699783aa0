"""The step-through: one picture that shows where everything is at one instant of a run.

InstantPicture   what both pictures have in common: heading, clock, last event
QueuePicture     messages as blocks: waiting, with the workers, delayed, done, dead
LogPicture       the partitions of a log: what each holds, and how far it is read
ReplicaPicture   the replicas of a log: what each has, and what is committed
Player           the controls that choose the instant
"""

from typing import Any

from mqlearn.lab.instants.base import InstantPicture
from mqlearn.lab.instants.log_picture import LogPicture
from mqlearn.lab.instants.queue_picture import QueuePicture
from mqlearn.lab.instants.replica_picture import ReplicaPicture
from mqlearn.runtime.events import MOVES

__all__ = ["InstantPicture", "LogPicture", "QueuePicture", "ReplicaPicture", "instant_picture"]


def instant_picture(run: Any) -> type[InstantPicture]:
    """Return the class of picture for `run`: `ReplicaPicture` for a replicated log, `LogPicture`
    for another log without a queue, else `QueuePicture`.
    """
    events = {record.event for record in run.trace.records}
    if "elected" in events and not events & MOVES.keys():
        return ReplicaPicture
    # A run with both (an outbox, for example) is shown by its queue: only there do messages move.
    return LogPicture if "appended" in events and not events & MOVES.keys() else QueuePicture
