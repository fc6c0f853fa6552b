"""References, challenges and tokens: what is known of a registry without asking it."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from sledgehammer.errors import ConfigurationError, CredentialsError, RemoteError
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.authorizer import Authorizer
from sledgehammer.registry.challenge import parse_challenges, read_claims
from sledgehammer.registry.failures import Failure, ImmutableTagError, RequestFailedError, explain, read_failure
from sledgehammer.registry.manifest import Manifest, digest_of, make_manifest
from sledgehammer.registry.media_types import OCI_MANIFEST
from sledgehammer.registry.reference import Reference, parse_reference
from sledgehammer.secret import Secret
from sledgehammer.testing import FakeClock

DIGEST = f"sha256:{'a' * 64}"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACCESS = RegistryAccess(host="r.example", username="ada", password=Secret("s3cret", source="GITLAB_TOKEN"))


@pytest.mark.parametrize(
    ("text", "host", "path", "tag", "digest"),
    [
        ("rust", "registry-1.docker.io", "library/rust", "", ""),
        ("rust:1.85-slim", "registry-1.docker.io", "library/rust", "1.85-slim", ""),
        ("moby/buildkit", "registry-1.docker.io", "moby/buildkit", "", ""),
        ("docker.io/rust", "registry-1.docker.io", "library/rust", "", ""),
        ("index.docker.io/a/b:c", "registry-1.docker.io", "a/b", "c", ""),
        ("localhost/web", "localhost", "web", "", ""),
        ("10.0.0.2:5000/team/web:v1", "10.0.0.2:5000", "team/web", "v1", ""),
        ("r.example/a/b/c", "r.example", "a/b/c", "", ""),
        (f"r.example:443/a@{DIGEST}", "r.example:443", "a", "", DIGEST),
        (f"r.example/a:v1@{DIGEST}", "r.example", "a", "v1", DIGEST),
        ("[::1]:5000/a:b", "[::1]:5000", "a", "b", ""),
    ],
)
def test_a_reference_is_read_whole(text: str, host: str, path: str, tag: str, digest: str) -> None:
    """Hosts as they are written, ports included; short names are Docker Hub's; written again it is the same."""
    found = parse_reference(text)

    assert found == Reference(host=host, path=path, tag=tag, digest=digest)
    assert parse_reference(str(found)) == found


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "library/"),
        ("r.example/Web", "Web"),
        ("r.example/web:", ""),
        ("r.example/web:-v", "-v"),
        ("r.example/web@sha256:12", "sha256:12"),
        ("r.example/a//b", "a//b"),
        ("https://r.example/web", "https:"),
        ("r.example/web:v1 ", "v1 "),
        (f"r.example/{'a' * 256}", "a" * 256),
    ],
)
def test_a_wrong_reference_names_the_part(text: str, part: str) -> None:
    """And what is expected there."""
    with pytest.raises(ConfigurationError, match="expected: ") as caught:
        parse_reference(text)
    assert f'"{part}"' in caught.value.message


def test_a_reference_is_moved_to_a_tag_or_a_digest() -> None:
    """Within its repository, never with both; what is none is refused."""
    reference = parse_reference("r.example/web:v1")

    assert str(reference.with_tag("v2")) == "r.example/web:v2"
    assert str(reference.with_digest(DIGEST)) == f"r.example/web@{DIGEST}"
    assert (reference.manifest, parse_reference("rust").manifest) == ("v1", "latest")
    with pytest.raises(ConfigurationError, match="not a tag"):
        reference.with_tag("a/b")
    with pytest.raises(ConfigurationError, match="not a digest"):
        reference.with_digest("v1")


def test_several_challenges_in_one_header() -> None:
    """Schemes in any case, commas inside quotes, escaped quotes, bare values."""
    header = 'BEARER realm="https://g.example/jwt/auth",service="a \\"b\\", c", Basic realm=plain'
    bearer, basic = parse_challenges(header)

    assert (bearer.scheme, basic.scheme) == ("bearer", "basic")
    assert bearer.parameters == {"realm": "https://g.example/jwt/auth", "service": 'a "b", c'}
    assert basic.parameters == {"realm": "plain"}
    assert parse_challenges("") == ()


def token(claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


def test_a_token_tells_its_life_and_what_it_grants() -> None:
    """The claims go before expires_in; an opaque token lives as the answer says, else a minute."""
    access = [{"type": "repository", "name": "a/b", "actions": ["pull"]}, {"type": "registry", "name": "catalog"}]
    claims = read_claims(token({"exp": int(NOW.timestamp()) + 300, "access": access}), expires_in=60, now=NOW)

    assert claims.expires == NOW + timedelta(seconds=300)
    assert claims.granted == {"a/b": frozenset({"pull"})}
    assert read_claims("opaque", expires_in=900, now=NOW).expires == NOW + timedelta(seconds=900)
    opaque = read_claims("a.b.c", expires_in=None, now=NOW)
    assert (opaque.expires, opaque.granted) == (NOW + timedelta(seconds=60), None)


@pytest.mark.parametrize(
    ("status", "code", "message", "is_immutable"),
    [
        (400, "TAG_INVALID", "The image tag 'v1' already exists", True),
        (409, "ImageTagAlreadyExistsException", "", True),
        (403, "DENIED", "tag v1 is immutable", True),
        (403, "DENIED", "requested access to the resource is denied", False),
        (400, "MANIFEST_INVALID", "", False),
    ],
)
def test_a_tag_that_cannot_move_is_a_conflict(status: int, code: str, message: str, is_immutable: bool) -> None:
    """And no other refusal is."""
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    error = explain(read_failure(status, body, retry_after_s=0), tried="PUT a:v1", access=ACCESS)

    assert isinstance(error, ImmutableTagError) is is_immutable


def test_an_error_names_the_source_of_the_password_and_not_the_password() -> None:
    """Whose it is and where it came from; neither it nor the record prints it."""
    error = explain(Failure(status=401, message=""), tried="GET a", access=ACCESS)

    assert isinstance(error, CredentialsError)
    assert "user ada, password from GITLAB_TOKEN" in str(error)
    assert "s3cret" not in f"{error}{ACCESS!r}"


def test_a_manifest_is_its_bytes() -> None:
    """Parsed for its parts, never written anew; one that is none says so."""
    config = {"mediaType": "c", "digest": DIGEST, "size": 2}
    made = make_manifest(OCI_MANIFEST, {"config": config, "layers": []})

    assert made.digest == digest_of(made.content)
    assert made.config is not None
    assert made.config.document() == config
    for content in (b"<html>", b"[]", b'{"layers": 1}', b'{"layers": [{}]}'):
        with pytest.raises(RemoteError, match="cannot be read"):
            _ = Manifest(media_type=OCI_MANIFEST, digest=DIGEST, content=content).layers


def test_a_token_service_without_tls_gets_no_password_of_a_registry_with_it() -> None:
    """A challenge must not send the password away in clear text; nothing is fetched."""
    fetched: list[str] = []

    def fetch(url: str, query: tuple[tuple[str, str], ...], authorization: str) -> dict[str, object]:
        fetched.append(url)
        return {}

    authorizer = Authorizer(ACCESS, clock=FakeClock(), fetch_token=fetch)
    assert authorizer.header(()) == ""
    assert authorizer.learn('Bearer realm="http://elsewhere.example/token"', ())
    with pytest.raises(RequestFailedError, match="not reached by https"):
        authorizer.header(())
    assert fetched == []
