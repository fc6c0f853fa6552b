"""The examples whose base images are made only on request: built on a fresh engine, and started."""

from pathlib import Path

import pytest

from sledgehammer.process import LocalProcessRunner
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.fresh_engine import fresh_engine
from sledgehammer_localstack.progress import say_to_stderr
from sledgehammer_localstack.stack.more_images import provide_images

pytestmark = [pytest.mark.engine, pytest.mark.on_request]

EXAMPLES = Path(__file__).parents[2] / "examples"
STARTS = """set -eu
docker build --quiet --tag example .
docker run --detach --name example --network host example
tries=0
until docker exec example true && curl --silent --fail "http://docker:8080/"; do
  tries=$((tries + 1))
  if [ "$tries" -gt 60 ]; then docker logs example; exit 1; fi
  sleep 1
done
"""


@pytest.mark.parametrize(("example", "bases"), [("python-api", ["python"]), ("java-maven", ["java", "maven"])])
def test_an_example_is_built_and_answers(stack: StackConfig, example: str, bases: list[str]) -> None:
    """Its dependencies come from its language's registry, from inside the build, and its page is served."""
    provide_images(stack, bases, runner=LocalProcessRunner(), say=say_to_stderr)
    with fresh_engine(stack, stack.docker_version) as engine:
        ran = engine.run(STARTS, env={}, folder=EXAMPLES / example)
    assert ran.exit_code == 0, ran.output
    assert ran.output.endswith("Hello, world!")
