"""The kernels on the CUDA cards run on the CPU, and what the cards say of PTX is put to ptxas."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, details, everything, table

PTX = """.version {version}
.target {arch}
.address_size 64
.visible .entry k(.param .u64 p)
{{
.reg .b32 %r<99>; .reg .b64 %rd<9>; .reg .f32 %f<300>; .reg .pred %p<3>; .reg .b16 %h<3>;
{body}
ret;
}}
"""


@cache
def assemble(body: str, arch: str, version: str = "8.7") -> str:
    """What ptxas of the Triton wheel says of `body`: empty if it takes it."""
    triton = pytest.importorskip("triton")
    tools = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
    tool = tools / ("ptxas-blackwell" if arch.startswith("sm_1") else "ptxas")
    if not tool.exists():
        pytest.skip(f"this triton has no {tool.name}")
    text = PTX.format(version=version, arch=arch, body=body)
    done = subprocess.run(
        [tool, "-arch", arch, "-o", "/dev/null", "/dev/stdin"], input=text, capture_output=True, text=True
    )
    return "" if done.returncode == 0 else done.stderr.strip() or "refused"


def wgmma(m: int, n: int, k: int, kinds: str = "f32.bf16.bf16", registers: int | None = None) -> str:
    held = ",".join(f"%f{i}" for i in range(n // 2 if registers is None else registers))
    tail = "1, 1, 1, 0, 0" if "bf16" in kinds else "1, 1, 1"
    return f"wgmma.mma_async.sync.aligned.m{m}n{n}k{k}.{kinds} {{{held}}}, %rd1, %rd2, {tail};"


# --- PTX --------------------------------------------------------------------------------------------------------------


def test_wgmma_exists_on_sm_90a_only() -> None:
    assert not assemble(wgmma(64, 128, 16), "sm_90a")
    for arch in ("sm_80", "sm_90", "sm_100a", "sm_120a"):
        assert "not supported" in assemble(wgmma(64, 128, 16), arch), arch


def test_shapes_of_wgmma() -> None:
    assert [n for n in range(4, 272, 4) if not assemble(wgmma(64, n, 16), "sm_90a")] == list(range(8, 257, 8))
    assert assemble(wgmma(128, 128, 16), "sm_90a")
    for kinds, k in (("f32.bf16.bf16", 16), ("f32.tf32.tf32", 8), ("f32.e4m3.e4m3", 32)):
        taken = [each for each in (8, 16, 32) if not assemble(wgmma(64, 64, each, kinds), "sm_90a")]
        assert taken == [k], kinds
    assert "vector size mismatch" in assemble(wgmma(64, 64, 16, registers=33), "sm_90a")
    for n, fits in ((40, False), (48, True)):  # integers have fewer sizes of N
        held = ",".join(f"%r{i}" for i in range(n // 2))
        whole = f"wgmma.mma_async.sync.aligned.m64n{n}k32.s32.s8.s8 {{{held}}}, %rd1, %rd2, 1;"
        assert (not assemble(whole, "sm_90a")) is fits, n
    assert all("m64n40k32" in everything("cuda/wgmma", lang) for lang in LANGS)


def test_b_of_wgmma_never_comes_from_registers() -> None:
    held = ",".join(f"%f{i}" for i in range(32))
    head = f"wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{{held}}}, "
    fragment = "{%r0,%r1,%r2,%r3}"
    assert not assemble(head + f"{fragment}, %rd2, 1, 1, 1, 0;", "sm_90a")
    assert assemble(head + f"%rd1, {fragment}, 1, 1, 1, 0;", "sm_90a")


@pytest.mark.parametrize("lang", LANGS)
def test_sizes_of_cp_async(lang: Lang) -> None:
    def taken(kind: str) -> list[int]:
        copy = "cp.async.{}.shared.global [%r1],[%rd1],{};"
        return [n for n in (2, 4, 8, 12, 16, 32) if not assemble(copy.format(kind, n), "sm_80")]

    assert taken("ca") == [4, 8, 16]
    assert taken("cg") == [16]
    assert "sm_80 or higher" in assemble("cp.async.ca.shared.global [%r1],[%rd1],16;", "sm_75")
    assert "4/8/16 B" in everything("cuda/async-copy-evolution", lang)


def test_tma_needs_sm_90_and_consumer_blackwell_has_it() -> None:
    tma = "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r1],[%rd1,{%r2,%r3}],[%r4];"
    assert [bool(assemble(tma, arch)) for arch in ("sm_80", "sm_90", "sm_100", "sm_120")] == [True, False, False, False]


def test_tensor_memory_is_allocated_in_powers_of_two() -> None:
    alloc = "tcgen05.alloc.cta_group::1.sync.aligned.shared::cta.b32 [%r1], {};"
    taken = [n for n in (16, 32, 48, 64, 128, 256, 512, 1024) if not assemble(alloc.format(n), "sm_100a")]
    assert taken == [32, 64, 128, 256, 512]
    for arch in ("sm_90a", "sm_100", "sm_120a"):
        assert assemble(alloc.format(64), arch), arch


def test_setmaxnreg_takes_multiples_of_eight_from_24_to_256() -> None:
    message = assemble("setmaxnreg.dec.sync.aligned.u32 16;", "sm_90a")
    assert "[24..256]" in message
    assert "multiple of 8" in assemble("setmaxnreg.dec.sync.aligned.u32 28;", "sm_90a")
    assert not assemble("setmaxnreg.inc.sync.aligned.u32 232;", "sm_90a")
    assert assemble("setmaxnreg.inc.sync.aligned.u32 232;", "sm_90")


def test_redux_is_for_integers() -> None:
    assert assemble("redux.sync.add.s32 %r1,%r2,0xffffffff;", "sm_75")
    assert not assemble("redux.sync.add.s32 %r1,%r2,0xffffffff;", "sm_80")
    assert assemble("redux.sync.min.f32 %f1,%f2,0xffffffff;", "sm_90a")
    assert not assemble("redux.sync.min.f32 %f1,%f2,0xffffffff;", "sm_100a")
    assert assemble("redux.sync.add.f32 %f1,%f2,0xffffffff;", "sm_100a")


def test_shuffle_without_sync_is_refused_since_volta() -> None:
    assert "'.sync' is not supported" in assemble("shfl.down.b32 %r1,%r2,1,0x1f;", "sm_70", "6.4")
    assert not assemble("shfl.sync.down.b32 %r1,%r2,1,0x1f,0xffffffff;", "sm_70", "6.4")


@pytest.mark.parametrize(
    "body", ["mapa.shared::cluster.u32 %r1,%r2,%r3;", "fence.acq_rel.cluster;", "fence.proxy.async.shared::cta;"]
)
def test_clusters_and_the_async_proxy_begin_with_sm_90(body: str) -> None:
    assert "sm_90 or higher" in assemble(body, "sm_80")
    assert not assemble(body, "sm_90")


def test_dependent_launch_and_ldmatrix() -> None:
    assert [bool(assemble("griddepcontrol.wait;", arch)) for arch in ("sm_80", "sm_90")] == [True, False]
    load = "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r1,%r2,%r3,%r4},[%r5];"
    assert [bool(assemble(load, arch)) for arch in ("sm_70", "sm_75")] == [True, False]


@pytest.mark.parametrize("lang", LANGS)
def test_static_shared_memory_ends_at_48_kb(lang: Lang) -> None:
    use = ".shared .align 4 .b8 big[{}];\nld.shared.u32 %r1,[big];\nst.global.u32 [%rd1],%r1;"
    assert not assemble(use.format(49152), "sm_90")
    assert "0xc000 max" in assemble(use.format(49156), "sm_90")
    assert 0xC000 == 49152
    assert "49152" in details("cuda/block-and-grid-sizing", lang)


@pytest.mark.parametrize("lang", LANGS)
def test_portable_cluster_size_and_error_codes_are_in_the_headers(lang: Lang) -> None:
    triton = pytest.importorskip("triton")
    path = Path(triton.__file__).parent / "backends" / "nvidia" / "include" / "driver_types.h"
    if not path.exists():
        pytest.skip("this triton has no CUDA headers")
    text = " ".join(path.read_text(encoding="utf-8", errors="replace").replace("*", " ").split())
    assert "cluster size for sm_90 is 8 blocks per cluster" in text
    sizing = details("cuda/block-and-grid-sizing", lang)
    for name in ("cudaErrorInvalidConfiguration", "cudaErrorLaunchOutOfResources"):
        found = re.search(rf"{name} = (\d+)", text)
        assert found
        assert re.search(rf"`{name}`\s*[(（]{found[1]}[)）]", sizing)


# --- kernels ----------------------------------------------------------------------------------------------------------

CPU = r"""
#include <atomic>
#include <barrier>
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>
struct dim3 { unsigned x, y, z; };
struct float4 { float x, y, z, w; };
static thread_local dim3 threadIdx, blockIdx;
static dim3 blockDim, gridDim;
static std::barrier<>* all;
static float lanes[1024];
#define __global__ static
#define __device__ static
#define __shared__ static
static void __syncthreads() { all->arrive_and_wait(); }
static float __shfl_xor_sync(unsigned, float v, int d) {
    unsigned t = threadIdx.y * blockDim.x + threadIdx.x;
    lanes[t] = v;
    __syncthreads();
    float other = lanes[t ^ d];
    __syncthreads();
    return other;
}
static void atomicAdd(float* p, float v) { std::atomic_ref<float>(*p).fetch_add(v); }
template <class F> static void launch(dim3 grid, dim3 block, F kernel) {
    gridDim = grid; blockDim = block;
    for (unsigned by = 0; by < grid.y; by++) for (unsigned bx = 0; bx < grid.x; bx++) {
        std::barrier<> b(block.x * block.y);
        all = &b;
        std::vector<std::thread> threads;
        for (unsigned y = 0; y < block.y; y++) for (unsigned x = 0; x < block.x; x++)
            threads.emplace_back([=] { threadIdx = {x, y, 0}; blockIdx = {bx, by, 0}; kernel(); });
        for (auto& t : threads) t.join();
    }
}
"""
MAIN = r"""
int main() {
    const int n = 64, M = 11, N = 13, K = 21;
    std::vector<float> in(n * n), out(n * n, -1);
    for (int i = 0; i < n * n; i++) in[i] = i;
    launch({n / 32, n / 32, 1}, {32, 8, 1}, [&] { transpose(in.data(), out.data(), n); });
    int wrong = 0;
    for (int r = 0; r < n; r++) for (int c = 0; c < n; c++) wrong += out[c * n + r] != in[r * n + c];
    printf("transpose %d\n", wrong);
    std::vector<float> a(M * K), b(K * N), c(M * N, -1);
    for (int i = 0; i < M * K; i++) a[i] = i % 7 - 3;
    for (int i = 0; i < K * N; i++) b[i] = i % 5 - 2;
    launch({(N + T - 1) / T, (M + T - 1) / T, 1}, {T, T, 1}, [&] { sgemm(a.data(), b.data(), c.data(), M, N, K); });
    wrong = 0;
    for (int i = 0; i < M; i++) for (int j = 0; j < N; j++) {
        float want = 0;
        for (int k = 0; k < K; k++) want += a[i * K + k] * b[k * N + j];
        wrong += want != c[i * N + j];
    }
    printf("sgemm %d\n", wrong);
    float total = 0;
    launch({2, 1, 1}, {128, 1, 1}, [&] { sum((const float4*)in.data(), &total, n * n / 4); });
    printf("sum %.0f\n", total);
}
"""


@pytest.mark.parametrize(
    ("card", "at"), [("transpose-kernel", 0), ("sgemm-ladder", 0), ("warp-shuffle-reduce", 0), ("reduction-ladder", 0)]
)
def test_kernels_are_the_same_in_both_languages(card: str, at: int) -> None:
    first, second = (code(f"cuda/{card}", lang, "cuda", at) for lang in LANGS)
    assert first == second


def test_kernels_of_the_cards_compute_what_they_promise(tmp_path: Path) -> None:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++")
    cards = ("transpose-kernel", "sgemm-ladder", "warp-shuffle-reduce", "reduction-ladder")
    kernels = "\n".join(code(f"cuda/{card}", "en", "cuda") for card in cards)
    assert "#define T 32" in kernels
    source, program = tmp_path / "kernels.cpp", tmp_path / "kernels"
    source.write_text(CPU + kernels.replace("#define T 32", "#define T 8") + MAIN)
    built = subprocess.run(
        [compiler, "-std=c++20", "-pthread", "-o", str(program), str(source)], capture_output=True, text=True
    )
    if "atomic_ref" in built.stderr or "barrier" in built.stderr:
        pytest.skip("needs a C++20 library")
    assert built.returncode == 0, built.stderr
    done = subprocess.run([str(program)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split("\n")[:3] == ["transpose 0", "sgemm 0", f"sum {sum(range(64 * 64))}"]


@pytest.mark.parametrize("lang", LANGS)
def test_compiled_matrix_products_of_the_async_card(lang: Lang) -> None:
    rows = table("cuda/async-copy-evolution", lang, "matrix" if lang == "en" else "矩阵")
    assert [row[2] for row in rows] == ["mma.sync", "mma.sync", "wgmma", "tcgen05"]
    assert [row[1].split()[0] for row in rows] == ["ld", "cp.async", "TMA", "TMA"]
