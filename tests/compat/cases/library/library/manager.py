#!/usr/bin/python
# -*- coding: utf-8 -*-

DOCUMENTATION = """
---
module: manager
short_description: A class that drives a command, and the import at the end, as many modules have it
"""

EXAMPLES = """
- manager: name=web state=latest
"""


class Manager(object):

    def __init__(self, module):
        self.module = module
        self.base = [module.get_bin_path('echo', True)]
        self.base.append('--level=' + str(module.params.get('log_level')))
        self.force = module.params.get('force')

    def _execute(self, words):
        rc, out, err = self.module.run_command(self.base + words)
        if rc != 0:
            self.module.fail_json(msg='error running command (rc=%d): %s' % (rc, out or err))
        return out.splitlines()

    def make(self):
        words = ['make', self.module.params['name']]
        if self.force:
            words.append('--force')
        return self._execute(words)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(),
            force=dict(default=False, type='bool'),
            log_level=dict(default=0, type='int'),
            state=dict(default='present', choices=['present', 'absent', 'latest']),
        )
    )
    manager = Manager(module)
    if module.params.get('state') == 'absent':
        module.exit_json(changed=False, msg='nothing to do')
    result = manager.make()
    module.exit_json(changed=bool(result), msg='success: %s' % (' '.join(result)))


from ansible.module_utils.basic import *  # noqa
if __name__ == '__main__':
    main()
