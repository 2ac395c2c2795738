"""Version control: what the modules about repositories share (on the target)."""
