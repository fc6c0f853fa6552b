"""Projects that are filled from another repository (Projects API, `import_url`): git fetches it in the background."""

import base64
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from sledgehammer.errors import SledgehammerError
from sledgehammer.process import Command
from sledgehammer_localstack.gitlab.answers import unprocessable
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.project_life import protect_branch
from sledgehammer_localstack.gitlab.records import Project
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.store import Store

TIMEOUT_S = 600.0
REFS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectImport:
    """How far it is: status `scheduled`, `started`, `finished` or `failed`, the last with git's words."""

    id: int
    project_id: int
    status: str
    error: str | None


def import_of(store: Store, project: Project) -> ProjectImport | None:
    """None for a project that was not imported."""
    return store.one(ProjectImport, "SELECT * FROM imports WHERE project_id = ?", project.id)


def demand_import_url(url: str) -> None:
    """422 for what GitLab cannot fetch; git's own protocol is not spoken here."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise unprocessable({"import_url": ["is blocked: Only allowed schemes are http, https"]})


def start_import(services: Services, project: Project, url: str) -> None:
    """Fill a new project; the caller does not wait for it."""
    row = services.store.insert("imports", project_id=project.id, status="scheduled", error=None)
    services.background.start(lambda: _import(services, project, url, row))


def _import(services: Services, project: Project, url: str, row: int) -> None:
    store = services.store
    store.update("imports", row, status="started")
    try:
        error = _fetch(services, project, url)
    except SledgehammerError as failed:
        error = failed.message
    store.update("imports", row, status="failed" if error else "finished", error=error or None)


def _fetch(services: Services, project: Project, url: str) -> str:
    """Bring branches and tags, and the name of the default branch; gives git's words where that fails."""
    repository = repository_of(services, project)
    address, environment = _without_password(url)
    asked = Command(argv=("git", "ls-remote", "--symref", address, "HEAD"), env=environment)
    found = services.processes.run(asked, timeout_s=TIMEOUT_S)
    if found.exit_code == 0:
        argv = ("git", "--git-dir", str(repository.path), "fetch", "--quiet", address, *REFS)
        found_all = services.processes.run(Command(argv=argv, env=environment), timeout_s=TIMEOUT_S)
        if found_all.exit_code == 0:
            _take_default_branch(services, project, found.text)
            return ""
        found = found_all
    return f"Error importing repository {address}: {found.stderr.decode(errors='replace').strip()}"


def _take_default_branch(services: Services, project: Project, symref: str) -> None:
    """`ref: refs/heads/NAME\\tHEAD`, the first line of what git lists; an empty repository has none."""
    name = symref.partition("\t")[0].removeprefix("ref: refs/heads/")
    if repository_of(services, project).branch_sha(name) is None:
        return
    with services.store.transaction():
        services.store.update("projects", project.id, default_branch=name)
        protect_branch(services.store, project.id, name)
    repository_of(services, project).git_checked("symbolic-ref", "HEAD", f"refs/heads/{name}")


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """The address, and the credentials in it as environment of git, for arguments can be read by every user."""
    parts = urlsplit(url)
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "LC_ALL": "C"}
    if parts.username is None:
        return address, quiet
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    header = f"Authorization: Basic {base64.b64encode(login.encode()).decode()}"
    setting = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader", "GIT_CONFIG_VALUE_0": header}
    return address, {**quiet, **setting}
