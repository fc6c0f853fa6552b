"""The file of an organisation, which many a `sledge.yaml` extends.

    version: 1
    defaults: {…}   # keys of sledge.yaml; a project's own go before them
    policy: {…}     # keys of sledge.yaml that no project may set

Sections are merged key by key, everything else is replaced as a whole.
"""

from pathlib import Path

from sledgehammer.config.document import Entry, Node, Scalar, Section, read_document, refusal
from sledgehammer.errors import file_problem

KEYS = ("version", "defaults", "policy")


def with_organisation(document: Section, *, root: Path) -> Section:
    """The document with what its organisation says; as it is when it extends nothing.

    Raises ConfigurationError with the file and line of both where a project sets what is policy.
    """
    extends = document.find("extends")
    if extends is None:
        return document
    organisation = _read(extends, root)
    policy = _section(organisation, "policy")
    _refuse_overrides(document, policy, path="")
    said = _merged(_section(organisation, "defaults"), over=policy)
    return _merged(said, over=document)


def _read(extends: Entry, root: Path) -> Section:
    written = extends.value.value if isinstance(extends.value, Scalar) else None
    if not isinstance(written, str) or not written:
        raise refusal(extends.file, extends.line, "extends: expected the path of a file")
    path = root / written
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise refusal(extends.file, extends.line, f"extends: {path} cannot be read: {file_problem(error)}") from error
    organisation = read_document(text, file=str(path))
    version = organisation.find("version")
    if version is None or not isinstance(version.value, Scalar) or version.value.value != 1:
        raise refusal(str(path), version.line if version else 1, "expected version: 1")
    for entry in organisation.entries:
        if entry.key not in KEYS:
            raise refusal(str(path), entry.line, f'unknown key "{entry.key}"', hint=f"known keys: {', '.join(KEYS)}")
    return organisation


def _section(organisation: Section, key: str) -> Section:
    entry = organisation.find(key)
    if entry is None:
        return Section(file=organisation.file, line=organisation.line, entries=())
    if not isinstance(entry.value, Section):
        raise refusal(entry.file, entry.line, f"{key}: expected a section of `key: value` lines")
    for inner in entry.value.entries:
        if inner.key in ("version", "name", "extends"):
            raise refusal(inner.file, inner.line, f"{key}.{inner.key}: every project says this itself")
    return entry.value


def _merged(below: Section, *, over: Section) -> Section:
    """Both, key by key; the place in errors is that of `over`, so a key that is missing is missing there."""
    entries = {entry.key: entry for entry in below.entries}
    for entry in over.entries:
        other = entries.get(entry.key)
        if other is not None and isinstance(other.value, Section) and isinstance(entry.value, Section):
            value: Node = _merged(other.value, over=entry.value)
            entries[entry.key] = Entry(file=entry.file, line=entry.line, key=entry.key, value=value)
        else:
            entries[entry.key] = entry
    return Section(file=over.file, line=over.line, entries=tuple(entries.values()))


def _refuse_overrides(document: Section, policy: Section, *, path: str) -> None:
    for rule in policy.entries:
        own, name = document.find(rule.key), f"{path}{rule.key}"
        if own is None:
            continue
        if isinstance(rule.value, Section) and isinstance(own.value, Section):
            _refuse_overrides(own.value, rule.value, path=f"{name}.")
            continue
        raise refusal(
            own.file,
            own.line,
            f"{name} is policy of the organisation ({rule.file}:{rule.line}), so a project may not set it",
            hint="remove it here",
        )
