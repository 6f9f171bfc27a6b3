"""Training steps in PyTorch, one each time that a line comes on stdin: the twin of native/bench/train_bench.cc, with its options and answers.

  python step_torch.py --model gpt2-124m|smollm2-135m|gpt2-1m|llama-1m|gpt2-w32|gpt2-w64|gpt2-w96|gpt2-w192 --tuning full|lora [--prompt P] [--compile] [--threads N]

gpt2-*: lean modules as one would write them by hand (fused attention, tied head, which sees only the positions with a loss); smollm2-135m, llama-1m: Transformers' LLaMA,
with PEFT's LoRA where asked. AdamW fused, gradients clipped at norm 1, fp32, eager unless --compile.
"""

import argparse
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.enter, self.leave = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in self.qkv(self.norm1(x)).split(c, dim=2))
        x = x + self.project(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, c))
        return x + self.leave(F.gelu(self.enter(self.norm2(x)), approximate="tanh"))


class Gpt2(nn.Module):
    def __init__(self, layers, width, heads, vocabulary, context):
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids, first):
        x = self.token(ids) + self.position.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, first:] @ self.token.weight.T


class Llama(nn.Module):
    def __init__(self, tuning, **config):
        super().__init__()
        from transformers import LlamaConfig, LlamaForCausalLM

        self.model = LlamaForCausalLM(LlamaConfig(tie_word_embeddings=True, use_cache=False, **config))
        if tuning == "lora":
            from peft import LoraConfig, get_peft_model

            self.model = get_peft_model(self.model, LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=["q_proj", "v_proj"]))

    def forward(self, ids, first):
        return self.model(input_ids=ids, logits_to_keep=ids.shape[1] - first).logits


parser = argparse.ArgumentParser()
parser.add_argument("--model", default="gpt2-124m")
parser.add_argument("--tuning", default="full")
parser.add_argument("--compile", action="store_true")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--batch", type=int, default=4)
parser.add_argument("--tokens", type=int, default=256)
parser.add_argument("--prompt", type=int, default=1)
options = parser.parse_args()

torch.set_num_threads(options.threads)
torch.manual_seed(1)
MODELS = {
    "gpt2-124m": (50257, lambda: Gpt2(12, 768, 12, 50257, 1024)),
    "gpt2-1m": (2048, lambda: Gpt2(4, 128, 4, 2048, 128)),
    **{f"gpt2-w{width}": (256, lambda width=width, layers=layers: Gpt2(layers, width, width // 32, 256, 16)) for layers, width in ((2, 32), (2, 64), (4, 96), (4, 192))},
    "smollm2-135m": (49152, lambda: Llama(options.tuning, vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                                          num_key_value_heads=3, max_position_embeddings=1024)),
    "llama-1m": (2048, lambda: Llama(options.tuning, vocab_size=2048, hidden_size=128, intermediate_size=344, num_hidden_layers=4, num_attention_heads=4,
                                     max_position_embeddings=128)),
}
vocabulary, make = MODELS[options.model]
model = make()
trained = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0, fused=True)
forward = torch.compile(model) if options.compile else model
ids = torch.randint(0, vocabulary, (options.batch, options.tokens))
print(json.dumps({"ready": time.process_time(), "torch": torch.__version__}), flush=True)
for _ in sys.stdin:
    wall, cpu = time.monotonic(), time.process_time()
    optimizer.zero_grad(set_to_none=True)
    logits = forward(ids[:, :-1], options.prompt - 1)
    loss = F.cross_entropy(logits.reshape(-1, vocabulary), ids[:, options.prompt :].reshape(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    print(json.dumps({"seconds": time.monotonic() - wall, "cpuSeconds": time.process_time() - cpu, "loss": float(loss.detach())}), flush=True)
print(json.dumps({"peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
