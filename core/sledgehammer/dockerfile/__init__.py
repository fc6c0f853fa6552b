"""Dockerfiles: read into stages, and what each stage is made from."""

from sledgehammer.dockerfile.graph import Stage, StageGraph
from sledgehammer.dockerfile.instruction import ImageSource, Instruction, ScratchSource, Source, StageSource
from sledgehammer.dockerfile.parse import parse_dockerfile

__all__ = [
    "ImageSource",
    "Instruction",
    "ScratchSource",
    "Source",
    "Stage",
    "StageGraph",
    "StageSource",
    "parse_dockerfile",
]
