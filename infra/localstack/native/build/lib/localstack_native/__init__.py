"""Plugins of LocalStack 4.14 for machines without a Docker daemon.

`executor`: with `LAMBDA_RUNTIME_EXECUTOR=native` a function's `bootstrap` runs as a child process behind the Lambda
Runtime API, served in LocalStack's own process: no image, no emulator of the interface, no init.
`patches`: DynamoDB Local from a directory, function URLs by path, several batches of a queue at once, and two faults of
stack updates mended.
"""
