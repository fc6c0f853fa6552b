"""An OCI registry as far as a build needs one: manifests, small blobs, tags. Import its modules by name: only those
that send requests import `requests`.

Protocol: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""
