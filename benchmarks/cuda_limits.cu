// What the limits named on the cards of content/cuda do on the GPU at hand: errors of launches, clusters, latencies,
// shared-memory atomics, rules of graph capture.
//   nvcc -O3 -std=c++17 -arch=sm_90 benchmarks/cuda_limits.cu -o cuda_limits && ./cuda_limits
#include <cooperative_groups.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

namespace cg = cooperative_groups;
using Clock = std::chrono::steady_clock;

__global__ void empty() {}

__global__ void dynamic(float* out) {
  extern __shared__ float shared[];
  shared[threadIdx.x] = 1;
  out[0] = shared[threadIdx.x];
}

__global__ void many_registers(volatile float* x) {  // 80 values are alive at once
  float v[80], sum = 0;
#pragma unroll
  for (int i = 0; i < 80; i++) v[i] = x[i * 1024 + threadIdx.x];
#pragma unroll
  for (int i = 0; i < 80; i++) sum += v[i];
#pragma unroll
  for (int i = 0; i < 80; i++) x[i * 1024 + threadIdx.x] = v[i] * sum;
}

__global__ void count_ranks(int* out) {
  cg::cluster_group cluster = cg::this_cluster();
  if (threadIdx.x == 0) atomicAdd(out, (int)cluster.num_blocks());
  cluster.sync();
}

__global__ void chase(const unsigned* next, unsigned i, int loads, long long* ticks, unsigned* sink) {
  long long start = clock64();
  for (int k = 0; k < loads; k++) i = __ldcg(next + i);
  ticks[0] = clock64() - start;
  *sink = i;
}

__global__ void chase_shared(int away, long long* ticks, unsigned long long* sink) {
  __shared__ unsigned long long next[256];
  cg::cluster_group cluster = cg::this_cluster();
  for (int i = threadIdx.x; i < 256; i += blockDim.x) next[i] = (i + 33) % 256;
  cluster.sync();
  volatile unsigned long long* there = cluster.map_shared_rank(&next[0], (cluster.block_rank() + away) % 4);
  if (blockIdx.x == 0 && threadIdx.x == 0) {
    unsigned long long i = 0;
    for (int k = 0; k < 64; k++) i = there[i];
    long long start = clock64();
    for (int k = 0; k < 2048; k++) i = there[i];
    ticks[0] = clock64() - start;
    *sink = i;
  }
  cluster.sync();
}

__global__ void exponentials(float* out, long long* ticks) {
  float a = threadIdx.x * 1e-3f, b = a + .1f, c = a + .2f, d = a + .3f;
  __syncthreads();
  long long start = clock64();
#pragma unroll 16
  for (int k = 0; k < 1024; k++) {
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(a));
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(b));
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(c));
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(d));
  }
  __syncthreads();
  if (threadIdx.x == 0) ticks[0] = clock64() - start;
  out[threadIdx.x] = a + b + c + d;
}

template <class T>
__global__ void count_shared(T* out, int mask) {  // 256 threads, 2000 additions of one each
  __shared__ T bins[256];
  bins[threadIdx.x] = 0;
  __syncthreads();
  unsigned x = threadIdx.x * 2654435761u + blockIdx.x;
  for (int k = 0; k < 2000; k++) {
    x = x * 1664525u + 1013904223u;
    atomicAdd(&bins[(x >> 24) & mask], (T)1);
  }
  __syncthreads();
  atomicAdd(&out[threadIdx.x], bins[threadIdx.x]);
}

template <class F>
float milliseconds(F launch) {
  cudaEvent_t from, to;
  cudaEventCreate(&from);
  cudaEventCreate(&to);
  launch();
  cudaEventRecord(from);
  launch();
  cudaEventRecord(to);
  cudaEventSynchronize(to);
  float ms;
  cudaEventElapsedTime(&ms, from, to);
  return ms;
}

static void said(const char* what, cudaError_t error) {
  printf("  %-34s %s (%d)\n", what, cudaGetErrorName(error), error);
  cudaGetLastError();
}

static cudaLaunchConfig_t clustered(cudaLaunchAttribute* attribute, int size, int grid, int threads, int shared) {
  attribute->id = cudaLaunchAttributeClusterDimension;
  attribute->val.clusterDim = {(unsigned)size, 1, 1};
  cudaLaunchConfig_t config = {};
  config.gridDim = grid, config.blockDim = threads, config.dynamicSmemBytes = shared;
  config.attrs = attribute, config.numAttrs = 1;
  return config;
}

