"""Causal attention of the last of some positions to all of them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Returns ``softmax(Q K^T / sqrt(head_size)) V``, where each position attends to itself and those before it.

    Args:
        query: The queries of the last T of S positions, ``(B, H, T, head_size)``.
        key: The keys of all of them, ``(B, H, S, head_size)``.
        value: Likewise.
    """
    length, before = query.shape[-2], key.shape[-2] - query.shape[-2]
    if before == 0:
        return functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    if length == 1:
        return functional.scaled_dot_product_attention(query, key, value)
    places = torch.arange(before + length, device=query.device)
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=places <= places[before:, None])
