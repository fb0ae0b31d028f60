// Pictures and features seen through a flow, and the derivatives, each in one walk over the sites: composed of libtorch's
// operations it takes some forty passes over full-resolution planes. See fused.rs for what the functions compute.

#include <algorithm>
#include <cstring>
#include <vector>

#include "fused.h"

#include <torch/csrc/autograd/custom_function.h>

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Channels of a packed picture: 8x8 samples of luma, then 4x4 of each chroma.
constexpr int64_t PACKED = 96, LUMA = 64, CHROMA = 16;

// Bilinear enlargement of a row or column: every place lies between `low` and `high`, nearer to `high` by `t`.
struct Axis {
  std::vector<int32_t> low, high;
  std::vector<float> t;
  Axis(int64_t sites, int64_t factor) {
    for (int64_t i = 0; i < sites * factor; i++) {
      const float at = std::max(0.0f, (i + 0.5f) / factor - 0.5f);
      low.push_back((int32_t)at);
      high.push_back(std::min<int32_t>((int32_t)at + 1, sites - 1));
      t.push_back(at - (float)low.back());
    }
  }
  int64_t size() const { return (int64_t)t.size(); }
};

// Where one row of samples is read: the first of four neighbours, how near the others are, and whether a change of the
// flow moves the place (not beyond the border).
struct Row {
  std::vector<int32_t> at;
  std::vector<float> x, y, moves_x, moves_y;
  explicit Row(int64_t n) : at(n), x(n), y(n), moves_x(n), moves_y(n) {}
};

// Where one sample is read, as a Row has it.
struct Spot {
  int32_t at;
  float x, y, moves_x, moves_y;
};

// The place in a plane of `width` x `height`, `points` points to a sample, of sample `j` of row `y` that moved by `u` and `v`
// units of `factor` samples.
INLINE Spot spot(float u, float v, int64_t j, int64_t y, float points, float factor, int64_t width, int64_t height) {
  const float right = width - 1, below = height - 1;
  float px = points * ((float)j + factor * u), py = points * ((float)y + factor * v);
  const float moves_x = px > 0.0f && px < right ? points * factor : 0.0f;
  const float moves_y = py > 0.0f && py < below ? points * factor : 0.0f;
  // Comparisons in this order turn NaN into 0: no address may come of it.
  px = px > 0.0f ? px : 0.0f, py = py > 0.0f ? py : 0.0f;
  px = px < right ? px : right, py = py < below ? py : below;
  const int32_t x0 = std::min<int32_t>((int32_t)px, (int32_t)width - 2), y0 = std::min<int32_t>((int32_t)py, (int32_t)height - 2);
  return {y0 * (int32_t)width + x0, px - (float)x0, py - (float)y0, moves_x, moves_y};
}

// Places of row `y` in a plane of `width` x `height` that has `points` points to a sample; flow in units of `factor` samples.
LOOPS void place(const float *flow, int64_t sites, const Axis &rows, const Axis &columns, int64_t w, int64_t y,
                 float points, float factor, int64_t width, int64_t height, float *above, Row &row) {
  const float *top = flow + rows.low[y] * w, *bottom = flow + rows.high[y] * w;
  const float t = rows.t[y];
  for (int64_t k = 0; k < 2; k++)
    for (int64_t j = 0; j < w; j++) above[k * w + j] = top[k * sites + j] + t * (bottom[k * sites + j] - top[k * sites + j]);
  const int32_t *low = columns.low.data(), *high = columns.high.data();
  const float *between = columns.t.data();
  int32_t *at = row.at.data();
  float *wx = row.x.data(), *wy = row.y.data(), *mx = row.moves_x.data(), *my = row.moves_y.data();
  const int64_t n = columns.size();
#pragma omp simd
  for (int64_t j = 0; j < n; j++) {
    const float u = above[low[j]] + between[j] * (above[high[j]] - above[low[j]]);
    const float v = above[w + low[j]] + between[j] * (above[w + high[j]] - above[w + low[j]]);
    const Spot s = spot(u, v, j, y, points, factor, width, height);
    at[j] = s.at, wx[j] = s.x, wy[j] = s.y, mx[j] = s.moves_x, my[j] = s.moves_y;
  }
}

