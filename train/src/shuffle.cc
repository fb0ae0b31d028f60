// Space to depth and back on values in channels-last order, see fused.rs: for libtorch they are permutations whose innermost
// step is a single value.

#include "fused.h"

#include <torch/csrc/autograd/custom_function.h>

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Sites of `deep`, `h` x `w` with `c * r * r` channels each, and the `r` x `r` sites of `wide` with `c` channels that each
// stands for: copies one to the other. `R` is `r` where it is known beforehand, else 0.
template <int64_t R, bool DEEPEN, typename T> INLINE void move(T *__restrict deep, T *__restrict wide, int64_t h, int64_t w, int64_t c, int64_t given) {
  const int64_t r = R ? R : given;
  for (int64_t i = 0; i < h; i++)
    for (int64_t j = 0; j < w; j++) {
      T *site = deep + (i * w + j) * c * r * r;
      T *corner = wide + (i * r * w * r + j * r) * c;
#pragma omp simd
      for (int64_t k = 0; k < c; k++)
        for (int64_t a = 0; a < r; a++)
          for (int64_t b = 0; b < r; b++) {
            T &in_depth = site[(k * r + a) * r + b], &in_space = corner[(a * w * r + b) * c + k];
            if (DEEPEN)
              in_depth = in_space;
            else
              in_space = in_depth;
          }
    }
}
#define MOVE(name, T)                                                                                  \
  LOOPS void deepen_##name(T *deep, T *wide, int64_t h, int64_t w, int64_t c, int64_t r) {             \
    r == 2 ? move<2, true>(deep, wide, h, w, c, r) : move<0, true>(deep, wide, h, w, c, r);            \
  }                                                                                                    \
  LOOPS void widen_##name(T *deep, T *wide, int64_t h, int64_t w, int64_t c, int64_t r) {              \
    r == 2 ? move<2, false>(deep, wide, h, w, c, r) : move<0, false>(deep, wide, h, w, c, r);          \
  }
MOVE(f32, float)
MOVE(low, Low)

Tensor moved(const Tensor &given, int64_t r, bool deepens) {
  const Tensor x = given.contiguous(at::MemoryFormat::ChannelsLast);
  const int64_t b = x.size(0), c = x.size(1), h = x.size(2), w = x.size(3);
  const auto options = x.options().memory_format(at::MemoryFormat::ChannelsLast);
  TORCH_CHECK(deepens ? h % r == 0 && w % r == 0 : c % (r * r) == 0, "sides or channels are no multiple of ", r);
  if (deepens) {
    Tensor y = at::empty({b, c * r * r, h / r, w / r}, options);
    // Samples follow one another in both: as many rows as all of them have.
    CALL(deepen, is_low(x), data<T>(y), data<T>(x), b * h / r, w / r, c, r);
    return y;
  }
  Tensor y = at::empty({b, c / (r * r), h * r, w * r}, options);
  CALL(widen, is_low(x), data<T>(x), data<T>(y), b * h, w, c / (r * r), r);
  return y;
}

struct Shuffle : torch::autograd::Function<Shuffle> {
  static Tensor forward(AutogradContext *ctx, const Tensor &x, int64_t r, bool deepens) {
    ctx->saved_data["r"] = r;
    ctx->saved_data["deepens"] = deepens;
    return moved(x, r, deepens);
  }
  static variable_list backward(AutogradContext *ctx, variable_list grads) {
    return {moved(grads[0], ctx->saved_data["r"].toInt(), !ctx->saved_data["deepens"].toBool()), Tensor(), Tensor()};
  }
};

} // namespace

extern "C" Tensor *vcn_shuffle(const Tensor *x, int64_t r, bool deepens) {
  return guarded([&] { return Shuffle::apply(*x, r, deepens); });
}
