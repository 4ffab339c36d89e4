"""Measures the numbers that the attention and sampling cards quote. Needs one CUDA GPU.

`python -m benchmarks.attention_card_numbers [section]`. Short kernels are timed in CUDA graphs, long ones by
`triton.testing.do_bench` (median, L2 cleared). The kernels here are plain Triton, written to be compared with each
other, not to be the fastest.
"""
# ruff: noqa: B023  (every lambda is called before its loop goes on)

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
import triton
import triton.language as tl
from torch.nn.attention import SDPBackend, sdpa_kernel
from triton.testing import do_bench

Q_HEADS, KV_HEADS, DIM = 32, 8, 128  # Llama-3-8B
GROUP = Q_HEADS // KV_HEADS
HIDDEN = 4096
VOCABULARY = 128_256


@triton.jit
def decode_part(
    q, k, v, out, lse, S, scale, batch_stride, HEADS: tl.constexpr, SHARE: tl.constexpr, ROWS: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, D: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    """ROWS queries of one KV head, over one of SPLITS equal ranges of keys; SHARE programs read the same KV head.

    q: [programs, ROWS, D]; k, v: [batch, HEADS, S, D] with `batch_stride`; out, lse: one partial result per split.
    """
    program, split = tl.program_id(0), tl.program_id(1)
    kv = program // SHARE
    base = (kv // HEADS).to(tl.int64) * batch_stride + (kv % HEADS).to(tl.int64) * S * D
    rows, dims = tl.arange(0, BM), tl.arange(0, D)
    inside = rows[:, None] < ROWS
    at = program.to(tl.int64) * ROWS * D + rows[:, None] * D + dims[None, :]
    query = tl.load(q + at, mask=inside, other=0.0)
    top = tl.full((BM,), float("-inf"), tl.float32)
    total = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, D), tl.float32)
    chunk = tl.cdiv(S, SPLITS)
    begin = split * chunk
    end = tl.minimum(begin + chunk, S)
    for start in range(begin, end, BN):
        keys = start + tl.arange(0, BN)
        tile = base + keys[:, None] * D + dims[None, :]
        score = tl.dot(query, tl.trans(tl.load(k + tile, mask=keys[:, None] < end, other=0.0))) * scale
        score = tl.where(keys[None, :] < end, score, float("-inf"))
        new = tl.maximum(top, tl.max(score, 1))
        weight = tl.exp(score - new[:, None])
        shrink = tl.exp(top - new)
        total = total * shrink + tl.sum(weight, 1)
        value = tl.load(v + tile, mask=keys[:, None] < end, other=0.0)
        acc = acc * shrink[:, None] + tl.dot(weight.to(value.dtype), value)
        top = new
    slot = (program * SPLITS + split).to(tl.int64) * ROWS
    tl.store(out + slot * D + rows[:, None] * D + dims[None, :], acc / total[:, None], mask=inside)
    tl.store(lse + slot + rows, top + tl.log(total), mask=rows < ROWS)


@triton.jit
def combine(part, lse, out, ROWS: tl.constexpr, D: tl.constexpr, SPLITS: tl.constexpr):
    """Partial outputs weighted by their share of the softmax's denominator. One program per query row."""
    program, row = tl.program_id(0), tl.program_id(1)
    splits, dims = tl.arange(0, SPLITS), tl.arange(0, D)
    slot = (program.to(tl.int64) * SPLITS + splits) * ROWS + row
    share = tl.load(lse + slot)
    share = tl.exp(share - tl.max(share, 0))
    share = share / tl.sum(share, 0)
    value = tl.load(part + slot[:, None] * D + dims[None, :])
    tl.store(out + (program * ROWS + row) * D + dims, tl.sum(share[:, None] * value, 0))


