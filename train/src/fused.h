// What the passes beside libtorch share: loops compiled for several machines, bf16, and the way to and from tensors.

#pragma once

#include <cstdint>
#include <cstring>
#include <exception>
#include <string>

#include <ATen/ATen.h>

// One copy of the loops for each kind of machine; the loader picks.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define LOOPS                                                                     \
  __attribute__((target_clones("arch=sapphirerapids", "arch=haswell", "default"), \
                 optimize("O3", "no-math-errno", "no-trapping-math")))
#else
#define LOOPS
#endif
#define INLINE inline __attribute__((always_inline))

// bf16 as its bits: plain integer arithmetic, which compilers turn into vectors.
using Low = uint16_t;

INLINE float load(const float *p) { return *p; }
INLINE float load(const Low *p) {
  const uint32_t bits = uint32_t(*p) << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}
INLINE void store(float *p, float value) { *p = value; }
// To the nearest, ties to even; NaN stays NaN because its quiet bit is far above the rounding.
INLINE void store(Low *p, float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  *p = Low((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

inline bool is_low(const at::Tensor &x) {
  TORCH_CHECK(x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kFloat, "f32 or bf16, not ", x.scalar_type());
  return x.scalar_type() == at::kBFloat16;
}
template <typename T> T *data(const at::Tensor &x) { return (T *)x.data_ptr(); }

// Calls name_low or name_f32.
#define CALL(name, low, ...)             \
  if (low) {                             \
    using T = Low;                       \
    name##_low(__VA_ARGS__);             \
  } else {                               \
    using T = float;                     \
    name##_f32(__VA_ARGS__);             \
  }

// The same values in the order of `like`'s memory.
inline at::Tensor ordered(const at::Tensor &x, const at::Tensor &like) {
  return x.to(like.scalar_type()).contiguous(like.suggest_memory_format());
}
// Message of the thread's last failure.
inline thread_local std::string failure;

// Hands a result to Rust, or null where libtorch throws.
template <typename F> at::Tensor *guarded(F f) {
  try {
    return new at::Tensor(f());
  } catch (const std::exception &e) {
    failure = e.what();
    return nullptr;
  }
}
