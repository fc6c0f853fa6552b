"""A script as YAML's literal block (YAML 1.2.2, section 8.1.2), without a look at each character. Pure.

ruamel.yaml writes the same, but takes most of a plan's time for it: the script is nearly all of a CI file.
"""

INDENT = " " * 6


def literal_block(script: str) -> str | None:
    """The lines below `- |`; None for a script that needs more than that: another indicator, or escapes."""
    *lines, rest = script.split("\n")
    is_plain = (
        rest == ""
        and bool(lines)
        and lines[-1] != ""
        and lines[0] != ""
        and not lines[0].startswith(" ")
        and all(line.isprintable() and (line == "" or not line.isspace()) for line in lines)
    )
    return "".join(f"{INDENT}{line}\n" if line else "\n" for line in lines) if is_plain else None
