"""An action plugin as people have them: it says who is greeted, without a module."""

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Greets."""

    def run(self, tmp=None, task_vars=None):
        """Say it."""
        result = super().run(tmp, task_vars)
        result["msg"] = "hello " + self._task.args.get("name", "")
        return result
