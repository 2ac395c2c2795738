#!/usr/bin/python
from ansible.module_utils.basic import *

def main():
    module = AnsibleModule(argument_spec = dict(), supports_check_mode=True)
    pattern = re.compile('o.')
    module.exit_json(changed=False, ansible_facts={'ours': {'found': pattern.findall('foo boo'), 'sep': os.sep, 'dumped': json.dumps([1])}})

main()
