#include "platform/http/router.h"

#include "core/assert.h"
#include "core/text.h"
#include "platform/http/target.h"

namespace wellrun::http {
namespace {

using Segments = std::vector<std::string>;

enum class SegmentKind { kLiteral, kParameter, kRest };  ///< in order of preference

SegmentKind kind_of(std::string_view segment) {
  if (!segment.starts_with('{')) return SegmentKind::kLiteral;
  return segment.ends_with("*}") ? SegmentKind::kRest : SegmentKind::kParameter;
}

std::string_view name_of_parameter(std::string_view segment) {
  return segment.substr(1, segment.size() - (kind_of(segment) == SegmentKind::kRest ? 3 : 2));
}

/// Whether one request could match both equally well: the same literals in the same places.
bool same_shape(const Segments& a, const Segments& b) {
  return std::ranges::equal(a, b, [](const std::string& x, const std::string& y) {
    return kind_of(x) == kind_of(y) && (kind_of(x) != SegmentKind::kLiteral || x == y);
  });
}

bool matches(const Segments& pattern, const Segments& path) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (i >= path.size()) return false;
    const auto kind = kind_of(pattern[i]);
    if (kind == SegmentKind::kRest) return true;
    if (kind == SegmentKind::kLiteral ? pattern[i] != path[i] : path[i].empty()) return false;
  }
  return pattern.size() == path.size();
}

/// True when `a` is the better of two matching patterns: leftmost difference in kind decides.
bool is_closer(const Segments& a, const Segments& b) {
  return std::ranges::lexicographical_compare(a, b, {}, kind_of, kind_of);
}

std::map<std::string, std::string, std::less<>> parameters_of(const Segments& pattern,
                                                              const Segments& path) {
  std::map<std::string, std::string, std::less<>> parameters;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (kind_of(pattern[i]) == SegmentKind::kLiteral) continue;
    auto& value = parameters[std::string(name_of_parameter(pattern[i]))];
    value = path[i];
    if (kind_of(pattern[i]) != SegmentKind::kRest) continue;
    for (std::size_t rest = i + 1; rest < path.size(); ++rest) value += "/" + path[rest];
  }
  return parameters;
}

std::optional<Segments> decoded_segments(std::string_view raw_path) {
  Segments segments;
  for (const auto raw : split(raw_path, '/')) {
    auto segment = percent_decoded(raw);
    if (!segment) return std::nullopt;
    segments.push_back(std::move(*segment));
  }
  return segments;
}

/// Answers 500 when a strand's task is dropped or the handler throws, as Reply itself promises when
/// destroyed.
Response answer_safely(const std::function<Response(const Request&)>& answer,
                       const Request& request) {
  try {
    return answer(request);
  } catch (const std::exception& error) {
    return problem_response(
        {ErrorCode::kInternal, fmt::format("the request failed: {}", error.what()), {}});
  }
}

}  // namespace

void Router::add(Route route) {
  Segments pattern;
  for (const auto segment : split(route.pattern, '/')) pattern.emplace_back(segment);
  WELLRUN_ASSERT(route.pattern.starts_with('/'), "a route's pattern starts with /");
  WELLRUN_ASSERT((route.handler != nullptr) != (route.stream != nullptr),
                 "a route has either a handler or a stream");
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    WELLRUN_ASSERT(routes_[i].method != route.method || !same_shape(patterns_[i], pattern),
                   "two routes match the same requests: " + route.method + " " + route.pattern);
  }
  routes_.push_back(std::move(route));
  patterns_.push_back(std::move(pattern));
}

Match Router::match(std::string_view method, std::string_view raw_path) const {
  Match match;
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  // Nothing is closer than a pattern that is the path itself: most requests are found so.
  if (raw_path.find_first_of("{%") == std::string_view::npos) {
    const auto itself = std::ranges::find_if(routes_, [&](const Route& route) {
      return route.pattern == raw_path && route.method == wanted;
    });
    if (itself != routes_.end()) {
      match.route = &*itself;
      return match;
    }
  }
  const auto path = decoded_segments(raw_path);
  if (!path) return match;
  const Segments *best = nullptr, *best_of_others = nullptr;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (!matches(patterns_[i], *path)) continue;
    if (routes_[i].method != wanted) {
      match.allowed_methods.push_back(routes_[i].method);
      if (best_of_others == nullptr || is_closer(patterns_[i], *best_of_others))
        best_of_others = &patterns_[i];
    } else if (best == nullptr || is_closer(patterns_[i], *best)) {
      best = &patterns_[i];
      match.route = &routes_[i];
    }
  }
  // Who takes all the rest does not take what is somebody's, only by another method.
  const bool is_anothers = best != nullptr && best_of_others != nullptr &&
                           kind_of(best->back()) == SegmentKind::kRest &&
                           is_closer(*best_of_others, *best);
  if (is_anothers) match.route = nullptr;
  if (match.route != nullptr) {
    match.path_parameters = parameters_of(*best, *path);
    match.allowed_methods.clear();
    return match;
  }
  auto& allowed = match.allowed_methods;
  if (std::ranges::find(allowed, "GET") != allowed.end()) allowed.emplace_back("HEAD");
  std::ranges::sort(allowed);
  allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  return match;
}

Handler on_strand(Strand& strand, std::function<Response(const Request&)> answer) {
  return [&strand, answer = std::make_shared<std::function<Response(const Request&)>>(
                       std::move(answer))](Request request, Reply reply) {
    strand.post([answer, request = std::move(request), reply = std::move(reply)]() mutable {
      reply(answer_safely(*answer, request));
    });
  };
}

Handler on_strand_later(Strand& strand, std::function<void(Request, Reply)> answer) {
  return
      [&strand, answer = std::make_shared<std::function<void(Request, Reply)>>(std::move(answer))](
          Request request, Reply reply) {
        strand.post([answer, request = std::move(request), reply = std::move(reply)]() mutable {
          // As above, but what throws has taken the reply along, and dropping it answers.
          try {
            (*answer)(std::move(request), std::move(reply));
          } catch (const std::exception&) {
          }
        });
      };
}

}  // namespace wellrun::http