// Whether each site and its next ones to the right and below hardly move as one: some of their flows are further apart than
// `limit`.
std::vector<char> apart(const float *flow, int64_t h, int64_t w, float limit) {
  std::vector<char> out(h * w, 0);
  for (int64_t k = 0; k < 2; k++)
    for (int64_t i = 0; i < h; i++)
      for (int64_t j = 0; j < w; j++) {
        const float *here = flow + (k * h + i) * w + j, *below = i + 1 < h ? here + w : here;
        const int64_t right = j + 1 < w;
        const auto [least, most] = std::minmax({here[0], here[right], below[0], below[right]});
        if (most - least > limit) out[i * w + j] = 1;
      }
  return out;
}

// One of the four sites around a sample, and how near it is.
struct Corner {
  int64_t site;
  float weight;
};

// Calls each(j, corners) for the samples of a row between sites that are apart.
template <typename Each>
void between_apart(const std::vector<char> &apart, const Axis &rows, const Axis &columns, int64_t w, int64_t y, Each each) {
  const int64_t above = rows.low[y] * w, below = rows.high[y] * w;
  const float t = rows.t[y];
  for (int64_t j = 0; j < columns.size(); j++) {
    const int64_t left = columns.low[j], right = columns.high[j];
    if (!apart[above + left]) continue;
    const float s = columns.t[j];
    const Corner corners[] = {
        {above + left, (1 - t) * (1 - s)}, {above + right, (1 - t) * s}, {below + left, t * (1 - s)}, {below + right, t * s}};
    each(j, corners);
  }
}

LOOPS void read(const float *plane, int64_t width, const Row &row, float *out) {
  const int32_t *at = row.at.data();
  const float *wx = row.x.data(), *wy = row.y.data();
  const int64_t n = row.at.size();
#pragma omp simd
  for (int64_t j = 0; j < n; j++) {
    const float *p = plane + at[j], *q = p + width;
    const float a = p[0] + wx[j] * (p[1] - p[0]), b = q[0] + wx[j] * (q[1] - q[0]);
    out[j] = a + wy[j] * (b - a);
  }
}

INLINE float read(const float *plane, int64_t width, const Spot &s) {
  const float *p = plane + s.at, *q = p + width;
  const float a = p[0] + s.x * (p[1] - p[0]), b = q[0] + s.x * (q[1] - q[0]);
  return a + s.y * (b - a);
}

// Slopes of `read`: adds to those of the places, and of the plane unless null.
LOOPS void read_back(const float *plane, int64_t width, const Row &row, const float *g, float *by_x, float *by_y, float *by_plane) {
  const int32_t *at = row.at.data();
  const float *wx = row.x.data(), *wy = row.y.data(), *mx = row.moves_x.data(), *my = row.moves_y.data();
  const int64_t n = row.at.size();
#pragma omp simd
  for (int64_t j = 0; j < n; j++) {
    const float *p = plane + at[j], *q = p + width;
    const float over = p[1] - p[0], under = q[1] - q[0];
    by_x[j] += g[j] * mx[j] * (over + wy[j] * (under - over));
    by_y[j] += g[j] * my[j] * (q[0] - p[0] + wx[j] * (under - over));
  }
  if (!by_plane) return;
  for (int64_t j = 0; j < n; j++) {
    float *p = by_plane + at[j], *q = p + width;
    const float below = g[j] * wy[j], above = g[j] - below;
    p[1] += above * wx[j], p[0] += above - above * wx[j];
    q[1] += below * wx[j], q[0] += below - below * wx[j];
  }
}

