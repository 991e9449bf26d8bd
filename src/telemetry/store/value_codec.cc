#include "telemetry/store/value_codec.h"

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
  kBits = 3
};

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

void put_scaled(std::string& out, const Scaled& scaled, ValueEncoding encoding) {
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

bool read_scaled(ByteReader& reader, std::span<Sample> samples, bool second) {
  const auto exponent = reader.byte();
  const auto shift = reader.byte();
  const auto exceptions = reader.varint();
  if (reader.failed() || exponent > kMaxExponent || shift > 62 || exceptions > samples.size())
    return false;
  std::vector<Exception> kept;
  std::size_t index = 0;
  for (std::uint64_t i = 0; i < exceptions; ++i) {
    const auto gap = reader.varint();
    if (index >= samples.size() || gap >= samples.size() - index) return false;
    index += gap;
    kept.push_back({index++, reader.fixed<std::uint64_t>()});
  }
  auto integer = reader.zigzag();
  const double divisor = kPowersOfTen[exponent];
  auto value_of = [&](std::int64_t scaled) {
    const auto whole =
        static_cast<double>(static_cast<std::int64_t>(static_cast<std::uint64_t>(scaled) << shift));
    return exponent == 0 ? whole : whole / divisor;
  };
  samples.front().value = value_of(integer);
  std::int64_t step = 0;
  for (auto& sample : samples.subspan(1)) {
    const auto difference = reader.zigzag();
    step = second ? wrapping_add(step, difference) : difference;
    integer = wrapping_add(integer, step);
    sample.value = value_of(integer);
  }
  for (const auto& exception : kept)
    samples[exception.index].value = std::bit_cast<double>(exception.bits);
  return !reader.failed();
}

bool read_bits(ByteReader& reader, std::span<Sample> samples) {
  const auto width = reader.byte();
  auto bits = reader.fixed<std::int64_t>();
  const auto gaps = samples.size() - 1;
  if (width < 1 || width > 8) return false;
  const auto planes = reader.bytes(gaps * width);
  if (reader.failed()) return false;
  samples.front().value = std::bit_cast<double>(bits);
  for (std::size_t i = 0; i < gaps; ++i) {
    std::uint64_t difference = 0;
    for (std::size_t plane = 0; plane < width; ++plane)
      difference |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(planes[plane * gaps + i]))
                    << (8 * plane);
    bits = wrapping_add(bits, unzigzag(difference));
    samples[i + 1].value = std::bit_cast<double>(bits);
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
  put_scaled(out, scaled, second ? ValueEncoding::kSecondDifferences : ValueEncoding::kDifferences);
}

bool read_values(ByteReader& reader, std::span<Sample> samples) {
  switch (static_cast<ValueEncoding>(reader.byte())) {
    case ValueEncoding::kConstant: {
      const auto value = reader.fixed<double>();
      for (auto& sample : samples) sample.value = value;
      return !reader.failed();
    }
    case ValueEncoding::kDifferences:
      return read_scaled(reader, samples, false);
    case ValueEncoding::kSecondDifferences:
      return read_scaled(reader, samples, true);
    case ValueEncoding::kBits:
      return read_bits(reader, samples);
  }
  return false;
}

}  // namespace wellrun::telemetry::store
