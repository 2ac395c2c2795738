"""ansible.module_utils.common.text: texts and bytes."""