// The same for one sample: adds to the slopes of its motion, and of the plane unless null.
void read_back(const float *plane, int64_t width, const Spot &s, float g, float &by_u, float &by_v, float *by_plane) {
  const float *p = plane + s.at, *q = p + width;
  const float over = p[1] - p[0], under = q[1] - q[0];
  by_u += g * s.moves_x * (over + s.y * (under - over));
  by_v += g * s.moves_y * (q[0] - p[0] + s.x * (under - over));
  if (!by_plane) return;
  float *a = by_plane + s.at, *b = a + width;
  const float below = g * s.y, above = g - below;
  a[1] += above * s.x, a[0] += above - above * s.x;
  b[1] += below * s.x, b[0] += below - below * s.x;
}

// Slopes of one row of enlarged flow, brought back to the flow.
void enlarge_back(const float *by_x, const float *by_y, int64_t sites, const Axis &rows, const Axis &columns,
                  int64_t w, int64_t y, float *by_above, float *by_flow) {
  std::fill(by_above, by_above + 2 * w, 0.0f);
  for (int64_t j = 0; j < columns.size(); j++) {
    const int32_t low = columns.low[j], high = columns.high[j];
    const float t = columns.t[j];
    by_above[low] += (1 - t) * by_x[j], by_above[high] += t * by_x[j];
    by_above[w + low] += (1 - t) * by_y[j], by_above[w + high] += t * by_y[j];
  }
  for (int64_t k = 0; k < 2; k++)
    for (int64_t j = 0; j < w; j++) {
      by_flow[k * sites + rows.low[y] * w + j] += (1 - rows.t[y]) * by_above[k * w + j];
      by_flow[k * sites + rows.high[y] * w + j] += rows.t[y] * by_above[k * w + j];
    }
}

// A plane of side-by-side blocks: `side` x `side` samples from channel `first` of each packed site.
void unpack(const float *packed, int64_t h, int64_t w, int64_t first, int64_t side, float *plane) {
  for (int64_t i = 0; i < h * side; i++)
    for (int64_t j = 0; j < w; j++)
      memcpy(plane + (i * w + j) * side, packed + ((i / side) * w + j) * PACKED + first + (i % side) * side, side * sizeof(float));
}
void pack_row(const float *row, int64_t w, int64_t i, int64_t first, int64_t side, float *packed) {
  for (int64_t j = 0; j < w; j++)
    memcpy(packed + ((i / side) * w + j) * PACKED + first + (i % side) * side, row + j * side, side * sizeof(float));
}

constexpr int64_t TAPS = 8, BEFORE = 3;
int64_t within(int64_t i, int64_t n) { return std::clamp<int64_t>(i, 0, n - 1); }

// The half-sample grid of a plane: twice its width and height, edges repeated.
LOOPS void refine(const float *plane, int64_t height, int64_t width, const float *taps, float *padded, float *grid) {
  const int64_t wide = 2 * width;
  for (int64_t i = 0; i < height; i++) {
    for (int64_t j = 0; j < width + TAPS - 1; j++) padded[j] = plane[i * width + within(j - BEFORE, width)];
    float *out = grid + 2 * i * wide;
#pragma omp simd
    for (int64_t j = 0; j < width; j++) {
      float sum = 0;
      for (int64_t k = 0; k < TAPS; k++) sum += taps[k] * padded[j + k];
      out[2 * j] = padded[j + BEFORE], out[2 * j + 1] = sum;
    }
  }
  for (int64_t i = 0; i < height; i++) {
    const float *row[TAPS];
    for (int64_t k = 0; k < TAPS; k++) row[k] = grid + 2 * within(i + k - BEFORE, height) * wide;
    float *out = grid + (2 * i + 1) * wide;
#pragma omp simd
    for (int64_t j = 0; j < wide; j++) {
      float sum = 0;
      for (int64_t k = 0; k < TAPS; k++) sum += taps[k] * row[k][j];
      out[j] = sum;
    }
  }
}
// Slopes of the grid to slopes of the plane; spoils the former.
LOOPS void refine_back(float *grid, int64_t height, int64_t width, const float *taps, float *padded, float *plane) {
  const int64_t wide = 2 * width;
  for (int64_t i = 0; i < height; i++)
    for (int64_t k = 0; k < TAPS; k++) {
      const float *from = grid + (2 * i + 1) * wide;
      float *to = grid + 2 * within(i + k - BEFORE, height) * wide;
#pragma omp simd
      for (int64_t j = 0; j < wide; j++) to[j] += taps[k] * from[j];
    }
  for (int64_t i = 0; i < height; i++) {
    const float *from = grid + 2 * i * wide;
    std::fill(padded, padded + width + TAPS - 1, 0.0f);
    for (int64_t j = 0; j < width; j++) padded[j + BEFORE] = from[2 * j];
    for (int64_t k = 0; k < TAPS; k++)
#pragma omp simd
      for (int64_t j = 0; j < width; j++) padded[j + k] += taps[k] * from[2 * j + 1];
    for (int64_t j = 0; j < BEFORE; j++) padded[BEFORE] += padded[j];
    for (int64_t j = width + BEFORE; j < width + TAPS - 1; j++) padded[width + BEFORE - 1] += padded[j];
    memcpy(plane + i * width, padded + BEFORE, width * sizeof(float));
  }
}

