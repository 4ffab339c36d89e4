"""How many warps of a kernel a multiprocessor of sm_90 holds at once, as a share of what it could.

Limits: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability", 9.0: 64 warps and 32 blocks a
multiprocessor, 65,536 registers, 228 KiB of shared memory of which each block takes 1 KiB for the system. Granularity:
NVIDIA's occupancy calculator, registers are given to a warp in units of 256, from one of four partitions.
"""

from __future__ import annotations

WARPS, BLOCKS, PARTITIONS = 64, 32, 4
REGISTERS, REGISTER_UNIT = 65536, 256
SHARED_BYTES, SHARED_UNIT, SHARED_RESERVED = 228 << 10, 128, 1 << 10


def blocks_at_once(registers: int, shared_bytes: int, num_warps: int) -> int:
    """Blocks that a multiprocessor holds; 0 where not even one fits.

    Args:
        registers: of a thread.
        shared_bytes: of a block.
        num_warps: of a block.
    """
    of_a_warp = -(-max(registers, 1) * 32 // REGISTER_UNIT) * REGISTER_UNIT
    warps = REGISTERS // PARTITIONS // of_a_warp * PARTITIONS
    of_a_block = -(-(shared_bytes + SHARED_RESERVED) // SHARED_UNIT) * SHARED_UNIT
    return min(BLOCKS, WARPS // num_warps, warps // num_warps, SHARED_BYTES // of_a_block)


def occupancy(registers: int, shared_bytes: int, num_warps: int) -> float:
    """Resident warps over the most there could be, from 0 to 1."""
    return blocks_at_once(registers, shared_bytes, num_warps) * num_warps / WARPS
