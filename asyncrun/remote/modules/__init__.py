"""The modules: one file each, with a SPEC and run(m). They run on the target."""
