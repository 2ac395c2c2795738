"""Stands in for the package that modules know as `ansible`."""

from .release import __author__, __version__

__all__ = ["__author__", "__version__"]
