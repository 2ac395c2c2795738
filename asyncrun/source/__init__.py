"""Text that knows its place: YAML, key=value arguments and vault files."""
