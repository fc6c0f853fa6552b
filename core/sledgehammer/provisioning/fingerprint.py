"""Telling whether a value that can be written but not read is still the one that we wrote.

A fingerprint is kept beside the object, where many may read it: with a bare hash anybody could try guesses. So it is
keyed, and the key lives elsewhere.
"""

import hmac
from collections.abc import Mapping

from sledgehammer.secret import Secret

KEY_VARIABLE = "SLEDGE_FINGERPRINT_KEY"
"""Environment variable of the machine that plans and applies; the same key on all of them."""

DIGITS = 20


def fingerprint_key(variables: Mapping[str, str]) -> Secret | None:
    """The key from this environment; None without one, when such values cannot be compared."""
    text = variables.get(KEY_VARIABLE, "")
    return Secret(text, source=KEY_VARIABLE) if text else None


def fingerprint(value: Secret, *, key: Secret, context: str) -> str:
    """The first hexadecimal digits of HMAC-SHA256. `context` names the object, so that equal values of two objects
    do not look equal."""
    message = f"{context}\0{value.reveal()}".encode()
    return hmac.new(key.reveal().encode(), message, "sha256").hexdigest()[:DIGITS]
