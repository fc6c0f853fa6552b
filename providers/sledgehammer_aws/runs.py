"""Builds: started for one commit, followed by status and log, stopped."""

from dataclasses import dataclass
from urllib.parse import quote
from uuid import uuid4

from sledgehammer.checkout import Checkout
from sledgehammer.errors import ConflictError, NotFoundError
from sledgehammer.operations import NO_SKIP_VARIABLE
from sledgehammer.outcome import Outcome, Run
from sledgehammer.polling import Clock, poll_until
from sledgehammer.ports import OnLog
from sledgehammer.report import parse_report
from sledgehammer_aws.account import Names
from sledgehammer_aws.build_log import BuildLog
from sledgehammer_aws.build_outcome import BuildState, build_state, failure_class, reason_of, status_of
from sledgehammer_aws.client import START_POLICY, Calls, Clients
from sledgehammer_aws.console import console_page
from sledgehammer_aws.destination import BRANCH_VARIABLE, COMMIT_VARIABLE, branch_slug
from sledgehammer_aws.settings import Settings
from sledgehammer_aws.single_reader import SingleReader
from sledgehammer_aws.states import StoredSource

INTERVAL_S = 2.0
LONGEST_INTERVAL_S = 10.0

TAIL_INTERVAL_S = 1.0
TAIL_DEADLINE_S = 300.0
"""The last lines of a build may arrive after its end."""

QUIET_READS = 2
"""So many empty reads after the end of a build mean that its log has ended too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsRuns:
    """Builds of one project and checkout."""

    clients: Clients
    calls: Calls
    clock: Clock
    names: Names
    settings: Settings
    checkout: Checkout

    def trigger(self, *, rebuild: bool) -> Run:
        """Start a build of exactly the archive that holds the checkout's commit. The idempotency token makes a
        repeated StartBuild the same build for five minutes, longer than it is repeated."""
        codebuild, token, version = self.clients.codebuild, uuid4().hex, self._source_version()
        variables = {COMMIT_VARIABLE: self.checkout.commit, BRANCH_VARIABLE: branch_slug(self.checkout.branch)}
        if rebuild:
            variables[NO_SKIP_VARIABLE] = "true"
        started = self.calls.send(
            f"codebuild:StartBuild {self.names.project}",
            lambda: codebuild.start_build(
                projectName=self.names.project,
                sourceVersion=version,
                idempotencyToken=token,
                environmentVariablesOverride=[
                    {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
                ],
            ),
            policy=START_POLICY,
        )
        build_id = started["build"].get("id", "")
        return Run(provider="aws", id=build_id, url=self._url(build_id), commit=self.checkout.commit)

    def follow(self, run: Run, *, on_log: OnLog) -> Outcome:
        """Status and log in turn until the build has ended, then the log until it is quiet."""
        log, lines = BuildLog(self.clients, self.calls, on_log=on_log), list[str]()

        def read() -> BuildState:
            state = self._read(run)
            lines.extend(log.read_new(state.log_group, state.log_stream))
            return state

        state = poll_until(
            read,
            what=f"build {run.id}",
            is_final=lambda state: state.is_complete,
            interval_s=INTERVAL_S,
            deadline_s=self.settings.wait_minutes * 60.0,
            clock=self.clock,
            longest_interval_s=LONGEST_INTERVAL_S,
        )
        if state.log_stream:
            self._read_tail(state, log, lines)
        return Outcome(
            run=run,
            status=status_of(state),
            failure=failure_class(state),
            reason=reason_of(state),
            duration_s=state.duration_s,
            images=parse_report(lines),
        )

    def cancel(self, run: Run) -> None:
        """Stop the build unless it has ended."""
        if self._read(run).is_complete:
            return
        codebuild = self.clients.codebuild
        self.calls.send(f"codebuild:StopBuild {run.id}", lambda: codebuild.stop_build(id=run.id))

    def check_source(self) -> None:
        """Raise ConflictError where a build of the checkout's commit could not be started."""
        self._source_version()

    def _source_version(self) -> str:
        """A commit that GitLab holds, which CodeBuild finds out, or the version of the archive."""
        return self.checkout.commit if self.settings.source is not None else self._stored_source().version

    def _stored_source(self) -> StoredSource:
        """The archive of the checkout's commit. Raises ConflictError when another one is stored, or none."""
        names, commit = self.names, self.checkout.commit
        reader = SingleReader(clients=self.clients, calls=self.calls, account=names.account)
        stored = reader.source(names.bucket, names.source_key)
        where, hint = f"s3://{names.bucket}/{names.source_key}", "run: sledge apply -p aws"
        if stored is None:
            raise ConflictError(f"{where} does not exist, so there is no source to build", hint=hint)
        if stored.commit != commit:
            held = stored.commit[:12] or "an unknown commit"
            raise ConflictError(f"{where} holds {held}, this checkout is at {commit[:12]}", hint=hint)
        if not stored.version:
            raise ConflictError(f"{where} has no version, so a build cannot be tied to it", hint=hint)
        return stored

    def _read(self, run: Run) -> BuildState:
        codebuild = self.clients.codebuild
        found = self.calls.send(f"codebuild:BatchGetBuilds {run.id}", lambda: codebuild.batch_get_builds(ids=[run.id]))
        if not found["builds"]:
            raise NotFoundError(f"CodeBuild knows no build {run.id}", hint="builds are kept for one year")
        return build_state(found["builds"][0])

    def _read_tail(self, state: BuildState, log: BuildLog, lines: list[str]) -> None:
        quiet_reads = 0

        def read() -> int:
            nonlocal quiet_reads
            new = log.read_new(state.log_group, state.log_stream)
            lines.extend(new)
            quiet_reads = 0 if new else quiet_reads + 1
            return quiet_reads

        poll_until(
            read,
            what=f"the log of build {state.id}",
            is_final=lambda quiet: quiet >= QUIET_READS,
            interval_s=TAIL_INTERVAL_S,
            deadline_s=TAIL_DEADLINE_S,
            clock=self.clock,
        )

    def _url(self, build_id: str) -> str:
        """The build in the console; behind an endpoint of its own there is none, and its ARN must do."""
        account = self.names.account
        path = f"codesuite/codebuild/{account.id}/projects/{self.names.project}/build/{quote(build_id)}/"
        return console_page(self.clients, account, path) or account.arn("codebuild", f"build/{build_id}")
