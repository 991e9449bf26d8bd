#include "telemetry/store/value_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace wellrun::telemetry::store {
namespace {

enum class ValueEncoding : std::uint8_t {
  kConstant = 0,
  kDifferences = 1,
  kSecondDifferences = 2,
  kBits = 3,
  kPlanes = 4,
  kSecondPlanes = 5
};

constexpr std::size_t kPlanesFrom = 128;  ///< samples: below, varints are smaller

constexpr std::array kPowersOfTen = {1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
constexpr int kMaxExponent = 9;
constexpr double kExactIntegers =
    4503599627370496.0;  // 2^52: products and roundings below it are exact integers

/// The integer m with m / 10^exponent == value bit for bit.
inline bool scale(double value, int exponent, std::int64_t& integer) {
  const double scaled = value * kPowersOfTen[static_cast<std::size_t>(exponent)];
  if (!(std::fabs(scaled) < kExactIntegers)) return false;
  integer = std::llrint(scaled);
  const double back =
      static_cast<double>(integer) / kPowersOfTen[static_cast<std::size_t>(exponent)];
  return std::bit_cast<std::uint64_t>(back) == std::bit_cast<std::uint64_t>(value);
}

struct Exception {
  std::size_t index;
  std::uint64_t bits;
};

struct Scaled {
  int exponent = 0;
  int shift = 0;
  std::vector<std::int64_t> integers;
  std::vector<Exception> exceptions;
};

/// A value that no exponent makes an integer is an exception; more than one in sixteen (and four)
/// means it is not worth it.
bool scale_all(std::span<const Sample> samples, Scaled& out) {
  const auto allowed = 4 + samples.size() / 16;
  out.integers.resize(samples.size());
  for (out.exponent = 0; out.exponent <= kMaxExponent; ++out.exponent) {
    out.exceptions.clear();
    std::int64_t before = 0;
    bool any = false;
    for (std::size_t i = 0; i < samples.size() && out.exceptions.size() <= allowed; ++i) {
      if (scale(samples[i].value, out.exponent, out.integers[i])) {
        before = out.integers[i];
        any = true;
      } else {
        out.integers[i] = before;
        out.exceptions.push_back({i, std::bit_cast<std::uint64_t>(samples[i].value)});
      }
    }
    if (!any && out.exceptions.size() > allowed && out.exponent >= 6) return false;
    // NaNs and infinities stay exceptions with every exponent: only finite ones argue for a larger
    // exponent.
    const bool finite_left = std::ranges::any_of(out.exceptions, [](const Exception& e) {
      return std::isfinite(std::bit_cast<double>(e.bits));
    });
    if (!finite_left && out.exceptions.size() <= allowed) return true;
  }
  return false;
}

void strip_zero_bits(Scaled& scaled) {
  std::uint64_t all = 0;
  for (const auto integer : scaled.integers) all |= static_cast<std::uint64_t>(integer);
  scaled.shift = all == 0 ? 0 : std::min(62, std::countr_zero(all));
  if (scaled.shift == 0) return;
  for (auto& integer : scaled.integers) integer >>= scaled.shift;
}

struct DifferenceCost {
  std::size_t first = 0, second = 0;
};

std::size_t varint_bytes(std::uint64_t value) {
  return value == 0 ? 1 : (static_cast<std::size_t>(std::bit_width(value)) + 6) / 7;
}

DifferenceCost cost_of(const std::vector<std::int64_t>& integers) {
  DifferenceCost cost;
  std::int64_t step = 0;
  for (std::size_t i = 1; i < integers.size(); ++i) {
    const auto next = integers[i] - integers[i - 1];
    cost.first += varint_bytes(zigzag(next));
    cost.second += varint_bytes(zigzag(next - step));
    step = next;
  }
  return cost;
}

void put_scaled_head(std::string& out, const Scaled& scaled, ValueEncoding encoding) {
  out += static_cast<char>(encoding);
  out += static_cast<char>(scaled.exponent);
  out += static_cast<char>(scaled.shift);
  put_varint(out, scaled.exceptions.size());
  std::size_t after = 0;
  for (const auto& exception : scaled.exceptions) {
    put_varint(out, exception.index - after);
    put_fixed(out, exception.bits);
    after = exception.index + 1;
  }
  put_varint(out, zigzag(scaled.integers.front()));
}

void put_scaled(std::string& out, const Scaled& scaled, ValueEncoding encoding) {
  put_scaled_head(out, scaled, encoding);
  const auto start = out.size();
  out.resize(start + scaled.integers.size() * kMaxVarintBytes);
  char* at = out.data() + start;
  std::int64_t step = 0;
  for (std::size_t i = 1; i < scaled.integers.size(); ++i) {
    const auto next = scaled.integers[i] - scaled.integers[i - 1];
    at = write_varint(at, zigzag(encoding == ValueEncoding::kDifferences ? next : next - step));
    step = next;
  }
  out.resize(static_cast<std::size_t>(at - out.data()));
}

/// Numbers as `width` planes of bytes, the lowest first.
struct Planes {
  std::size_t width = 1;
  std::string bytes;

  explicit Planes(std::span<const std::uint64_t> numbers) {
    std::uint64_t all = 0;
    for (const auto number : numbers) all |= number;
    width = std::max<std::size_t>(1, (static_cast<std::size_t>(std::bit_width(all)) + 7) / 8);
    bytes.resize(width * numbers.size());
    for (std::size_t plane = 0; plane < width; ++plane)
      for (std::size_t i = 0; i < numbers.size(); ++i)
        bytes[plane * numbers.size() + i] = static_cast<char>(numbers[i] >> (8 * plane));
  }

  /// What an entropy coder makes of them, in bits.
  double cost_bits() const {
    std::array<std::uint32_t, 256> counts{};
    for (const char byte : bytes) ++counts[static_cast<std::uint8_t>(byte)];
    const auto total = static_cast<double>(bytes.size());
    double bits = 0;
    for (const auto count : counts)
      if (count > 0) bits += count * std::log2(total / count);
    return bits;
  }
};

std::int64_t median(std::vector<std::int64_t> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::ranges::nth_element(numbers, middle);
  return *middle;
}

/// Differences from their median, or differences of differences, whichever packs better.
void put_planes(std::string& out, const Scaled& scaled) {
  std::vector<std::int64_t> steps;
  for (std::size_t i = 1; i < scaled.integers.size(); ++i)
    steps.push_back(scaled.integers[i] - scaled.integers[i - 1]);
  const auto base = median(steps);
  std::vector<std::uint64_t> numbers;
  for (const auto step : steps) numbers.push_back(zigzag(step - base));
  const Planes first(numbers);
  numbers.clear();
  for (std::size_t i = 1; i < steps.size(); ++i) numbers.push_back(zigzag(steps[i] - steps[i - 1]));
  const Planes second(numbers);
  const bool use_second = second.cost_bits() < first.cost_bits();
  const auto& chosen = use_second ? second : first;
  put_scaled_head(out, scaled, use_second ? ValueEncoding::kSecondPlanes : ValueEncoding::kPlanes);
  put_varint(out, zigzag(use_second ? steps.front() : base));
  out += static_cast<char>(chosen.width);
  out += chosen.bytes;
}

std::size_t bits_width(std::span<const Sample> samples) {
  std::uint64_t all = 0;
  auto before = std::bit_cast<std::int64_t>(samples.front().value);
  for (const auto& sample : samples.subspan(1)) {
    const auto bits = std::bit_cast<std::int64_t>(sample.value);
    all |= zigzag(wrapping_sub(bits, before));
    before = bits;
  }
  return std::max<std::size_t>(1, (static_cast<std::size_t>(std::bit_width(all)) + 7) / 8);
}

void put_bits(std::string& out, std::span<const Sample> samples, std::size_t width) {
  out += static_cast<char>(ValueEncoding::kBits);
  out += static_cast<char>(width);
  put_fixed(out, std::bit_cast<std::uint64_t>(samples.front().value));
  const auto gaps = samples.size() - 1;
  const auto start = out.size();
  out.resize(start + gaps * width);
  auto before = std::bit_cast<std::int64_t>(samples.front().value);
  for (std::size_t i = 0; i < gaps; ++i) {
    const auto bits = std::bit_cast<std::int64_t>(samples[i + 1].value);
    const auto difference = zigzag(wrapping_sub(bits, before));
    before = bits;
    for (std::size_t plane = 0; plane < width; ++plane)
      out[start + plane * gaps + i] = static_cast<char>(difference >> (8 * plane));
  }
}

bool is_constant(std::span<const Sample> samples) {
  const auto bits = std::bit_cast<std::uint64_t>(samples.front().value);
  return std::ranges::all_of(
      samples, [&](const Sample& s) { return std::bit_cast<std::uint64_t>(s.value) == bits; });
}

struct ScaledHead {
  std::uint8_t exponent = 0, shift = 0;
  std::vector<Exception> exceptions;
  std::int64_t first = 0;

  double value_of(std::int64_t scaled) const {
    const auto whole =
        static_cast<double>(static_cast<std::int64_t>(static_cast<std::uint64_t>(scaled) << shift));
    return exponent == 0 ? whole : whole / kPowersOfTen[exponent];
  }
};

bool read_scaled_head(ByteReader& reader, std::size_t samples, ScaledHead& head) {
  head.exponent = reader.byte();
  head.shift = reader.byte();
  const auto exceptions = reader.varint();
  if (reader.failed() || head.exponent > kMaxExponent || head.shift > 62 || exceptions > samples)
    return false;
  std::size_t index = 0;
  for (std::uint64_t i = 0; i < exceptions; ++i) {
    const auto gap = reader.varint();
    if (index >= samples || gap >= samples - index) return false;
    index += gap;
    head.exceptions.push_back({index++, reader.fixed<std::uint64_t>()});
  }
  head.first = reader.zigzag();
  return !reader.failed();
}

/// The wanted part of a column.
struct Part {
  std::size_t first = 0;
  std::span<Sample> samples;

  std::size_t end() const { return first + samples.size(); }
  bool has(std::size_t index) const { return index - first < samples.size(); }
  double& value(std::size_t index) const { return samples[index - first].value; }
};

void put_back(const ScaledHead& head, const Part& part) {
  for (const auto& exception : head.exceptions)
    if (part.has(exception.index))
      part.value(exception.index) = std::bit_cast<double>(exception.bits);
}

bool read_scaled(ByteReader& reader, std::size_t count, const Part& part, bool second) {
  ScaledHead head;
  if (!read_scaled_head(reader, count, head)) return false;
  auto integer = head.first;
  if (part.has(0)) part.value(0) = head.value_of(integer);
  std::int64_t step = 0;
  for (std::size_t i = 1; i < count; ++i) {
    const auto difference = reader.zigzag();
    step = second ? wrapping_add(step, difference) : difference;
    integer = wrapping_add(integer, step);
    if (part.has(i)) part.value(i) = head.value_of(integer);
  }
  put_back(head, part);
  return !reader.failed();
}

std::uint64_t number_at(std::string_view planes, std::size_t width, std::size_t count,
                        std::size_t index) {
  std::uint64_t number = 0;
  for (std::size_t plane = 0; plane < width; ++plane)
    number |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(planes[plane * count + index]))
              << (8 * plane);
  return number;
}

/// The sum of one plane of zigzag bytes; in a form that is added up many at a time.
std::int64_t sum_of_plane(std::string_view plane) {
  std::int64_t sum = 0;
  while (!plane.empty()) {
    const auto piece = plane.substr(0, 1U << 16);
    std::int32_t part = 0;
    for (const char c : piece) {
      const auto byte = static_cast<std::uint8_t>(c);
      part += static_cast<std::int8_t>((byte >> 1) ^ -(byte & 1));
    }
    sum += part;
    plane.remove_prefix(piece.size());
  }
  return sum;
}

bool read_planes(ByteReader& reader, std::size_t count, const Part& part, bool second) {
  ScaledHead head;
  if (count < 2 || !read_scaled_head(reader, count, head)) return false;
  const auto base = reader.zigzag();
  const std::size_t width = reader.byte();
  const std::size_t given = second ? 2 : 1;  // values that are known without a plane
  const auto numbers = count - given;
  if (reader.failed() || width < 1 || width > 8) return false;
  const auto planes = reader.bytes(numbers * width);
  if (reader.failed()) return false;
  auto integer = head.first;
  auto step = base;
  if (part.has(0)) part.value(0) = head.value_of(integer);
  if (second) {
    integer = wrapping_add(integer, step);
    if (part.has(1)) part.value(1) = head.value_of(integer);
  }
  const auto skipped = part.first > given ? part.first - given : 0;
  const auto end = part.end() > given ? part.end() - given : 0;
  auto read = [&](std::size_t from, auto number_of) {
    const auto move = [&](std::size_t i) {
      step = wrapping_add(second ? step : base, unzigzag(number_of(i)));
      integer = wrapping_add(integer, step);
    };
    for (auto i = from; i < skipped; ++i) move(i);
    for (auto i = skipped; i < end; ++i) {
      move(i);
      part.value(i + given) = head.value_of(integer);
    }
  };
  if (width == 1) {  // most series: by itself it is twice as quick
    std::size_t from = 0;
    if (!second && skipped > 0) {
      from = skipped;
      const auto sum = sum_of_plane(planes.substr(0, skipped));
      const auto bases = static_cast<std::uint64_t>(base) * skipped;
      integer = wrapping_add(wrapping_add(integer, sum), static_cast<std::int64_t>(bases));
    }
    read(from, [&](std::size_t i) { return std::uint64_t{static_cast<std::uint8_t>(planes[i])}; });
  } else {
    read(0, [&](std::size_t i) { return number_at(planes, width, numbers, i); });
  }
  put_back(head, part);
  return true;
}

bool read_bits(ByteReader& reader, std::size_t count, const Part& part) {
  const auto width = reader.byte();
  auto bits = reader.fixed<std::int64_t>();
  const auto gaps = count - 1;
  if (width < 1 || width > 8) return false;
  const auto planes = reader.bytes(gaps * width);
  if (reader.failed()) return false;
  if (part.has(0)) part.value(0) = std::bit_cast<double>(bits);
  for (std::size_t i = 1; i < part.end(); ++i) {
    bits = wrapping_add(bits, unzigzag(number_at(planes, width, gaps, i - 1)));
    if (part.has(i)) part.value(i) = std::bit_cast<double>(bits);
  }
  return true;
}

}  // namespace