// Half-sample taps, and what of the pictures the walks below share.
struct Walk {
  int64_t b, h, w, width, height;
  std::vector<float> taps, padded, above;
  Walk(const Tensor &packed, at::ArrayRef<double> t)
      : b(packed.size(0)), h(packed.size(2)), w(packed.size(3)), width(8 * w), height(8 * h), taps(t.begin(), t.end()),
        padded(width + TAPS), above(2 * w) {
    TORCH_CHECK(packed.size(1) == PACKED && packed.scalar_type() == at::kFloat && t.size() == TAPS, "a packed picture in f32");
  }
};

Tensor compensated(const Tensor &packed, const Tensor &flow, at::ArrayRef<double> taps, double limit) {
  Walk s(packed, taps);
  Tensor out = at::empty_like(packed);
  const Axis rows8(s.h, 8), columns8(s.w, 8), rows4(s.h, 4), columns4(s.w, 4);
  std::vector<float> plane(s.width * s.height), grid(4 * plane.size()), line(s.width);
  Row fine(s.width), half(s.width / 2);
  const int64_t sites = s.h * s.w;
  for (int64_t n = 0; n < s.b; n++) {
    const float *from = packed.data_ptr<float>() + n * sites * PACKED, *f = flow.data_ptr<float>() + n * 2 * sites;
    float *to = out.data_ptr<float>() + n * sites * PACKED;
    const std::vector<char> parted = apart(f, s.h, s.w, limit);
    unpack(from, s.h, s.w, 0, 8, plane.data());
    refine(plane.data(), s.height, s.width, s.taps.data(), s.padded.data(), grid.data());
    for (int64_t y = 0; y < s.height; y++) {
      place(f, sites, rows8, columns8, s.w, y, 2, 8, 2 * s.width, 2 * s.height, s.above.data(), fine);
      read(grid.data(), 2 * s.width, fine, line.data());
      between_apart(parted, rows8, columns8, s.w, y, [&](int64_t j, const auto &corners) {
        line[j] = 0;
        for (const auto [site, weight] : corners) {
          const Spot at = spot(f[site], f[sites + site], j, y, 2, 8, 2 * s.width, 2 * s.height);
          line[j] += weight * read(grid.data(), 2 * s.width, at);
        }
      });
      pack_row(line.data(), s.w, y, 0, 8, to);
    }
    const int64_t width = s.width / 2, height = s.height / 2;
    float *planes[2] = {plane.data(), plane.data() + width * height};
    for (int64_t k = 0; k < 2; k++) unpack(from, s.h, s.w, LUMA + k * CHROMA, 4, planes[k]);
    for (int64_t y = 0; y < height; y++) {
      place(f, sites, rows4, columns4, s.w, y, 1, 4, width, height, s.above.data(), half);
      for (int64_t k = 0; k < 2; k++) {
        read(planes[k], width, half, line.data());
        between_apart(parted, rows4, columns4, s.w, y, [&](int64_t j, const auto &corners) {
          line[j] = 0;
          for (const auto [site, weight] : corners)
            line[j] += weight * read(planes[k], width, spot(f[site], f[sites + site], j, y, 1, 4, width, height));
        });
        pack_row(line.data(), s.w, y, LUMA + k * CHROMA, 4, to);
      }
    }
  }
  return out;
}

