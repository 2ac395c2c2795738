"""Links in a folder that is sent: followed or kept; those that lead nowhere, or in a circle, are always kept."""

from __future__ import annotations

from pathlib import Path

from asyncrun.actions.upload import tree_plan


def test_links(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "sub").mkdir(parents=True)
    (top / "sub/f").write_text("x")
    for name, target in (("nowhere", "nope"), ("itself", "itself"), ("sub/up", ".."), ("other", "sub")):
        (top / name).symlink_to(target)
    followed = tree_plan(top, None, keep_mode=False, follow=True)
    assert followed.folders == ("other", "sub")
    assert [piece.name for piece in followed.pieces] == ["other/f", "sub/f"]
    assert followed.links == (("itself", "itself"), ("nowhere", "nope"), ("other/up", ".."), ("sub/up", ".."))
    kept = tree_plan(top, None, keep_mode=False, follow=False)
    assert kept.folders == ("sub",)
    assert kept.links == (("itself", "itself"), ("nowhere", "nope"), ("other", "sub"), ("sub/up", ".."))
