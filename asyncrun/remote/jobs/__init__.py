"""Jobs on the target: what starts, supervises, describes, reads and ends them."""
