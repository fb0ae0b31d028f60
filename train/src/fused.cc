// What follows the convolutions of the networks, in one pass each way: libtorch on its own takes a pass over memory for each
// of bias, saturation, slope and sum, and its saturation is scalar code.
//
// Plain functions on the tensors of `tch`; see fused.rs for what they compute.

#include <cstdint>
#include <cstring>
#include <exception>
#include <string>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// One copy of the loops for each kind of machine; the loader picks.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define LOOPS __attribute__((target_clones("arch=sapphirerapids", "arch=haswell", "default"), optimize("O3", "no-math-errno", "no-trapping-math")))
#else
#define LOOPS
#endif
#define INLINE inline __attribute__((always_inline))

namespace {

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
  for (int64_t i = 0; i < n; i++) {
    const float x = saturated<T>(load(y + i), f);
    store(y + i, x > 0.0f ? x : slope * x);
  }
}
// What an activated output passes back: nothing where it saturated.
template <typename T> INLINE void activate_back(const T *g, const T *y, T *out, int64_t n, float limit, float slope) {
  const float least = -limit * slope;
  for (int64_t i = 0; i < n; i++) {
    const float v = load(y + i);
    const float s = v > 0.0f ? (v < limit ? 1.0f : 0.0f) : (v > least ? slope : 0.0f);
    store(out + i, load(g + i) * s);
  }
}
// y = saturated(x + saturated(y)), and whether the inner one was inside.
template <typename T> INLINE void join(const T *x, T *y, uint8_t *open, int64_t n, Format f) {
  for (int64_t i = 0; i < n; i++) {
    const float v = saturated<T>(load(y + i), f);
    open[i] = inside(v, f.limit);
    store(y + i, saturated<T>(load(x + i) + v, f));
  }
}
template <typename T>
INLINE void join_back(const T *g, const T *y, const uint8_t *open, T *by_x, T *by_y, int64_t n, float limit) {
  for (int64_t i = 0; i < n; i++) {
    const float passed = inside(load(y + i), limit) ? load(g + i) : 0.0f;
    store(by_x + i, passed);
    store(by_y + i, open[i] ? passed : 0.0f);
  }
}
// out = saturated(a + sign * b).
template <typename T> INLINE void add(const T *a, const T *b, T *out, int64_t n, Format f, float sign) {
  for (int64_t i = 0; i < n; i++) store(out + i, saturated<T>(load(a + i) + sign * load(b + i), f));
}
template <typename T> INLINE void add_back(const T *g, const T *y, T *by_a, T *by_b, int64_t n, float limit, float sign) {
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
#define JOIN(T) (const T *x, T *y, uint8_t *open, int64_t n, Format f)
BOTH(join, JOIN, (x, y, open, n, f))
#define JOIN_BACK(T) (const T *g, const T *y, const uint8_t *open, T *by_x, T *by_y, int64_t n, float limit)
BOTH(join_back, JOIN_BACK, (g, y, open, by_x, by_y, n, limit))
#define ADD(T) (const T *a, const T *b, T *out, int64_t n, Format f, float sign)
BOTH(add, ADD, (a, b, out, n, f, sign))
#define ADD_BACK(T) (const T *g, const T *y, T *by_a, T *by_b, int64_t n, float limit, float sign)
BOTH(add_back, ADD_BACK, (g, y, by_a, by_b, n, limit, sign))

bool is_low(const Tensor &x) {
  TORCH_CHECK(x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kFloat, "f32 or bf16, not ", x.scalar_type());
  return x.scalar_type() == at::kBFloat16;
}
template <typename T> T *data(const Tensor &x) { return (T *)x.data_ptr(); }

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
Tensor ordered(const Tensor &x, const Tensor &like) {
  return x.to(like.scalar_type()).contiguous(like.suggest_memory_format());
}
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
    Tensor open = at::empty_like(y, y.options().dtype(at::kByte));
    CALL(join, is_low(y), data<T>(x), data<T>(y), data<uint8_t>(open), y.numel(), Format{(float)limit, (float)unit});
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
    CALL(join_back, is_low(y), data<T>(g), data<T>(y), data<uint8_t>(saved[3]), data<T>(by_to), data<T>(passed), y.numel(), limit);
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

thread_local std::string failure;

template <typename F> Tensor *guarded(F f) {
  try {
    return new Tensor(f());
  } catch (const std::exception &e) {
    failure = e.what();
    return nullptr;
  }
}

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
