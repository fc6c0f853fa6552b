"""What the log of a job never shows."""

import itertools

from sledgehammer_localstack.runner.masking import Masker


def in_chunks(masker: Masker, text: bytes, size: int) -> bytes:
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    return b"".join(masker.feed(chunk) for chunk in chunks) + masker.flush()


def test_secret_is_masked_wherever_chunks_are_cut() -> None:
    """A secret cut in two by the border of a chunk is masked all the same, at every possible cut."""
    text = b"login with hunter2secret and again hunter2secret\nhunter2 alone is fine"
    expected = b"login with [MASKED] and again [MASKED]\nhunter2 alone is fine"
    for size in range(1, len(text) + 1):
        assert in_chunks(Masker(["hunter2secret"]), text, size) == expected


def test_longer_secret_wins_over_one_it_begins_with() -> None:
    """When one secret begins with another, no tail of the longer one is left in the log."""
    for size in range(1, 20):
        assert in_chunks(Masker(["abcd", "abcdefgh"]), b"x abcdefgh y abcd z", size) == b"x [MASKED] y [MASKED] z"


def test_overlapping_secrets_leave_nothing() -> None:
    """Of two secrets that overlap in the output no byte of either is shown."""
    for size in range(1, 8):
        assert in_chunks(Masker(["abcd", "cdef"]), b"-abcdef-", size) == b"-[MASKED]-"


def test_token_prefix_hides_what_follows() -> None:
    """After a known token prefix everything that can belong to a token is hidden, also across chunks."""
    text = b"token glpat-Ab1_x-9.z, glpat- alone"
    for size in range(1, len(text) + 1):
        masker = Masker([], token_prefixes=["glpat-"])
        assert in_chunks(masker, text, size) == b"token glpat-[MASKED], glpat- alone"


def test_plain_output_is_not_held_back() -> None:
    """A line that holds no beginning of a secret is shown at once, so a log can be followed live."""
    assert Masker(["s3cr3t"]).feed(b"compiling app v0.1.0\n") == b"compiling app v0.1.0\n"


def test_every_secret_of_a_family_is_masked() -> None:
    """Secrets built from the same letters are masked in every order of output."""
    secrets = ["aab", "aba", "baa", "aabaab"]
    for words in itertools.permutations(secrets):
        shown = in_chunks(Masker(secrets), "|".join(words).encode(), 2)
        assert not any(secret.encode() in shown for secret in secrets)
