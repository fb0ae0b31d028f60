// What follows the convolutions of the networks, in one pass each way: libtorch on its own takes a pass over memory for each
// of bias, saturation, slope and sum, and its saturation is scalar code.
//
// Plain functions on the tensors of `tch`; see fused.rs for what they compute.

#include "fused.h"

#include <torch/csrc/autograd/custom_function.h>

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// The format of activations: bf16 rounds to it where it is finer; f32 only saturates, as the reference executor does.
struct Format {
  float limit;
  float unit;
};
INLINE float limited(float x, float limit) {
  // Written so that NaN passes: a run that diverges must show it.
  x = x > limit ? limit : x;
  return x < -limit ? -limit : x;
}
INLINE float into(const float *, float x, Format) { return x; }
INLINE float into(const Low *, float x, Format f) {
  // Adding and taking away 1.5 * 2^23 units rounds to the nearest unit.
  const float shift = 12582912.0f * f.unit;
  return x > -16.0f && x < 16.0f ? (x + shift) - shift : x;
}
template <typename T> INLINE float saturated(float x, Format f) {
  return limited(into((const T *)nullptr, x, f), f.limit);
}
INLINE bool inside(float x, float limit) { return x > -limit && x < limit; }

// y = slope(saturated(y)); a slope of 1 leaves it linear.
template <typename T> INLINE void activate(T *y, int64_t n, Format f, float slope) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    const float x = saturated<T>(load(y + i), f);
    store(y + i, x > 0.0f ? x : slope * x);
  }
}
// What an activated output passes back: nothing where it saturated.
template <typename T> INLINE void activate_back(const T *g, const T *y, T *out, int64_t n, float limit, float slope) {
  const float least = -limit * slope;
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    const float v = load(y + i);
    const float s = v > 0.0f ? (v < limit ? 1.0f : 0.0f) : (v > least ? slope : 0.0f);
    store(out + i, load(g + i) * s);
  }
}
// y = saturated(x + saturated(y)), and whether the inner one was inside.
template <typename T> INLINE void join(const T *x, T *y, uint16_t *open, int64_t n, Format f) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    const float v = saturated<T>(load(y + i), f);
    open[i] = inside(v, f.limit);
    store(y + i, saturated<T>(load(x + i) + v, f));
  }
}
template <typename T>
INLINE void join_back(const T *g, const T *y, const uint16_t *open, T *by_x, T *by_y, int64_t n, float limit) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    const float passed = inside(load(y + i), limit) ? load(g + i) : 0.0f;
    store(by_x + i, passed);
    store(by_y + i, open[i] ? passed : 0.0f);
  }
}
// out = saturated(a + sign * b).
template <typename T> INLINE void add(const T *a, const T *b, T *out, int64_t n, Format f, float sign) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) store(out + i, saturated<T>(load(a + i) + sign * load(b + i), f));
}
template <typename T> INLINE void add_back(const T *g, const T *y, T *by_a, T *by_b, int64_t n, float limit, float sign) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    const float passed = inside(load(y + i), limit) ? load(g + i) : 0.0f;
    store(by_a + i, passed);
    store(by_b + i, sign * passed);
  }
}

// The loops above for both kinds of values: the compiler makes copies for machines of plain functions only.
#define BOTH(name, parameters, arguments)                     \
  LOOPS void name##_f32 parameters(float) { name arguments; } \
  LOOPS void name##_low parameters(Low) { name arguments; }

#define ACTIVATE(T) (T * y, int64_t n, Format f, float slope)
BOTH(activate, ACTIVATE, (y, n, f, slope))
#define ACTIVATE_BACK(T) (const T *g, const T *y, T *out, int64_t n, float limit, float slope)
BOTH(activate_back, ACTIVATE_BACK, (g, y, out, n, limit, slope))
#define JOIN(T) (const T *x, T *y, uint16_t *open, int64_t n, Format f)
BOTH(join, JOIN, (x, y, open, n, f))
#define JOIN_BACK(T) (const T *g, const T *y, const uint16_t *open, T *by_x, T *by_y, int64_t n, float limit)
BOTH(join_back, JOIN_BACK, (g, y, open, by_x, by_y, n, limit))
#define ADD(T) (const T *a, const T *b, T *out, int64_t n, Format f, float sign)
BOTH(add, ADD, (a, b, out, n, f, sign))
#define ADD_BACK(T) (const T *g, const T *y, T *by_a, T *by_b, int64_t n, float limit, float sign)
BOTH(add_back, ADD_BACK, (g, y, by_a, by_b, n, limit, sign))

// A result that is ours to overwrite, dense in its suggested order.
Tensor dense(const Tensor &x) { return x.contiguous(x.suggest_memory_format()); }

