#!/usr/bin/python3

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import datetime

from ansible.module_utils.basic import AnsibleModule
try:
    from ansible.module_utils.ours_common import exec_command, \
                                               generate_cmd
except ImportError:
    from module_utils.ours_common import exec_command, generate_cmd
from ansible.module_utils.shared.deep import shout
from ansible.module_utils.shared import VERSION


def main():
    module = AnsibleModule(
        argument_spec=dict(cluster=dict(type='str', required=False, default='ours'), name=dict(type='str', required=True)),
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, stdout='', stderr='', rc=0, start='', end='', delta='')
    startd = datetime.datetime.now()
    rc, cmd, out, err = exec_command(module, generate_cmd(module.params['cluster'], module.params['name']))
    endd = datetime.datetime.now()
    module.exit_json(cmd=cmd, start=str(startd), end=str(endd), delta=str(endd - startd), rc=rc,
                     stdout=out.rstrip("\r\n"), stderr=err.rstrip("\r\n"), changed=True, shout=shout(out), version=VERSION)


if __name__ == '__main__':
    main()
