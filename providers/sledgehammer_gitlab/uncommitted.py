"""Who sends a checkout is told of what is not committed in it: once, however many of its folders are projects."""

import logging
from pathlib import Path
from threading import Lock

from sledgehammer.checkout import Checkout, is_dirty
from sledgehammer.process import ProcessRunner

log = logging.getLogger(__name__)

_told: set[tuple[Path, str]] = set()
_telling = Lock()


def warn_of_uncommitted_files(checkout: Checkout, *, processes: ProcessRunner) -> None:
    """In a line of the log, for each repository and commit."""
    if not is_dirty(checkout, runner=processes):
        return
    repository = _repository(checkout)
    with _telling:
        if (repository, checkout.commit) in _told:
            return
        _told.add((repository, checkout.commit))
    log.warning(
        "%s has uncommitted changes, which are not sent: GitLab gets commit %s", repository, checkout.commit[:12]
    )


def _repository(checkout: Checkout) -> Path:
    """The work tree's root."""
    depth = len(Path(checkout.prefix).parts)
    folder = checkout.root.resolve()
    return (folder, *folder.parents)[depth]
