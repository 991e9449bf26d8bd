#include "telemetry/store/value_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
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

/// A column of planes on its way to samples. What is known without a plane (one value, or two) is
/// `given`.
struct PlanesColumn {
  const ScaledHead& head;
  std::string_view planes;
  std::size_t width = 1, numbers = 0, given = 1;
  std::int64_t base = 0;     ///< added to each difference; of second differences the first step
  std::int64_t integer = 0;  ///< the last of those given
};

/// Differences first … first + out.size() - 1 of planes of at most four bytes. The loop has a form
/// that is done many at a time, and so have those below but for the running sum itself.
template <std::size_t width>
[[gnu::always_inline]] inline void unpack(const PlanesColumn& column, std::size_t first,
                                          std::span<std::int32_t> out) {
  const auto* at = reinterpret_cast<const std::uint8_t*>(column.planes.data()) + first;
  const auto next = column.numbers;
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint32_t number = at[i];
    if constexpr (width > 1) number |= std::uint32_t{at[next + i]} << 8;
    if constexpr (width > 2) number |= std::uint32_t{at[2 * next + i]} << 16;
    if constexpr (width > 3) number |= std::uint32_t{at[3 * next + i]} << 24;
    out[i] = static_cast<std::int32_t>((number >> 1) ^ (~(number & 1) + 1));
  }
}

/// Differences by the block: they and the values they give stay in the nearest cache.
constexpr std::size_t kBlock = 256;

/// Of a block; those of one or two bytes fit into 32 bits together.
template <std::size_t width>
[[gnu::always_inline]] inline std::int64_t sum_of(std::span<const std::int32_t> differences) {
  std::conditional_t<width <= 2, std::int32_t, std::int64_t> sum = 0;
  for (const auto difference : differences) sum += difference;
  return sum;
}

/// Adds differences up to numbers. Sums wrap.
template <bool second>
class RunningSum {
 public:
  explicit RunningSum(const PlanesColumn& column)
      : integer_(static_cast<std::uint64_t>(column.integer)),
        step_(static_cast<std::uint64_t>(column.base)) {}

  template <std::size_t width>
  [[gnu::always_inline]] inline void skip(std::span<const std::int32_t> differences) {
    if constexpr (second && width <= 2) {
      // A difference goes into each number from its own to the last. Of a block it fits 32 bits.
      const auto count = static_cast<std::int32_t>(differences.size());
      std::int32_t sum = 0, weighted = 0;
      for (std::int32_t i = 0; i < count; ++i) {
        const auto difference = differences[static_cast<std::size_t>(i)];
        sum += difference;
        weighted += (count - i) * difference;
      }
      integer_ += step_ * differences.size() + static_cast<std::uint64_t>(std::int64_t{weighted});
      step_ += static_cast<std::uint64_t>(std::int64_t{sum});
    } else if constexpr (second) {
      for (const auto difference : differences) move(difference);
    } else {
      integer_ +=
          static_cast<std::uint64_t>(sum_of<width>(differences)) + step_ * differences.size();
    }
  }
  std::int64_t move(std::int64_t difference) {
    const auto by = step_ + static_cast<std::uint64_t>(difference);
    if constexpr (second) step_ = by;
    integer_ += by;
    return static_cast<std::int64_t>(integer_);
  }
  /// What many moves come to.
  void jump(std::int64_t by, std::int64_t step_by) {
    integer_ += static_cast<std::uint64_t>(by);
    step_ += static_cast<std::uint64_t>(step_by);
  }
  std::int64_t integer() const { return static_cast<std::int64_t>(integer_); }
  std::int64_t step() const { return static_cast<std::int64_t>(step_); }

 private:
  std::uint64_t integer_, step_;
};

/// Whether numbers of a block, counted from the one before it, fit into 32 bits, and with it into
/// doubles exactly: then they are converted many at a time. Of second differences half a block.
template <std::size_t width>
bool is_narrow(std::int64_t integer, std::int64_t step) {
  constexpr std::int64_t kSmallStep = 1 << 22, kSmallInteger = std::int64_t{1} << 52;
  return width <= 2 && step > -kSmallStep && step < kSmallStep && integer > -kSmallInteger &&
         integer < kSmallInteger;
}

/// Running sums of `numbers`, in place and from `sum` on, each raised by `raise` before. Four at a
/// time: sums of two, of four, and what came before.
[[gnu::always_inline]] inline void add_up(std::span<std::int32_t> numbers, std::int32_t raise,
                                          std::int32_t sum) {
  using Four = std::int32_t __attribute__((vector_size(4 * sizeof(std::int32_t))));
  const Four all_raise = {raise, raise, raise, raise}, none = {};
  Four before = {sum, sum, sum, sum};
  std::size_t i = 0;
  for (; i + 4 <= numbers.size(); i += 4) {
    Four four;
    std::memcpy(&four, &numbers[i], sizeof four);
    four += all_raise;
    four += __builtin_shufflevector(four, none, 4, 0, 1, 2);
    four += __builtin_shufflevector(four, none, 4, 4, 0, 1);
    four += before;
    std::memcpy(&numbers[i], &four, sizeof four);
    before = __builtin_shufflevector(four, four, 3, 3, 3, 3);
  }
  for (sum = before[3]; i < numbers.size(); ++i) numbers[i] = sum += numbers[i] + raise;
}

