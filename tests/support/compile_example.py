"""Compile the example mesh in this process and print the hash of every resource, for `test_same_bytes`.

Run as a program: `compile_example.py SEED`; the seed shuffles the order in which the files are loaded.
"""

import json
import random
import sys
from hashlib import sha256
from pathlib import Path

from envoy.config.core.v3.grpc_service_pb2 import GrpcService  # noqa: F401 - other modules come first, too
from envoy.extensions.access_loggers.file.v3.file_pb2 import FileAccessLog

from meshctl.catalog.folder import read_folder
from meshctl.catalog.source import read_source
from meshctl.envoy import pb
from meshctl.names import LISTENER, ResourceKey
from meshctl.operations.compile import WATCHED, Compiler, view_keys
from meshctl.operations.resolve import Resolver
from meshctl.snapshot.encode import encode

EXAMPLE = Path(__file__).parents[2] / "catalog"


def hashes(seed: int) -> dict[str, str]:
    """The hash of every resource of the example mesh, and of a listener whose access log holds a map."""
    texts = list(read_folder(EXAMPLE).items())
    random.Random(seed).shuffle(texts)
    resolver = Resolver(WATCHED)
    compiler = Compiler(resolver)
    resolver.change({file: read_source(file, text) for file, text in texts})
    for key in view_keys(resolver):
        compiler.open(key)
    resources = compiler.publish().resources
    named = {" ".join(key): sha256(resource.body).hexdigest() for key, resource in resources.items()}
    return dict(sorted({**named, "access log": sha256(_listener_with_a_map()).hexdigest()}.items()))


def _listener_with_a_map() -> bytes:
    """Twelve keys of JSON, which came out in another order in every process when packed carelessly."""
    log = FileAccessLog(path="/dev/stdout")
    for number in range(12):
        log.log_format.json_format.fields[f"key{number}"].string_value = f"%REQ(X-{number})%"
    manager = pb.HttpConnectionManager(stat_prefix="x")
    manager.access_log.add(name="envoy.access_loggers.file", typed_config=pb.pack(log))
    chain = pb.FilterChain(filters=[pb.Filter(name="http", typed_config=pb.pack(manager))])
    message = pb.Listener(name="by-hand", filter_chains=[chain])
    return encode(ResourceKey(LISTENER, "by-hand"), message).body


if __name__ == "__main__":
    print(json.dumps(hashes(int(sys.argv[1]))))