Tensor convolved(const Tensor &x, const Tensor &weight, const Tensor &bias) {
  const auto pad = weight.size(2) / 2;
  return dense(at::conv2d(x, weight, bias, 1, {pad, pad}));
}
std::tuple<Tensor, Tensor, Tensor>
convolved_back(AutogradContext *ctx, const Tensor &g, const Tensor &x, const Tensor &weight) {
  const auto pad = weight.size(2) / 2;
  const std::array<bool, 3> wanted = {ctx->needs_input_grad(0), ctx->needs_input_grad(1), ctx->needs_input_grad(2)};
  return at::convolution_backward(g, x, weight, c10::IntArrayRef({weight.size(0)}), {1, 1}, {pad, pad}, {1, 1}, false, {0, 0}, 1, wanted);
}

struct ConvActivate : torch::autograd::Function<ConvActivate> {
  static Tensor forward(AutogradContext *ctx, const Tensor &x, const Tensor &weight, const Tensor &bias, double limit, double unit, double slope) {
    Tensor y = convolved(x, weight, bias);
    CALL(activate, is_low(y), data<T>(y), y.numel(), Format{(float)limit, (float)unit}, (float)slope);
    ctx->save_for_backward({x, weight, y});
    ctx->saved_data["limit"] = limit;
    ctx->saved_data["slope"] = slope;
    return y;
  }
  static variable_list backward(AutogradContext *ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &y = saved[2];
    const Tensor g = ordered(grads[0], y);
    Tensor passed = at::empty_like(y);
    const float limit = ctx->saved_data["limit"].toDouble(), slope = ctx->saved_data["slope"].toDouble();
    CALL(activate_back, is_low(y), data<T>(g), data<T>(y), data<T>(passed), y.numel(), limit, slope);
    auto [by_x, by_weight, by_bias] = convolved_back(ctx, passed, saved[0], saved[1]);
    return {by_x, by_weight, by_bias, Tensor(), Tensor(), Tensor()};
  }
};

struct ConvAdd : torch::autograd::Function<ConvAdd> {
  static Tensor forward(AutogradContext *ctx, const Tensor &h, const Tensor &weight, const Tensor &bias, const Tensor &to, double limit, double unit) {
    Tensor y = convolved(h, weight, bias);
    const Tensor x = ordered(to, y);
    Tensor open = at::empty_like(y, y.options().dtype(at::kShort));
    CALL(join, is_low(y), data<T>(x), data<T>(y), data<uint16_t>(open), y.numel(), Format{(float)limit, (float)unit});
    ctx->save_for_backward({h, weight, y, open});
    ctx->saved_data["limit"] = limit;
    return y;
  }
  static variable_list backward(AutogradContext *ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &y = saved[2];
    const Tensor g = ordered(grads[0], y);
    Tensor by_to = at::empty_like(y), passed = at::empty_like(y);
    const float limit = ctx->saved_data["limit"].toDouble();
    CALL(join_back, is_low(y), data<T>(g), data<T>(y), data<uint16_t>(saved[3]), data<T>(by_to), data<T>(passed), y.numel(), limit);
    auto [by_h, by_weight, by_bias] = convolved_back(ctx, passed, saved[0], saved[1]);
    return {by_h, by_weight, by_bias, by_to, Tensor(), Tensor()};
  }
};

struct Add : torch::autograd::Function<Add> {
  static Tensor forward(AutogradContext *ctx, const Tensor &first, const Tensor &second, double sign, double limit, double unit) {
    const Tensor a = dense(first);
    const Tensor b = ordered(second, a);
    Tensor y = at::empty_like(a);
    CALL(add, is_low(a), data<T>(a), data<T>(b), data<T>(y), y.numel(), Format{(float)limit, (float)unit}, (float)sign);
    ctx->save_for_backward({y});
    ctx->saved_data["limit"] = limit;
    ctx->saved_data["sign"] = sign;
    return y;
  }
  static variable_list backward(AutogradContext *ctx, variable_list grads) {
    const Tensor y = ctx->get_saved_variables()[0];
    const Tensor g = ordered(grads[0], y);
    Tensor by_a = at::empty_like(y), by_b = at::empty_like(y);
    const float limit = ctx->saved_data["limit"].toDouble(), sign = ctx->saved_data["sign"].toDouble();
    CALL(add_back, is_low(y), data<T>(g), data<T>(y), data<T>(by_a), data<T>(by_b), y.numel(), limit, sign);
    return {by_a, by_b, Tensor(), Tensor(), Tensor()};
  }
};

} // namespace

extern "C" {
const char *vcn_failure() { return failure.c_str(); }

Tensor *vcn_conv_activate(const Tensor *x, const Tensor *weight, const Tensor *bias, double limit, double unit, double slope) {
  return guarded([&] { return ConvActivate::apply(*x, *weight, *bias, limit, unit, slope); });
}
Tensor *vcn_conv_add(const Tensor *h, const Tensor *weight, const Tensor *bias, const Tensor *to, double limit, double unit) {
  return guarded([&] { return ConvAdd::apply(*h, *weight, *bias, *to, limit, unit); });
}
Tensor *vcn_add(const Tensor *a, const Tensor *b, double sign, double limit, double unit) {
  return guarded([&] { return Add::apply(*a, *b, sign, limit, unit); });
}
}
