#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec=dict(
        name=dict(), old=dict(removed_in_version='9.9', removed_from_collection='ours.own'),
        thing=dict(aliases=['thingy'], deprecated_aliases=[dict(name='thingy', version='8.8', collection_name='ours.own')])),
        supports_check_mode=True)
    module.warn('careful, %s' % module.params['name'])
    module.warn('careful, %s' % module.params['name'])
    module.deprecate('this goes away', version='7.7', collection_name='ours.own')
    module.log('to the log')
    module.debug('to the log too')
    module.exit_json(changed=False, thing=module.params['thing'])


main()
