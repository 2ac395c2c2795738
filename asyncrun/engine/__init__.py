"""From plays to results: who runs what, when; only the main thread changes state."""