int main() {
  cudaDeviceProp gpu;
  int runtime, driver;
  cudaGetDeviceProperties(&gpu, 0);
  cudaRuntimeGetVersion(&runtime);
  cudaDriverGetVersion(&driver);
  printf("%s, %d SMs, runtime %d, driver %d\n", gpu.name, gpu.multiProcessorCount, runtime, driver);
  float* out;
  long long* ticks;
  unsigned long long* sink;
  cudaMalloc(&out, 1 << 24);
  cudaMemset(out, 0, 1 << 24);
  cudaMallocManaged(&ticks, 8);
  cudaMalloc(&sink, 8);

  puts("launch errors");
  empty<<<1, 1025>>>(), said("1025 threads", cudaGetLastError());
  empty<<<dim3(1, 65536), 32>>>(), said("grid.y 65536", cudaGetLastError());
  dynamic<<<1, 32, 100 << 10>>>(out), said("100 KB dynamic, no opt-in", cudaGetLastError());
  said("opt-in to 228 KB", cudaFuncSetAttribute(dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 228 << 10));
  said("opt-in to 227 KB", cudaFuncSetAttribute(dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 227 << 10));
  dynamic<<<1, 32, 227 << 10>>>(out), said("227 KB dynamic", cudaGetLastError());
  cudaFuncAttributes attributes;
  cudaFuncGetAttributes(&attributes, many_registers);
  many_registers<<<1, 1024>>>(out), said("1024 threads, many registers", cudaGetLastError());
  printf("  (%d registers)\n", attributes.numRegs);

  puts("clusters: launch, and how many the GPU holds at once with one block per SM");
  cudaFuncSetAttribute(count_ranks, cudaFuncAttributeMaxDynamicSharedMemorySize, 200 << 10);
  for (int allowed = 0; allowed < 2; allowed++) {
    if (allowed) cudaFuncSetAttribute(count_ranks, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
    for (int size : {1, 2, 4, 8, 16, 32}) {
      cudaLaunchAttribute attribute;
      cudaLaunchConfig_t config = clustered(&attribute, size, 4 * size, 128, 200 << 10);
      int active = 0;
      cudaOccupancyMaxActiveClusters(&active, count_ranks, &config);
      cudaGetLastError();
      cudaError_t error = cudaLaunchKernelEx(&config, count_ranks, (int*)out);
      cudaDeviceSynchronize();
      printf("  opt-in %d, size %2d: %3d clusters = %3d blocks, launch %s\n", allowed, size, active, active * size,
             cudaGetErrorName(error));
      cudaGetLastError();
    }
  }

  puts("latency of one load, a chain of dependent loads");
  for (int away = 0; away < 4; away++) {
    cudaLaunchAttribute attribute;
    cudaLaunchConfig_t config = clustered(&attribute, 4, 4, 32, 0);
    cudaLaunchKernelEx(&config, chase_shared, away, ticks, sink);
    cudaDeviceSynchronize();
    printf("  shared memory of block +%d: %.0f cycles\n", away, ticks[0] / 2048.0);
  }
  for (size_t mb : {16, 1024, 8192}) {
    size_t lines = (mb << 20) / 128;
    unsigned* next;
    cudaMalloc(&next, lines * 128);
    std::vector<unsigned> order(lines), host(lines * 32, 0);
    std::iota(order.begin(), order.end(), 0u);
    std::shuffle(order.begin(), order.end(), std::mt19937(1));
    for (size_t i = 0; i < lines; i++) host[order[i] * (size_t)32] = order[(i + 1) % lines] * 32;
    cudaMemcpy(next, host.data(), lines * 128, cudaMemcpyHostToDevice);
    const int loads = 8192;
    if (mb < 32) chase<<<1, 1>>>(next, 0, (int)lines, ticks, (unsigned*)sink), cudaDeviceSynchronize();
    for (int turn = 1; turn < 4; turn++) {  // every turn walks lines that no turn has walked before
      cudaEvent_t from, to;
      cudaEventCreate(&from), cudaEventCreate(&to), cudaEventRecord(from);
      chase<<<1, 1>>>(next, order[lines / 7 * turn] * 32, loads, ticks, (unsigned*)sink);
      cudaEventRecord(to), cudaEventSynchronize(to);
      float ms;
      cudaEventElapsedTime(&ms, from, to);
      printf("  %4zu MB: %.0f cycles, %.0f ns\n", mb, ticks[0] / (double)loads, ms * 1e6 / loads);
    }
    cudaFree(next);
  }

  puts("throughput");
  exponentials<<<1, 1024>>>(out, ticks);
  cudaDeviceSynchronize();
  printf("  ex2.approx: %.2f per cycle and SM\n", 1024.0 * 4096 / ticks[0]);
  for (int mask : {255, 0})
    printf("  shared atomics, %3d bins: unsigned +1 %.3f ms, float %.3f ms\n", mask + 1,
           milliseconds([&] { count_shared<<<1056, 256>>>((unsigned*)out, mask); }),
           milliseconds([&] { count_shared<<<1056, 256>>>(out, mask); }));
  for (int turn = 0; turn < 3; turn++) {
    cudaDeviceSynchronize();
    auto from = Clock::now();
    for (int i = 0; i < 900; i++) empty<<<1, 32>>>();
    std::chrono::duration<double, std::micro> spent = Clock::now() - from;
    printf("  empty kernel: %.2f us of CPU a launch\n", spent.count() / 900);
  }

  puts("graph capture");
  cudaGraph_t graph;
  cudaStream_t stream, side;
  cudaEvent_t event;
  cudaStreamCreate(&stream), cudaStreamCreate(&side), cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  said("legacy stream", cudaStreamBeginCapture(0, cudaStreamCaptureModeGlobal));
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal);
  said("synchronize", cudaStreamSynchronize(stream));
  said("  then end", cudaStreamEndCapture(stream, &graph));
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal);
  cudaEventRecord(event, stream), cudaStreamWaitEvent(side, event, 0), empty<<<1, 1, 0, side>>>();
  said("side stream has not joined, end", cudaStreamEndCapture(stream, &graph));
  for (int mode = 0; mode < 3; mode++) {
    cudaStreamBeginCapture(stream, (cudaStreamCaptureMode)mode);
    void* memory;
    cudaError_t elsewhere;
    std::thread([&] { elsewhere = cudaMalloc(&memory, 1 << 20); }).join();
    printf("  mode %d\n", mode);
    said("  cudaMalloc in another thread", elsewhere);
    said("  cudaMalloc in this thread", cudaMalloc(&memory, 1 << 20));
    cudaStreamEndCapture(stream, &graph), cudaGetLastError();
  }
}
