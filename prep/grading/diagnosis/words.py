"""The words of every diagnosis code, in English and Chinese."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    en: str
    zh: str


class Entry(NamedTuple):
    message: Text
    hint: Text
    question: Text


MESSAGES: dict[str, Entry] = {
    "syntax-error": Entry(
        Text("the file is not Python: {detail}", "文件不是合法的 Python：{detail}"),
        Text("mend the line that is shown, then save again", "改好所示的行，再保存"),
        Text("How would you check a file before you hand it in?", "交出文件之前，你会怎样检查它？"),
    ),
    "wrong-signature": Entry(
        Text("the entry cannot be called as the task asks: {detail}", "入口函数无法按题目要求调用：{detail}"),
        Text(
            "outputs are the last tensor parameters and are written in place; nothing is returned",
            "输出是最后的张量参数，就地写入；不返回任何值",
        ),
        Text(
            "Why do kernels get their outputs passed in instead of returning them?",
            "为什么 kernel 的输出由调用者传入，而不是作为返回值？",
        ),
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
        Text("Who allocates the output, and when would it be allocated again?", "输出由谁分配？什么时候会被重新分配？"),
    ),
    "missing-mask": Entry(
        Text(
            "a load without a mask reads outside '{name}': {detail} ({lanes} lanes, first in program {program})",
            "没有 mask 的 load 读到了 '{name}' 之外：{detail}（{lanes} 个 lane，最早在 program {program}）",
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
            "a masked load still reads outside '{name}': {detail} ({lanes} lanes, first in program {program})",
            "带 mask 的 load 仍读到了 '{name}' 之外：{detail}（{lanes} 个 lane，最早在 program {program}）",
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
    "tampering": Entry(
        Text(
            "files that decide the verdict were changed while the submission ran: {name}",
            "提交运行期间，决定判定结果的文件被改动：{name}",
        ),
        Text(
            "put them back as they were; if the change was your own, start prep again and grade once more",
            "把文件恢复原样；如果是你自己的修改，请重新启动 prep 再评一次",
        ),
        Text("What may a process that runs code of others write to?", "运行他人代码的进程，应当允许它写哪些地方？"),
    ),
    "constant-output": Entry(
        Text("every element of '{name}' is {got}, whatever the input", "无论输入是什么，'{name}' 的每个元素都是 {got}"),
        Text("does the value that is stored depend on what was loaded?", "写回的值是否依赖读入的值？"),
        Text("Trace one element: which load does its value come from?", "跟踪一个元素：它的值来自哪一次 load？"),
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
        Text(
            "What would a cache need for its key to be right here, and what would it cost?",
            "要让缓存正确，键里得有什么？代价是多少？",
        ),
    ),
    "hardcoded-shape": Entry(
        Text(
            "right for some sizes only: in '{case}', '{name}'[{index}] is {got}, expected {expected}",
            "只对某些尺寸正确：在 '{case}' 中 '{name}'[{index}] 得到 {got}，应为 {expected}",
        ),
        Text("take every size from the tensors' shapes", "所有尺寸都从张量的 shape 取"),
        Text("Which of your constants should be arguments?", "你的哪些常量应当是参数？"),
    ),
    "race": Entry(
        Text(
            "two programs meet in '{name}' and nothing orders them: {detail}",
            "两个 program 访问同一处 '{name}'，先后没有任何保证：{detail}",
        ),
        Text(
            "let each element have one owner, or add with tl.atomic_add into an output that was zeroed first",
            "让每个元素只归一个 program，或者先清零输出，再用 tl.atomic_add 累加",
        ),
        Text(
            "Why do the right numbers on your machine prove nothing here?",
            "在你的机器上算对了，为什么什么也证明不了？",
        ),
    ),
    "nondeterministic": Entry(
        Text(
            "two runs on the same values give different results: {detail}",
            "同样的输入跑两次，结果不同：{detail}",
        ),
        Text(
            "use no random numbers, no clock, and nothing kept from another call",
            "不要用随机数、时钟，也不要依赖其他调用留下的东西",
        ),
        Text(
            "Which sources of nondeterminism does a GPU kernel have, and which may one accept?",
            "GPU kernel 有哪些不确定性的来源？哪些可以接受？",
        ),
    ),
    "uninitialised-read": Entry(
        Text(
            "the result depends on memory that nobody wrote: {detail} before any store ({lanes} lanes)",
            "结果依赖从未写过的内存：{detail}，此前没有任何 store（{lanes} 个 lane）",
        ),
        Text(
            "outputs and torch.empty hold whatever was there before: start from zeros in registers, or zero the memory",
            "输出和 torch.empty 里是之前的残留：在寄存器里从零开始累加，或者先把内存清零",
        ),
        Text(
            "Why may this pass on a fresh GPU process and fail in a long-running server?",
            "为什么它在刚启动的 GPU 进程里可能算对，在长期运行的服务里却会出错？",
        ),
    ),
    "order-dependent": Entry(
        Text(
            "the result depends on the order in which programs run: {detail}",
            "结果取决于 program 的执行顺序：{detail}",
        ),
        Text(
            "a program may not read what another one of the same launch writes: use a second launch, or atomics",
            "同一次启动里，一个 program 不能读另一个 program 写的内容：拆成两次启动，或者用原子计数器",
        ),
        Text(
            "What does a GPU promise about the order of the programs of a grid?",
            "对一个 grid 里各个 program 的执行顺序，GPU 有什么保证？",
        ),
    ),
    "distribution-dependent": Entry(
        Text(
            "right for ordinary values only: in '{case}', '{name}'[{index}] is {got}, expected {expected}",
            "只对普通的数值正确：在 '{case}' 中 '{name}'[{index}] 得到 {got}，应为 {expected}",
        ),
        Text(
            "let no branch or shortcut depend on what values usually look like: rows may differ in scale, be constant, "
            "or hold one dominant value",
            "不要根据数值“通常的样子”分支或走捷径：各行的量级可以不同，可以是常数，也可以有一个压倒性的大值",
        ),
        Text(
            "For which inputs is your shortcut wrong, and would anybody notice in production?",
            "哪些输入会让你的捷径出错？上线以后有人能发现吗？",
        ),
    ),
    "too-much-shared-memory": Entry(
        Text(
            "'{kernel}' needs {required} bytes of shared memory, a block on sm_90 has {limit}; "
            "what about halves it: {remedy}",
            "'{kernel}' 需要 {required} 字节共享内存，sm_90 上一个 block 只有 {limit}；要减半，可以{remedy}",
        ),
        Text(
            "count the tiles that are held at once: each stage of the pipeline keeps its own copy of both operands",
            "数一数同时存在的 tile：流水线的每一级都各存一份两个操作数",
        ),
        Text(
            "How many bytes of shared memory does your tile take, as a formula in its sides and num_stages?",
            "你的 tile 占多少字节共享内存？写成边长和 num_stages 的公式。",
        ),
    ),
    "impossible-timing": Entry(
        Text("faster than the hardware can be: {detail}", "比硬件的极限还快：{detail}"),
        Text("is all of the work done inside the timed call?", "所有工作都在计时的那次调用里完成了吗？"),
        Text(
            "How many bytes must move at least, and how long does that take at the peak bandwidth?",
            "至少要搬多少字节？按峰值带宽要花多长时间？",
        ),
    ),
    "work-outside-timing": Entry(
        Text("work goes on outside the timed call: {detail}", "计时之外还有工作在进行：{detail}"),
        Text("launch on the current stream, and start no thread", "在当前 stream 上启动，不要另开线程"),
        Text("How do CUDA events measure time, and what escapes them?", "CUDA event 怎样计时？什么会逃过它？"),
    ),
    "cached-result": Entry(
        Text("a result was kept instead of computed: {detail}", "结果是存下来的，不是算出来的：{detail}"),
        Text(
            "compute from the inputs of this call; keep nothing between calls",
            "只用本次调用的输入计算；不要跨调用保存结果",
        ),
        Text("What does a cache key of address and shape miss?", "用地址和形状做缓存的键，会漏掉什么？"),
    ),
    "does-not-compile": Entry(
        Text("triton rejects the kernel: {detail}", "triton 拒绝这个 kernel：{detail}"),
        Text("see the line and triton's own words", "看所示的行和 triton 的原话"),
        Text(
            "What must be known when a kernel is compiled, and what only when it runs?",
            "哪些东西必须在编译时已知，哪些可以到运行时才知道？",
        ),
    ),
    "crash": Entry(
        Text("the submission failed: {detail}", "提交的代码出错：{detail}"),
        Text("run the entry on a tiny tensor and print shapes", "用很小的张量跑一次入口函数，打印形状"),
        Text("How would you reduce this to the smallest input that still fails?", "怎样把它缩减成仍然出错的最小输入？"),
    ),
    "timeout": Entry(
        Text("no answer in time: {detail}", "超时未返回：{detail}"),
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

CONFIDENCES = {
    "certain": Text("proven: seen in a trace or in the bytes themselves", "确定：由访存记录或字节本身证实"),
    "likely": Text("likely: what the wrong values look like", "很可能：从错误数值的样子推断"),
    "guess": Text("a guess: no evidence singles it out", "猜测：没有证据能排除其他原因"),
}

LIKELY = frozenset(
    {
        "overflow-no-max-subtraction",
        "tail-wrong",
        "transposed",
        "wrong-axis",
        "low-precision",
        "ignores-strides",
        "hardcoded-shape",
        "distribution-dependent",
        "constant-output",
    }
)
"""Codes inferred from values; the others state what was seen to happen."""

ROADS = {
    "host-write": Text(
        "memory was written between two kernels, by neither a kernel nor torch",
        "两次 kernel 之间，有内存被 kernel 和 torch 以外的代码改写",
    ),
    "host-data": Text(
        "a kernel reads data that was made on the host, not an input and not what a kernel wrote",
        "kernel 读取了主机上生成的数据：既不是输入，也不是 kernel 写出的结果",
    ),
    "thread": Text("a thread was still at work when the entry had returned", "入口函数已经返回，还有线程在继续计算"),
}
"""Roads past the kernels that are no operator, by the worker's names for them."""
