#!/usr/bin/python
import sys
import os

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
import traceback


def main():
    module = AnsibleModule(argument_spec=dict(how=dict(required=True)))
    how = module.params['how']
    if how == 'fail':
        module.fail_json(msg='it failed', extra=[1, 2], changed=True)
    if how == 'positional':
        module.fail_json('in one word')
    if how == 'exception':
        try:
            raise ValueError('deep')
        except ValueError as error:
            module.fail_json(msg='caught: %s' % error, exception=traceback.format_exc())
    if how == 'crash':
        raise RuntimeError('boom')
    if how == 'silent':
        sys.exit(0)
    if how == 'code':
        sys.exit(3)
    if how == 'skipped':
        module.exit_json(skipped=True, msg='not today')
    if how == 'failed in exit':
        module.exit_json(failed=True, msg='still failed')
    if how == 'noise':
        print('some noise')
        os.system('echo noise of a child')
        module.exit_json(changed=True, msg='through the noise')
    if how == 'library':
        module.fail_json(msg=missing_required_lib('nosuchlib')[:52])
    if how == 'swallowed':
        try:
            module.exit_json(changed=False, msg='first')
        except Exception:
            module.fail_json(msg='never')
    if how == 'thread':
        import threading
        import time
        out = []
        thread = threading.Thread(target=lambda: (time.sleep(0.05), out.append(1), module.exit_json(changed=False)))
        thread.start()
        thread.join()
        module.exit_json(changed=True, msg='joined', out=out)


main()