// Slopes by the picture, if `by_packed` is defined, and by the flow.
void compensated_back(const Tensor &packed, const Tensor &flow, at::ArrayRef<double> taps, double limit, const Tensor &g, Tensor &by_packed,
                      Tensor &by_flow) {
  Walk s(packed, taps);
  const Axis rows8(s.h, 8), columns8(s.w, 8), rows4(s.h, 4), columns4(s.w, 4);
  const int64_t size = s.width * s.height, sites = s.h * s.w;
  std::vector<float> plane(size), grid(4 * size), slopes(size), by_grid(by_packed.defined() ? 4 * size : 0), by_x(s.width),
      by_y(s.width), by_above(2 * s.w);
  Row fine(s.width), half(s.width / 2);
  for (int64_t n = 0; n < s.b; n++) {
    const int64_t start = n * sites * PACKED;
    const float *from = packed.data_ptr<float>() + start, *f = flow.data_ptr<float>() + n * 2 * sites, *slope = g.data_ptr<float>() + start;
    float *to = by_packed.defined() ? by_packed.data_ptr<float>() + start : nullptr, *to_flow = by_flow.data_ptr<float>() + n * 2 * sites;
    const std::vector<char> parted = apart(f, s.h, s.w, limit);
    unpack(from, s.h, s.w, 0, 8, plane.data());
    unpack(slope, s.h, s.w, 0, 8, slopes.data());
    refine(plane.data(), s.height, s.width, s.taps.data(), s.padded.data(), grid.data());
    std::fill(by_grid.begin(), by_grid.end(), 0.0f);
    for (int64_t y = 0; y < s.height; y++) {
      place(f, sites, rows8, columns8, s.w, y, 2, 8, 2 * s.width, 2 * s.height, s.above.data(), fine);
      std::fill(by_x.begin(), by_x.end(), 0.0f), std::fill(by_y.begin(), by_y.end(), 0.0f);
      float *row = slopes.data() + y * s.width;
      between_apart(parted, rows8, columns8, s.w, y, [&](int64_t j, const auto &corners) {
        for (const auto [site, weight] : corners) {
          const Spot at = spot(f[site], f[sites + site], j, y, 2, 8, 2 * s.width, 2 * s.height);
          read_back(grid.data(), 2 * s.width, at, weight * row[j], to_flow[site], to_flow[sites + site], to ? by_grid.data() : nullptr);
        }
        row[j] = 0;
      });
      read_back(grid.data(), 2 * s.width, fine, row, by_x.data(), by_y.data(), to ? by_grid.data() : nullptr);
      enlarge_back(by_x.data(), by_y.data(), sites, rows8, columns8, s.w, y, by_above.data(), to_flow);
    }
    if (to) {
      refine_back(by_grid.data(), s.height, s.width, s.taps.data(), s.padded.data(), plane.data());
      for (int64_t y = 0; y < s.height; y++) pack_row(plane.data() + y * s.width, s.w, y, 0, 8, to);
    }
    const int64_t width = s.width / 2, height = s.height / 2, quarter = width * height;
    for (int64_t k = 0; k < 2; k++) {
      unpack(from, s.h, s.w, LUMA + k * CHROMA, 4, plane.data() + k * quarter);
      unpack(slope, s.h, s.w, LUMA + k * CHROMA, 4, slopes.data() + k * quarter);
    }
    if (to) std::fill(by_grid.begin(), by_grid.begin() + 2 * quarter, 0.0f);
    for (int64_t y = 0; y < height; y++) {
      place(f, sites, rows4, columns4, s.w, y, 1, 4, width, height, s.above.data(), half);
      std::fill(by_x.begin(), by_x.end(), 0.0f), std::fill(by_y.begin(), by_y.end(), 0.0f);
      for (int64_t k = 0; k < 2; k++) {
        const float *seen = plane.data() + k * quarter;
        float *row = slopes.data() + k * quarter + y * width, *by_seen = to ? by_grid.data() + k * quarter : nullptr;
        between_apart(parted, rows4, columns4, s.w, y, [&](int64_t j, const auto &corners) {
          for (const auto [site, weight] : corners) {
            const Spot at = spot(f[site], f[sites + site], j, y, 1, 4, width, height);
            read_back(seen, width, at, weight * row[j], to_flow[site], to_flow[sites + site], by_seen);
          }
          row[j] = 0;
        });
        read_back(seen, width, half, row, by_x.data(), by_y.data(), by_seen);
      }
      enlarge_back(by_x.data(), by_y.data(), sites, rows4, columns4, s.w, y, by_above.data(), to_flow);
    }
    if (to)
      for (int64_t k = 0; k < 2; k++)
        for (int64_t y = 0; y < height; y++)
          pack_row(by_grid.data() + k * quarter + y * width, s.w, y, LUMA + k * CHROMA, 4, to);
  }
}

