from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sledgehammer.checkout import read_checkout
from sledgehammer.errors import ConflictError
from sledgehammer.plan import BuildPlan
from sledgehammer.process import Command, Completed, LocalProcessRunner, run_checked
from sledgehammer.project import Project
from sledgehammer.retry import RetryPolicy
from sledgehammer.secret import Secret
from sledgehammer.testing import FakeClock
from sledgehammer_gitlab.credentials import Access, TokenKind
from sledgehammer_gitlab.git_remote import GitRemote
from sledgehammer_gitlab.local_git import LocalGit
from sledgehammer_gitlab.mirror import Comparison, Mirror
from sledgehammer_gitlab.render import render_ci_text
from sledgehammer_gitlab.settings import Settings

SETTINGS = Settings(project="team/web")
PROCESSES = LocalProcessRunner()
IDENTITY = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"))
}


def ci_text(timeout_minutes: int = 60) -> str:
    project = Project(name="web", images=(), root=Path("/nowhere"))
    settings = Settings(project="team/web", timeout_minutes=timeout_minutes)
    return render_ci_text(project, settings, BuildPlan(operations=()))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A checkout and a bare repository that stands for GitLab's."""

    work: Path
    bare: Path

    def git(self, *argv: str, folder: Path | None = None) -> str:
        command = Command(argv=("git", *argv), cwd=folder or self.work, env=IDENTITY)
        return run_checked(PROCESSES, command).text

    def commit(self, name: str, content: str = "x") -> str:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        self.git("add", ".")
        self.git("commit", "-q", "-m", f"change {name}")
        return self.git("rev-parse", "HEAD")

    def tip(self) -> str:
        done = PROCESSES.run(Command(argv=("git", "rev-parse", "-q", "--verify", "main"), cwd=self.bare))
        return done.text

    def files(self) -> list[str]:
        return self.git("ls-tree", "-r", "--name-only", "main", folder=self.bare).split("\n")

    def mirror(self, folder: str = "", *, text: str | None = None) -> Mirror:
        checkout = read_checkout(self.work / folder, runner=PROCESSES)
        remote = GitRemote(
            Access(url=self.bare.parent.parent.as_uri(), token=Secret("t"), kind=TokenKind.PRIVATE),
            "team/web",
            folder=checkout.root,
            processes=PROCESSES,
            clock=FakeClock(),
            policy=RetryPolicy(attempts=2),
        )
        return Mirror(
            checkout,
            ci_text=text or ci_text(),
            path="team/web",
            branch="main",
            local=LocalGit(checkout, processes=PROCESSES),
            remote=remote,
        )

    def send(self, folder: str = "", *, text: str | None = None) -> Comparison:
        """Compare and push once, as an apply does."""
        mirror = self.mirror(folder, text=text)
        comparison = mirror.compare(self.tip())
        if not comparison.is_same:
            mirror.send(comparison)
        return comparison


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(work=tmp_path / "work", bare=tmp_path / "team" / "web.git")
    made.work.mkdir()
    made.bare.mkdir(parents=True)
    made.git("init", "-q", "-b", "main")
    made.git("init", "-q", "--bare", "-b", "main", folder=made.bare)
    made.git("config", "receive.advertisePushOptions", "true", folder=made.bare)
    made.commit("Dockerfile", "FROM scratch\n")
    return made


def test_gitlab_mirror_sends_files_history_and_the_ci_file(world: World) -> None:
    """An empty project gets the checkout's history and, on top of it, the CI file."""
    head = world.git("rev-parse", "HEAD")
    world.send()
    assert world.files() == [".gitlab-ci.yml", "Dockerfile"]
    assert world.git("show", "main:.gitlab-ci.yml", folder=world.bare) + "\n" == ci_text()
    assert world.git("rev-parse", "main^", folder=world.bare) == head


def test_gitlab_mirror_leaves_the_checkout_as_it_was(world: World) -> None:
    """Neither refs, index nor work tree of the user's checkout change."""
    before = world.git("for-each-ref"), world.git("status", "--porcelain"), world.git("rev-parse", "HEAD")
    world.send()
    assert (world.git("for-each-ref"), world.git("status", "--porcelain"), world.git("rev-parse", "HEAD")) == before
    assert not (world.work / ".git" / "FETCH_HEAD").exists()


