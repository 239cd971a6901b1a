"""What LocalStack 4.14 does otherwise than a local run of this repository needs."""

import functools
import logging
import os
import threading

from localstack.runtime import hooks

LOG = logging.getLogger("localstack.native.patches")


@hooks.on_infra_start()
def apply():
    one_process_group()
    local_dynamodb()
    bodies_as_they_came()
    function_urls_by_path()
    concurrent_queues()
    streams_go_on()
    stack_updates()


def one_process_group():
    """What LocalStack starts, DynamoDB Local above all, stays in its own process group: whoever ends the group, even by
    SIGKILL, ends all of it."""
    from localstack.utils import run

    run.is_linux = run.is_mac_os = lambda: False


def local_dynamodb():
    """DynamoDB Local from DYNAMODB_LOCAL_DIR (jar and _lib), in the Java of DYNAMODB_LOCAL_JAVA: no download, no agent."""
    directory = os.environ.get("DYNAMODB_LOCAL_DIR")
    if not directory:
        return
    from localstack.services.dynamodb import packages, server

    installer = packages.DynamoDBLocalPackageInstaller
    installer.install = lambda self, *args, **kwargs: None
    installer.get_installed_dir = lambda self: directory
    installer.get_java_env_vars = lambda self: {}
    packages.DynamoDBLocalPackage.get_installed_dir = lambda self, *args, **kwargs: directory
    command = server.DynamodbServer._create_shell_command

    def create_shell_command(self):
        _, *arguments = command(self)
        java = os.environ.get("DYNAMODB_LOCAL_JAVA", "java")
        return [java, *(argument for argument in arguments if not argument.startswith("-javaagent:"))]

    server.DynamodbServer._create_shell_command = create_shell_command
    LOG.info("DynamoDB Local from %s", directory)


def bodies_as_they_came():
    """A form that a function URL takes is read and written anew by LocalStack before the function sees it, where `*`
    becomes `%2A`: a signature over it does not match any more, as Slack's. It is handed on byte by byte."""
    from localstack.services.lambda_ import urlrouter

    restore = urlrouter.restore_payload
    # Empty where something has read the form already.
    urlrouter.restore_payload = lambda request: request.get_data() or restore(request)


def function_urls_by_path():
    """`/_aws/lambda-url/<id>/<path>` leads where the Host header `<id>.lambda-url.<region>.…` does."""
    from localstack.services.lambda_.invocation.models import lambda_stores
    from localstack.services.lambda_.urlrouter import FunctionUrlRouter

    def region_of(url_id):
        for account in lambda_stores.values():
            for region, store in account.items():
                for function in store.functions.values():
                    if any(url.url_id == url_id for url in function.function_url_configs.values()):
                        return region
        return "us-east-1"

    def register_routes(self):
        if not self.registered:
            def by_path(request, url_id, path=""):
                region = region_of(url_id)
                request.path = "/" + path
                request.headers["Host"] = f"{url_id}.lambda-url.{region}.on.aws"
                return self.handle_lambda_url_invocation(request, api_id=url_id, region=region)

            self.router.add("/_aws/lambda-url/<url_id>", endpoint=by_path, defaults={"path": ""})
            self.router.add("/_aws/lambda-url/<url_id>/", endpoint=by_path, defaults={"path": ""})
            self.router.add("/_aws/lambda-url/<url_id>/<path:path>", endpoint=by_path)
        original(self)

    original = FunctionUrlRouter.register_routes
    FunctionUrlRouter.register_routes = register_routes


def concurrent_queues():
    """LocalStack invokes for one batch of a queue after the other; Lambda for several at once."""
    from localstack.services.lambda_.event_source_mapping.esm_worker import EsmWorker
    from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller

    worker = EsmWorker.__init__

    def init(self, esm_config, poller, *args, **kwargs):
        worker(self, esm_config, poller, *args, **kwargs)
        if isinstance(poller, SqsPoller) and not esm_config.get("EventSourceArn", "").endswith(".fifo"):
            # Lambda begins with five where there is no limit.
            at_once = (esm_config.get("ScalingConfig") or {}).get("MaximumConcurrency") or 5
            poller.slots = threading.BoundedSemaphore(at_once)

    handle = SqsPoller.handle_messages

    def handle_messages(self, messages):
        if getattr(self, "slots", None) is None:
            return handle(self, messages)
        self.slots.acquire()  # nothing is received while every slot is taken

        def work():
            try:
                handle(self, messages)
            except Exception as error:
                LOG.warning("a batch of %s failed: %s", self.source_arn, error)
            finally:
                self.slots.release()

        threading.Thread(target=work, name="sqs-esm", daemon=True).start()

    EsmWorker.__init__ = init
    SqsPoller.handle_messages = handle_messages


def streams_go_on():
    """An event source of a stream that is changed or switched on again goes on where it was, as on AWS. LocalStack begins
    at the stream's first record again, and comes to every record that was given up once more."""
    from localstack.services.lambda_.event_source_mapping.pollers.dynamodb_poller import DynamoDBPoller

    worked = {}  # the last sequence number, by event source and shard
    initialize = DynamoDBPoller.initialize_shards
    forward = DynamoDBPoller.forward_events_to_target

    def initialize_shards(self):
        shards = initialize(self)
        for shard in shards:
            if last := worked.get((self.esm_uuid, shard)):
                shards[shard] = self.source_client.get_shard_iterator(
                    StreamArn=self.source_arn,
                    ShardId=shard,
                    ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                    SequenceNumber=last,
                )["ShardIterator"]
        return shards

    def forward_events_to_target(self, shard_id, records):
        # Before the batch is worked: what is worked changes the records.
        last = records[-1]["dynamodb"]["SequenceNumber"] if records else None
        forward(self, shard_id, records)
        # One that is switched off in the middle of a batch has that batch again.
        if last and not self._is_shutdown.is_set():
            worked[self.esm_uuid, shard_id] = last

    DynamoDBPoller.initialize_shards = initialize_shards
    DynamoDBPoller.forward_events_to_target = forward_events_to_target


def stack_updates():
    """UpdateStack with UsePreviousTemplate, and with a parameter that is a list: both are refused otherwise."""
    from localstack.services.cloudformation.engine.v2 import change_set_model_preproc as preproc
    from localstack.services.cloudformation.v2 import provider

    visit = preproc.ChangeSetModelPreproc.visit_node_parameter

    def visit_node_parameter(self, node_parameter):
        delta = visit(self, node_parameter)
        kind = self.visit(node_parameter.type_).before
        if isinstance(delta.before, str) and isinstance(kind, str):
            if kind == "CommaDelimitedList" or kind.startswith("List<"):
                delta.before = [item.strip() for item in delta.before.split(",")]
            elif kind == "Number":
                delta.before = preproc.to_number(delta.before)
        return delta

    preproc.ChangeSetModelPreproc.visit_node_parameter = visit_node_parameter

    update = provider.CloudformationProviderV2.update_stack

    @functools.wraps(update)  # with the mark by which it is found
    def update_stack(self, context, request, **kwargs):
        if request.get("UsePreviousTemplate") and not request.get("TemplateBody"):
            store = provider.get_cloudformation_store(context.account_id, context.region)
            for stack in store.stacks_v2.values():
                if request["StackName"] in (stack.stack_name, stack.stack_id) and self._stack_status_is_active(stack.status):
                    request = {**request, "TemplateBody": stack.template_body}
        return update(self, context, request, **kwargs)

    provider.CloudformationProviderV2.update_stack = update_stack