struct Compensate : torch::autograd::Function<Compensate> {
  static Tensor forward(AutogradContext *ctx, const Tensor &picture, const Tensor &motion, std::vector<double> taps, double limit) {
    const Tensor packed = picture.contiguous(at::MemoryFormat::ChannelsLast), flow = motion.contiguous();
    ctx->save_for_backward({packed, flow});
    ctx->saved_data["taps"] = taps;
    ctx->saved_data["limit"] = limit;
    return compensated(packed, flow, taps, limit);
  }
  static variable_list backward(AutogradContext *ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor g = grads[0].contiguous(at::MemoryFormat::ChannelsLast);
    Tensor by_packed = ctx->needs_input_grad(0) ? at::empty_like(saved[0]) : Tensor();
    Tensor by_flow = at::zeros_like(saved[1]);
    compensated_back(saved[0], saved[1], ctx->saved_data["taps"].toDoubleVector(), ctx->saved_data["limit"].toDouble(), g, by_packed,
                     by_flow);
    return {by_packed, by_flow, Tensor(), Tensor()};
  }
};

// Where a site of `h` x `w` reads: four neighbours and their weights.
struct Site {
  int64_t at[4];
  float x, y;
  bool moves_x, moves_y;
  Site(const float *flow, int64_t h, int64_t w, int64_t i, int64_t j) {
    const float right = w - 1, below = h - 1;
    float px = (float)j + flow[i * w + j], py = (float)i + flow[h * w + i * w + j];
    moves_x = px > 0.0f && px < right, moves_y = py > 0.0f && py < below;
    px = px > 0.0f ? px : 0.0f, py = py > 0.0f ? py : 0.0f;
    px = px < right ? px : right, py = py < below ? py : below;
    const int64_t x0 = (int64_t)px, y0 = (int64_t)py, x1 = std::min(x0 + 1, w - 1), y1 = std::min(y0 + 1, h - 1);
    at[0] = y0 * w + x0, at[1] = y0 * w + x1, at[2] = y1 * w + x0, at[3] = y1 * w + x1;
    x = px - (float)x0, y = py - (float)y0;
  }
};