/// Numbers from differences, in place, counted from the one before them.
template <bool second>
[[gnu::always_inline]] inline void add_up_differences(std::span<std::int32_t> differences,
                                                      std::int32_t step) {
  if constexpr (second) add_up(differences, 0, step);
  add_up(differences, second ? 0 : step, 0);
}

template <std::size_t width, bool second>
[[gnu::always_inline]] inline void read_narrow_planes(const PlanesColumn& column,
                                                      std::size_t skipped, std::span<Sample> out) {
  constexpr std::size_t kPart = second ? kBlock / 2 : kBlock;
  RunningSum<second> sum(column);
  std::array<std::int32_t, kBlock> buffer;
  std::array<double, kBlock> values;
  for (std::size_t i = 0; i < skipped; i += kBlock) {
    const auto block = std::span(buffer).first(std::min(kBlock, skipped - i));
    unpack<width>(column, i, block);
    sum.template skip<width>(block);
  }
  const auto shift = column.head.shift;
  const double unit = std::ldexp(1.0, shift), power = kPowersOfTen[column.head.exponent];
  for (std::size_t i = 0; i < out.size(); i += kPart) {
    const auto block = std::span(buffer).first(std::min(kPart, out.size() - i));
    unpack<width>(column, skipped + i, block);
    if (is_narrow<width>(sum.integer(), sum.step())) {
      const auto before = static_cast<double>(sum.integer());
      const auto last_step = second ? sum_of<width>(block) : 0;
      add_up_differences<second>(block, static_cast<std::int32_t>(sum.step()));
      for (std::size_t k = 0; k < block.size(); ++k)
        values[k] = (before + static_cast<double>(block[k])) * unit;
      sum.jump(block.back(), last_step);
    } else {
      for (std::size_t k = 0; k < block.size(); ++k) {
        const auto integer = static_cast<std::uint64_t>(sum.move(block[k]));
        values[k] = static_cast<double>(static_cast<std::int64_t>(integer << shift));
      }
    }
    if (column.head.exponent > 0)
      for (std::size_t k = 0; k < block.size(); ++k) values[k] /= power;
    for (std::size_t k = 0; k < block.size(); ++k) out[i + k].value = values[k];
  }
}

#if defined(__x86_64__)
template <std::size_t width, bool second>
__attribute__((target("avx2"))) void read_by_wide_registers(const PlanesColumn& column,
                                                            std::size_t skipped,
                                                            std::span<Sample> out) {
  read_narrow_planes<width, second>(column, skipped, out);
}
#endif

/// The same twice: compiled for the registers that every processor has, and for those twice as wide
/// that most have.
template <std::size_t width, bool second>
void read_narrow(const PlanesColumn& column, std::size_t skipped, std::span<Sample> out) {
#if defined(__x86_64__)
  static const bool has_wide_registers = __builtin_cpu_supports("avx2") != 0;
  if (has_wide_registers) return read_by_wide_registers<width, second>(column, skipped, out);
#endif
  read_narrow_planes<width, second>(column, skipped, out);
}

/// Planes of more than four bytes are rare.
template <bool second>
void read_wide_planes(const PlanesColumn& column, std::size_t skipped, std::span<Sample> out) {
  RunningSum<second> sum(column);
  const auto difference = [&](std::size_t i) {
    return unzigzag(number_at(column.planes, column.width, column.numbers, i));
  };
  for (std::size_t i = 0; i < skipped; ++i) sum.move(difference(i));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i].value = column.head.value_of(sum.move(difference(skipped + i)));
}

template <bool second>
void read_numbers(const PlanesColumn& column, std::size_t skipped, std::span<Sample> out) {
  switch (column.width) {
    case 1:
      return read_narrow<1, second>(column, skipped, out);
    case 2:
      return read_narrow<2, second>(column, skipped, out);
    case 3:
      return read_narrow<3, second>(column, skipped, out);
    case 4:
      return read_narrow<4, second>(column, skipped, out);
    default:
      return read_wide_planes<second>(column, skipped, out);
  }
}

bool read_planes(ByteReader& reader, std::size_t count, const Part& part, bool second) {
  ScaledHead head;
  if (count < 2 || !read_scaled_head(reader, count, head)) return false;
  PlanesColumn column{head, {}, 1, 0, second ? 2U : 1U, reader.zigzag(), head.first};
  column.width = reader.byte();
  column.numbers = count - column.given;
  if (reader.failed() || column.width < 1 || column.width > 8) return false;
  column.planes = reader.bytes(column.numbers * column.width);
  if (reader.failed()) return false;
  if (part.has(0)) part.value(0) = head.value_of(column.integer);
  if (second) {
    column.integer = wrapping_add(column.integer, column.base);
    if (part.has(1)) part.value(1) = head.value_of(column.integer);
  }
  const auto skipped = part.first > column.given ? part.first - column.given : 0;
  const auto out = part.samples.last(
      std::min(part.samples.size(), part.end() > column.given ? part.end() - column.given : 0));
  if (!out.empty()) {
    if (second)
      read_numbers<true>(column, skipped, out);
    else
      read_numbers<false>(column, skipped, out);
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
