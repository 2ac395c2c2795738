#!/usr/bin/python
# -*- coding: utf-8 -*-
from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text
from ansible.module_utils.parsing.convert_bool import BOOLEANS_TRUE, boolean
from ansible.module_utils.six import PY3, string_types
from ansible.module_utils.six.moves import shlex_quote
from ansible.module_utils.six.moves.urllib.parse import urlencode, urlparse
from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict, dict_merge, recursive_diff, snake_dict_to_camel_dict
from ansible.module_utils.common.collections import is_iterable, is_sequence
from ansible.module_utils.compat.version import LooseVersion


def main():
    module = AnsibleModule(argument_spec=dict(text=dict(required=True)))
    text = module.params['text']
    module.exit_json(
        changed=False, text=text, size=len(to_bytes(text)), native=isinstance(to_native(to_bytes(text)), string_types),
        back=to_text(to_bytes(text)), nothing=to_text(None), passed=to_text(5, nonstring='passthru'), quoted=shlex_quote('a b'),
        encoded=urlencode([('a', text)]), host=urlparse('http://user@h.example:80/x').hostname,
        yes=[boolean(each) for each in ('yes', 'On', 1, 'TRUE', True)], no=boolean('nonsense', strict=False),
        true='yes' in BOOLEANS_TRUE, py3=PY3,
        snake=camel_dict_to_snake_dict({'HTTPEndpoint': {'aBcDef': 1}, 'TargetGroupARNs': [{'VpcId': 2}], 'Tags': {'Key': 3}}, ignore_list=['Tags']),
        reversible=camel_dict_to_snake_dict({'HTTPEndpoint': 1, 'vpcId': 2}, reversible=True),
        camel=snake_dict_to_camel_dict({'vpc_id': [{'a_b': 1}], '_x': 1}), capital=snake_dict_to_camel_dict({'vpc_id': 1}, capitalize_first=True),
        merged=dict_merge({'a': {'b': 1, 'c': 2}}, {'a': {'c': 3}, 'd': 4}), diff=recursive_diff({'a': {'b': 1}, 'c': 2}, {'a': {'b': 2}, 'c': 2}),
        newer=LooseVersion('1.10.0') > LooseVersion('1.9.2'), older=LooseVersion('2.0rc1') < '2.0rc2', is_iterable=is_iterable('abc'), seq=is_sequence((1,)),
        dumped=module.jsonify({'a': [1, None]}), loaded=module.from_json('{"b": [true]}'),
        human=[module.human_to_bytes('10M'), module.human_to_bytes('1.5K')], told=module.bytes_to_human(10485760), bools=module.boolean('no'))


main()
