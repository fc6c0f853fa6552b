"""The first rows of a new server: the administrator with the stack's token, and the instance runner."""

from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.identity import digest
from sledgehammer_localstack.gitlab.people import add_access_token, create_user
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.store import Store

ROOT_SCOPES = ("api", "read_registry", "write_registry", "write_repository", "sudo", "admin_mode")


def prepare_state(services: Services) -> None:
    """Make what is missing; a second start changes nothing."""
    store, settings = services.store, services.settings
    services.repositories_dir.mkdir(parents=True, exist_ok=True)
    with store.transaction():
        if not store.count("SELECT count(*) FROM users"):
            create_user(store, username="root", name="Administrator", email="admin@example.com", is_admin=True)
        root_token = settings.root_token.reveal()
        if not store.count("SELECT count(*) FROM access_tokens WHERE digest = ?", digest(root_token)):
            root_id = store.count("SELECT id FROM users WHERE username = 'root'")
            add_access_token(
                store, user_id=root_id, text=root_token, name="local stack", scopes=ROOT_SCOPES, expires_at=None
            )
        if not store.count("SELECT count(*) FROM runners WHERE digest = ?", digest(settings.runner_token.reveal())):
            add_runner(store, text=settings.runner_token.reveal(), description="local stack")


def add_runner(
    store: Store,
    *,
    text: str,
    description: str,
    runner_type: str = "instance_type",
    project_id: int | None = None,
    namespace_id: int | None = None,
    tag_list: tuple[str, ...] = (),
    run_untagged: bool = True,
    paused: bool = False,
    locked: bool = False,
    maximum_timeout: int | None = None,
) -> int:
    """Keep the digest of a runner's authentication token; gives the runner's id."""
    return store.insert(
        "runners",
        digest=digest(text),
        description=description,
        runner_type=runner_type,
        project_id=project_id,
        namespace_id=namespace_id,
        tag_list=tag_list,
        run_untagged=run_untagged,
        paused=paused,
        locked=locked,
        maximum_timeout=maximum_timeout,
        created_at=timestamps.now(),
        version="",
        revision="",
        platform="",
        architecture="",
    )
