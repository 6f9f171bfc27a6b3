"""Greedy generation by Transformers, one batch each time that a line comes on stdin: the twin of native/bench/generate_bench.cc, with its options and answers.

  python generate_torch.py --model FOLDER [--dtype float32|bfloat16] [--threads N] [--batch B] [--prompt T] [--new N]
  python generate_torch.py --model FOLDER --train [--threads N]     ready for a training step in fp32 instead: the twin of train_bench --folder
  python generate_torch.py --model FOLDER --make                    makes the folder: the shape of SmolLM2 135M, random weights, bf16
"""

import argparse
import json
import resource
import sys
import time

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--dtype", default="float32")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--prompt", type=int, default=16)
parser.add_argument("--new", type=int, default=64)
parser.add_argument("--train", action="store_true")
parser.add_argument("--make", action="store_true")
options = parser.parse_args()

torch.set_num_threads(options.threads)
torch.manual_seed(1)
if options.make:
    config = LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3, max_position_embeddings=8192,
                         rope_theta=100000.0, tie_word_embeddings=True)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(options.model)
    sys.exit(0)

model = AutoModelForCausalLM.from_pretrained(options.model, dtype=getattr(torch, options.dtype))
if options.train:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0, fused=True)
    print(json.dumps({"ready": time.process_time()}), flush=True)
else:
    model.eval()
    ids = torch.randint(3, model.config.vocab_size, (options.batch, options.prompt))
    mask = torch.ones_like(ids)
    print(json.dumps({"ready": time.process_time()}), flush=True)
    for _ in sys.stdin:
        wall, cpu = time.monotonic(), time.process_time()
        with torch.inference_mode():
            out = model.generate(ids, attention_mask=mask, do_sample=False, max_new_tokens=options.new, min_new_tokens=options.new, pad_token_id=0)
        assert out.shape == (options.batch, options.prompt + options.new)
        print(json.dumps({"seconds": time.monotonic() - wall, "cpuSeconds": time.process_time() - cpu}), flush=True)
print(json.dumps({"peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
