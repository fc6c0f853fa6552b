"""A container with Docker, buildx and an engine of its own."""

import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sledgehammer_localstack.containers import ContainerEngine


@dataclass(frozen=True, slots=True)
class BuildKitBox:
    """What a test may do there."""

    engine: ContainerEngine
    name: str

    def run(self, *argv: str) -> tuple[int, str]:
        """Exit code and both outputs."""
        said = bytearray()
        code = self.engine.exec(self.name, argv, on_output=said.extend, working_dir="/", env={})
        return code, said.decode(errors="replace")

    def shell(self, script: str) -> str:
        """Outputs of a script that must succeed."""
        code, said = self.run("sh", "-c", script)
        assert code == 0, said
        return said

    def send(self, folder: Path, place: str) -> None:
        """Put a folder there, in place of whatever was, owned by root and with its modes."""
        self.shell(f"rm -rf /{place}")
        self.copy_in({folder: place})

    def copy_in(self, places: Mapping[Path, str]) -> None:
        """Put files or folders below the root, running or not."""
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                for path, place in places.items():
                    tar.add(path, place)
            file.seek(0)
            self.engine.copy_in(self.name, "/", file)
