"""Package managers, their repositories and keys: what modules about packages share (on the target)."""
