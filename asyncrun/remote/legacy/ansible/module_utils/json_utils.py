"""Stands in for `ansible.module_utils.json_utils`: the JSON among other lines."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Tuple


def _filter_non_json_lines(data: str, objects_only: bool = False) -> "Tuple[str, List[Any]]":
    """The lines from the first that begins with a brace (or bracket) to the last that ends with one; and warnings."""
    opening, closing = ("{",), ("}",)
    if not objects_only:
        opening, closing = ("{", "["), ("}", "]")  # type: ignore[assignment]
    lines = data.splitlines()
    starts = [number for number, line in enumerate(lines) if line.strip().startswith(opening)]
    ends = [number for number, line in enumerate(lines) if line.strip().endswith(closing)]
    if not starts or not ends or ends[-1] < starts[0]:
        raise ValueError("No start of json char found")
    junk = lines[ends[-1] + 1:]
    notes = ["Module invocation had junk after the JSON data: %s" % "\n".join(junk).strip()] if junk else []
    return "\n".join(lines[starts[0]:ends[-1] + 1]), notes
