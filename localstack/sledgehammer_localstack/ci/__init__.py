"""The CI compiler: from `.gitlab-ci.yml` to jobs, payloads and transitions. Pure: values in, values out.

`compiler.compile_pipeline` makes a `model.Pipeline` of a `source.PipelineSource`; `scheduling.advance` says which
jobs start; `payload.job_payload` is what a runner gets; `retrying.should_retry` and `dotenv.parse_dotenv` decide
what follows from how a job ended.
"""
