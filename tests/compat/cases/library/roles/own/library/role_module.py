#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.of_role import greet

module = AnsibleModule(argument_spec=dict(name=dict()))
module.exit_json(changed=False, greeting=greet(module.params['name']))