void append_values(std::string& out, std::span<const Sample> samples) {
  if (is_constant(samples)) {
    out += static_cast<char>(ValueEncoding::kConstant);
    put_fixed(out, std::bit_cast<std::uint64_t>(samples.front().value));
    return;
  }
  const auto width = bits_width(samples);
  Scaled scaled;
  if (!scale_all(samples, scaled)) return put_bits(out, samples, width);
  strip_zero_bits(scaled);
  const auto cost = cost_of(scaled.integers);
  const bool second = cost.second < cost.first;
  const auto scaled_cost = 14 + 9 * scaled.exceptions.size() + (second ? cost.second : cost.first);
  if (scaled_cost > 10 + width * (samples.size() - 1)) return put_bits(out, samples, width);
  if (samples.size() >= kPlanesFrom) return put_planes(out, scaled);
  put_scaled(out, scaled, second ? ValueEncoding::kSecondDifferences : ValueEncoding::kDifferences);
}

bool read_values(ByteReader& reader, std::size_t count, std::size_t first,
                 std::span<Sample> samples) {
  const Part part{first, samples};
  switch (static_cast<ValueEncoding>(reader.byte())) {
    case ValueEncoding::kConstant: {
      const auto value = reader.fixed<double>();
      for (auto& sample : samples) sample.value = value;
      return !reader.failed();
    }
    case ValueEncoding::kDifferences:
      return read_scaled(reader, count, part, false);
    case ValueEncoding::kSecondDifferences:
      return read_scaled(reader, count, part, true);
    case ValueEncoding::kBits:
      return read_bits(reader, count, part);
    case ValueEncoding::kPlanes:
      return read_planes(reader, count, part, false);
    case ValueEncoding::kSecondPlanes:
      return read_planes(reader, count, part, true);
  }
  return false;
}

}  // namespace wellrun::telemetry::store
