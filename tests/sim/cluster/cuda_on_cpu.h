// A CUDA kernel of one cluster at a time on a CPU: a block is a thread of the system, whose thread-local variables are
// its shared memory; a CUDA thread is a coroutine in it, and gives way to the others only where it waits.
#include <barrier>
#include <cmath>
#include <functional>
#include <thread>
#include <ucontext.h>
#include <vector>

#define __global__
#define __device__ static inline
#define __shared__ static thread_local
#define __cluster_dims__(x, y, z)

struct Index { int x; };
static thread_local Index threadIdx, blockIdx, blockDim;

struct Fiber { ucontext_t context; std::vector<char> stack; bool ended = false; };
struct Meeting { int arrived = 0, times = 0; };
struct Block {
    ucontext_t scheduler;
    std::vector<Fiber> fibers;
    Meeting all;
    std::vector<Meeting> warps;
    std::vector<float> told;
    std::function<void()> kernel;
};
static thread_local Block* block;
static thread_local char anchor;  // of a block's shared memory
static thread_local unsigned own_rank;
static std::vector<char*> anchors;
static std::barrier<>* blocks;

static void meet(Meeting& at, int count, bool cluster = false) {
    const int before = at.times, own = threadIdx.x;
    if (++at.arrived == count) {
        if (cluster) blocks->arrive_and_wait();
        at.arrived = 0;
        at.times++;
    }
    while (at.times == before) swapcontext(&block->fibers[own].context, &block->scheduler);
}

static void __syncthreads() { meet(block->all, blockDim.x); }
static void cluster_barrier() { meet(block->all, blockDim.x, true); }
static unsigned cluster_rank() { return own_rank; }
template <typename T> static T* at_peer(T* ours, unsigned rank) { return (T*)(anchors[rank] + ((char*)ours - &anchor)); }

static float __shfl_xor_sync(unsigned, float value, int step) {
    const int own = threadIdx.x;
    block->told[own] = value;
    meet(block->warps[own / 32], 32);
    const float got = block->told[own ^ step];
    meet(block->warps[own / 32], 32);
    return got;
}

static float from_half(unsigned short x) { _Float16 y; __builtin_memcpy(&y, &x, 2); return y; }
static unsigned short to_half(float x) { _Float16 y = x; unsigned short z; __builtin_memcpy(&z, &y, 2); return z; }

static void entry() {
    block->kernel();
    block->fibers[threadIdx.x].ended = true;
}

static void run_block(int number, unsigned rank, int threads, std::function<void()> kernel) {
    Block mine{.fibers = std::vector<Fiber>(threads), .warps = std::vector<Meeting>(threads / 32),
               .told = std::vector<float>(threads), .kernel = kernel};
    block = &mine;
    anchors[rank] = &anchor;
    own_rank = rank, blockIdx.x = number, blockDim.x = threads;
    for (Fiber& fiber : mine.fibers) {
        fiber.stack.resize(1 << 16);
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = &mine.scheduler;
        makecontext(&fiber.context, entry, 0);
    }
    blocks->arrive_and_wait();  // every block's memory has a place
    for (bool more = true; more;) {
        more = false;
        for (int k = 0; k < threads; k++) {
            if (mine.fibers[k].ended) continue;
            more = true, threadIdx.x = k;
            swapcontext(&mine.scheduler, &mine.fibers[k].context);
        }
    }
    blocks->arrive_and_wait();  // a block's memory goes with it
}

static void run(int grid, int size, int threads, std::function<void()> kernel) {
    for (int first = 0; first < grid; first += size) {
        std::barrier<> all(size);
        blocks = &all;
        anchors.assign(size, nullptr);
        std::vector<std::thread> running;
        for (int rank = 0; rank < size; rank++)
            running.emplace_back([=] { run_block(first + rank, rank, threads, kernel); });
        for (std::thread& one : running) one.join();
    }
}
