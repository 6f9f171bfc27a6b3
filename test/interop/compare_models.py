"""Loads what Lethe exported and computes the same numbers: python compare_models.py CASES.json > RESULTS.json

CASES.json: [{"name", "base": folder, "model": folder, "adapter": folder?, "tokens": tokens.jsonl, "scores": scores file of Lethe, "maxNewTokens", "endToken"}].
Each result: versions, the largest differences, and what could not be loaded as it should (missing or unexpected tensors).
"""

import json
import sys
from pathlib import Path

import peft
import torch
import transformers
from peft import PeftModel
from transformers import AutoModelForCausalLM

transformers.logging.set_verbosity_error()


def load(folder):
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    problems = {key: sorted(map(str, value)) for key, value in info.items() if value}
    return model.eval(), problems


def score(model, row):
    ids = torch.tensor([row["prompt"] + row["response"]])
    logits = model(ids).logits[0]
    log_probs = torch.log_softmax(logits[:-1].double(), dim=-1).gather(1, ids[0, 1:, None])[:, 0]
    return logits, float(log_probs[len(row["prompt"]) - 1:].sum())


def greedy(model, prompt, most, end):
    ids = torch.tensor([prompt])
    made = []
    for _ in range(most):
        token = int(model(ids).logits[0, -1].argmax())
        if token == end:
            break
        made.append(token)
        ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
    return made


def compare(case):
    rows = [json.loads(line) for line in Path(case["tokens"]).read_text().splitlines()]
    ours = [json.loads(line) for line in Path(case["scores"]).read_text().splitlines()]
    merged, problems = load(case["model"])
    adapted = None
    if "adapter" in case:
        base, base_problems = load(case["base"])
        problems |= base_problems
        adapted = PeftModel.from_pretrained(base, case["adapter"]).eval()
    log_prob, logit, others = 0.0, 0.0, []
    with torch.no_grad():
        for row, line in zip(rows, ours, strict=True):
            logits, total = score(merged, row)
            log_prob = max(log_prob, abs(total - line["sumLogProb"]) / line["tokens"])
            if adapted is not None:
                by_peft, total = score(adapted, row)
                logit = max(logit, float((by_peft - logits).abs().max()))
                log_prob = max(log_prob, abs(total - line["sumLogProb"]) / line["tokens"])
            if greedy(merged, row["prompt"], case["maxNewTokens"], case["endToken"]) != line["generated"]:
                others.append(row["id"])
    result = {"name": case["name"], "rows": len(rows), "logProbPerToken": log_prob, "otherGreedy": others, "problems": problems}
    return result | ({"mergedAgainstAdapted": logit} if adapted is not None else {})


cases = json.loads(Path(sys.argv[1]).read_text())
with torch.inference_mode():
    results = [compare(case) for case in cases]
versions = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
json.dump({"versions": versions, "results": results}, sys.stdout)
