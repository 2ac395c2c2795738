#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(argument_spec=dict(name=dict()))
module.exit_json(changed=True, msg='did %s' % module.params['name'])
