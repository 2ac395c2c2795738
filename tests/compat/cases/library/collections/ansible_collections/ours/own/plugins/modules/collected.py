#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ours.own.plugins.module_utils.base import greet
from ..module_utils.inner.more import MORE


def main():
    module = AnsibleModule(argument_spec=dict(name=dict(required=True)), supports_check_mode=True)
    module.exit_json(changed=False, greeting=greet(module.params['name']), more=MORE)


if __name__ == '__main__':
    main()
