#include "telemetry/store/new_series.h"

#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry::store {

std::size_t hash_of_labels(std::string_view canonical) {
  // Abseil's own view: where it is another type than the standard's, that one is hashed by the
  // standard library, which takes three times as long.
  return absl::Hash<absl::string_view>()(absl::string_view(canonical.data(), canonical.size()));
}

NewSeries::NewSeries(std::string_view canonical)
    : labels(canonical), hash(hash_of_labels(canonical)), owner(canonical) {}

std::optional<NewSeries> NewSeriesReader::read(std::string_view sent) {
  const auto shared = shared_pairs(before_.labels, sent);
  if (!is_canonical_label_bytes(sent, shared)) {
    before_ = {};  // so that none is compared with the same long one again and again
    return std::nullopt;
  }
  const bool has_own_owner = OwnerLabels::any_in(shared.between(sent)) ||
                             OwnerLabels::any_in(shared.between(before_.labels));
  before_.labels = sent;
  before_.hash = hash_of_labels(sent);
  if (has_own_owner) before_.owner = OwnerLabels(sent);
  return before_;
}

}  // namespace wellrun::telemetry::store
