#include "simulation/world.h"

#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::simulation {

using Where = CrashPoint::Where;
using Fault = journal::MemoryStore::Fault;

namespace {

constexpr Duration kScrapeInterval{5'000};
constexpr double kOrdersPerSecond = 10;
constexpr double kShareFailing = 0.5;

std::string host_of(const std::string& url) {
  const auto begin = url.find("://");
  const auto rest = begin == std::string::npos ? url : url.substr(begin + 3);
  return rest.substr(0, rest.find('/'));
}

}  // namespace

std::string to_string(const CrashPoint& point) {
  switch (point.where) {
    case Where::kNowhere:
      return "no crash";
    case Where::kBeforeAppend:
      return fmt::format("crash before append {}", point.number);
    case Where::kAfterAppend:
      return fmt::format("crash after append {}", point.number);
    case Where::kBeforeEffect:
      return fmt::format("crash before effect {}", point.number);
    case Where::kAfterEffect:
      return fmt::format("crash after effect {}", point.number);
  }
  return {};
}

World::World(std::uint64_t seed, Timestamp start, Habits habits, CrashPoint point)
    : time(seed, start),
      store(time.runtime().strand),
      habits_(habits),
      point_(point),
      random_(time.runtime().random) {
  store.set_hook([this](std::uint64_t append, const journal::Batch&) { return at_append(append); });
}

void World::note(const std::string& line) {
  trace_ += fmt::format("{} {}\n", format_rfc3339(time.now()), line);
}

bool World::chance(double probability) {
  return probability > 0 &&
         static_cast<double>(random_.next() % 1'000'000) < probability * 1'000'000;
}

Duration World::some_time() {
  return Duration{20 + static_cast<std::int64_t>(random_.next() % 400)};
}

// ---- life and death ----

void World::die(const std::string& where) {
  if (dead_) return;
  dead_ = true;
  ++death_count_;
  note("the process dies " + where);
}

void World::be_born(telemetry::MetricWriter& door) {
  time.crash();
  timers_.clear();
  store.recover();
  dead_ = false;
  door_ = &door;
  note("the process starts");
  sell();
}

Fault World::at_append(std::uint64_t append) {
  if (dead_) return Fault::kCrashBefore;
  const bool here = point_.number == append;
  auto fault = Fault::kNone;
  if (here && point_.where == Where::kBeforeAppend) fault = Fault::kCrashBefore;
  if (here && point_.where == Where::kAfterAppend) fault = Fault::kCrashAfter;
  if (chance(habits_.crash)) fault = chance(0.5) ? Fault::kCrashBefore : Fault::kCrashAfter;
  if (fault != Fault::kNone)
    die(fmt::format("{} append {}", fault == Fault::kCrashBefore ? "before" : "after", append));
  return fault;
}

void World::after(Duration length, Task task) {
  const auto id = ++timer_count_;
  timers_[id] = time.runtime().strand.after(length, [this, id, task = std::move(task)]() mutable {
    const auto timer = timers_.extract(id);
    if (!dead_) task();
  });
}

void World::happen(const std::string& what, std::function<void()> act, Task answer) {
  after(some_time(), [this, what, act = std::move(act), answer = std::move(answer)]() mutable {
    const auto number = ++effect_count_;
    const bool here = point_.number == number;
    if ((here && point_.where == Where::kBeforeEffect) || chance(habits_.crash / 2))
      return die(fmt::format("before effect {}: {}", number, what));
    note(what);
    act();
    if ((here && point_.where == Where::kAfterEffect) || chance(habits_.crash / 2))
      return die(fmt::format("after effect {}: {}", number, what));
    answer();
  });
}

// ---- the shop ----

/// Customers buy whether anybody looks or not; what nobody scrapes is not seen.
void World::sell() {
  if (!is_open) return;
  const double orders = kOrdersPerSecond * std::chrono::duration<double>(kScrapeInterval).count();
  const double lost = failing() ? orders * kShareFailing : 0;
  taken_ += orders - lost;
  failed_ += lost;
  const auto now = to_unix_ms(time.now());
  for (const auto& [outcome, count] : {std::pair{"ok", taken_}, std::pair{"failed", failed_}}) {
    telemetry::SeriesWrite series;
    series.labels = {{"__name__", "shop_orders_total"}, {"job", "shop"}, {"outcome", outcome}};
    series.samples = {{now, count}};
    emit(std::move(series));
  }
  after(kScrapeInterval, [this] { sell(); });
}

void World::emit(telemetry::SeriesWrite series) {
  if (dead_) return;
  std::vector<telemetry::SeriesWrite> writes;
  writes.push_back(std::move(series));
  (void)door_->write(std::move(writes));
}

Result<telemetry::WriteOutcome> World::write(std::vector<telemetry::SeriesWrite> series) {
  telemetry::WriteOutcome outcome{.samples_written = series.size()};
  if (dead_) return fail(ErrorCode::kIo, "the process is dead");
  for (auto& each : series) metrics.add(std::move(each));
  return outcome;
}

// ---- the mail server ----

void World::send(respond::Mail mail, std::move_only_function<void(Status)> done) {
  auto answered = std::make_shared<std::move_only_function<void(Status)>>(std::move(done));
  const auto refused = [answered, server = mail.server](const char* why) {
    (*answered)(fail(ErrorCode::kUnavailable, fmt::format("{}: {}", server, why)));
  };
  const auto host = mail.server.substr(0, mail.server.find(':'));
  if (silent.contains(host))
    return after(std::chrono::seconds(30), [refused] { refused("no answer in 30 s"); });
  if (refusing.contains(host) || chance(habits_.mail_refused))
    return after(some_time(), [refused] { refused("refused"); });
  const bool lost = lying.contains(host) || chance(habits_.mail_lost);
  happen(
      fmt::format("mail to {} {}: {}", mail.to, lost ? "is lost" : "arrives", mail.subject),
      [this, lost, mail] {
        if (!lost) deliveries.push_back({time.now(), mail.to, mail.message_id, mail.subject});
      },
      [answered] { (*answered)({}); });
}

// ---- web servers ----

http::Response World::answer_to(const http::ClientRequest& request) {
  if (request.url == "http://shop.example/flags/new-pricing") {
    flag_is_on = request.body.contains("true");
    return http::text_response("switched\n");
  }
  if (const auto host = host_of(request.url); host == "chat.example" || host == "phone.example") {
    const auto key = http::find_header(request.headers, "Idempotency-Key");
    deliveries.push_back({time.now(), request.url, std::string(key), request.body});
    return http::text_response("taken\n");
  }
  return http::text_response("no such page\n", 404);
}

void World::send(http::ClientRequest request, http::ClientCallback done) {
  auto answered = std::make_shared<http::ClientCallback>(std::move(done));
  const auto host = host_of(request.url);
  const auto timeout = request.timeout;
  if (silent.contains(host) || chance(habits_.http_silent)) {
    return after(timeout, [answered, host] {
      (*answered)(fail(ErrorCode::kDeadline, host + " did not answer in time"));
    });
  }
  if (refusing.contains(host) || chance(habits_.http_refused)) {
    return after(some_time(), [answered] { (*answered)(http::text_response("not now\n", 503)); });
  }
  auto response = std::make_shared<http::Response>();
  happen(
      fmt::format("{} {}", request.method, request.url),
      [this, request, response] { *response = answer_to(request); },
      [answered, response] { (*answered)(*response); });
}

// ---- child processes ----

void World::run(ProcessRequest request, std::function<void(std::string_view)> on_output,
                std::move_only_function<void(Result<ProcessExit>)> done) {
  const auto command = request.argv.back();
  const auto key = fmt::format("{} {}", request.env["WELLRUN_RUN"], command);
  auto answered =
      std::make_shared<std::move_only_function<void(Result<ProcessExit>)>>(std::move(done));
  const bool fails = failing_commands.contains(command);
  happen(
      fmt::format("{} runs: {}", request.env["WELLRUN_RUN"], command),
      [this, key] { ++commands[key]; },
      [answered, command, fails, on_output = std::move(on_output)] {
        const auto output = command + (fails ? ": failed\n" : ": done\n");
        if (on_output) on_output(output);
        (*answered)(
            ProcessExit{.exit_code = fails ? 1 : 0, .output = output, .duration = Duration{10}});
      });
}

}  // namespace wellrun::simulation
