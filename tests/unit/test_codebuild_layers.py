"""Whose Docker layers a host keeps, and who gets them."""

from sledgehammer.process import Command, Completed
from sledgehammer_localstack.aws.codebuild.layer_volumes import LayerVolumes
from sledgehammer_localstack.containers import ContainerEngine


class FakeVolumes:
    """The volumes of an engine, by the commands that make, list and remove them."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def run(self, command: Command, *, timeout_s: float | None = None) -> Completed:
        verb, name = command.argv[2], command.argv[-1]
        if verb == "create" and name not in self.names:
            self.names.append(name)
        if verb == "rm":
            self.names.remove(name)
        return Completed(exit_code=0, stdout="\n".join(self.names).encode(), stderr=b"")

    def stream(self, command: Command, *, on_line: object) -> int:
        raise AssertionError("nothing is streamed here")


def layers(volumes: FakeVolumes) -> LayerVolumes:
    return LayerVolumes(ContainerEngine("unix:///run/test.sock", runner=volumes), stack="dev")


KEPT = ("dev-codebuild-web-docker:/var/lib/docker", "dev-codebuild-web-containerd:/var/lib/containerd")


def test_one_build_at_a_time_has_a_projects_layers() -> None:
    """A second one gets none, another project its own; the next one after the first gets them again."""
    lent = layers(FakeVolumes())
    assert lent.lend("web") == KEPT
    assert lent.lend("web") == ()
    assert len(lent.lend("shop")) == 2
    lent.give_back("web")
    assert lent.lend("web") == KEPT


def test_forgotten_layers_go_when_no_build_has_them_any_more() -> None:
    """An invalidated cache stays with the build that runs on it, and ends with it."""
    volumes = FakeVolumes()
    lent = layers(volumes)
    lent.lend("web")
    lent.forget("web")
    assert len(volumes.names) == 2
    lent.give_back("web")
    assert volumes.names == []
    lent.lend("web")
    lent.give_back("web")
    assert len(volumes.names) == 2
    lent.forget("web")
    assert volumes.names == []


def test_a_stacks_layers_are_swept_whole() -> None:
    """Nothing stays of the projects of an endpoint that is gone."""
    volumes = FakeVolumes()
    lent = layers(volumes)
    for project in ("web", "shop"):
        lent.lend(project)
        lent.give_back(project)
    lent.sweep()
    assert volumes.names == []
