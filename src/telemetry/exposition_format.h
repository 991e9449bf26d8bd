#pragma once

// In which form a scraper takes metrics, and how it takes names that are not plain: what /federate
// and our own /metrics read of Accept. Pure. Sources:
// https://prometheus.io/docs/instrumenting/content_negotiation/ and escaping_schemes/

#include <span>
#include <string>
#include <string_view>

namespace wellrun::telemetry {

enum class ExpositionKind { kText, kText100, kOpenMetrics, kProtobuf };

enum class Escaping { kAllowUtf8, kUnderscores, kDots, kValues };

struct ExpositionFormat {
  ExpositionKind kind = ExpositionKind::kText;
  Escaping escaping = Escaping::kUnderscores;
};

/// What Content-Type says of a form, without the escaping.
std::string_view content_type_of(ExpositionKind kind);

/// As the parameter `escaping` has it: "allow-utf-8".
std::string_view name_of(Escaping escaping);

/// The form that is most wanted among those offered; a scraper that wants none of them, or says
/// nothing, gets the old text with underscores. An escaping named with another form that is wanted
/// as much or more holds, too, as in Prometheus.
ExpositionFormat negotiate(std::string_view accept, std::span<const ExpositionKind> offered);

enum class NameOf { kMetric, kLabel };

/// Letters, digits and underscores, no digit first; a metric may have colons.
bool is_plain_name(std::string_view name, NameOf kind);

/// The name as it is written under this escaping: with allow-utf-8 as it is, otherwise plain.
std::string escaped_name(std::string_view name, NameOf kind, Escaping escaping);

/// In double quotes as the text forms have it: a label's value, or a name that is not plain.
std::string exposed_text(std::string_view text);

}  // namespace wellrun::telemetry
