"""The console scripts: they parse, call app, and turn errors into exit codes."""
