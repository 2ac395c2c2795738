"""What must survive this process."""
