#include "platform/http/compression.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <zlib.h>
#include <zstd.h>

#include "core/assert.h"

namespace wellrun::http {
namespace {

constexpr int kGzipWindowBits = 15 + 16;
constexpr int kZstdLargestWindowLog = 23;  // 8 MiB, as RFC 8878 asks decoders to take

std::unexpected<Error> beyond(std::size_t max_bytes) {
  return fail(ErrorCode::kTooLarge,
              fmt::format("the body decompresses to more than {} bytes", max_bytes));
}

}  // namespace

Result<std::string> gunzip(std::string_view compressed, std::size_t max_bytes) {
  z_stream stream{};
  WELLRUN_ASSERT(inflateInit2(&stream, kGzipWindowBits) == Z_OK, "zlib has no memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string text;
  std::array<char, 64 << 10> piece;
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    const int code = inflate(&stream, Z_NO_FLUSH);
    text.append(piece.data(), piece.size() - stream.avail_out);
    if (text.size() > max_bytes) return beyond(max_bytes);
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0) return text;
      if (inflateReset(&stream) != Z_OK) break;  // the next member, RFC 1952 section 2.2
    } else if (code != Z_OK) {
      break;
    }
  }
  return fail(ErrorCode::kInvalid, "the body is not valid gzip, or it was cut off");
}

Result<std::string> zstd_decompress(std::string_view compressed, std::size_t max_bytes) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                        ZSTD_freeDCtx);
  WELLRUN_ASSERT(context != nullptr, "zstd has no memory");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdLargestWindowLog);
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
  std::string text;
  std::array<char, 64 << 10> piece;
  while (true) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    const auto left = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(left) != 0) break;
    text.append(piece.data(), out.pos);
    if (text.size() > max_bytes) return beyond(max_bytes);
    if (in.pos == in.size && out.pos < out.size) {
      if (left == 0 && !compressed.empty()) return text;
      break;
    }
  }
  return fail(ErrorCode::kInvalid, "the body is not valid zstd, or it was cut off");
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  WELLRUN_ASSERT(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindowBits, 8,
                              Z_DEFAULT_STRATEGY) == Z_OK,
                 "zlib has no memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, deflateEnd);
  std::string compressed(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  WELLRUN_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflateBound was too small");
  compressed.resize(stream.total_out);
  return compressed;
}

}  // namespace wellrun::http
