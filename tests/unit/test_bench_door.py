"""`./dev bench NAME`, behind `dev`."""

from pathlib import Path

import pytest

import bench


def test_an_unknown_benchmark_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """Asking for help succeeds, a typing error does not."""
    assert bench.main(["cahce"]) == 2
    assert "cache" in capsys.readouterr().err
    assert bench.main([]) == 0
    assert "cache" in capsys.readouterr().out


def test_a_place_for_the_json_that_is_not_there_is_told_before_anything_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And not after an hour."""
    assert bench.main(["cache", "--json", str(tmp_path / "no" / "cache.json")]) == 2
    assert "there is no such folder" in capsys.readouterr().err
