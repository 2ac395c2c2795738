"""Jinja: templates and expressions, with the filters, tests and lookups users know."""
