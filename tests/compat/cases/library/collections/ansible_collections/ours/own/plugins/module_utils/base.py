from ansible.module_utils.common.text.converters import to_text
from .inner.more import MORE


def greet(name):
    return to_text('hello %s of a collection, %s' % (name, MORE))