def test_gitlab_mirror_has_nothing_to_send_twice(world: World) -> None:
    """The second comparison finds everything in place, from another clone of the checkout as well."""
    world.send()
    tip = world.tip()
    assert world.send().is_same
    clone = World(work=world.work.parent / "clone", bare=world.bare)
    world.git("clone", "-q", str(world.work), str(clone.work))
    assert clone.send().is_same
    assert world.tip() == tip


def test_gitlab_mirror_follows_new_commits(world: World) -> None:
    """The branch moves forward to the new content and contains both its old tip and the new commit."""
    world.send()
    old = world.tip()
    new = world.commit("main.rs")
    comparison = world.send()
    assert (comparison.is_content_same, comparison.is_ci_file_same) == (False, True)
    assert world.files() == [".gitlab-ci.yml", "Dockerfile", "main.rs"]
    assert world.git("rev-parse", "main^1", "main^2", folder=world.bare).split() == [old, new]


def test_gitlab_mirror_replaces_only_a_changed_ci_file(world: World) -> None:
    """Another CI file alone is one commit on top of the branch."""
    world.send()
    old = world.tip()
    comparison = world.send(text=ci_text(15))
    assert (comparison.is_content_same, comparison.is_ci_file_same) == (True, False)
    assert world.git("rev-parse", "main^", folder=world.bare) == old
    assert "15 minutes" in world.git("show", "main:.gitlab-ci.yml", folder=world.bare)


def test_gitlab_mirror_pushes_the_users_own_commit_when_it_holds_the_ci_file(world: World) -> None:
    """Who commits the rendered file gets the very same commit on GitLab."""
    head = world.commit(".gitlab-ci.yml", ci_text())
    world.send()
    assert world.tip() == head


def test_gitlab_mirror_goes_on_after_a_pull(world: World) -> None:
    """After a pull from GitLab the checkout's own commits are pushed as they are."""
    world.send()
    world.git("pull", "-q", "--ff-only", str(world.bare), "main")
    head = world.commit("main.rs")
    world.send()
    assert world.tip() == head


def _foreign_commit(world: World) -> None:
    other = world.bare.parent / "other"
    world.git("clone", "-q", str(world.bare), str(other))
    (other / "hotfix").write_text("x")
    world.git("add", ".", folder=other)
    world.git("commit", "-q", "-m", "urgent hotfix", folder=other)
    world.git("push", "-q", "origin", "main", folder=other)


def _newer_mirror(world: World) -> None:
    world.commit("colleague.txt")
    world.send()
    world.git("reset", "-q", "--hard", "HEAD^")


@pytest.mark.parametrize(("meddle", "told"), [(_foreign_commit, "urgent hotfix"), (_newer_mirror, "colleague.txt")])
def test_gitlab_mirror_never_overwrites_commits_that_the_checkout_lacks(
    world: World, meddle: Callable[[World], None], told: str
) -> None:
    """Somebody's commit on GitLab, and a colleague's newer state, are named in a conflict and stay."""
    world.send()
    meddle(world)
    tip = world.tip()
    world.commit("mine.txt")
    with pytest.raises(ConflictError, match=f"commits that this checkout lacks: .*{told}"):
        world.send()
    assert world.tip() == tip


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("build: {script: make}\n", 'a job "build" of its own'),
        (ci_text().replace("60 minutes", "9 minutes"), "changed by hand"),
    ],
)
def test_gitlab_mirror_keeps_its_hands_off_a_persons_ci_file(world: World, content: str, told: str) -> None:
    """A CI file with a job of our job's name, or one that was edited, is a conflict before anything is sent."""
    world.commit(".gitlab-ci.yml", content)
    with pytest.raises(ConflictError, match=told):
        world.send()
    assert world.tip() == ""


