"""sledge.yaml as a whole: what it gives, and what it says when something in it is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import cast

import jsonschema
import pytest
from ruamel.yaml import YAML

from sledgehammer.config import load_project, parse_project, project_schema
from sledgehammer.config.fields import described
from sledgehammer.errors import ConfigurationError
from sledgehammer.ports import Provider
from sledgehammer.project import CacheSettings, Image, Project


class Size(Enum):
    """How large."""

    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A value."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FromEnv:
    """A variable."""

    from_env: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSettings:
    """Settings that use every kind of field."""

    group: str = field(metadata=described("Where it lives", pattern=r"[a-z]+/[a-z]+", expects="group/name"))
    size: Size = field(default=Size.SMALL, metadata=described("How large"))
    minutes: int = field(default=60, metadata=described("Limit", minimum=5, maximum=480))
    share: float = field(default=0.5, metadata=described("Share"))
    is_public: bool = field(default=False, metadata=described("Open to all", key="public"))
    tags: tuple[str, ...] = field(default=(), metadata=described("Tags", pattern="[a-z]+", maximum=2))
    region: str | None = field(default=None, metadata=described("Region"))
    variables: Mapping[str, str | Plain | FromEnv] = field(
        default_factory=dict, metadata=described("Variables", key_pattern="[A-Z]+", key_expects="capitals")
    )

    def __post_init__(self) -> None:
        if self.size is Size.LARGE and self.minutes < 10:
            raise ConfigurationError("a large one wants 10 minutes or more", hint="raise minutes")


class Cloud:
    """As much of a provider as the loader needs."""

    name = "cloud"
    settings_type = CloudSettings


PROVIDERS = cast(Mapping[str, Provider], {"cloud": Cloud()})
ROOT = Path("/repository")
HEAD = "version: 1\nname: rust-rocket\n"


def parse(text: str) -> Project:
    return parse_project(text, file="sledge.yaml", root=ROOT, providers=PROVIDERS)


def refuse(text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return caught.value


def test_the_shortest_file_gives_one_image_and_the_projects_own_defaults() -> None:
    """Two lines are a whole project; the defaults of the file are those of the records."""
    assert parse(HEAD) == Project(name="rust-rocket", images=(Image(name="rust-rocket"),), root=ROOT)


def test_every_key_reaches_the_project() -> None:
    """A file that sets everything is read into typed records, provider sections included."""
    project = parse(
        """
version: 1
name: rust-rocket
docker: "26.1"
default_branch: trunk
images:
  - name: web
    dockerfile: docker/Dockerfile
    context: web
    target: package
    args: {PROFILE: release}
  - name: worker
cache: {strategy: none}
cloud:
  group: team/web
  size: large
  minutes: 12.0
  share: 1
  public: true
  tags: [fast, big]
  region: ~
  variables:
    A: text
    B: {value: text}
    C: {from_env: HOME}
