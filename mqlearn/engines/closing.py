"""A connection that the end of a `with` block closes."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """A connection to an engine: `with` closes it, however its block ends."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; a second call changes nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
