"""The same training steps as step_bench in PyTorch eager, one thread: python step_torch.py   (needs torch)

Lean modules as one would write them by hand: fused attention, fused AdamW, loss on the response positions only, last token not fed. CPU time, best of the steps.
"""

import time

import torch
import torch.nn.functional as F
from torch import nn

BATCH, TOKENS, PROMPT, VOCABULARY = 64, 9, 5, 256


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
    def __init__(self, layers, width):
        super().__init__()
        self.token, self.position = nn.Embedding(VOCABULARY, width), nn.Embedding(TOKENS, width)
        self.blocks = nn.Sequential(*(Block(width, max(1, width // 32)) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids, targets):
        x = self.token(ids) + self.position.weight[: ids.shape[1]]
        kept = self.norm(self.blocks(x))[:, PROMPT - 1 :]
        return F.cross_entropy((kept @ self.token.weight.T).reshape(-1, VOCABULARY), targets.reshape(-1))


torch.set_num_threads(1)
print(f"torch {torch.__version__} eager, 1 thread; B={BATCH} T={TOKENS} V={VOCABULARY}, loss on the response")
for layers, width in ((2, 32), (2, 64), (4, 96), (4, 192)):
    torch.manual_seed(1)
    model = Gpt2(layers, width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0, fused=True)
    tokens = torch.randint(0, VOCABULARY, (BATCH, TOKENS))
    best, total = 1e9, 0.0
    while total < 3:
        start = time.process_time()
        optimizer.zero_grad(set_to_none=False)
        model(tokens[:, :-1], tokens[:, PROMPT:]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        took = time.process_time() - start
        best, total = min(best, took), total + took
    print(f"gpt2  L{layers} d{width:<4d}  {BATCH * TOKENS / best:9.0f} tokens/s  {best * 1e3:7.3f} ms/step")
