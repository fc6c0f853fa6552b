"""Many projects on one provider: what `--all` of the command line does. What goes wrong with one project is told beside
the others, which go on."""

import logging
import os
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from sledgehammer.changes import Change, ChangeSet
from sledgehammer.errors import ConfigurationError, NotFoundError, SledgehammerError, UnreachableError
from sledgehammer.ports import BulkPlanner, Connection, PlanOrError, Provider
from sledgehammer.process import ProcessRunner
from sledgehammer.providers import find_provider, load_providers
from sledgehammer.session import CONFIG_FILE, Session, open_by_facts, open_session

T = TypeVar("T")

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Projects that are opened, planned or applied side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedProject:
    """What an apply would change in the project of a folder, or why that is not known. `session` is None where it could
    not be opened."""

    folder: Path
    session: Session | None
    outcome: PlanOrError


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedProject:
    """What was changed in the project of a folder: all of a plan, or what was `made` before an error."""

    folder: Path
    made: tuple[Change, ...]
    outcome: PlanOrError


def find_projects(root: Path) -> Sequence[Path]:
    """The folders with a sledge.yaml from `root` down, by path. Hidden folders are not entered, nor links. Raises
    NotFoundError where there is none."""
    found = []
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        if CONFIG_FILE in files:
            found.append(Path(folder))
    if not found:
        raise NotFoundError(f"there is no {CONFIG_FILE} in {root} or below", hint="name a folder that holds projects")
    return sorted(found)


def plan_all(
    folders: Iterable[Path],
    provider: str,
    *,
    variables: Mapping[str, str] | None = None,
    processes: ProcessRunner | None = None,
) -> Sequence[PlannedProject]:
    """A plan for each, in their order, read together where the provider can. The arguments are `open_session`'s.

    Raises ConfigurationError for an unknown provider; what else goes wrong is the project's own outcome, but that a
    provider which gives no answer is not waited for anew by each.
    """
    chosen, places = find_provider(provider, load_providers()), list(folders)
    environment = os.environ if variables is None else variables
    opened: list[Session | SledgehammerError] = []
    silence: list[UnreachableError] = []

    def open_one(folder: Path) -> Session | SledgehammerError:
        way = open_by_facts if silence else open_session
        found = attempt(lambda: way(folder, provider, variables=environment, processes=processes))
        if isinstance(found, UnreachableError):
            silence.append(found)
        is_answered = isinstance(found, SledgehammerError) and not isinstance(found, UnreachableError)
        return silence[0] if silence and not is_answered else found

    with workers() as openers:

        def connections() -> Iterator[Connection]:
            for one in openers.map(open_one, places):
                opened.append(one)
                if isinstance(one, Session):
                    yield one.connection

        plans = iter(_plan_together(chosen, connections(), environment))
    return _without_twins(
        [
            PlannedProject(folder=folder, session=one, outcome=next(plans))
            if isinstance(one, Session)
            else PlannedProject(folder=folder, session=None, outcome=one)
            for folder, one in zip(places, opened, strict=True)
        ],
        chosen,
    )


def apply_all(
    planned: Iterable[PlannedProject], *, on_applied: Callable[[AppliedProject], None] = lambda applied: None
) -> Sequence[AppliedProject]:
    """Apply what has something to do: each makes the changes of a fresh plan of its own. `on_applied` is called as each
    is done, after Ctrl-C too, which begins no more; they are given in the order of the plans, those without a plan or
    without changes as they were planned."""
    done: dict[Path, AppliedProject] = {}
    everything = list(planned)
    running: set[Future[AppliedProject]] = set()

    def tell(future: Future[AppliedProject]) -> None:
        running.remove(future)
        applied = done[future.result().folder] = future.result()
        on_applied(applied)

    try:
        with workers() as pool:
            for one in everything:
                if one.session is not None and isinstance(one.outcome, ChangeSet) and one.outcome.pending:
                    running.add(pool.submit(_apply, one.folder, one.session))
                else:
                    done[one.folder] = AppliedProject(folder=one.folder, made=(), outcome=one.outcome)
            for future in as_completed(list(running)):
                tell(future)
    finally:
        for future in [future for future in running if not future.cancelled()]:
            tell(future)
    return [done[one.folder] for one in everything]


def _without_twins(planned: Sequence[PlannedProject], provider: Provider) -> Sequence[PlannedProject]:
    """Folders that are one project on the provider undo each other's work each time: all of them are refused."""
    if not isinstance(provider, BulkPlanner):
        return planned
    folders: dict[str, list[Path]] = defaultdict(list)
    for one in planned:
        if one.session is not None:
            folders[provider.place(one.session.connection)].append(one.folder)
    refusals = {
        folder: ConfigurationError(
            f"{', '.join(map(str, twins[:-1]))} and {twins[-1]} are all {place}", hint="give each folder its own"
        )
        for place, twins in folders.items()
        if len(twins) > 1
        for folder in twins
    }
    return [
        replace(one, session=None, outcome=refusals[one.folder]) if one.folder in refusals else one for one in planned
    ]


def _plan_together(
    provider: Provider, connections: Iterable[Connection], variables: Mapping[str, str]
) -> Sequence[PlanOrError]:
    if isinstance(provider, BulkPlanner):
        return provider.plan_in_bulk(connections, variables)
    with workers() as planners:
        return list(planners.map(lambda one: attempt(one.plan), connections))


def _apply(folder: Path, session: Session) -> AppliedProject:
    made: list[Change] = []
    outcome = attempt(lambda: session.apply(on_change=made.append))
    return AppliedProject(folder=folder, made=tuple(made), outcome=outcome)


def attempt(call: Callable[[], T]) -> T | SledgehammerError:
    """A bug that one project meets is no reason to leave the others. It is told without its words, which may hold
    anything: they are in the log of --verbose."""
    try:
        return call()
    except SledgehammerError as error:
        return error
    except Exception as error:
        log.debug("unexpected", exc_info=error)
        at = traceback.extract_tb(error.__traceback__)[-1]
        return SledgehammerError(
            f"unexpected {type(error).__name__} in {Path(at.filename).name}:{at.lineno}",
            hint="this is a bug; run it for this project alone with --verbose and tell us",
        )


@contextmanager
def workers(at_once: int = AT_ONCE) -> Iterator[ThreadPoolExecutor]:
    """Threads; Ctrl-C waits for what they have begun, and nothing else is begun."""
    pool = ThreadPoolExecutor(at_once)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
