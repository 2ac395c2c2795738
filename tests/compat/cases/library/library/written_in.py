#!/usr/bin/python3
import json

json_arguments = """<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""
args = json.loads(json_arguments)
print(json.dumps({'changed': True, 'name': args['name'], 'check': args['_ansible_check_mode']}))
