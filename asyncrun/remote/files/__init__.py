"""Paths, their contents and attributes: what modules about files and texts share (on the target)."""
