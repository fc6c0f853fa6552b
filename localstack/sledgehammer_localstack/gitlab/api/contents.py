"""Reading repositories: tree, files, blobs, comparisons (Repositories and Repository files APIs)."""

import base64
import hashlib

from sledgehammer_localstack.gitlab import present_projects
from sledgehammer_localstack.gitlab.access import REPORTER, find_project, project_level, refusal
from sledgehammer_localstack.gitlab.answers import Reply, not_found, text
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.git.repository import Repository, TreeEntry
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.records import Project
from sledgehammer_localstack.gitlab.routing import Route, reads

COMPARE_LIMIT = 250  # commits in one comparison


def readable(call: Call) -> Project:
    """The project of the path if its repository may be read: guests of a private project may not."""
    project = find_project(call.store, call.caller, call.path["id"])
    if project.visibility == "private" and project_level(call.store, call.caller, project) < REPORTER:
        raise refusal(call.caller)
    return project


def revision_or_404(repository: Repository, ref: str, *, what: str) -> str:
    """The commit of a ref."""
    sha = repository.resolve(ref)
    if sha is None:
        raise not_found(what)
    return sha


def tree(call: Call) -> Reply:
    """What lies in a directory at a ref."""
    project = readable(call)
    repository = repository_of(call.services, project)
    sha = revision_or_404(repository, call.params.text("ref") or project.default_branch, what="Tree")
    path = call.params.text("path") or ""
    entries = repository.tree(sha, path, is_recursive=bool(call.params.flag("recursive")))
    if path and not entries:
        raise not_found("invalid revision or path")
    entries.sort(key=lambda entry: (entry.kind != "tree", entry.path))
    return paged(call, entries, present_projects.tree_entry)


def _found_file(call: Call, ref: str) -> tuple[dict[str, str | int | bool], bytes]:
    """The facts and the content of the path's file at a ref."""
    project = readable(call)
    repository = repository_of(call.services, project)
    sha = revision_or_404(repository, project.default_branch if ref in ("", "HEAD") else ref, what="Commit")
    entry = repository.entry(sha, call.path["file_path"])
    if entry is None or entry.kind != "blob":
        raise not_found("File")
    content = repository.git_checked("cat-file", "blob", entry.sha).stdout
    return _facts(repository, ref or project.default_branch, sha, entry, content), content


def file(call: Call) -> Reply:
    """A file with its content in base64; HEAD gives the same facts as headers."""
    facts, content = _found_file(call, call.params.required("ref"))
    return Reply(payload={**facts, "content": base64.b64encode(content).decode()}, headers=_headers(facts))


def raw_file(call: Call) -> Reply:
    """A file's bytes; the ref is the default branch unless given."""
    facts, content = _found_file(call, call.params.text("ref") or "")
    return text(content, headers=_headers(facts))


def _headers(facts: dict[str, str | int | bool]) -> dict[str, str]:
    shown = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in facts.items()}
    return {f"X-Gitlab-{name.replace('_', '-').title()}": value for name, value in shown.items()}


def _facts(repository: Repository, ref: str, sha: str, entry: TreeEntry, content: bytes) -> dict[str, str | int | bool]:
    return {
        "file_name": entry.path.rsplit("/", 1)[-1],
        "file_path": entry.path,
        "size": len(content),
        "encoding": "base64",
        "content_sha256": hashlib.sha256(content).hexdigest(),
        "ref": ref,
        "blob_id": entry.sha,
        "commit_id": sha,
        "last_commit_id": repository.commits(sha, path=entry.path, limit=1)[0].sha,
        "execute_filemode": entry.mode == "100755",
    }


def raw_blob(call: Call) -> Reply:
    """A blob's bytes by its SHA."""
    project = readable(call)
    found = repository_of(call.services, project).git("cat-file", "blob", call.path["sha"])
    if found.exit_code != 0:
        raise not_found("Blob")
    return text(found.stdout)


def compare(call: Call) -> Reply:
    """What `to` has that `from` has not: from their merge base on, or straight."""
    project = readable(call)
    repository = repository_of(call.services, project)
    start = revision_or_404(repository, call.params.required("from"), what="Ref")
    end = revision_or_404(repository, call.params.required("to"), what="Ref")
    commits = repository.commits(f"{start}..{end}", limit=COMPARE_LIMIT)
    commits.reverse()
    base = start
    if not call.params.flag("straight"):
        merge_base = repository.git("merge-base", start, end)
        base = merge_base.text if merge_base.exit_code == 0 else start
    shown = [present_projects.commit(call.services, project, one) for one in commits]
    return Reply(
        payload={
            "commit": shown[-1] if shown else None,
            "commits": shown,
            "diffs": [present_projects.diff(change) for change in repository.diff(base, end)],
            "compare_timeout": False,
            "compare_same_ref": start == end,
            "web_url": f"{call.services.url}/{project.full_path}/-/compare/{start}...{end}",
        }
    )


_R = "/api/v4/projects/{id}/repository"
ROUTES: tuple[Route, ...] = (
    reads(f"{_R}/tree", tree, scopes=("read_repository",)),
    reads(f"{_R}/blobs/{{sha}}/raw", raw_blob, scopes=("read_repository",)),
    reads(f"{_R}/compare", compare, scopes=("read_repository",)),
    reads(f"{_R}/files/{{file_path}}/raw", raw_file, scopes=("read_repository",)),
    reads(f"{_R}/files/{{file_path}}", file, scopes=("read_repository",)),
)
