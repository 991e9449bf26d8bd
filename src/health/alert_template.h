#pragma once

// Templates in labels and annotations of alerting rules: the part of Prometheus' template language
// that needs no query. Pure; safe from any thread.
//
// Known: {{ $labels.x }}, {{ $value }}, {{ $externalLabels.x }}, {{ $externalURL }}, the dotted
// forms
// (.Labels.x, .Value, .ExternalLabels.x, .ExternalURL), "text" and numbers, pipelines, and the
// functions humanize, humanize1024, humanizeDuration, humanizePercentage, printf, toUpper, toLower,
// title. {{- and -}} trim. Source: Prometheus' template/template.go.

#include <map>
#include <string>
#include <string_view>

#include "core/labels.h"
#include "core/result.h"

namespace wellrun::health {

struct TemplateData {
  Labels labels;
  double value = 0;
  std::map<std::string, std::string> external_labels;
  std::string external_url;
};

/// `text` with its actions replaced; a label that is absent is empty. kInvalid names the action and
/// what is wrong with it; kTooLarge beyond 16 KiB of text.
Result<std::string> expand_template(std::string_view text, const TemplateData& data);

/// Whether it would expand: unknown functions, bad syntax.
Status check_template(std::string_view text);

std::string humanize(double value);
std::string humanize_1024(double value);
std::string humanize_duration(double seconds);
std::string humanize_percentage(double ratio);

}  // namespace wellrun::health
