#!/usr/bin/python
import os
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.process import get_bin_path


def main():
    module = AnsibleModule(argument_spec=dict(fails=dict(type='bool', default=False), missing=dict(type='bool', default=False)))
    if module.params['fails']:
        module.run_command(['sh', '-c', 'echo out; echo err >&2; exit 4'], check_rc=True)
    if module.params['missing']:
        module.get_bin_path('no-such-command-here', required=True)
    os.environ['OURS'] = 'mine'
    r = {}
    r['list'] = module.run_command(['echo', 'a b', '$OURS', '~'], expand_user_and_vars=False)
    r['vars'] = module.run_command(['echo', '$OURS'])
    r['text'] = module.run_command("echo 'a b'  c")
    r['shell'] = module.run_command('echo $OURS | tr a-z A-Z', use_unsafe_shell=True)
    r['data'] = module.run_command(['cat'], data='x')
    r['binary'] = module.run_command(['wc', '-c'], data=b'\x00x', binary_data=True)
    r['cwd'] = module.run_command(['pwd'], cwd='/')
    r['env'] = module.run_command(['sh', '-c', 'echo $OURS $MORE'], environ_update={'MORE': 'more'})
    module.run_command_environ_update = {'MORE': 'always'}
    r['update'] = module.run_command('sh -c "echo $MORE; exit 3"', expand_user_and_vars=False)
    r['umask'] = module.run_command('umask', use_unsafe_shell=True, umask=0o27)
    r['bytes'] = [type(each).__name__ for each in module.run_command(['echo', 'x'], encoding=None)]
    r['latin'] = module.run_command(['printf', r'\344'], encoding='latin-1')
    r['prefix'] = module.run_command(['sh', '-c', 'echo ${PATH%%:*}'], path_prefix='/ours', expand_user_and_vars=False)
    try:
        module.run_command(['/no/such/command'], handle_exceptions=False)
    except OSError as error:
        r['raised'] = error.errno
    r['bin'] = os.path.basename(get_bin_path('sh'))
    r['none'] = module.get_bin_path('no-such-command-here')
    module.exit_json(changed=False, **r)


main()