def decode(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, rows: int, share: int, splits: int, shared: bool = False
) -> torch.Tensor:
    """q: [programs, rows, D]. `shared`: every batch entry reads the K and V of entry 0."""
    programs = q.shape[0]
    part = torch.empty(programs, splits, rows, DIM, device=q.device)
    lse = torch.empty(programs, splits, rows, device=q.device)
    out = torch.empty_like(q)
    block = max(16, triton.next_power_of_2(rows))
    decode_part[(programs, splits)](
        q, k, v, part, lse, k.shape[2], DIM**-0.5, 0 if shared else k.stride(0), k.shape[1], share, rows,
        block, 64, DIM, splits, num_warps=4 if block <= 64 else 8, num_stages=3,
    )  # fmt: skip
    combine[(programs, rows)](part, lse, out, rows, DIM, splits)
    return out


@triton.jit
def matmul_fixed(
    a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr
):  # one tile shape and one order of K for every M
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    cols = tl.program_id(1) * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    acc = tl.zeros((BM, BN), tl.float32)
    for start in range(0, K, BK):
        left = tl.load(a + rows[:, None] * K + (start + k)[None, :], mask=rows[:, None] < M, other=0.0)
        right = tl.load(b + (start + k)[:, None] * N + cols[None, :])
        acc = tl.dot(left, right, acc)
    tl.store(c + rows[:, None] * N + cols[None, :], acc.to(c.dtype.element_ty), mask=rows[:, None] < M)


