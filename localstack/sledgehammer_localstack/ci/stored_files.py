"""`artifacts:` and `cache:`: the files that outlive a job."""

import hashlib
from collections.abc import Callable

from sledgehammer_localstack.ci.durations import duration_s
from sledgehammer_localstack.ci.errors import CiConfigError, Problems
from sledgehammer_localstack.ci.model import Artifacts, Cache, Report
from sledgehammer_localstack.ci.reading import (
    as_bool,
    as_record,
    as_text,
    as_text_or_texts,
    as_texts,
    as_word,
)
from sledgehammer_localstack.ci.tree import Tree

REPORT_KINDS = {  # kind: name of the stored file and its format, as GitLab's Enums::Ci::JobArtifact has them
    "dotenv": (".env", "gzip"),
    "junit": ("junit.xml", "gzip"),
    "metrics": ("metrics.txt", "gzip"),
    "annotations": ("gl-annotations.json", "gzip"),
    "codequality": ("gl-code-quality-report.json", "raw"),
}
_REFUSED_REPORTS = (
    "accessibility", "api_fuzzing", "browser_performance", "container_scanning", "coverage_fuzzing",
    "coverage_report", "cyclonedx", "dast", "dependency_scanning", "license_management", "license_scanning",
    "load_performance", "lsif", "performance", "requirements", "repository_xray", "sast", "sbom",
    "secret_detection", "terraform", "cluster_image_scanning",
)  # fmt: skip
_ARTIFACT_KEYS = ("paths", "exclude", "untracked", "name", "when", "expire_in", "reports")
_CACHE_KEYS = ("key", "paths", "untracked", "policy", "when", "fallback_keys", "unprotect")
_WHENS = ("on_success", "on_failure", "always")
_POLICIES = ("pull-push", "push", "pull")
MAX_CACHES = 4
MAX_FALLBACK_KEYS = 5
MAX_KEY_FILES = 10


def parse_artifacts(value: Tree, where: str) -> Artifacts:
    """Artifacts of one job. Raises CiConfigError."""
    entry = as_record(value, where, known=_ARTIFACT_KEYS, refused=("public", "access", "expose_as"))
    expire_in = as_text(entry["expire_in"], f"{where}:expire_in") if "expire_in" in entry else None
    if expire_in is not None and expire_in != "never":
        duration_s(expire_in, f"{where}:expire_in")
    return Artifacts(
        paths=as_texts(entry.get("paths", []), f"{where}:paths"),
        exclude=as_texts(entry.get("exclude", []), f"{where}:exclude"),
        untracked=as_bool(entry.get("untracked", False), f"{where}:untracked"),
        name=as_text(entry["name"], f"{where}:name") if "name" in entry else None,
        when=as_word(entry.get("when", "on_success"), f"{where}:when", among=_WHENS),
        expire_in=expire_in,
        reports=_reports(entry.get("reports", {}), f"{where}:reports"),
    )


def _reports(value: Tree, where: str) -> tuple[Report, ...]:
    entry = as_record(value, where, known=tuple(REPORT_KINDS), refused=_REFUSED_REPORTS)
    return tuple(Report(kind=kind, paths=as_text_or_texts(paths, f"{where}:{kind}")) for kind, paths in entry.items())


def parse_caches(value: Tree, where: str, *, read_file: Callable[[str], str | None]) -> tuple[Cache, ...]:
    """One cache or a list of them; `read_file` serves `key:files`. Raises CiConfigError with every mistake."""
    entries = value if isinstance(value, list) else [value]
    if len(entries) > MAX_CACHES:
        raise CiConfigError(f"{where} config no more than {MAX_CACHES} caches can be created")
    problems = Problems()
    caches: list[Cache] = []
    for entry in entries:
        with problems.gathering():
            if entry:
                caches.append(_cache(entry, where, read_file))
    problems.raise_any()
    return tuple(caches)


def _cache(value: Tree, where: str, read_file: Callable[[str], str | None]) -> Cache:
    entry = as_record(value, where, known=_CACHE_KEYS)
    policy = as_text(entry.get("policy", "pull-push"), f"{where}:policy")
    if not policy.startswith("$"):
        as_word(policy, f"{where}:policy", among=_POLICIES)
    fallback_keys = as_texts(entry.get("fallback_keys", []), f"{where}:fallback_keys")
    if len(fallback_keys) > MAX_FALLBACK_KEYS:
        raise CiConfigError(f"{where}:fallback_keys config has too many entries (maximum {MAX_FALLBACK_KEYS})")
    return Cache(
        key=_cache_key(entry.get("key", "default"), f"{where}:key", read_file),
        paths=as_texts(entry.get("paths", []), f"{where}:paths"),
        untracked=as_bool(entry.get("untracked", False), f"{where}:untracked"),
        policy=policy,
        when=as_word(entry.get("when", "on_success"), f"{where}:when", among=_WHENS),
        fallback_keys=fallback_keys,
        protectable=not as_bool(entry.get("unprotect", False), f"{where}:unprotect"),
    )


def _cache_key(value: Tree, where: str, read_file: Callable[[str], str | None]) -> str:
    if not isinstance(value, dict):
        key = as_text(value, where)
        if "/" in key or not key.strip("."):
            raise CiConfigError(f'{where} cannot contain the "/" character, and cannot be only dots')
        return key
    entry = as_record(value, where, known=("files", "prefix"), refused=("files_commits",))
    files = as_texts(entry.get("files", []), f"{where}:files")
    if not 1 <= len(files) <= MAX_KEY_FILES:
        raise CiConfigError(f"{where}:files config requires at least 1 item and at most {MAX_KEY_FILES}")
    contents = [(path, text) for path in files if (text := read_file(path)) is not None]
    digest = hashlib.sha256("".join(f"{path}\0{text}\0" for path, text in contents).encode()).hexdigest()
    prefix = f"{as_text(entry['prefix'], f'{where}:prefix')}-" if "prefix" in entry else ""
    return prefix + (digest if contents else "default")
