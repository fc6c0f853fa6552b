"""What a build leaves for `sledge why`."""

from sledgehammer.operations import Build, KeepRecord
from sledgehammer.shell.arguments import guarded
from sledgehammer.shell.build_record import render_write_record
from sledgehammer.shell.quote import quote


def note_lines(record: KeepRecord) -> list[str]:
    """Before the build: what was recorded last, to be waited for as `$sledge_noting_record`."""
    return [f"sledge_note_record {quote(record.writer.ref)} {quote(record.writer.shared)}"]


def record_lines(build: Build, record: KeepRecord) -> list[str]:
    """After it: the record is written into a folder, then pushed by those who may."""
    written = render_write_record(
        record.recipe,
        image=build.image,
        commit=record.commit,
        folder='"$sledge_dir/record"',
        progress='"$sledge_dir/progress"',
    )
    if written == ":":
        return []
    words = ((build.image,), record.writer.ref, record.repository, record.run)
    push = f"sledge_push_record {' '.join(quote(word) for word in words)}"
    return [written, *guarded(build, "build record", record.writer, push)]
