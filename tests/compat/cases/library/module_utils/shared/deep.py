from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.shared.numbers import VERSION
from . import numbers


def shout(text):
    assert numbers.VERSION == VERSION
    return to_text(text).strip().upper()
