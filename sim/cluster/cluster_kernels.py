"""Reduce, gather and a fused decode step in CUDA, one kernel each, whose blocks meet in distributed shared memory.

Blocks of a cluster write into one another's shared memory (Hopper and later), as ClusterFusion's kernels do
(arXiv 2508.18850): a block pushes what it has into a slot of its own at each peer, so that no slot is written twice
and one barrier of the cluster separates writing from reading. Needs torch and its run-time compiler; no header.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from sim.kernel.gpu_code import compiled
from sim.kernel.problem import Settings, Tensors

TILE, THREADS = 1024, 256  # elements of a node's message that a cluster handles, and threads of a block
DECODE_BLOCKS = 8  # of the decode step's one cluster: the most that every such GPU has

#: What CUDA's headers would bring. Clusters: a block's rank, a barrier, and where a peer has a variable of ours.
DEVICE = r"""
__device__ float from_half(unsigned short x) { float y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x)); return y; }
__device__ unsigned short to_half(float x) {
    unsigned short y; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y) : "f"(x)); return y;
}
__device__ unsigned cluster_rank() { return __clusterRelativeBlockRank(); }
__device__ void cluster_barrier() { __cluster_barrier_arrive(); __cluster_barrier_wait(); }
template <typename T> __device__ T* at_peer(T* ours, unsigned rank) {
    return (T*)__cluster_map_shared_rank(ours, rank);
}
"""

#: Grid: BLOCKS · tiles of a message; messages are half, [BLOCKS, elements].
COLLECTIVES = r"""
extern "C" __global__ void __cluster_dims__(BLOCKS, 1, 1)
reduce(const unsigned short* messages, unsigned short* out, int elements) {
    __shared__ float slots[BLOCKS][TILE];
    const unsigned rank = cluster_rank();
    const int first = blockIdx.x / BLOCKS * TILE;
    cluster_barrier();  // no peer's memory is written before it runs
    for (int i = threadIdx.x; i < TILE && first + i < elements; i += blockDim.x) {
        const float own = from_half(messages[rank * elements + first + i]);
        for (unsigned peer = 0; peer < BLOCKS; peer++) at_peer(&slots[rank][i], peer)[0] = own;
    }
    cluster_barrier();
    for (int i = threadIdx.x; i < TILE && first + i < elements; i += blockDim.x) {
        float sum = 0;
        for (int node = 0; node < BLOCKS; node++) sum += slots[node][i];
        out[rank * elements + first + i] = to_half(sum);
    }
}

extern "C" __global__ void __cluster_dims__(BLOCKS, 1, 1)
gather(const unsigned short* messages, unsigned short* out, int elements) {
    __shared__ unsigned short slots[BLOCKS][TILE];
    const unsigned rank = cluster_rank();
    const int first = blockIdx.x / BLOCKS * TILE;
    cluster_barrier();
    for (int i = threadIdx.x; i < TILE && first + i < elements; i += blockDim.x) {
        const unsigned short own = messages[rank * elements + first + i];
        for (unsigned peer = 0; peer < BLOCKS; peer++) at_peer(&slots[rank][i], peer)[0] = own;
    }
    cluster_barrier();
    for (int node = 0; node < BLOCKS; node++)
        for (int i = threadIdx.x; i < TILE && first + i < elements; i += blockDim.x)
            out[(rank * BLOCKS + node) * elements + first + i] = slots[node][i];
}
"""

#: Grid: BLOCKS, of 3 · SIZE threads; SIZE is a multiple of 32. All is float32. Weights are [width, SIZE] of query, key
#: and value, [SIZE, width] of the output; keys and values are [tokens, SIZE].
DECODE = r"""
#define WARPS (3 * SIZE / 32)
#define LANE (SIZE / 32)  // elements of a head that a lane of a warp holds

