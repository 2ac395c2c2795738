"""What is shipped to a target: stdlib only, Python 3.6 and newer, imports nothing from outside this folder."""
