"""What each diagnosis says, in English and Chinese: what is wrong, a hint, and what an interviewer would ask next."""

from __future__ import annotations

from typing import Any, NamedTuple


class Text(NamedTuple):
    en: str
    zh: str


class Entry(NamedTuple):
    message: Text
    hint: Text
    question: Text


_NO_QUESTION = Text("", "")

MESSAGES: dict[str, Entry] = {
    "syntax-error": Entry(
        Text("the file is not Python: {detail}", "文件不是合法的 Python：{detail}"),
        Text("mend the line that is shown, then save again", "改好所示的行，再保存"),
        _NO_QUESTION,
    ),
    "wrong-signature": Entry(
        Text("the entry cannot be called as the task asks: {detail}", "入口函数无法按题目要求调用：{detail}"),
        Text(
            "outputs are the last tensor parameters and are written in place; nothing is returned",
            "输出是最后的张量参数，就地写入；不返回任何值",
        ),
        _NO_QUESTION,
    ),
    "no-kernel": Entry(
        Text("'{name}' launched no @triton.jit kernel", "'{name}' 没有启动任何 @triton.jit kernel"),
        Text("write a kernel and launch it: kernel[grid](...)", "写一个 kernel 并启动它：kernel[grid](...)"),
        Text("What would one program instance compute?", "一个 program 实例负责算哪一块？"),
    ),
    "not-written": Entry(
        Text(
            "elements of '{name}' were never written; the first is [{index}]",
            "'{name}' 有元素从未写入，第一个是 [{index}]",
        ),
        Text(
            "does the grid cover the whole output, and does every program store its result into the output that it was "
            "given?",
            "grid 是否覆盖整个输出？每个 program 是否把结果存进传入的输出张量？",
        ),
        Text(
            "How many programs does your grid launch, and which elements does each of them own?",
            "你的 grid 启动多少个 program，各自负责哪些元素？",
        ),
    ),
    "wrong-shape-or-dtype": Entry(
        Text("'{name}' has another shape or dtype than the task asks for", "'{name}' 的形状或 dtype 与题目不符"),
        Text("write into the tensor that is passed in", "写入传进来的那个张量"),
        _NO_QUESTION,
    ),
    "missing-mask": Entry(
        Text(
            "a load without a mask reads outside '{name}': {detail} ({lanes} lanes, first in program ({program}))",
            "没有 mask 的 load 读到了 '{name}' 之外：{detail}（{lanes} 个 lane，最早在 program ({program})）",
        ),
        Text(
            "give tl.load a mask that is false past the end, and an `other` that is neutral for what follows",
            "给 tl.load 加上越界处为假的 mask，并用对后续运算中性的 `other`",
        ),
        Text(
            "What value must the masked lanes take here, and why is 0 not always right?",
            "被屏蔽的 lane 应取什么值？为什么 0 不总是对的？",
        ),
    ),
    "out-of-bounds-read": Entry(
        Text(
            "a masked load still reads outside '{name}': {detail} ({lanes} lanes, first in program ({program}))",
            "带 mask 的 load 仍读到了 '{name}' 之外：{detail}（{lanes} 个 lane，最早在 program ({program})）",
        ),
        Text(
            "compare the mask with the offsets: the same dimension, the same bound, every axis",
            "把 mask 与偏移逐一对照：同一维度、同一上界、每个轴都要有",
        ),
        Text("Which dimension does your mask forget?", "你的 mask 漏了哪个维度？"),
    ),
    "out-of-bounds-write": Entry(
        Text(
            "a store writes outside '{name}': {detail} ({lanes} lanes)",
            "store 写到了 '{name}' 之外：{detail}（{lanes} 个 lane）",
        ),
        Text(
            "mask the store with the same bounds as the load; on a GPU this overwrites somebody else's memory",
            "store 要和 load 用同样的边界做 mask；在 GPU 上这会改写别人的显存",
        ),
        Text(
            "Why may such a kernel pass its tests on a GPU all the same?",
            "为什么这样的 kernel 在 GPU 上仍可能通过测试？",
        ),
    ),
    "nan-or-inf": Entry(
        Text(
            "'{name}'[{index}] is {got} where {expected} is expected",
            "'{name}'[{index}] 得到 {got}，应为 {expected}",
        ),
        Text(
            "look for a division by zero, an overflow, -inf minus -inf, or a masked lane that enters a sum",
            "检查除以零、dtype 溢出、-inf 减 -inf，或被屏蔽的 lane 混进了求和",
        ),
        Text("Where does the first NaN arise?", "第一个 NaN 是在哪一步产生的？"),
    ),
    "overflow-no-max-subtraction": Entry(
        Text(
            "exp overflows for large inputs: '{name}'[{index}] is {got}, expected {expected}",
            "输入较大时 exp 溢出：'{name}'[{index}] 得到 {got}，应为 {expected}",
        ),
        Text("subtract the row's maximum before exp", "先减去该行的最大值再做 exp"),
        Text(
            "Why does subtracting the maximum not change the result, and what does online softmax do with it?",
            "减去最大值为什么不改变结果？online softmax 又怎样处理它？",
        ),
    ),
    "tail-wrong": Entry(
        Text(
            "right in whole blocks, wrong in the last, partial one: '{name}'[{index}] is {got}, expected {expected}",
            "整块内正确，最后不满的一块错误：'{name}'[{index}] 得到 {got}，应为 {expected}",
        ),
        Text(
            "sizes are not multiples of the block: round the grid up, and let masked lanes be neutral",
            "尺寸不是块大小的整数倍：grid 向上取整，被屏蔽的 lane 要取中性值",
        ),
        Text("What does the last block do with the lanes past the end?", "最后一块怎样处理越界的 lane？"),
    ),
    "transposed": Entry(
        Text(
            "the result is right, but for a transposed operand or output", "结果只差一个转置：某个操作数或输出被转置了"
        ),
        Text("check which stride belongs to which index", "检查每个下标对应哪个 stride"),
        Text("What is the address of element (i, j), in strides?", "用 stride 写出元素 (i, j) 的地址。"),
    ),
    "wrong-axis": Entry(
        Text("the result is right for another axis", "结果是沿另一个轴算的"),
        Text("check along which axis a program reduces", "检查 program 沿哪个轴归约"),
        Text("Which axis is contiguous, and does it matter for speed here?", "哪个轴连续？它对速度有何影响？"),
    ),
    "low-precision": Entry(
        Text(
            "small errors as of a lower precision: '{name}'[{index}] is {got}, expected {expected}",
            "误差很小，像是用了更低的精度：'{name}'[{index}] 得到 {got}，应为 {expected}",
        ),
        Text(
            "accumulate in float32 and convert only when storing",
            "用 float32 累加，只在写回时转换",
        ),
        Text(
            "How does the rounding error of a sum grow with its length, and with the accumulator's precision?",
            "求和的舍入误差如何随长度和累加器精度增长？",
        ),
    ),
    "ignores-strides": Entry(
        Text(
            "right for contiguous tensors only; wrong for strides {detail}",
            "只对连续张量正确；stride 为 {detail} 时出错",
        ),
        Text("pass x.stride(i) to the kernel and use it", "把 x.stride(i) 传给 kernel 并使用它"),
        Text(
            "What would .contiguous() cost instead, in bytes moved?",
            "若改用 .contiguous()，要多搬多少字节？",
        ),
    ),
    "input-mutated": Entry(
        Text("the input '{name}' was changed", "输入 '{name}' 被改写了"),
        Text("write only into the outputs", "只写输出张量"),
        Text("Who else may hold this tensor?", "还有谁可能持有这个张量？"),
    ),
    "uses-library-op": Entry(
        Text(
            "the work is done by a library, not by your kernel: {name}",
            "计算由库完成，而不是你的 kernel：{name}",
        ),
        Text(
            "views, allocation and constant fills are allowed; the arithmetic belongs into a @triton.jit kernel",
            "允许视图、分配和常量填充；运算必须写在 @triton.jit kernel 里",
        ),
        Text("What does that operator do inside, step by step?", "这个算子内部一步步做了什么？"),
    ),
    "constant-output": Entry(
        Text("every element of '{name}' is {got}, whatever the input", "无论输入是什么，'{name}' 的每个元素都是 {got}"),
        Text("does the value that is stored depend on what was loaded?", "写回的值是否依赖读入的值？"),
        _NO_QUESTION,
    ),
    "stale-output": Entry(
        Text(
            "called again with other values, '{name}' got the result of the earlier call",
            "换了输入再调用，'{name}' 得到的仍是上一次的结果",
        ),
        Text(
            "compute from the inputs of this call; keep nothing between calls",
            "只用本次调用的输入计算；不要跨调用保存结果",
        ),
        _NO_QUESTION,
    ),
    "hardcoded-shape": Entry(
        Text(
            "right for one size only: in '{case}', '{name}'[{index}] is {got}, expected {expected}",
            "只对一种尺寸正确：在 '{case}' 中 '{name}'[{index}] 得到 {got}，应为 {expected}",
        ),
        Text("take every size from the tensors' shapes", "所有尺寸都从张量的 shape 取"),
        Text("Which of your constants should be arguments?", "你的哪些常量应当是参数？"),
    ),
    "does-not-compile": Entry(
        Text("triton rejects the kernel: {detail}", "triton 拒绝这个 kernel：{detail}"),
        Text("see the line and triton's own words", "看所示的行和 triton 的原话"),
        _NO_QUESTION,
    ),
    "crash": Entry(
        Text("the submission failed: {detail}", "提交的代码出错：{detail}"),
        Text("run the entry on a tiny tensor and print shapes", "用很小的张量跑一次入口函数，打印形状"),
        _NO_QUESTION,
    ),
    "timeout": Entry(
        Text("no answer in time", "超时未返回"),
        Text(
            "look for a loop whose end never comes, or a grid of one program for each element",
            "检查是否有永不结束的循环，或每个元素一个 program 的 grid",
        ),
        Text("How many programs and iterations does this case take?", "这个用例共有多少个 program 和循环次数？"),
    ),
    "numerically-wrong": Entry(
        Text(
            "wrong values: '{name}'[{index}] is {got}, expected {expected}",
            "数值错误：'{name}'[{index}] 得到 {got}，应为 {expected}",
        ),
        Text(
            "work out by hand what the first wrong element should be, and print it in the kernel",
            "手算第一个出错的元素，并在 kernel 里打印出来",
        ),
        Text("Which step would you check first, and how?", "你会先检查哪一步？怎么检查？"),
    ),
}


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def _values(fields: dict[str, Any], lang: int) -> _Blank:
    def shown(value: Any) -> Any:
        if isinstance(value, Text):
            return value[lang]
        return f"{value:.6g}" if isinstance(value, float) else value

    return _Blank({name: shown(value) for name, value in fields.items()})


def diagnosis(
    code: str, source: bytes, *, line: int | None = None, case: str | None = None, **fields: Any
) -> dict[str, Any]:
    """A diagnosis of the verdict: code, message and hint in English, all in both languages, the line of the file.

    Args:
        fields: what the message's placeholders stand for; a `Text` where that differs by language.
    """
    entry = MESSAGES[code]
    messages = [text.format_map(_values({**fields, "case": case}, lang)) for lang, text in enumerate(entry.message)]
    lines = source.decode(errors="replace").splitlines()
    text = lines[line - 1].strip() if line is not None and 0 < line <= len(lines) else ""
    where = ", ".join(part for part in (f"line {line}" if line else "", f"case '{case}'" if case else "") if part)
    found: dict[str, Any] = {
        "code": code,
        "message": messages[0],
        "where": where,
        "hint": entry.hint.en,
        "messages": {"en": messages[0], "zh": messages[1]},
        "hints": {"en": entry.hint.en, "zh": entry.hint.zh},
        "question": {"en": entry.question.en, "zh": entry.question.zh},
        "line": line,
        "source": text,
        "case": case,
    }
    if fields.get("traceback"):
        found["traceback"] = fields["traceback"]
    return found
