import os


def generate_cmd(cluster, name):
    cmd = ['echo', '--cluster', cluster]
    cmd.extend([name])
    return cmd


def exec_command(module, cmd, stdin=None):
    binary_data = False
    if stdin:
        binary_data = True
    rc, out, err = module.run_command(cmd, data=stdin, binary_data=binary_data)
    return rc, cmd, out, err
