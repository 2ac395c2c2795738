"""Jinja: templates and expressions, with the filters, tests and lookups users know."""

from asyncrun.templating.templar import Templar
from asyncrun.templating.values import OMIT, is_template, plain

__all__ = ["OMIT", "Templar", "is_template", "plain"]