def fixed(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    m, k = a.shape
    n = b.shape[1]
    c = torch.empty(m, n, device=a.device, dtype=a.dtype)
    matmul_fixed[(triton.cdiv(m, 64), n // 64)](a, b, c, m, n, k, 64, 64, 64, num_warps=4, num_stages=4)
    return c


@triton.jit
def nucleus(p, out, V, top_p, STEPS: tl.constexpr, BLOCK: tl.constexpr):
    """The top-p mask of one row without sorting: bisect the threshold t whose kept mass reaches top_p."""
    row = tl.program_id(0).to(tl.int64) * V
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) * 0.5
        kept = tl.zeros((BLOCK,), tl.float32)
        for start in range(0, V, BLOCK):
            at = start + tl.arange(0, BLOCK)
            x = tl.load(p + row + at, mask=at < V, other=0.0)
            kept += tl.where(x >= middle, x, 0.0)
        enough = tl.sum(kept, 0) >= top_p
        low = tl.where(enough, middle, low)
        high = tl.where(enough, high, middle)
    for start in range(0, V, BLOCK):
        at = start + tl.arange(0, BLOCK)
        x = tl.load(p + row + at, mask=at < V, other=0.0)
        tl.store(out + row + at, tl.where(x >= low, x, 0.0), mask=at < V)


def nucleus_filter(p: torch.Tensor, top_p: float) -> torch.Tensor:
    out = torch.empty_like(p)
    nucleus[(p.shape[0],)](p, out, p.shape[1], top_p, 32, 4096, num_warps=8)
    return out


def us(fn: Callable[[], object]) -> float:
    return 1000 * float(do_bench(fn, warmup=10, rep=40, return_mode="median"))


def graph_us(*calls: Callable[[], object]) -> float:
    """Time of one of `calls`, captured in a row in a CUDA graph: no launch cost, L2 as the last call left it."""
    for call in calls[:1]:
        call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call in calls:
            call()
    times = []
    for _ in range(12):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return 1000 * sorted(times[2:])[5] / len(calls)


def timed(call: Callable[[], object]) -> float:
    """As graph_us, or as us where the call cannot be captured."""
    try:
        return graph_us(call)
    except RuntimeError:
        torch.cuda.synchronize()
        return us(call)


def randn(*shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    return torch.randn(*shape, device="cuda").to(dtype)


def splits_and_packing() -> None:
    """One decode step of one layer of Llama-3-8B's attention at batch 1; enough copies of K and V to miss L2."""
    for s in (2048, 8192, 32768, 131072):
        q = randn(KV_HEADS, GROUP, DIM)
        moved = 2 * KV_HEADS * s * DIM * 2
        copies = max(1, -(-256_000_000 // moved))
        ks = [randn(1, KV_HEADS, s, DIM) for _ in range(copies)]
        vs = [randn(1, KV_HEADS, s, DIM) for _ in range(copies)]
        single, four = q.view(Q_HEADS, 1, DIM), q.view(1, Q_HEADS, 1, DIM)
        want = F.scaled_dot_product_attention(four.float(), ks[0].float(), vs[0].float(), enable_gqa=True).view(q.shape)

        def each(rows: int, share: int, splits: int, query: torch.Tensor, ks: Any, vs: Any) -> float:
            return graph_us(
                *(
                    lambda k=k, v=v: decode(query, k, v, rows=rows, share=share, splits=splits)
                    for k, v in zip(ks, vs, strict=True)
                )
            )

        first = None
        for splits in (1, 2, 4, 8, 16, 32, 64):
            got = decode(q, ks[0], vs[0], rows=GROUP, share=1, splits=splits)
            error = (got.float() - want).abs().max().item()
            first = got if first is None else first
            differ = (got != first).float().mean().item()
            t = each(GROUP, 1, splits, q, ks, vs)
            print(
                f"decode S={s} splits={splits}: {t:.1f} us, {moved / t / 1e3:.0f} GB/s of KV; max error {error:.1e}, "
                f"{100 * differ:.1f} % of outputs differ in bits from splits=1"
            )
        apart = each(1, GROUP, 16, single, ks, vs)
        few = max(1, copies // GROUP)
        fat_ks = [k.repeat_interleave(GROUP, 1) for k in ks[:few]]
        fat_vs = [v.repeat_interleave(GROUP, 1) for v in vs[:few]]
        fat = each(1, 1, 16, single, fat_ks, fat_vs)
        repeat = us(lambda: (ks[0].repeat_interleave(GROUP, 1), vs[0].repeat_interleave(GROUP, 1)))
        print(
            f"decode S={s} splits=16: one program per query head {apart:.1f} us; KV already repeated {fat:.1f} us; "
            f"the repeat itself {repeat:.1f} us"
        )
        for name in ("FLASH_ATTENTION", "CUDNN_ATTENTION"):
            try:
                with sdpa_kernel(getattr(SDPBackend, name)):
                    t = graph_us(
                        *(
                            lambda k=k, v=v: F.scaled_dot_product_attention(four, k, v, enable_gqa=True)
                            for k, v in zip(ks, vs, strict=True)
                        )
                    )
                print(f"decode S={s} SDPA {name}: {t:.1f} us, {moved / t / 1e3:.0f} GB/s")
            except RuntimeError as error_text:
                print(f"decode S={s} SDPA {name}: not available ({str(error_text).splitlines()[0][:80]})")


def shared_prefix() -> None:
    """32 requests decode with one common prefix; only the attention over the prefix, L2 cold before each."""
    requests = 32
    for s in (2048, 8192, 32768):
        q = randn(requests, KV_HEADS, GROUP, DIM)
        apart = q.view(-1, GROUP, DIM)
        packed = q.transpose(0, 1).reshape(KV_HEADS, requests * GROUP, DIM).contiguous()
        prefixes = max(2, -(-256_000_000 // (2 * KV_HEADS * s * DIM * 2)))
        ks = [randn(1, KV_HEADS, s, DIM) for _ in range(prefixes)]
        vs = [randn(1, KV_HEADS, s, DIM) for _ in range(prefixes)]
        one = decode(apart, ks[0], vs[0], rows=GROUP, share=1, splits=4, shared=True)
        two = decode(packed, ks[0], vs[0], rows=requests * GROUP, share=1, splits=16)
        two = two.view(KV_HEADS, requests, GROUP, DIM).transpose(0, 1)
        error = (one.view(two.shape).float() - two.float()).abs().max().item()

        def each(query: torch.Tensor, rows: int, splits: int, shared: bool, ks: Any, vs: Any) -> float:
            return graph_us(
                *(
                    lambda k=k, v=v: decode(query, k, v, rows=rows, share=1, splits=splits, shared=shared)
                    for k, v in zip(ks, vs, strict=True)
                )
            )

        paged = min(each(apart, GROUP, n, True, ks, vs) for n in (1, 2, 4, 8))
        cascade = min(each(packed, requests * GROUP, n, False, ks, vs) for n in (8, 16, 32))
        all_k, all_v = ks[0].repeat(requests, 1, 1, 1), vs[0].repeat(requests, 1, 1, 1)
        own = min(each(apart, GROUP, n, False, [all_k], [all_v]) for n in (1, 2, 4, 8))
        print(
            f"prefix {s} x {requests} requests: own copies {own:.1f} us, one copy read by each {paged:.1f} us, "
            f"one copy read once for all {cascade:.1f} us (max difference {error:.1e})"
        )


def invariance() -> None:
    """The same row of a product in batches of different size, bit by bit."""
    sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]
    for dtype in (torch.bfloat16, torch.float32):
        torch.manual_seed(0)
        x, w = randn(2048, HIDDEN, dtype=dtype), randn(HIDDEN, HIDDEN, dtype=dtype)
        exact = x[0].double() @ w.double()
        for name, product in (("cuBLAS", torch.mm), ("fixed tile", fixed)):
            if name == "fixed tile" and dtype is torch.float32:
                continue
            firsts = [product(x[:m], w)[0] for m in sizes]
            differ = [int((row != firsts[0]).sum()) for row in firsts]
            kinds = len({row.view(torch.uint8).cpu().numpy().tobytes() for row in firsts})
            again = all(
                torch.equal(product(x[:m], w)[0], row) for m, row in zip(sizes, firsts, strict=True) for _ in range(100)
            )
            worst = max((row.double() - firsts[0].double()).abs().max().item() for row in firsts)
            off = max((row.double() - exact).abs().max().item() for row in firsts)
            print(
                f"row 0 of x[:M] @ w, {dtype}, {name}: {kinds} different results over M = {sizes}; elements of "
                f"{HIDDEN} that differ from M=1: {differ}; largest difference {worst:.1e}, largest error {off:.1e}; "
                f"each call 100 times equal: {again}"
            )
            times = ", ".join(
                f"M={m} {graph_us(*[lambda m=m, product=product: product(x[:m], w)] * 8):.1f}" for m in sizes[::3]
            )
            print(f"  us: {times}")
    x, weight = randn(2048, HIDDEN), randn(HIDDEN)
    for name, norm in (
        ("rms_norm", lambda t: F.rms_norm(t, (HIDDEN,), weight)),
        ("softmax", lambda t: F.softmax(t.float(), -1)),
    ):
        rows = [norm(x[:m])[0] for m in sizes]
        print(f"{name}: row 0 equal for every M: {all(torch.equal(row, rows[0]) for row in rows)}")


def naive_and_flash() -> None:
    """Prefill attention, bf16, 32 heads of 128, not causal: scores in memory against a fused kernel."""
    for n in (1024, 4096, 16384):
        q, k, v = (randn(1, Q_HEADS, n, DIM) for _ in range(3))
        base = torch.cuda.memory_allocated()

        def naive(q: torch.Tensor = q, k: torch.Tensor = k, v: torch.Tensor = v) -> torch.Tensor:
            return torch.softmax((q * DIM**-0.5) @ k.mT, -1) @ v  # the scale on q: no fourth pass over the scores

        def flash(q: torch.Tensor = q, k: torch.Tensor = k, v: torch.Tensor = v) -> torch.Tensor:
            return F.scaled_dot_product_attention(q, k, v)

        for name, fn, backend in (
            ("naive", naive, None),
            ("SDPA flash", flash, SDPBackend.FLASH_ATTENTION),
            ("SDPA cuDNN", flash, SDPBackend.CUDNN_ATTENTION),
        ):
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            with sdpa_kernel(backend or SDPBackend.MATH):
                fn()
                peak = (torch.cuda.max_memory_allocated() - base) / 2**20
                t = us(fn)
            print(
                f"attention N={n} {name}: {t:.0f} us, {4 * Q_HEADS * n * n * DIM / t / 1e6:.0f} TFLOPS, {peak:.0f} MiB"
            )


def sampling() -> None:
    """fp32 logits of a 128256-token vocabulary."""
    for batch in (1, 64, 256):
        logits = randn(batch, VOCABULARY, dtype=torch.float32) * 3
        p = logits.softmax(-1)

        def by_sort(p: torch.Tensor = p) -> torch.Tensor:
            value, index = p.sort(-1, descending=True)
            value = value.masked_fill(value.cumsum(-1) - value >= 0.9, 0.0)
            return torch.zeros_like(p).scatter_(-1, index, value)

        def race(p: torch.Tensor = p) -> torch.Tensor:
            return (p / torch.empty_like(p).exponential_()).argmax(-1)

        kept, wanted = nucleus_filter(p, 0.9) > 0, by_sort() > 0
        print(
            f"sampling B={batch}: softmax {timed(lambda logits=logits: logits.softmax(-1)):.0f} us, "
            f"argmax {timed(lambda logits=logits: logits.argmax(-1)):.0f}, "
            f"sort {timed(lambda logits=logits: logits.sort(-1, descending=True)):.0f}, "
            f"topk(50) {timed(lambda logits=logits: logits.topk(50)):.0f}, top-p by sort {timed(by_sort):.0f}, "
            f"top-p by bisection {timed(lambda p=p: nucleus_filter(p, 0.9)):.0f} "
            f"(rows whose kept sets differ: {int((kept != wanted).any(-1).sum())}, nucleus "
            f"{wanted.sum(-1).float().mean().item():.0f} tokens), "
            f"multinomial {timed(lambda p=p: torch.multinomial(p, 1)):.0f}, exponential race {timed(race):.0f}"
        )


def flex() -> None:
    """FlexAttention: causal, and causal with a window of 1024, against causal SDPA. 16 heads, S = 16384."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    s, window = 16384, 1024
    q, k, v = (randn(1, 16, s, DIM) for _ in range(3))

    def causal(b, h, i, j):  # type: ignore[no-untyped-def]
        return i >= j

    def near(b, h, i, j):  # type: ignore[no-untyped-def]
        return (i >= j) & (i - j < window)

    start = time.perf_counter()
    compiled = torch.compile(flex_attention)
    for name, mod in (("causal", causal), ("window", near)):
        mask = create_block_mask(mod, None, None, s, s, device="cuda")
        got = compiled(q, k, v, block_mask=mask)
        t = us(lambda mask=mask: compiled(q, k, v, block_mask=mask))
        i = torch.arange(s, device="cuda")
        dense = mod(0, 0, i[:, None], i[None, :])
        want = F.scaled_dot_product_attention(q[:, :1, -256:].float(), k[:, :1].float(), v[:, :1].float(), dense[-256:])
        error = (got[:, :1, -256:].float() - want).abs().max().item()
        print(f"flex {name}: {t:.0f} us, block sparsity {mask.sparsity():.1f} %, max error {error:.1e}")
        if mod is near:
            with_mask = us(lambda dense=dense: F.scaled_dot_product_attention(q, k, v, attn_mask=dense))
            print(f"SDPA with the window as a dense boolean mask: {with_mask:.0f} us")
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION):
        with sdpa_kernel(backend):
            print(
                f"SDPA causal {backend}: {us(lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True)):.0f} us"
            )
    print(f"flex section {time.perf_counter() - start:.0f} s")


SECTIONS = {f.__name__: f for f in (splits_and_packing, shared_prefix, invariance, naive_and_flash, sampling, flex)}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        torch.manual_seed(0)
        SECTIONS[sys.argv[1]]()
    else:  # each in a process of its own: an error on the device must not take the others with it
        print(torch.cuda.get_device_name(), "torch", torch.__version__, "triton", triton.__version__, sys.version[:6])
        for section in SECTIONS:
            begun = time.perf_counter()
            command = [sys.executable, "-m", "benchmarks.attention_card_numbers", section]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            print(done.stdout, "" if done.returncode == 0 else done.stderr[-600:], sep="")
            print(f"-- {section}: {time.perf_counter() - begun:.0f} s", flush=True)
