#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible.module_utils.six import iteritems


def twice(value):
    return int(value) * 2


def main():
    module = AnsibleModule(argument_spec=dict(
        s=dict(), i=dict(type='int'), f=dict(type='float'), b=dict(type='bool'), l=dict(type='list'),
        li=dict(type='list', elements='int'), d=dict(type='dict'), p=dict(type='path'), r=dict(type='raw'),
        j=dict(type='json'), size=dict(type='bytes'), bits=dict(type='bits'), named=dict(aliases=['called', 'known_as']),
        own=dict(type=twice), envy=dict(fallback=(env_fallback, ['NO_SUCH_VARIABLE', 'OURS_ENVY'])),
        gone=dict(fallback=(env_fallback, ['NO_SUCH_VARIABLE']), default='dflt'),
        sub=dict(type='dict', apply_defaults=True, options=dict(
            n=dict(type='int', default=5), deep=dict(type='list', elements='dict', options=dict(x=dict(type='bool'))))),
        choice=dict(choices=['yes', 'no', 'maybe']), number=dict(type='int', choices=[1, 2, 3]),
    ))
    module.exit_json(changed=False, params=module.params,
                     kinds=dict((k, type(v).__name__) for k, v in iteritems(module.params)))


if __name__ == '__main__':
    main()