"""
    )
    assert project == Project(
        name="rust-rocket",
        images=(
            Image(
                name="web",
                dockerfile="docker/Dockerfile",
                context="web",
                target="package",
                args={"PROFILE": "release"},
            ),
            Image(name="worker"),
        ),
        root=ROOT,
        cache=CacheSettings(strategy="none"),
        docker_version="26.1",
        default_branch="trunk",
        providers={
            "cloud": CloudSettings(
                group="team/web",
                size=Size.LARGE,
                minutes=12,
                share=1.0,
                is_public=True,
                tags=("fast", "big"),
                variables={"A": "text", "B": Plain(value="text"), "C": FromEnv(from_env="HOME")},
            )
        },
    )


def test_a_file_is_read_with_its_folder_as_root(tmp_path: Path) -> None:
    """Paths in the file are relative to the folder that holds it."""
    path = tmp_path / "sledge.yaml"
    path.write_text(HEAD)
    assert load_project(path, providers={}).root == tmp_path


def test_options_of_a_cache_have_buildkits_own_names() -> None:
    """As a registry's preflight prints them; what is not set is not there."""
    project = parse(HEAD + "cache: {options: {image-manifest: true, compression: gzip, compression-level: 3}}\n")

    assert project.cache == CacheSettings(
        options=(("image-manifest", "true"), ("compression", "gzip"), ("compression-level", "3"))
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error says which file is not there."""
    with pytest.raises(ConfigurationError, match=r"there is no .*sledge\.yaml"):
        load_project(tmp_path / "sledge.yaml", providers={})


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are a configuration error, not a traceback."""
    path = tmp_path / "sledge.yaml"
    path.write_bytes(b"name: \xff\n")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_project(path, providers={})


IMAGES = HEAD + "images:\n"
CLOUD = HEAD + "cloud:\n  group: team/web\n"

SCHEMA_REFUSES_TOO = {
    "unknown key with a near match": (
        HEAD + "imagse: []\n",
        '3: unknown key "imagse" in the project; did you mean "images"?',
    ),
    "unknown key far from all": (HEAD + "zzz: 1\n", '3: unknown key "zzz" in the project'),
    "near a provider": (HEAD + "clout: {}\n", '3: unknown key "clout" in the project; did you mean "cloud"?'),
    "unknown key in a list": (
        IMAGES + "  - name: web\n    tagret: x\n",
        '5: unknown key "tagret" in images[0]; did you mean "target"?',
    ),
    "unknown key of a provider": (
        CLOUD + "  minuts: 5\n",
        '5: unknown key "minuts" in cloud; did you mean "minutes"?',
    ),
    "version missing": ("name: x1\n", '1: the project lacks the key "version"'),
    "version too new": (
        "version: 2\nname: x1\n",
        "1: version 2 is not supported; this sledge reads version 1",
    ),
    "version as text": (
        'version: "1"\nname: x1\n',
        '1: version: expected a whole number, found the text "1"',
    ),
    "version as truth": ("version: true\nname: x1\n", "1: version: expected a whole number, found true"),
    "name missing": ("version: 1\n", '1: the project lacks the key "name": Name of the project'),
    "name with capitals": (
        "version: 1\nname: Rust\n",
        '2: name: "Rust" is not allowed; expected 2 to 63 lower-case',
    ),
    "name too short": ("version: 1\nname: x\n", '2: name: "x" is not allowed'),
    "name a number": ("version: 1\nname: 12\n", "2: name: expected text, found the number 12"),
    "docker a number": (HEAD + "docker: 26.1\n", "3: docker: expected text, found the number 26.1"),
    "docker a tag": (
        HEAD + "docker: latest\n",
        '3: docker: "latest" is not allowed; expected a Docker version',
    ),
    "branch with a space": (
        HEAD + "default_branch: my main\n",
        '3: default_branch: "my main" is not allowed',
    ),
    "branch ending in .lock": (
        HEAD + "default_branch: a.lock\n",
        '3: default_branch: "a.lock" is not allowed',
    ),
    "images a mapping": (HEAD + "images: {web: {}}\n", "3: images: expected a list, found a section"),
    "images empty": (HEAD + "images: []\n", "3: images: 0 items is too few; at least 1"),
    "image a text": (
        IMAGES + "  - web\n",
        '4: images[0]: expected a section of `key: value` lines, found the text "web"',
    ),
    "image without a name": (IMAGES + "  - target: x\n", '4: images[0] lacks the key "name"'),
    "image name illegal": (IMAGES + "  - name: Web/App\n", '4: images[0].name: "Web/App" is not allowed'),
    "absolute path": (
        IMAGES + "  - name: web\n    context: /src\n",
        '5: images[0].context: "/src" is not allowed',
    ),
    "path out of the folder": (
        IMAGES + "  - name: web\n    dockerfile: a/../../Dockerfile\n",
        '5: images[0].dockerfile: "a/../../Dockerfile" is not allowed; expected a path below',
    ),
    "argument a number": (
        IMAGES + "  - name: web\n    args: {JOBS: 4}\n",
        "5: images[0].args.JOBS: expected text, found the number 4",
    ),
    "argument name illegal": (
        IMAGES + "  - name: web\n    args:\n      A-B: x\n",
        '6: "A-B" is not a legal key in images[0].args; expected the name of an ARG',
    ),
    "unknown strategy": (
        HEAD + "cache: {strategy: regstry}\n",
        '3: cache.strategy: "regstry" is not one of "auto", "registry", "per-stage", "inline", "file", "s3", '
        '"codebuild-local", "codebuild-docker-server", "none"; did you mean "registry"?',
    ),
    "unknown option": (
        HEAD + "cache: {options: {image-manfest: true}}\n",
        '3: unknown key "image-manfest" in cache.options; did you mean "image-manifest"?',
    ),
    "option out of bounds": (
        HEAD + "cache: {options: {compression-level: 23}}\n",
        "3: cache.options.compression-level: 23 is too much; at most 22",
    ),
    "cache nothing": (HEAD + "cache:\n", "3: cache: expected a section of `key: value` lines, found nothing"),
    "provider lacks a key": (HEAD + "cloud: {}\n", '3: cloud lacks the key "group": Where it lives'),
    "provider pattern": (
        HEAD + "cloud: {group: web}\n",
        '3: cloud.group: "web" is not allowed; expected group/name',
    ),
    "choice": (
        CLOUD + "  size: lagre\n",
        '5: cloud.size: "lagre" is not one of "small", "large"; did you mean "large"?',
    ),
    "choice a number": (
        CLOUD + "  size: 3\n",
        '5: cloud.size: expected one of "small", "large", found the number 3',
    ),
    "too little": (CLOUD + "  minutes: 4\n", "5: cloud.minutes: 4 is too few; at least 5"),
    "too much": (CLOUD + "  minutes: 481\n", "5: cloud.minutes: 481 is too much; at most 480"),
    "a fraction": (
        CLOUD + "  minutes: 5.5\n",
        "5: cloud.minutes: expected a whole number, found the number 5.5",
    ),
    "yes is text": (
        CLOUD + "  public: yes\n",
        '5: cloud.public: expected true or false, found the text "yes"',
    ),
    "the field's name is not the key": (CLOUD + "  is_public: true\n", '5: unknown key "is_public" in cloud'),
    "list item": (CLOUD + "  tags: [a, B]\n", '5: cloud.tags[1]: "B" is not allowed'),
    "list too long": (CLOUD + "  tags: [a, b, c]\n", "5: cloud.tags: 3 items is too much; at most 2"),
    "key pattern": (
        CLOUD + "  variables: {a: x}\n",
        '5: "a" is not a legal key in cloud.variables; expected capitals',
    ),
    "no alternative": (
        CLOUD + "  variables: {A: {q: x}}\n",
        '5: cloud.variables.A: expected text or a section with "value" or a section with "from_env"',
    ),
    "two alternatives at once": (
        CLOUD + "  variables: {A: {value: x, from_env: y}}\n",
        '5: unknown key "from_env" in cloud.variables.A',
    ),
}

ONLY_THE_PARSER_REFUSES = {
    "merge keys": (HEAD + "cache: {<<: {strategy: none}}\n", "3: the key << is not text"),
    "no text at all": ("", "1: the file is empty"),
    "only a comment": ("# nothing\n", "1: the file is empty"),
    "a list": ("- a\n", "1: expected `key: value` lines at the top level"),
    "broken YAML": ("version: 1\nname: [x\n", "2: not YAML: while parsing a flow sequence"),
    "a tab": ("version: 1\n\tname: x\n", "2: not YAML: while scanning for the next token"),
    "a control character": ("version: 1\nname: \x00\n", "1: not YAML: unacceptable character"),
    "two documents": (HEAD + "---\na: 1\n", "3: not YAML: expected a single document in the stream"),
    "an unknown alias": (HEAD + "docker: *x\n", "3: not YAML: found undefined alias 'x'"),
    "an anchor in itself": (HEAD + "images: &x [*x]\n", "3: the anchor &x contains itself"),
    "a foreign tag": (HEAD + "docker: !env X\n", "3: the YAML tag !env is not supported"),
    "a wrong tag": (HEAD + "docker: !!int x\n", '3: "x" is not what its YAML tag says'),
    "a key twice": (HEAD + "docker: '28'\nname: other\n", '4: the key "name" is here twice; first in line 2'),
    "a number as key": (HEAD + "1: x\n", "3: the key 1 is not text"),
    "a date": ("version: 1\nname: 2024-01-01\n", "2: name: expected text, found the date 2024-01-01"),
    "one name for two images": (
        IMAGES + "  - name: web\n  - name: api\n  - name: web\n",
        '6: images: the name "web" is taken by the item of line 4',
    ),
    "options without a registry cache": (
        HEAD + "cache: {strategy: file, options: {image-manifest: true}}\n",
        "3: cache: the key options is for strategy: registry, per-stage or auto",
    ),
    "options that do not go together": (
        HEAD + "cache: {options: {oci-mediatypes: false, compression: zstd}}\n",
        "3: cache.options: Docker's media types have no zstd\n  hint: take compression: gzip",
    ),
    "a rule of the settings themselves": (
        CLOUD + "  size: large\n  minutes: 9\n",
        "4: cloud: a large one wants 10 minutes or more\n  hint: raise minutes",
    ),
}


@pytest.mark.parametrize(("text", "message"), [*SCHEMA_REFUSES_TOO.values(), *ONLY_THE_PARSER_REFUSES.values()])
def test_a_wrong_file_is_refused_with_file_and_line(text: str, message: str) -> None:
    """Each mistake gives one configuration error that names the line, the place and what was found."""
    assert str(refuse(text)).startswith(f"sledge.yaml:{message}")


@pytest.mark.parametrize("text", [text for text, _ in SCHEMA_REFUSES_TOO.values()], ids=list(SCHEMA_REFUSES_TOO))
def test_what_the_parser_refuses_the_schema_refuses(text: str) -> None:
    """An editor that knows the schema marks what `sledge` would refuse."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(YAML(typ="safe").load(text), project_schema(PROVIDERS))


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        HEAD + "default_branch: release/2.x\n",
        IMAGES + "  - {name: web__a-b.c, context: ./a/..b, dockerfile: a.b/Dockerfile, target: Build-1.x}\n",
        CLOUD + "  variables: &v {A: x, B: {value: y}}\n  region: eu\n  share: 1\n  minutes: 5.0\n",
    ],
)
def test_what_the_parser_takes_the_schema_takes(text: str) -> None:
    """An editor marks nothing that is right."""
    parse(text)
    jsonschema.validate(YAML(typ="safe").load(text), project_schema(PROVIDERS))


def test_a_number_for_text_is_answered_with_the_quotes_to_write() -> None:
    """`docker: 28.10` would lose its zero as a number, so the hint shows the text as it was written."""
    assert refuse(HEAD + "docker: 28.10\n").hint == 'put it in quotes: "28.10"'


def test_the_schema_is_one_that_validators_accept() -> None:
    """The schema itself follows JSON Schema 2020-12 and describes each key."""
    schema = project_schema(PROVIDERS)
    jsonschema.Draft202012Validator.check_schema(schema)
    properties = cast(Mapping[str, Mapping[str, object]], schema["properties"])
    assert all(section["description"] for section in properties.values())
    assert properties["docker"]["default"] == "28.5"
