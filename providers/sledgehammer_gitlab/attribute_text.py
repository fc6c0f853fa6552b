"""Values of GitLab's API as attributes of a plan. Pure."""


def as_text(value: object) -> str:
    """A value as a person reads it; "" for none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
