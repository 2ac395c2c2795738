#!/usr/bin/python
import sys
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module

module = AnsibleModule(argument_spec=dict(name=dict()), supports_check_mode=True)
if not has_respawned():
    respawn_module(probe_interpreters_for_module(['/no/python', '/usr/bin/python3'], 'json'))
module.exit_json(changed=True, again=has_respawned(), name=module.params['name'])
