"""Calls that a breaker makes with a permit of its own: of a function, or in a `with` block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeVar

from mqlearn.messaging.message import Outcome, outcome_of, read_outcome
from mqlearn.messaging.permit import Permit
from mqlearn.runtime import check
from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.handed_in import PASSES
from mqlearn.runtime.unbegun import why_unbegun

T = TypeVar("T")

# The `with` blocks that the running task is in: each its breaker and permit, innermost last.
# A context variable, since each thread, greenlet and asyncio task has its own; and a tuple, since
# an asyncio task begins with what its parent has, and must not change that.
_entered: ContextVar[tuple[tuple[object, Permit], ...]] = ContextVar("mqlearn_permits", default=())


class CallNotPermitted(RuntimeError):
    """Raised by `CircuitBreaker.call`, and on entering `with breaker`, when the breaker lets no
    call through: nothing was called.

    Source: resilience4j's CallNotPermittedException; in pybreaker it is CircuitBreakerError.
    """


class ProtectedCalls(ABC):
    """The base class of a breaker that makes calls with its own permits."""

    @abstractmethod
    def acquire(self, *, begin: bool = True) -> Permit | None:
        """Return a permit for one call, or None."""

    @abstractmethod
    def _refusal(self) -> str:
        """Return why there is no permit now."""

    def call(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call `fn(*args, **kwargs)` with a permit and return its result.

        An exception counts as a failure and is raised again; `Reject`, `Release` and an interrupt
        say nothing about the service and do not count. Any result is a success, except an exception
        or an `Outcome` that says otherwise. Raises CallNotPermitted, without a call, while the
        breaker is open or all probes are taken; TypeError, a failure, if the result is a coroutine
        or a generator, since nothing of it has run.
        """
        check.function("fn", fn)
        with self as permit:
            result = fn(*args, **kwargs)
            unbegun = why_unbegun(result)
            if unbegun is not None:
                raise TypeError(f"fn must do its work when it is called, it returned {unbegun}")
            if isinstance(result, (Outcome, BaseException)):
                permit.report(read_outcome(result))
            return result

    def __enter__(self) -> Permit:
        """Acquire a permit for the `with` block, and return it. It may be answered in the block;
        else the end of the block is a success, and an exception counts as it does in `call`.
        """
        permit = self.acquire()
        if permit is None:
            raise CallNotPermitted(self._refusal())
        _entered.set((*_entered.get(), (self, permit)))
        return permit

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # the innermost one of this breaker, since `with` blocks may be nested
        blocks = _entered.get()
        innermost = max((i for i, (breaker, _) in enumerate(blocks) if breaker is self), default=-1)
        if innermost < 0:
            return  # a generator that was begun in another thread ends here: nothing is known of it
        permit = blocks[innermost][1]
        _entered.set(blocks[:innermost] + blocks[innermost + 1 :])
        if error is None:
            permit.success()
        elif isinstance(error, WorkerCrash):
            pass  # a dead worker reports nothing: a probe's place stays taken until `probe_timeout`
        elif isinstance(error, (*PASSES, GeneratorExit)):
            permit.cancel()
        else:
            permit.report(outcome_of(error))
