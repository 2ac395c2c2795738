#!/usr/bin/python3
# WANT_JSON
import json
import sys

with open(sys.argv[1]) as file:
    given = json.load(file)
print(json.dumps({"changed": False, "said": {k: given[k] for k in sorted(given) if k in ("one", "two")}}))
