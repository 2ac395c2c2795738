#!/usr/bin/python


def main():
    module = AnsibleModule(argument_spec=dict(name=dict(default='nobody')))
    module.exit_json(changed=False, msg='hello %s' % module.params['name'])


#<<INCLUDE_ANSIBLE_MODULE_COMMON>>
main()
