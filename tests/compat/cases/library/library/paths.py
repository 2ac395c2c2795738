#!/usr/bin/python
# Attributes one by one, and what a result tells of its path.
import os
from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec=dict(path=dict(type='path', required=True), mode=dict(type='raw')), supports_check_mode=True)
    path = module.params['path']
    if not os.path.exists(path):
        with open(path, 'w') as target:
            target.write('text\n')
    os.chmod(path, 0o600)
    changed = module.set_mode_if_different(path, module.params['mode'], False)
    again = module.set_mode_if_different(path, module.params['mode'], False)
    owner = module.set_owner_if_different(path, str(os.getuid()), False)
    group = module.set_group_if_different(path, str(os.getgid()), False)
    module.add_cleanup_file(path + '.gone')
    open(path + '.gone', 'w').close()
    kept = os.path.join(module.tmpdir, 'x')
    open(kept, 'w').close()
    module.exit_json(changed=changed, again=again, owner_changed=owner, group_changed=group, path=path, md5=module.md5(path), sha256=module.sha256(path),
                     none=module.sha1(path + '.no'), me=module.user_and_group(path) == (os.getuid(), os.getgid()),
                     digest=module.digest_from_file(path, 'sha512')[:8])


main()
