"""Values that are found out when first asked."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import cast

from sledgehammer.asked_once import asked_once
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.mirror import Comparison, Mirror
from sledgehammer_gitlab.objects.content import MirrorPush
from sledgehammer_gitlab.reading import ProjectReader


@dataclass
class Question:
    asked: list[str] = field(default_factory=list)

    @asked_once
    def answer(self) -> int:
        """Of everything."""
        self.asked.append("anew")
        return 42


def test_a_value_is_found_out_once_for_each_object() -> None:
    """Another object asks for itself."""
    first, second = Question(), Question()
    assert (first.answer, first.answer, second.answer) == (42, 42, 42)
    assert (first.asked, second.asked) == (["anew"], ["anew"])


class Tips:
    def tip(self, branch: str) -> str:
        return branch


@dataclass
class MeetingMirror:
    """Compares only while another project is compared too."""

    meeting: Barrier

    def compare(self, tip: str) -> Comparison:
        self.meeting.wait()
        return cast(Comparison, tip)


def test_branches_of_several_projects_are_compared_at_the_same_time() -> None:
    """Each takes a request; one after the other, a hundred projects would wait for a hundred of them."""
    meeting = Barrier(2, timeout=5)
    pushes = [
        MirrorPush(
            api=cast(Api, None),
            reader=cast(ProjectReader, Tips()),
            branch=branch,
            mirror=cast(Mirror, MeetingMirror(meeting)),
        )
        for branch in ("main", "next")
    ]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda push: push.comparison, pushes)) == ["main", "next"]