template <typename T> INLINE void warp(const T *from, const Site &s, int64_t c, T *out) {
  const T *p = from + s.at[0] * c, *q = from + s.at[1] * c, *r = from + s.at[2] * c, *t = from + s.at[3] * c;
#pragma omp simd
  for (int64_t k = 0; k < c; k++) {
    const float a = load(p + k) + s.x * (load(q + k) - load(p + k)), b = load(r + k) + s.x * (load(t + k) - load(r + k));
    store(out + k, a + s.y * (b - a));
  }
}
template <typename T> INLINE void warp_back(const T *from, const Site &s, int64_t c, const T *g, float *by, float *by_place) {
  const T *p = from + s.at[0] * c, *q = from + s.at[1] * c, *r = from + s.at[2] * c, *t = from + s.at[3] * c;
  float by_x = 0, by_y = 0;
#pragma omp simd reduction(+ : by_x, by_y)
  for (int64_t k = 0; k < c; k++) {
    const float over = load(q + k) - load(p + k), under = load(t + k) - load(r + k);
    by_x += load(g + k) * (over + s.y * (under - over));
    by_y += load(g + k) * (load(r + k) - load(p + k) + s.x * (under - over));
  }
  by_place[0] = s.moves_x ? by_x : 0, by_place[1] = s.moves_y ? by_y : 0;
  if (!by) return;
  const float weights[4] = {(1 - s.x) * (1 - s.y), s.x * (1 - s.y), (1 - s.x) * s.y, s.x * s.y};
  for (int64_t n = 0; n < 4; n++) {
    float *to = by + s.at[n] * c;
#pragma omp simd
    for (int64_t k = 0; k < c; k++) to[k] += weights[n] * load(g + k);
  }
}
LOOPS void warp_f32(const float *from, const Site &s, int64_t c, float *out) { warp(from, s, c, out); }
LOOPS void warp_low(const Low *from, const Site &s, int64_t c, Low *out) { warp(from, s, c, out); }
LOOPS void warp_back_f32(const float *from, const Site &s, int64_t c, const float *g, float *by, float *by_place) {
  warp_back(from, s, c, g, by, by_place);
}
LOOPS void warp_back_low(const Low *from, const Site &s, int64_t c, const Low *g, float *by, float *by_place) {
  warp_back(from, s, c, g, by, by_place);
}

struct Warp : torch::autograd::Function<Warp> {
  static Tensor forward(AutogradContext *ctx, const Tensor &features, const Tensor &motion) {
    const Tensor x = features.contiguous(at::MemoryFormat::ChannelsLast), flow = motion.contiguous();
    ctx->save_for_backward({x, flow});
    Tensor out = at::empty_like(x);
    const int64_t c = x.size(1), h = x.size(2), w = x.size(3);
    for (int64_t n = 0; n < x.size(0); n++)
      for (int64_t i = 0; i < h * w; i++) {
        const Site s(flow.data_ptr<float>() + n * 2 * h * w, h, w, i / w, i % w);
        const int64_t start = n * h * w * c;
        CALL(warp, is_low(x), data<T>(x) + start, s, c, data<T>(out) + start + i * c);
      }
    return out;
  }
  static variable_list backward(AutogradContext *ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &flow = saved[1];
    const Tensor g = ordered(grads[0], x);
    Tensor by_x = ctx->needs_input_grad(0) ? at::zeros_like(x, x.options().dtype(at::kFloat)) : Tensor();
    Tensor by_flow = at::empty_like(flow);
    const int64_t c = x.size(1), h = x.size(2), w = x.size(3);
    for (int64_t n = 0; n < x.size(0); n++)
      for (int64_t i = 0; i < h * w; i++) {
        const Site s(flow.data_ptr<float>() + n * 2 * h * w, h, w, i / w, i % w);
        const int64_t start = n * h * w * c;
        float by_place[2];
        CALL(warp_back, is_low(x), data<T>(x) + start, s, c, data<T>(g) + start + i * c,
             by_x.defined() ? data<float>(by_x) + start : nullptr, by_place);
        float *to = by_flow.data_ptr<float>() + n * 2 * h * w + i;
        to[0] = by_place[0], to[h * w] = by_place[1];
      }
    return {by_x.defined() ? by_x.to(x.scalar_type()) : by_x, by_flow};
  }
};

} // namespace

extern "C" {
Tensor *vcn_compensate(const Tensor *packed, const Tensor *flow, const double *taps, double apart) {
  return guarded([&] { return Compensate::apply(*packed, *flow, std::vector<double>(taps, taps + TAPS), apart); });
}
Tensor *vcn_warp(const Tensor *x, const Tensor *flow) {
  return guarded([&] { return Warp::apply(*x, *flow); });
}
}
