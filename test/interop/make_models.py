"""Makes models of the sweeps' families with Transformers: python make_models.py FOLDER...

Each FOLDER holds a config.json; weights are random by a fixed seed, large enough that softmax and activations leave their linear ranges. Transformers writes
config.json again as it likes it, and model.safetensors.
"""

import sys
import zlib
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

for folder in map(Path, sys.argv[1:]):
    torch.manual_seed(zlib.crc32(folder.name.encode()))
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.12) if parameter.dim() == 2 else parameter.add_(torch.randn_like(parameter) * 0.1)
    model.float().save_pretrained(folder)
