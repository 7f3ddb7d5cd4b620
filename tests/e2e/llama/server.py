"""llama.cpp's own server over a model, on a free port of this machine: says where, and serves until it is killed."""

import argparse
import threading

import xllamacpp

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("model")
parser.add_argument("--context", type=int, default=1024)
parser.add_argument("--key", help="what clients have to show")
args = parser.parse_args()

settings = xllamacpp.CommonParams()
settings.model.path = args.model
settings.n_ctx = args.context
settings.n_parallel = 1
settings.cpuparams.n_threads = 1
settings.warmup = False
if args.key:
    settings.api_keys = [args.key]
server = xllamacpp.Server(settings)
print(server.listening_address, flush=True)
threading.Event().wait()
