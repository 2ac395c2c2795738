#!/usr/bin/python
# A module about a file: attributes, atomic move, diff, check mode, backup.

from ansible.module_utils.basic import AnsibleModule
import os
import tempfile


def main():
    module = AnsibleModule(
        argument_spec=dict(
            path=dict(type='path', required=True, aliases=['dest']),
            line=dict(required=True),
            backup=dict(type='bool', default=False),
            create=dict(type='bool', default=True),
        ),
        add_file_common_args=True,
        supports_check_mode=True,
    )
    path = module.params['path']
    before = ''
    if os.path.exists(path):
        with open(path) as source:
            before = source.read()
    elif not module.params['create']:
        module.fail_json(rc=257, msg='Destination %s does not exist !' % os.path.basename(path))
    after = before if module.params['line'] in before.splitlines() else before + module.params['line'] + '\n'
    changed = before != after
    diff = {'before': before, 'after': after}
    backed = ''
    if changed and not module.check_mode:
        if module.params['backup']:
            backed = module.backup_local(path)
        handle, temporary = tempfile.mkstemp(dir=module.tmpdir)
        with os.fdopen(handle, 'w') as target:
            target.write(after)
        module.atomic_move(temporary, path)
    file_args = module.load_file_common_arguments(module.params)
    attributes = {}
    changed = module.set_fs_attributes_if_different(file_args, changed, diff=attributes)
    module.exit_json(changed=changed, path=path, diff=[diff, attributes], backed=bool(backed), modes=sorted(attributes.get('after', {}).items()),
                     sha1=module.sha1(path), left=os.path.exists(module.tmpdir))


if __name__ == '__main__':
    main()
