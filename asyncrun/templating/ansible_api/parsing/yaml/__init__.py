"""ansible.parsing.yaml: YAML values."""
