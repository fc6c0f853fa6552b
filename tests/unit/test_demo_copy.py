"""What the demo makes of an example before it is built."""

from pathlib import Path

import pytest

from sledgehammer.config import load_project
from sledgehammer.project import Project
from sledgehammer.providers import load_providers
from sledgehammer_aws.settings import Settings as AwsSettings
from sledgehammer_gitlab.settings import Settings as GitLabSettings

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("example", ["rust-rocket", "node-web"])
def test_a_demo_can_be_run_again(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the branch on GitLab nor the repositories on ECR of an earlier demo are used by a later one."""
    monkeypatch.syspath_prepend(EXAMPLES)
    import demo

    def copied(owner: str) -> Project:
        demo.copy_example(example, tmp_path / owner, owner=owner)
        return load_project(tmp_path / owner / "sledge.yaml", providers=load_providers())

    first, second = copied("demo-1").providers, copied("demo-2").providers

    assert isinstance(first["gitlab"], GitLabSettings)
    assert isinstance(second["gitlab"], GitLabSettings)
    assert (first["gitlab"].project, second["gitlab"].project) == (f"demo-1/{example}", f"demo-2/{example}")
    assert isinstance(first["aws"], AwsSettings)
    assert isinstance(second["aws"], AwsSettings)
    assert (first["aws"].repository, second["aws"].repository) == (f"demo-1/{example}", f"demo-2/{example}")
