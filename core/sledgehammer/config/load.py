"""Reading `sledge.yaml` into a Project."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path

from sledgehammer.config.cache_section import CacheSection, OptionsSection, RemoteSection, S3Section
from sledgehammer.config.document import Scalar, Section, read_document, refusal
from sledgehammer.config.organisation import with_organisation
from sledgehammer.config.parse import Place, parse_record
from sledgehammer.config.project_file import VERSION, ImageSection, ProjectFile
from sledgehammer.errors import ConfigurationError, file_problem
from sledgehammer.operations import RemoteBuilder
from sledgehammer.ports import Provider
from sledgehammer.project import CacheSettings, Image, Project, S3Settings


def load_project(path: Path, *, providers: Mapping[str, Provider]) -> Project:
    """Read and check one `sledge.yaml`; the project's root is the folder that holds it.

    `providers` by name: each name is a legal top-level key, read into that provider's `settings_type`.
    Raises ConfigurationError that names file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no {path}", hint="write one; see examples/ for the shape") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {file_problem(error)}") from error
    return parse_project(text, file=str(path), root=path.absolute().parent, providers=providers)


def parse_project(text: str, *, file: str, root: Path, providers: Mapping[str, Provider]) -> Project:
    """The same from text; `file` is its name in errors. A file that it `extends` is read from below `root`."""
    document = with_organisation(read_document(text, file=file), root=root)
    _demand_version(document, file)
    written = parse_record(document, ProjectFile, place=Place(), other_keys=providers)
    sections: Mapping[str, object] = {
        name: parse_record(entry.value, providers[name].settings_type, place=Place(name))
        for name in providers
        if (entry := document.find(name)) is not None
    }
    images = written.images or (ImageSection(name=written.name),)
    return Project(
        name=written.name,
        images=tuple(_image(image) for image in images),
        root=root,
        cache=_cache(written.cache),
        docker_version=written.docker,
        default_branch=written.default_branch,
        providers=sections,
    )


def _image(section: ImageSection) -> Image:
    return Image(
        name=section.name,
        dockerfile=section.dockerfile,
        context=section.context,
        target=section.target,
        args=section.args,
    )


def _cache(section: CacheSection) -> CacheSettings:
    return CacheSettings(
        strategy=section.strategy.value,
        builder=section.builder,
        mode=section.mode,
        remote=_remote(section.remote) if section.remote is not None else None,
        s3=_s3(section.s3) if section.s3 is not None else None,
        options=tuple(_options(section.options)),
        export_timeout_s=section.export_timeout_s,
    )


def _remote(section: RemoteSection) -> RemoteBuilder:
    return RemoteBuilder(
        endpoint=section.endpoint,
        ca=section.ca,
        certificate=section.certificate,
        key=section.key,
        platform=section.platform,
    )


def _s3(section: S3Section) -> S3Settings:
    return S3Settings(
        bucket=section.bucket, region=section.region, prefix=section.prefix, endpoint_url=section.endpoint_url
    )


def _options(section: OptionsSection) -> Iterator[tuple[str, str]]:
    """Those that are set, by BuildKit's names."""
    for declared in fields(section):
        value = getattr(section, declared.name)
        if value is not None:
            text = value.value if isinstance(value, Enum) else str(value).lower()
            yield declared.name.replace("_", "-"), text


def _demand_version(document: Section, file: str) -> None:
    """The version decides what the other keys mean, so it is read before them."""
    entry = document.find("version")
    if entry is None:
        raise refusal(file, 1, 'the project lacks the key "version"', hint=f"start the file with version: {VERSION}")
    value = entry.value.value if isinstance(entry.value, Scalar) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and value != VERSION:
        raise refusal(
            file,
            entry.line,
            f"version {value} is not supported; this sledge reads version {VERSION}",
            hint=f"write version: {VERSION}, or install the sledgehammer that this file was written for",
        )
