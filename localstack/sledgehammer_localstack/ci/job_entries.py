"""One job of the CI file as written: every keyword read and checked, rules and needs not yet decided."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sledgehammer_localstack.ci.containers import parse_image, parse_services
from sledgehammer_localstack.ci.durations import duration_s
from sledgehammer_localstack.ci.errors import CiConfigError, Problems
from sledgehammer_localstack.ci.model import Artifacts, Cache, Environment, IdToken, Image, Retry, Service, Variable
from sledgehammer_localstack.ci.needs import NeedEntry, parse_needs
from sledgehammer_localstack.ci.parallel import Instance, parse_parallel
from sledgehammer_localstack.ci.reading import (
    as_bool,
    as_int,
    as_mapping,
    as_record,
    as_script,
    as_text,
    as_text_or_texts,
    as_texts,
    as_word,
    check_keys,
)
from sledgehammer_localstack.ci.rules import JOB_RULE_KEYS, Rule, parse_rules, parse_when
from sledgehammer_localstack.ci.stored_files import parse_artifacts, parse_caches
from sledgehammer_localstack.ci.tree import Mapping, Tree
from sledgehammer_localstack.ci.variable_entries import parse_variables

DEFAULT_KEYS = (
    "after_script", "artifacts", "before_script", "cache", "image", "interruptible", "retry", "services", "tags",
    "timeout",
)  # fmt: skip
REFUSED_DEFAULT_KEYS = ("hooks", "id_tokens", "identity")
JOB_KEYS = (
    *DEFAULT_KEYS, "allow_failure", "coverage", "dependencies", "environment", "extends", "id_tokens", "inherit",
    "needs", "parallel", "rules", "script", "stage", "variables", "when",
)  # fmt: skip
REFUSED_JOB_KEYS = (
    "hooks", "identity", "dast_configuration", "except", "inputs", "manual_confirmation", "only", "pages", "publish",
    "release", "resource_group", "run", "secrets", "start_in", "trigger",
)  # fmt: skip
FAILURE_REASONS = (
    "always", "unknown_failure", "script_failure", "api_failure", "stuck_or_timeout_failure",
    "runner_system_failure", "runner_unsupported", "stale_schedule", "job_execution_timeout", "archived_failure",
    "unmet_prerequisites", "scheduler_failure", "data_integrity_failure",
)  # fmt: skip
MAX_RETRIES = 2

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDraft:
    """A job as written, defaults applied. None: not said. `inherited_variables`: True for all global variables,
    False for none, else the names of those that reach the job."""

    name: str
    stage: str
    script: tuple[str, ...]
    before_script: tuple[str, ...] = ()
    after_script: tuple[str, ...] = ()
    image: Image | None = None
    services: tuple[Service, ...] = ()
    variables: tuple[Variable, ...] = ()
    inherited_variables: bool | tuple[str, ...] = True
    rules: tuple[Rule, ...] | None = None
    when: str | None = None
    allow_failure: bool | None = None
    allow_failure_exit_codes: tuple[int, ...] = ()
    needs: tuple[NeedEntry, ...] | None = None
    dependencies: tuple[str, ...] | None = None
    artifacts: Artifacts | None = None
    caches: tuple[Cache, ...] = ()
    retry: Retry = field(default_factory=Retry)
    timeout_s: int | None = None
    tags: tuple[str, ...] = ()
    interruptible: bool = False
    environment: Environment | None = None
    coverage: str | None = None
    id_tokens: tuple[IdToken, ...] = ()
    instances: tuple[Instance, ...] = ()


def parse_job(name: str, value: Mapping, defaults: Mapping, *, read_file: Callable[[str], str | None]) -> JobDraft:
    """Read one job. `defaults` are the raw entries of `default`. Raises CiConfigError with every mistake."""
    return _JobReader(name, value, defaults, read_file, where=f"jobs:{name}").draft()


def check_defaults(defaults: Mapping, *, read_file: Callable[[str], str | None]) -> None:
    """Raise CiConfigError with every mistake in `default`, whether or not a job takes the value."""
    _JobReader("default", {"script": "true"}, defaults, read_file, where="default").draft()


class _JobReader:
    """Reads keyword by keyword and gathers what is wrong, so that lint shows all of it."""

    def __init__(
        self,
        name: str,
        value: Mapping,
        defaults: Mapping,
        read_file: Callable[[str], str | None],
        *,
        where: str,
    ) -> None:
        self._name = name
        self._where = where
        self._read_file = read_file
        self._problems = Problems()
        own = {key: below for key, below in value.items() if below is not None}
        with self._problems.gathering():
            said = {key: below for key, below in value.items() if key in own or key not in REFUSED_JOB_KEYS}
            check_keys(said, self._where, known=JOB_KEYS, refused=REFUSED_JOB_KEYS)
        self._inherit: Mapping = {}
        with self._problems.gathering():
            self._inherit = as_record(own.get("inherit", {}), f"{self._where}:inherit", known=("default", "variables"))
        self._entry: Mapping = {**self._inherited(defaults), **own}

    def draft(self) -> JobDraft:
        nothing: tuple[str, ...] = ()
        script = self._read("script", as_script, nothing)
        if not script and not {"script", "run", "trigger"} & self._entry.keys():
            self._problems.note(f"{self._where} config should implement the script:, run:, or trigger: keyword")
        not_said: tuple[bool | None, tuple[int, ...]] = (None, ())
        allow_failure, exit_codes = self._read("allow_failure", _allow_failure, not_said)
        draft = JobDraft(
            name=self._name,
            stage=self._read("stage", as_text, "test"),
            script=script,
            before_script=self._read("before_script", as_script, ()),
            after_script=self._read("after_script", as_script, ()),
            image=self._read("image", parse_image, None),
            services=self._read("services", parse_services, ()),
            variables=self._read("variables", _variables, ()),
            inherited_variables=self._inherited_variables(),
            rules=self._read("rules", _rules, None),
            when=self._read("when", parse_when, None),
            allow_failure=allow_failure,
            allow_failure_exit_codes=exit_codes,
            needs=self._read("needs", parse_needs, None),
            dependencies=self._read("dependencies", as_texts, None),
            artifacts=self._read("artifacts", parse_artifacts, None),
            caches=self._read("cache", self._caches, ()),
            retry=self._read("retry", _retry, Retry()),
            timeout_s=self._read("timeout", _timeout, None),
            tags=self._read("tags", as_texts, ()),
            interruptible=self._read("interruptible", as_bool, False),
            environment=self._read("environment", _environment, None),
            coverage=self._read("coverage", _coverage, None),
            id_tokens=self._read("id_tokens", _id_tokens, ()),
            instances=self._read("parallel", parse_parallel, ()),
        )
        self._problems.raise_any()
        return draft

    def _read(self, key: str, reader: Callable[[Tree, str], T], absent: T) -> T:
        if key in self._entry:
            with self._problems.gathering():
                return reader(self._entry[key], f"{self._where}:{key}")
        return absent

    def _inherited(self, defaults: Mapping) -> Mapping:
        wanted = self._inherit.get("default", True)
        with self._problems.gathering():
            if isinstance(wanted, bool):
                return dict(defaults) if wanted else {}
            where = f"{self._where}:inherit:default"
            names = as_texts(wanted, where)
            check_keys(dict.fromkeys(names), where, known=DEFAULT_KEYS, refused=REFUSED_DEFAULT_KEYS)
            return {key: value for key, value in defaults.items() if key in names}
        return {}

    def _inherited_variables(self) -> bool | tuple[str, ...]:
        wanted = self._inherit.get("variables", True)
        with self._problems.gathering():
            return wanted if isinstance(wanted, bool) else as_texts(wanted, f"{self._where}:inherit:variables")
        return True

    def _caches(self, value: Tree, where: str) -> tuple[Cache, ...]:
        return parse_caches(value, where, read_file=self._read_file)


def _variables(value: Tree, where: str) -> tuple[Variable, ...]:
    return parse_variables(as_mapping(value, where), where)


def _rules(value: Tree, where: str) -> tuple[Rule, ...] | None:
    return parse_rules(value, where, known=JOB_RULE_KEYS)


def _timeout(value: Tree, where: str) -> int | None:
    return duration_s(as_text(value, where), where)


def _allow_failure(value: Tree, where: str) -> tuple[bool | None, tuple[int, ...]]:
    if isinstance(value, bool):
        return value, ()
    entry = as_record(value, where, known=("exit_codes",))
    return False, _exit_codes(entry.get("exit_codes", []), f"{where}:exit_codes")


def _exit_codes(value: Tree, where: str) -> tuple[int, ...]:
    codes = value if isinstance(value, list) else [value]
    return tuple(as_int(code, where, at_least=0, at_most=255) for code in codes)


def _retry(value: Tree, where: str) -> Retry:
    if not isinstance(value, dict):
        return Retry(max=as_int(value, where, at_least=0, at_most=MAX_RETRIES))
    entry = as_record(value, where, known=("max", "when", "exit_codes"))
    listed = entry.get("when", [] if "exit_codes" in entry else ["always"])
    return Retry(
        max=as_int(entry.get("max", 0), f"{where}:max", at_least=0, at_most=MAX_RETRIES),
        when=tuple(
            as_word(reason, f"{where}:when", among=FAILURE_REASONS)
            for reason in (listed if isinstance(listed, list) else [listed])
        ),
        exit_codes=_exit_codes(entry.get("exit_codes", []), f"{where}:exit_codes"),
    )


def _environment(value: Tree, where: str) -> Environment | None:
    if isinstance(value, str):
        return Environment(name=value)
    refused = ("action", "auto_stop_in", "deployment_tier", "kubernetes", "on_stop")
    entry = as_record(value, where, known=("name", "url"), refused=refused)
    if "name" not in entry:
        raise CiConfigError(f"{where} name can't be blank")
    url = as_text(entry["url"], f"{where}:url") if "url" in entry else None
    return Environment(name=as_text(entry["name"], f"{where}:name"), url=url)


def _id_tokens(value: Tree, where: str) -> tuple[IdToken, ...]:
    found = []
    for variable, below in as_mapping(value, where).items():
        entry = as_record(below, f"{where}:{variable}", known=("aud",))
        if "aud" not in entry:
            raise CiConfigError(f"{where}:{variable} config missing required keys: aud")
        found.append(
            IdToken(variable=str(variable), audiences=as_text_or_texts(entry["aud"], f"{where}:{variable}:aud"))
        )
    return tuple(found)


def _coverage(value: Tree, where: str) -> str | None:
    pattern = as_text(value, where)
    if len(pattern) < 3 or not (pattern.startswith("/") and pattern.endswith("/")):
        raise CiConfigError(f"{where} config must be a regular expression, such as /\\d+%/")
    return pattern[1:-1]
