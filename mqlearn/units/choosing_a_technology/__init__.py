"""Unit 14, choosing a technology: the names that its notebook and its solutions import."""

__all__: list[str] = []
