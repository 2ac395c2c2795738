"""Events become lines: the only folder that prints."""
