# style: methods of tensors instead of functions, triton.language by its full name, libdevice.rsqrt
import triton
import triton.language
from triton.language.extra.cuda import libdevice


@triton.jit
def normalise(x, w, b, y, columns, x_pitch, y_pitch, eps, LANES: triton.language.constexpr):
    row = triton.language.program_id(0).to(triton.language.int64)
    lane = triton.language.arange(0, LANES)
    inside = lane < columns
    v = triton.language.load(x + row * x_pitch + lane, inside, 0).to(triton.language.float32)
    v = triton.language.where(inside, v - v.sum(axis=0) / columns, 0)
    scale = libdevice.rsqrt((v * v).sum(axis=0) / columns + eps)
    weight = triton.language.load(w + lane, inside, 1).to(triton.language.float32)
    bias = triton.language.load(b + lane, inside, 0).to(triton.language.float32)
    v = (v * scale).to(triton.language.float32) * weight + bias
    triton.language.store(y + row * y_pitch + lane, v.to(y.type.element_ty), inside)


def layernorm(x, weight, bias, eps, out):
    rows, columns = x.shape
    normalise[rows,](
        x, weight, bias, out, columns, x.stride(0), out.stride(0), eps, LANES=triton.next_power_of_2(columns), num_warps=8
    )
