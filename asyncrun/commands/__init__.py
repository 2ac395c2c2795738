"""What each command does: options in, exit code out."""
