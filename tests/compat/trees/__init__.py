"""Repositories of our own making, in the size and shape of well-known ones; the same ones every time."""
