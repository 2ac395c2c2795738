#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec=dict(
            state=dict(choices=['present', 'absent', 'special'], default='present'),
            name=dict(), id=dict(type='int'), user=dict(), password_file=dict(type='path'), size=dict(type='int'),
            unit=dict(choices=['k', 'M']), tags=dict(type='list', elements='str', choices=['a', 'b', 'c']),
            disk=dict(type='dict', options=dict(size=dict(type='int', required=True), kind=dict(choices=['ssd', 'hdd']))),
        ),
        mutually_exclusive=[['name', 'id']],
        required_together=[['user', 'password_file']],
        required_one_of=[['name', 'id']],
        required_if=[('state', 'special', ('user',)), ('state', 'absent', ('size', 'unit'), True)],
        required_by={'size': ['unit']},
    )
    module.exit_json(changed=False, params=module.params)


main()
