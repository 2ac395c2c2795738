#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec=dict(
        login=dict(),
        secret=dict(no_log=True),
        pin=dict(type='int', no_log=True),
        accounts=dict(type='list', elements='dict', options=dict(
            name=dict(required=True), key=dict(no_log=True))),
        passphrases=dict(type='list', elements='str', no_log=True),
        password=dict(),
    ))
    p = module.params
    module.exit_json(
        changed=True, whole=p['secret'], part='<%s>' % p['secret'], number=p['pin'], inside=['pin %s' % p['pin']],
        keys=[each['key'] for each in p['accounts'] or []], texts={'a': 'x%sy' % (p['accounts'] or [{'key': ''}])[0]['key']},
        listed=p['passphrases'], login=p['login'], plain=p['password'], msg='done with %s' % p['secret'])


main()
