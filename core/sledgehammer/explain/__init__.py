"""Why steps ran, and which will: BuildKit's cache keys, taken apart."""

from sledgehammer.explain.inputs import BuildInputs
from sledgehammer.explain.predict import Prediction, predict
from sledgehammer.explain.record import BuildRecord, parse_record
from sledgehammer.explain.why import StepReason, explain

__all__ = ["BuildInputs", "BuildRecord", "Prediction", "StepReason", "explain", "parse_record", "predict"]
