"""Message queues you can read, run, break and measure.

- Messages: `Message`, `MessagePriority`, `MessageStatus`
- Queues: `MessageQueue`, `InMemoryMessageQueue`, `RetryPolicy`
- Workers: `MessageProcessor`, `Reject`, `Release`, `Outcome`, `WorkerCrash`
- What they run on: `Simulation` (virtual time, seeded), `ThreadRuntime` (real threads, real time)
- What happened: `Trace`, and its `Balance` or `UnbalancedBooks`
"""

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message, MessagePriority, MessageStatus, Outcome, Reject, Release
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.simulation import Simulation, SimulationError
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Balance, Trace, UnbalancedBooks

__all__ = [
    "Balance",
    "InMemoryMessageQueue",
    "Message",
    "MessagePriority",
    "MessageProcessor",
    "MessageQueue",
    "MessageStatus",
    "Outcome",
    "Reject",
    "Release",
    "RetryPolicy",
    "Simulation",
    "SimulationError",
    "ThreadRuntime",
    "Trace",
    "UnbalancedBooks",
    "WorkerCrash",
]
