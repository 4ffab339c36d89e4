"""The C++ on the coding cards, compiled with warnings as errors and run; sizes and tables as the compiler has them."""

from __future__ import annotations

import math
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, details, everything, table

GXX = shutil.which("g++") or ""
pytestmark = [
    pytest.mark.skipif(not GXX, reason="needs g++"),
    pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the cards speak of x86-64"),
]

# What the code on the cards takes for granted, only as much as each needs: <bits/stdc++.h> takes a second to read.
HEADERS = {
    "cpp-struct-layout": "cstddef cstdio",
    "cpp-raii-smart-pointers-move": "cstddef utility memory vector thread cstdio",
    "cpp-virtual-table": "cstddef cstdio",
    "tree-traversals": "vector cstdio",
    "top-k-heap": "queue vector functional cstddef cstdio",
    "producer-consumer-queue": "condition_variable mutex deque optional utility thread vector atomic memory cstdio",
    "thread-pool": "condition_variable mutex queue functional future memory thread vector chrono stdexcept cstdio",
}
FLAGS = ("-std=c++20", "-Wall", "-Wextra", "-Werror", "-pthread")


def source(card: str, rest: str, before: str = "") -> str:
    includes = "".join(f"#include <{name}>\n" for name in HEADERS[card].split())
    return f"{includes}using std::size_t;\n{before}{code(f'coding/{card}', 'en', 'cpp')}\n{rest}"