extern "C" __global__ void __cluster_dims__(BLOCKS, 1, 1)
decode(const float* hidden, const float* query, const float* key, const float* value, const float* output,
       const float* cosine, const float* sine, const float* keys, const float* values, float* result,
       int width, int tokens) {
    __shared__ float made_slots[BLOCKS][3 * SIZE], made[3 * SIZE];
    __shared__ float warp_parts[WARPS][SIZE + 2], parts[BLOCKS][SIZE + 2], attended[SIZE];
    const unsigned rank = cluster_rank();
    const int thread = threadIdx.x, warp = thread / 32, lane = thread % 32;
    cluster_barrier();  // no peer's memory is written before it runs

    // Projections by rows: each block a share of the hidden vector, summed over the cluster.
    const float* weights = thread < SIZE ? query : thread < 2 * SIZE ? key : value;
    float sum = 0;
#pragma unroll 8
    for (int row = rank * width / BLOCKS; row < (int)(rank + 1) * width / BLOCKS; row++)
        sum += hidden[row] * weights[row * SIZE + thread % SIZE];
    for (unsigned peer = 0; peer < BLOCKS; peer++) at_peer(&made_slots[rank][thread], peer)[0] = sum;
    cluster_barrier();
    sum = 0;
    for (int block = 0; block < BLOCKS; block++) sum += made_slots[block][thread];
    made[thread] = sum;
    __syncthreads();
    float turned = 0;
    if (thread < 2 * SIZE) {
        const int even = thread & ~1, pair = thread % SIZE / 2;
        turned = thread & 1 ? made[even] * sine[pair] + made[even + 1] * cosine[pair]
                            : made[even] * cosine[pair] - made[even + 1] * sine[pair];
    }
    __syncthreads();
    if (thread < 2 * SIZE) made[thread] = turned;
    __syncthreads();

    // Attention by tokens: each warp of the cluster takes every so many; the new token is the last.
    float own[LANE], mixed[LANE], top = -INFINITE, total = 0;
    for (int k = 0; k < LANE; k++) {
        own[k] = made[lane + 32 * k] * SCALE;
        mixed[k] = 0;
    }
    for (int token = rank * WARPS + warp; token <= tokens; token += BLOCKS * WARPS) {
        const float* k_row = token < tokens ? keys + (long long)token * SIZE : made + SIZE;
        const float* v_row = token < tokens ? values + (long long)token * SIZE : made + 2 * SIZE;
        float score = 0;
        for (int k = 0; k < LANE; k++) score += own[k] * k_row[lane + 32 * k];
        for (int step = 16; step; step /= 2) score += __shfl_xor_sync(0xFFFFFFFF, score, step);
        const float higher = score > top ? score : top, fade = expf(top - higher), share = expf(score - higher);
        total = total * fade + share;
        for (int k = 0; k < LANE; k++) mixed[k] = mixed[k] * fade + share * v_row[lane + 32 * k];
        top = higher;
    }
    warp_parts[warp][0] = top;
    warp_parts[warp][1] = total;
    for (int k = 0; k < LANE; k++) warp_parts[warp][2 + lane + 32 * k] = mixed[k];
    __syncthreads();

    // Merge of the warps, then of the blocks: largest score, sum, weighted values.
    if (thread < SIZE) {
        float highest = -INFINITE, all = 0, mix = 0;
        for (int w = 0; w < WARPS; w++) highest = warp_parts[w][0] > highest ? warp_parts[w][0] : highest;
        for (int w = 0; w < WARPS; w++) {
            const float factor = warp_parts[w][1] > 0 ? expf(warp_parts[w][0] - highest) : 0;
            all += factor * warp_parts[w][1];
            mix += factor * warp_parts[w][2 + thread];
        }
        for (unsigned peer = 0; peer < BLOCKS; peer++) {
            if (thread == 0) at_peer(&parts[rank][0], peer)[0] = highest;
            if (thread == 0) at_peer(&parts[rank][1], peer)[0] = all;
            at_peer(&parts[rank][2 + thread], peer)[0] = mix;
        }
    }
    cluster_barrier();
    if (thread < SIZE) {
        float highest = -INFINITE, all = 0, mix = 0;
        for (int b = 0; b < BLOCKS; b++) highest = parts[b][0] > highest ? parts[b][0] : highest;
        for (int b = 0; b < BLOCKS; b++) {
            const float factor = parts[b][1] > 0 ? expf(parts[b][0] - highest) : 0;
            all += factor * parts[b][1];
            mix += factor * parts[b][2 + thread];
        }
        attended[thread] = mix / all;
    }
    __syncthreads();

    // Each block its columns of the output.
    for (int column = rank * width / BLOCKS + thread; column < (int)(rank + 1) * width / BLOCKS; column += blockDim.x) {
        float out = 0;
#pragma unroll 8
        for (int row = 0; row < SIZE; row++) out += attended[row] * output[row * width + column];
        result[column] = out;
    }
}
"""


def source(body: str, *, device: str = DEVICE, **constants: object) -> str:
    """A kernel's whole source, with its sizes."""
    return "".join(f"#define {name} {value}\n" for name, value in constants.items()) + device + body


def decode_constants(size: int, blocks: int = DECODE_BLOCKS) -> dict[str, Any]:
    """Of the decode step for a head of `size`, by so many blocks."""
    return {"BLOCKS": blocks, "SIZE": size, "SCALE": f"{size**-0.5!r}f", "INFINITE": "1e30f"}


@cache
def _kernel(name: str, text: str) -> Callable[..., None]:
    return compiled(text, name)


def _collective(name: str, copies: int, inputs: Tensors, _: Settings) -> Callable[[], Tensor]:
    messages = inputs["messages"]
    nodes, elements = messages.shape
    out = messages.new_empty(nodes, copies * elements)
    kernel = _kernel(name, source(COLLECTIVES, BLOCKS=nodes, TILE=TILE))
    launch: dict[str, Any] = {"grid": (nodes * -(-elements // TILE), 1, 1), "block": (THREADS, 1, 1)}

    def run() -> Tensor:
        kernel(**launch, args=[messages, out, elements])
        return out

    return run


def reduce(inputs: Tensors, settings: Settings) -> Callable[[], Tensor]:
    """Every node gets the sum: [N, elements] half."""
    return _collective("reduce", 1, inputs, settings)


def gather(inputs: Tensors, settings: Settings) -> Callable[[], Tensor]:
    """Every node gets all messages: [N, N · elements] half."""
    return _collective("gather", len(inputs["messages"]), inputs, settings)


def decode(inputs: Tensors, _: Settings) -> Callable[[], Tensor]:
    """One query head: its contribution [D]. The angles' sines and cosines are given, as a model's table has them."""
    hidden, keys = inputs["hidden"], inputs["keys"]
    tokens, size = keys.shape
    cosine, sine = inputs["turn"].cos().float(), inputs["turn"].sin().float()
    result = torch.empty_like(hidden)
    weights = [inputs[name] for name in ("query", "key", "value", "output")]
    arguments = [hidden, *weights, cosine, sine, keys, inputs["values"], result, len(hidden), tokens]
    kernel = _kernel("decode", source(DECODE, **decode_constants(size)))
    start = partial(kernel, grid=(DECODE_BLOCKS, 1, 1), block=(3 * size, 1, 1), args=arguments)

    def run() -> Tensor:
        start()
        return result

    return run
