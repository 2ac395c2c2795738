"""Variables: layers in their order of precedence, and where each value comes from."""
