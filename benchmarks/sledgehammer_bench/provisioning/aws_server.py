"""The local AWS of the benchmark."""

from multiprocessing.connection import Connection

from sledgehammer_bench.provisioning.plan_sets import REGION
from sledgehammer_bench.provisioning.server import until_told
from sledgehammer_localstack.aws.endpoint import AwsEndpoint
from sledgehammer_localstack.aws.settings import AwsSettings


def serve_aws(control: Connection) -> None:
    """An empty account; what ECR's repositories would hold is nowhere, for nothing is built."""
    with AwsEndpoint(AwsSettings(region=REGION)) as endpoint:
        until_told(endpoint.url, control)