def run(folder: Path, text: str, *flags: str) -> str:
    """What the program prints."""
    (folder / "card.cpp").write_text(text, encoding="utf-8")
    built = subprocess.run(
        [GXX, *FLAGS, *flags, "-o", str(folder / "card"), str(folder / "card.cpp")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    done = subprocess.run([str(folder / "card")], capture_output=True, text=True, check=True, timeout=20)
    return done.stdout


@pytest.mark.parametrize("card", HEADERS)
def test_both_languages_show_the_same_cpp(card: str) -> None:
    assert code(f"coding/{card}", "en", "cpp") == code(f"coding/{card}", "zh", "cpp")


# --- layout -----------------------------------------------------------------------------------------------------------

LAYOUT = """
struct B2 { virtual ~B2() = default; int i; short s; char c; };
int main() {
#define SHOW(T) std::printf("%s %zu %zu\\n", #T, sizeof(T), alignof(T));
  SHOW(A) SHOW(B) SHOW(C) SHOW(V) SHOW(E) SHOW(M) SHOW(D) SHOW(N) SHOW(P) SHOW(F) SHOW(U) SHOW(X) SHOW(K) SHOW(B2)
  V v; v.c = 1; v.i = 2; v.s = 3;
  auto at = [&v](const void* member) { return (const char*)member - (const char*)&v; };
  std::printf("offsets %td %td %td\\n", at(&v.c), at(&v.i), at(&v.s));
  std::printf("members %zu %zu %zu\\n", offsetof(A, i), offsetof(A, s), offsetof(B, c));
}
"""


def test_sizes_of_the_structs(tmp_path: Path) -> None:
    printed = run(tmp_path, source("cpp-struct-layout", LAYOUT))
    real = {name: (int(size), int(align)) for name, size, align in re.findall(r"^(\w+) (\d+) (\d+)$", printed, re.M)}
    for lang in LANGS:
        rows = table("coding/cpp-struct-layout", lang, "align" if lang == "en" else "对齐")
        assert {row[0]: (int(row[1]), int(row[2])) for row in rows} == {n: s for n, s in real.items() if n != "B2"}
    assert [real[name][0] for name in "ABCVPE"] == [12, 8, 24, 24, 7, 1]
    assert real["B2"][0] == 16
    assert "offsets 8 12 16" in printed
    assert "members 4 8 6" in printed
    for lang in LANGS:
        picture = code("coding/cpp-struct-layout", lang, "text")
        drawn = {name: (cells, int(size)) for name, cells, size in re.findall(r"([ABV]): ([a-z.]+) +(\d+)", picture)}
        assert all(len(cells) == size == real[name][0] for name, (cells, size) in drawn.items())
        assert [drawn["V"][0].index(letter) for letter in "cis"] == [8, 12, 16]
        assert [drawn["A"][0].index(letter) for letter in "is"] == [4, 8]


def test_vector_types_of_cuda(tmp_path: Path) -> None:
    triton = pytest.importorskip("triton")
    include = Path(triton.__file__).parent / "backends" / "nvidia" / "include"
    if not (include / "vector_types.h").exists():
        pytest.skip("needs the CUDA headers of the Triton wheel")
    program = """
    #include <cstdio>
    #include "vector_types.h"
    int main() { std::printf("%zu %zu %zu %zu", sizeof(float3), alignof(float3), sizeof(float4), alignof(float4)); }
    """
    assert run(tmp_path, program, "-I", str(include)) == "12 4 16 16"


@pytest.mark.parametrize("lang", LANGS)
def test_sectors_that_a_warp_touches(lang: Lang) -> None:
    apart = {(12 * lane + byte) // 32 for lane in range(32) for byte in range(4)}
    together = {(4 * lane + byte) // 32 for lane in range(32) for byte in range(4)}
    text = everything("coding/cpp-struct-layout", lang)
    assert (len(apart), len(together)) == (12, 4)
    assert re.search(r"12 (sectors instead of 4|个 sector，SoA 只要 4)", text)
    assert f"32 \\cdot 12 = {32 * 12}" in text
    assert f"{round(100 * 128 / 384)} %" in text
    assert re.search(
        rf"12 (sectors of 32|个 32 字节的 sector)(, and uses |，只用到其中 ){32 * 4}\b", re.sub(r"\s+", " ", text)
    )


# --- ownership --------------------------------------------------------------------------------------------------------

OWNERSHIP = """
struct Quiet { static inline int copies, moves; Quiet() = default;
  Quiet(const Quiet&) { ++copies; } Quiet(Quiet&&) noexcept { ++moves; } };
struct Loud { static inline int copies, moves; Loud() = default;
  Loud(const Loud&) { ++copies; } Loud(Loud&&) noexcept(false) { ++moves; } };
template <class T> void grow() {
  std::vector<T> v; v.reserve(4);
  while (v.size() < 4) v.emplace_back();
  T::copies = T::moves = 0;
  v.reserve(v.capacity() + 1);
  std::printf("grow %d %d\\n", T::copies, T::moves);
}
int main() {
  Buffer a(8), b(3);
  b = std::move(a);
  std::printf("moved %zu %zu\\n", a.size(), b.size());
  b = std::move(b);
  Buffer c(std::move(b));
  std::printf("self %zu %zu\\n", b.size(), c.size());
  std::printf("sizes %zu %zu %zu %zu\\n", sizeof(std::unique_ptr<int>), sizeof(std::unique_ptr<int, void (*)(int*)>),
              sizeof(std::shared_ptr<int>), sizeof(std::weak_ptr<int>));
  grow<Quiet>(); grow<Loud>();
  Registry* seen[4];
  std::vector<std::thread> threads;
  for (auto& slot : seen) threads.emplace_back([&slot] { slot = &Registry::get(); });
  for (auto& t : threads) t.join();
  std::printf("one %d\\n", seen[0] == seen[1] && seen[1] == seen[2] && seen[2] == seen[3]);
}
"""


def test_moves_sizes_and_the_singleton(tmp_path: Path) -> None:
    printed = run(tmp_path, source("cpp-raii-smart-pointers-move", OWNERSHIP), "-Wno-self-move")
    assert printed.split("\n")[:-1] == ["moved 0 8", "self 0 8", "sizes 8 16 16 16", "grow 0 4", "grow 4 0", "one 1"]
    for lang in LANGS:
        rows = table("coding/cpp-raii-smart-pointers-move", lang, "libstdc++")
        assert [int(row[1]) for row in rows] == [8, 16, 16]
        assert re.search(
            r"(4 moves, without\s+it 4 copies|4 次移动，否则是 4 次拷贝)",
            details("coding/cpp-raii-smart-pointers-move", lang),
        )


ONLY_MOVES = """
struct Only { static inline int moves; Only() = default;
  Only(const Only&) = delete; Only(Only&&) noexcept(false) { ++moves; } };
int main() {
  std::vector<Only> v; v.reserve(4);
  while (v.size() < 4) v.emplace_back();
  v.reserve(v.capacity() + 1);
  std::printf("%d", Only::moves);
}
"""


def test_what_cannot_be_copied_is_moved_without_noexcept(tmp_path: Path) -> None:
    assert run(tmp_path, source("cpp-raii-smart-pointers-move", ONLY_MOVES)) == "4"


# --- virtual functions ------------------------------------------------------------------------------------------------

DISPATCH = """
extern "C" int through_base(Op* o) { return o->run() + 1; }
extern "C" int through_final(Gemm* g) { return g->run() + 1; }
int main() {
  Gemm g; Log* log = &g; Op* op = &g;
  long top = (*(long**)log)[-2];
  std::printf("%zu %zu %td %d %d %ld %d", sizeof(Op), sizeof(Gemm), (char*)log - (char*)&g, op->run(), log->log(),
              top, dynamic_cast<void*>(log) == (void*)&g);
  std::printf(" %d %d", Derived().seen, Derived().who());
}
"""


def test_virtual_table_as_laid_out(tmp_path: Path) -> None:
    text = source("cpp-virtual-table", DISPATCH)
    assert run(tmp_path, text) == "8 16 8 10 20 -8 1 1 2"
    for lang, said in (
        ("en", r"is 8, `sizeof\(Gemm\)` 16; .* lies at 8\."),
        ("zh", r"是 8，`sizeof\(Gemm\)` 是 16；.*偏移 8。"),
    ):
        assert re.search(said, details("coding/cpp-virtual-table", LANGS[lang == "zh"]))
    dumped = tmp_path / "classes"
    command = [GXX, "-std=c++20", "-S", "-O2", f"-fdump-lang-class={dumped}", "-o", "-", str(tmp_path / "card.cpp")]
    assembly = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    [entries] = re.findall(r"^Vtable for Gemm\n(.*?)\n\n", dumped.read_text(), re.S | re.M)
    real = [(int(at), what) for at, what in re.findall(r"^(\d+) +\(int \(\*\)\(\.\.\.\)\)(.*)$", entries, re.M)]
    expected = {
        "offset to top": r"-?\d+$",
        "type info": r"\(& _ZTI4Gemm\)",
        "Gemm::": r"Gemm::(run|log)$",
        "~Gemm": "Gemm::~Gemm",
        "thunk": "_ZThn8_",
    }
    for lang in LANGS:
        drawn = re.findall(r" +(\d+) {4}(\S.*)$", code("coding/cpp-virtual-table", lang, "text"), re.M)
        assert [int(at) for at, _ in drawn] == [at for at, _ in real]
        for (_, label), (_, what) in zip(drawn, real, strict=True):
            kind = next(name for name in ("thunk", *expected) if label.startswith(name))
            assert re.search(expected[kind], what), (label, what)
            if kind == "offset to top":
                assert label.split()[-1] == what
        assert str(len(real)) in details("coding/cpp-virtual-table", lang)

    def body(name: str) -> str:
        return assembly[assembly.index(f"{name}:") : assembly.index(f".size\t{name}")]

    assert "*(%rax)" in body("through_base")
    assert "$11, %eax" in body("through_final")
    assert "call" not in body("through_final")


# --- algorithms -------------------------------------------------------------------------------------------------------

TREE = """
struct Node { int val; Node* left = nullptr; Node* right = nullptr; };
"""

WALK = """
void reference(Node* n, std::vector<int>& out) {
  if (!n) return;
  reference(n->left, out); reference(n->right, out); out.push_back(n->val);
}
int main() {
  unsigned state = 7;
  for (int round = 0; round < 300; ++round) {
    int size = round % 25;
    std::vector<Node> nodes(static_cast<size_t>(size));
    for (int i = 0; i < size; ++i) {
      nodes[i].val = i % 3;
      for (Node* at = &nodes[0]; i > 0;) {
        state = state * 1664525u + 1013904223u;
        Node*& next = (state >> 30) % 2 ? at->left : at->right;
        if (!next) { next = &nodes[i]; break; }
        at = next;
      }
    }
    std::vector<int> expected;
    reference(size ? &nodes[0] : nullptr, expected);
    if (post_order(size ? &nodes[0] : nullptr) != expected) return 1;
  }
  std::puts("ok");
}
"""

SELECT = """
int main() {
  std::vector<int> v{5, 1, 9, 3, 9, 2};
  for (size_t k : {0u, 1u, 3u, 6u, 9u}) { for (int x : top_k(v, k)) std::printf("%d", x); std::printf(" "); }
}
"""


def test_post_order_in_cpp(tmp_path: Path) -> None:
    assert run(tmp_path, source("tree-traversals", WALK, before=TREE)) == "ok\n"


def test_top_k_in_cpp(tmp_path: Path) -> None:
    assert run(tmp_path, source("top-k-heap", SELECT)).split(" ")[:-1] == ["", "9", "995", "995321", "995321"]


# --- threads ----------------------------------------------------------------------------------------------------------

QUEUE = """
int main() {
  BoundedQueue<std::unique_ptr<int>> q(3);
  std::atomic<long> sum{0}, count{0};
  std::vector<std::thread> producers, consumers;
  for (int p = 0; p < 4; ++p) producers.emplace_back([&, p] {
    for (int i = 0; i < 2000; ++i) q.push(std::make_unique<int>(p * 2000 + i));
  });
  for (int c = 0; c < 4; ++c) consumers.emplace_back([&] { while (auto v = q.pop()) { sum += **v; ++count; } });
  for (auto& t : producers) t.join();
  q.close();
  for (auto& t : consumers) t.join();
  std::printf("%ld %ld\\n", count.load(), sum.load());
  // A producer that waits for room and a consumer that waits for an item are let go by close.
  BoundedQueue<int> full(1), empty(1);
  full.push(1);
  int pushed = -1, got = -1;
  std::thread a([&] { pushed = full.push(2); }), b([&] { got = empty.pop().has_value(); });
  full.close(); empty.close();
  a.join(); b.join();
  std::printf("%d %d %d %d\\n", pushed, got, full.pop().value_or(0), full.push(3));
}
"""

POOL = """
int main() {
  ThreadPool pool(4);
  std::vector<std::future<int>> squares;
  for (int i = 0; i < 1000; ++i) squares.push_back(pool.submit([i] { return i * i; }));
  long sum = 0;
  for (auto& f : squares) sum += f.get();
  auto bad = pool.submit([]() -> int { throw std::runtime_error("boom"); });
  try { bad.get(); } catch (const std::runtime_error& e) { std::printf("%s ", e.what()); }
  std::printf("%ld %d ", sum, pool.submit([] { return 5; }).get());
  std::atomic<int> done{0};
  { ThreadPool small(2); for (int i = 0; i < 200; ++i) small.submit([&done] { ++done; }); }
  std::printf("%d ", done.load());
  // A task that waits for another task of the same single worker: it is not ready, however long one waits.
  ThreadPool one(1);
  auto outer = one.submit([&one] {
    auto inner = one.submit([] { return 1; });
    return inner.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout;
  });
  std::printf("%d\\n", outer.get());
}
"""


def test_queue_under_four_producers_and_four_consumers(tmp_path: Path) -> None:
    total = sum(range(4 * 2000))
    assert run(tmp_path, source("producer-consumer-queue", QUEUE), "-O1").split("\n")[:2] == [
        f"8000 {total}",
        "0 0 1 0",
    ]


def test_pool_returns_throws_drains_and_can_deadlock(tmp_path: Path) -> None:
    total = sum(i * i for i in range(1000))
    assert run(tmp_path, source("thread-pool", POOL), "-O1") == f"boom {total} 5 200 1\n"


@pytest.mark.parametrize("lang", LANGS)
def test_what_the_bound_is_worth(lang: Lang) -> None:
    text = details("coding/producer-consumer-queue", lang)
    [factors] = re.findall(r"\$(\d+) \\cdot (\d+) \\cdot (\d+) \\cdot (\d+)\$", text)
    assert [int(f) for f in factors] == [64, 3, 224, 224]
    batch = 4 * math.prod(int(f) for f in factors)
    assert f"{batch / 1e6:.1f} MB" in text
    assert f"{64 * batch / 1e9:.2f} GB" in text
