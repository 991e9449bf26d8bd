#pragma once

// Writing and reading the store's bytes: varints, fixed little-endian integers, length-prefixed
// text. Used by every codec of this folder. A reader never passes its end: it fails, and stays
// failed.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace wellrun::telemetry::store {

static_assert(std::endian::native == std::endian::little, "stored integers are copied as they are");

constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

/// `a - b` and `a + b` without undefined overflow: deltas of hostile times wrap and come back.
constexpr std::int64_t wrapping_sub(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
constexpr std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

inline constexpr std::size_t kMaxVarintBytes = 10;

/// Writes at `out`, which has room for kMaxVarintBytes; returns the end.
inline char* write_varint(char* out, std::uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

inline void put_varint(std::string& out, std::uint64_t value) {
  char bytes[kMaxVarintBytes];
  out.append(bytes, write_varint(bytes, value));
}

template <typename T>
void put_fixed(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

inline void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  bool failed() const { return failed_; }
  bool at_end() const { return at_ == end_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  std::string_view rest() const { return {at_, left()}; }

  std::uint8_t byte() {
    if (at_ == end_) return fail();
    return static_cast<std::uint8_t>(*at_++);
  }

  std::uint64_t varint() {
    if (at_ != end_ && static_cast<std::uint8_t>(*at_) < 0x80)
      return static_cast<std::uint8_t>(*at_++);
    return long_varint();
  }

  std::int64_t zigzag() { return unzigzag(varint()); }

  template <typename T>
  T fixed() {
    T value{};
    if (left() < sizeof(T)) {
      fail();
      return value;
    }
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  std::string_view bytes(std::uint64_t count) {
    if (left() < count) {
      fail();
      return {};
    }
    const std::string_view taken(at_, count);
    at_ += count;
    return taken;
  }

  std::string_view text() { return bytes(varint()); }

 private:
  /// Apart, so that what is short most of the time is read in place.
  [[gnu::noinline]] std::uint64_t long_varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto next = static_cast<std::uint8_t>(*at_++);
      value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    return fail();
  }

  std::uint8_t fail() {
    failed_ = true;
    at_ = end_;
    return 0;
  }

  const char* at_;
  const char* end_;
  bool failed_ = false;
};

/// Big endian, so that keys sort as numbers do.
inline void put_key32(std::string& key, std::uint32_t value) {
  put_fixed(key, __builtin_bswap32(value));
}
inline void put_key64(std::string& key, std::uint64_t value) {
  put_fixed(key, __builtin_bswap64(value));
}
inline void put_key_time(std::string& key, std::int64_t time) {
  put_key64(key, static_cast<std::uint64_t>(time) ^ (1ULL << 63));
}
inline std::uint32_t read_key32(const char* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}
inline std::uint64_t read_key64(const char* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap64(value);
}
inline std::int64_t read_key_time(const char* at) {
  return static_cast<std::int64_t>(read_key64(at) ^ (1ULL << 63));
}

}  // namespace wellrun::telemetry::store