def test_gitlab_mirror_adds_our_job_to_a_persons_ci_file(world: World) -> None:
    """GitLab gets both, the checkout stays as it was, and after a pull nothing is to do."""
    theirs = "# ours since 2019\ntest:\n    script: [make]  # all of it\n"
    world.commit(".gitlab-ci.yml", theirs)
    world.send()
    sent = world.git("show", "main:.gitlab-ci.yml", folder=world.bare)
    assert sent.startswith(theirs)
    assert "\nbuild:\n" in sent
    assert (world.work / ".gitlab-ci.yml").read_text() == theirs
    assert world.send().is_same
    world.git("pull", "-q", "--ff-only", str(world.bare), "main")
    assert world.send().is_same
    world.send(text=ci_text(15))
    changed = world.git("show", "main:.gitlab-ci.yml", folder=world.bare)
    assert changed.startswith(theirs)
    assert (changed.count("\nbuild:\n"), "15 minutes" in changed) == (1, True)


def test_gitlab_mirror_of_a_folder_sends_that_folder_alone(world: World) -> None:
    """A project in a folder of a larger repository becomes the root of GitLab's, without the others' history."""
    world.commit("services/web/Dockerfile", "FROM scratch\n")
    world.send("services/web")
    assert world.files() == [".gitlab-ci.yml", "Dockerfile"]
    world.commit("services/web/main.rs")
    world.send("services/web")
    assert world.files() == [".gitlab-ci.yml", "Dockerfile", "main.rs"]
    assert world.git("rev-list", "--count", "main", folder=world.bare) == "2"


def test_gitlab_mirror_of_a_folder_does_not_replace_the_whole_repositorys(world: World) -> None:
    """Two projects that name the same GitLab project by mistake do not overwrite each other."""
    world.commit("services/web/Dockerfile", "FROM scratch\n")
    world.send()
    with pytest.raises(ConflictError, match="choose another project"):
        world.send("services/web")


def test_gitlab_mirror_makes_the_same_commit_again(world: World) -> None:
    """A push whose answer was lost is repeated with the very same commit, so it moves nothing twice."""
    mirror = world.mirror()
    comparison = mirror.compare("")
    mirror.send(comparison)
    tip = world.tip()
    mirror.send(comparison)
    assert world.tip() == tip


class RecordingRunner:
    """Runs commands for real and keeps what other users of the machine could see of them."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def run(self, command: Command, *, timeout_s: float | None = None) -> Completed:
        self.seen.append(f"{command.display()} {command!r}")
        return PROCESSES.run(command, timeout_s=timeout_s)

    def stream(self, command: Command, *, on_line: Callable[[str], None]) -> int:
        raise AssertionError("git is not streamed")


def test_gitlab_token_reaches_git_by_its_environment_only(world: World) -> None:
    """No argument, log line or error of a push carries the token."""
    runner = RecordingRunner()
    access = Access(url=world.bare.parent.parent.as_uri(), token=Secret("glpat-x"), kind=TokenKind.PRIVATE)
    remote = GitRemote(
        access,
        "team/absent",
        folder=world.work,
        processes=runner,
        clock=FakeClock(),
        policy=RetryPolicy(attempts=1),
    )
    with pytest.raises(Exception, match=r"git push of team/absent") as caught:
        remote.push("HEAD", "main")
    assert "glpat-x" not in "".join(runner.seen) + str(caught.value)
    assert "Authorization" not in "".join(runner.seen)


@pytest.mark.parametrize("folder", ["", "part"])
def test_a_branch_came_from_here_while_all_of_it_is_kept_or_mirrored(world: World, folder: str) -> None:
    """Of the whole repository and of a folder; a commit that no branch of the checkout has any more is others'."""
    world.commit("part/Dockerfile")
    mirror = world.mirror(folder)
    mirror.send(mirror.compare(""))
    world.commit("part/more")
    mirror = world.mirror(folder)
    mirror.send(mirror.compare(world.tip()))
    assert mirror.came_from_here(world.tip(), "main", message="")
    world.git("reset", "-q", "--hard", "HEAD~1")
    assert not world.mirror(folder).came_from_here(world.tip(), "main", message="")
