"""Notebooks and labs in a real JupyterLab, seen and driven by a real browser."""
