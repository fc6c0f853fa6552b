"""`s3`: BuildKit's cache in an S3 bucket, one manifest per image and branch.

Credentials are those of the job: buildx hands them to the builder (BuildKit, "Amazon S3 cache").
"""

from dataclasses import replace

from sledgehammer.operations import BuilderKind, BuildTool, CacheExport, Operation, Text, text
from sledgehammer.strategy import CacheStrategy, Situation


def refusal(situation: Situation) -> str:
    """The engine's own builder has no S3 backend, whatever its image store (docs.docker.com, cache backends)."""
    if situation.settings.s3 is None:
        return "sledge.yaml names no bucket under cache: s3:"
    if situation.build.tool is not BuildTool.BUILDX:
        return f"the builder of {situation.facts.name} cannot export a cache to S3"
    if situation.settings.builder is BuilderKind.ENGINE:
        return "the engine's own builder cannot export a cache to S3; builder: container can"
    return ""


def plan(situation: Situation) -> tuple[Operation, ...]:
    """Read the branch's and the default branch's manifest, write the branch's."""
    destination = situation.destination
    own, shared = (_attributes(situation, name) for name in (destination.branch, destination.default_branch))
    export = CacheExport(
        what="S3 cache",
        timeout_s=situation.settings.export_timeout_s,
        attributes=text(*own, f",mode={situation.settings.mode.value}"),
        writer=situation.writer(),
    )
    return (*situation.builder_apart(), replace(situation.build, cache_from=(own, shared), exports=(export,)))


def _attributes(situation: Situation, branch: Text) -> Text:
    where = situation.settings.s3
    if where is None:
        raise ValueError("a situation without a bucket is refused")
    fields = [("type", "s3"), ("region", where.region), ("bucket", where.bucket)]
    if where.prefix:
        fields.append(("prefix", where.prefix.rstrip("/") + "/"))
    if where.endpoint_url:
        fields += [("endpoint_url", where.endpoint_url), ("use_path_style", "true")]
    written = ",".join(f"{name}={value}" for name, value in fields)
    return text(f"{written},name={situation.image.name}-", *branch)


S3 = CacheStrategy(name="s3", summary="BuildKit's cache in an S3 bucket", refusal=refusal, plan=plan)
