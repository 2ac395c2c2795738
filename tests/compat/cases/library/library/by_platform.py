#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.sys_info import get_platform_subclass


class Thing(object):
    platform = 'Generic'
    distribution = None

    def __new__(cls, *args, **kwargs):
        return super(Thing, cls).__new__(get_platform_subclass(Thing))

    def __init__(self, module):
        self.module = module

    def word(self):
        return 'generic'


class LinuxThing(Thing):
    platform = 'Linux'

    def word(self):
        return 'linux'


class OtherThing(Thing):
    platform = 'Plan9'


def main():
    module = AnsibleModule(argument_spec={})
    thing = Thing(module)
    module.exit_json(changed=False, word=thing.word(), cls=type(thing).__name__, 
                     name=module._name, verbosity=module._verbosity, check=module.check_mode)


main()
