"""Names of what lies in a registry: OCI image specification, Docker's image manifest v2 schema 2, BuildKit's cache."""

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"

MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})

ACCEPT = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST))
"""One header with all of them: registries answer 404 to who does not accept what they have."""

OCTETS = "application/octet-stream"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
BUILDKIT_CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"
"""moby/buildkit, cache/remotecache/v1/spec.go."""
