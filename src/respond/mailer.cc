#include "respond/mailer.h"

#include <atomic>
#include <curl/curl.h>
#include <fmt/format.h>

#include "core/bytes.h"

namespace wellrun::respond {
namespace {

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// RFC 2047 for what is not ASCII, or could be taken for an encoded word: words of whole
/// characters, one a line, none longer than 75 bytes and no line longer than 76.
std::string encoded_subject(std::string_view text) {
  const bool ascii =
      std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii && !text.contains("=?")) return std::string(text);
  constexpr std::size_t kMaxBytes = 39;  // 52 in base64, 12 around them, 9 of "Subject: "
  std::string words;
  while (!text.empty()) {
    auto size = std::min(kMaxBytes, text.size());
    while (size > 1 && size < text.size() && continues_character(text[size])) --size;
    words += words.empty() ? "=?utf-8?B?" : "\r\n =?utf-8?B?";
    words += to_base64(text.substr(0, size)) + "?=";
    text.remove_prefix(size);
  }
  return words;
}

}  // namespace

std::string rendered(const Mail& mail, Timestamp now) {
  // RFC 5322 dates are what HTTP's are, but for the zone.
  char date[64];
  const auto seconds = static_cast<std::time_t>(to_unix_ms(now) / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &parts);
  std::string text = fmt::format(
      "From: {}\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{}>\r\nMIME-Version: "
      "1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n\r\n",
      mail.from, mail.to, encoded_subject(mail.subject), date, mail.message_id);
  for (const char c : mail.text) {
    if (c == '\r') continue;
    if (c == '\n') text += '\r';
    text += c;
  }
  return text;
}

namespace {

struct Upload {
  const std::string& text;
  std::size_t position = 0;
};

std::size_t read_upload(char* buffer, std::size_t size, std::size_t count, void* data) {
  auto& upload = *static_cast<Upload*>(data);
  const auto length = std::min(size * count, upload.text.size() - upload.position);
  std::ranges::copy_n(upload.text.begin() + static_cast<std::ptrdiff_t>(upload.position),
                      static_cast<std::ptrdiff_t>(length), buffer);
  upload.position += length;
  return length;
}

constexpr curl_off_t kPatienceWhenClosing = 3'000'000;  ///< of a mail's whole time, microseconds

/// What a transfer under way asks now and then: an ordinary mail is let through, one that waits for
/// a server is given up.
struct Watched {
  CURL* curl;
  const std::atomic<bool>& closing;
};

int gives_up(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& watched = *static_cast<const Watched*>(data);
  curl_off_t taken = 0;
  curl_easy_getinfo(watched.curl, CURLINFO_TOTAL_TIME_T, &taken);
  return watched.closing && taken > kPatienceWhenClosing ? 1 : 0;
}

/// Blocks for at most 30 seconds; when `closing` becomes true, for a few.
Status send_mail(const Mail& mail, Timestamp now, const std::atomic<bool>& closing) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 curl_easy_cleanup);
  if (!curl) return fail(ErrorCode::kUnavailable, "no memory for an SMTP session");
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> recipients(
      curl_slist_append(nullptr, mail.to.c_str()), curl_slist_free_all);
  const auto text = rendered(mail, now);
  Upload upload{text};
  char problem[CURL_ERROR_SIZE] = "";
  const auto url = "smtp://" + mail.server;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl.get(), CURLOPT_USE_SSL,
                   static_cast<long>(mail.never_tls     ? CURLUSESSL_NONE
                                     : mail.require_tls ? CURLUSESSL_ALL
                                                        : CURLUSESSL_TRY));
  curl_easy_setopt(curl.get(), CURLOPT_MAIL_FROM, mail.from.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, read_upload);
  curl_easy_setopt(curl.get(), CURLOPT_READDATA, &upload);
  curl_easy_setopt(curl.get(), CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, 30'000L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
  Watched watched{curl.get(), closing};
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, gives_up);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &watched);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, problem);
  if (!mail.user.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_USERNAME, mail.user.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PASSWORD, mail.password.c_str());
  }
  const auto code = curl_easy_perform(curl.get());
  if (code == CURLE_OK) return {};
  if (code == CURLE_ABORTED_BY_CALLBACK)
    return fail(ErrorCode::kUnavailable,
                fmt::format("{} had not taken the mail when Wellrun stopped", mail.server));
  return fail(ErrorCode::kUnavailable,
              fmt::format("{} did not take the mail: {}", mail.server,
                          problem[0] == '\0' ? curl_easy_strerror(code) : problem));
}

class SmtpMailer final : public Mailer {
 public:
  SmtpMailer(const Clock& clock, Workers& workers) : clock_(clock), workers_(workers) {}

  void send(Mail mail, std::move_only_function<void(Status)> done) override {
    workers_.run(
        [&clock = clock_, &closing = closing_, mail = std::move(mail),
         done = std::move(done)]() mutable { done(send_mail(mail, clock.now(), closing)); });
  }
  void close() override { closing_ = true; }

 private:
  const Clock& clock_;
  Workers& workers_;
  std::atomic<bool> closing_ = false;
};

}  // namespace

std::unique_ptr<Mailer> make_smtp_mailer(const Clock& clock, Workers& workers) {
  return std::make_unique<SmtpMailer>(clock, workers);
}

}  // namespace wellrun::respond
