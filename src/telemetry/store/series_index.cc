#include "telemetry/store/series_index.h"

#include <algorithm>
#include <fmt/format.h>
#include <mutex>

#include "core/text.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::uint32_t kOwnersSlice = 4096;  ///< series counted anew under one lock

/// Most ranges are of one ref, which is added in a tenth of the time by itself.
void add_range(Roaring& refs, std::uint32_t first, std::uint32_t end) {
  if (end - first == 1)
    refs.add(first);
  else
    refs.addRange(first, end);
}

}  // namespace

std::optional<std::vector<std::string>> literal_alternatives(std::string_view regex) {
  std::vector<std::string> found(1);
  for (std::size_t i = 0; i < regex.size(); ++i) {
    const char c = regex[i];
    if (c == '|') {
      found.emplace_back();
    } else if (c == '\\' && i + 1 < regex.size() &&
               std::string_view(".-+*?()[]{}^$|\\/").contains(regex[i + 1])) {
      found.back() += regex[++i];
    } else if (std::string_view("\\.+*?()[]{}^$").contains(c)) {
      return std::nullopt;
    } else {
      found.back() += c;
    }
  }
  return found;
}

std::optional<std::uint32_t> SeriesIndex::find(std::string_view canonical) const {
  const auto key = key_of(canonical);
  const std::shared_lock lock(mutex_);
  return ref_of(key);
}

std::optional<std::uint32_t> SeriesIndex::ref_of(const Key& key) const {
  const auto found = by_labels_.find(key);
  if (found == by_labels_.end()) return std::nullopt;
  return found->ref();
}

bool SeriesIndex::is_full() const {
  return by_labels_.size() >= max_series_ ||
         made_end_.load(std::memory_order_relaxed) >= Head::kMaxSeries;
}

/// With the lock held alone. The caller adds the new ones to the lists.
SeriesIndex::Made SeriesIndex::make(const Key& key, AccountId account, Head::LabelCopy labels) {
  if (is_full()) return {.ref = ref_of(key), .refused = {}};
  if (accounts_.is_full(account)) {
    const auto known = ref_of(key);
    return {.ref = known, .refused = known ? std::nullopt : std::optional(account)};
  }
  const auto ref = made_end_.load(std::memory_order_relaxed);
  const auto slot =
      by_labels_.lazy_emplace(key, [&](const auto& construct) { construct(key.hash, ref); });
  if (slot->ref() != ref) return {.ref = slot->ref(), .refused = {}};
  head_.make(ref, std::move(labels));
  head_.at(ref).account = account;
  accounts_.add(account);
  made_end_.store(ref + 1, std::memory_order_release);
  return {.ref = ref, .refused = {}};
}

SeriesIndex::Made SeriesIndex::find_or_make(std::string_view canonical) {
  const NewSeries series(canonical);
  return make_run(std::span(&series, 1)).front();
}

std::vector<SeriesIndex::Made> SeriesIndex::make_run(std::span<const NewSeries> run) {
  std::vector<Made> made;
  const auto wanted = unknown_of(run, made);
  if (wanted.empty()) return made;
  std::vector<Head::LabelCopy> copies;
  copies.reserve(wanted.size());
  for (const auto index : wanted) copies.emplace_back(run[index].labels);
  const std::unique_lock lock(mutex_);
  const auto before = made_end_.load(std::memory_order_relaxed);
  const OwnerLabels* owner = nullptr;
  AccountId account = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& series = run[wanted[i]];
    if (owner == nullptr || *owner != series.owner) {
      owner = &series.owner;
      account = accounts_.find_or_open(*owner);
    }
    made[wanted[i]] = make(key_of(series), account, std::move(copies[i]));
  }
  add(before, made_end_.load(std::memory_order_relaxed));
  return made;
}

/// The places in the run of those that are to be made; the others are answered. An owner at its
/// limit is told without the lock held alone, so that a flood of refused series keeps nobody
/// waiting.
std::vector<std::size_t> SeriesIndex::unknown_of(std::span<const NewSeries> run,
                                                 std::vector<Made>& made) const {
  std::vector<std::size_t> wanted;
  made.reserve(run.size());
  wanted.reserve(run.size());
  const OwnerLabels* owner = nullptr;
  std::optional<AccountId> full;
  const std::shared_lock lock(mutex_);
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (const auto known = ref_of(key_of(run[i]))) {
      if (i == 0) made.push_back({.ref = known, .refused = {}});
      break;
    }
    if (owner == nullptr || *owner != run[i].owner) {
      owner = &run[i].owner;
      full = accounts_.full(*owner);
    }
    made.push_back({.ref = {}, .refused = full});
    if (!full && !is_full()) wanted.push_back(i);
  }
  return wanted;
}

void SeriesIndex::restore(std::uint32_t ref, std::string_view canonical) {
  if (ref >= Head::kMaxSeries || head_.has(ref)) return;
  head_.make(ref, canonical);
  restored_.push_back(ref);
}

void SeriesIndex::index_restored() {
  const std::unique_lock lock(mutex_);
  if (!std::ranges::is_sorted(restored_)) std::ranges::sort(restored_);
  by_labels_.reserve(by_labels_.size() + restored_.size());
  Roaring ended;
  for (const auto ref : restored_) {
    auto& series = head_.at(ref);
    const auto key = key_of(series.label_bytes());
    if (const auto earlier = by_labels_.find(key);
        earlier != by_labels_.end() && !head_.at(earlier->ref()).has_disk()) {
      // It had ended and was made anew; a crash came before its row was taken away.
      ended.add(earlier->ref());
      head_.at(earlier->ref()).gone = true;
      accounts_.remove(head_.at(earlier->ref()).account);
      by_labels_.erase(earlier);
    }
    by_labels_.insert(Slot{key.hash, ref});
    series.account = accounts_.find_or_open(OwnerLabels(series.label_bytes()));
    accounts_.add(series.account);
  }
  std::erase_if(restored_, [&](std::uint32_t ref) { return ended.contains(ref); });
  for (std::size_t first = 0, end = 0; first < restored_.size(); first = end) {
    for (end = first + 1; end < restored_.size() && restored_[end] == restored_[end - 1] + 1;)
      ++end;
    add(restored_[first], restored_[end - 1] + 1);
  }
  if (!restored_.empty())
    made_end_.store(std::max(made_end_.load(), restored_.back() + 1), std::memory_order_release);
  std::vector<std::uint32_t>().swap(restored_);
}

void SeriesIndex::begin_at_least_at(std::uint32_t end) {
  made_end_.store(std::max(made_end_.load(), end), std::memory_order_release);
}

/// With the lock held alone: puts the series [first, end) into the lists.
void SeriesIndex::add(std::uint32_t first, std::uint32_t end) {
  if (first == end) return;
  all_.addRange(first, end);
  std::string_view before;
  for (auto ref = first; ref < end; ++ref) {
    const auto labels = head_.at(ref).label_bytes();
    if (change_runs(shared_pairs(before, labels), labels, ref)) {
      before = labels;
      continue;
    }
    // Bytes that end early: nothing can be told from them about the next.
    for (const auto& run : runs_) end_run(run, ref + 1);
    runs_.clear();
    before = {};
  }
  for (const auto& run : runs_) end_run(run, end);
  runs_.clear();
}

/// From the labels before to those of `ref`. Where only the value of a name changes, the run of the
/// name goes on.
bool SeriesIndex::change_runs(const SharedPairs& shared, std::string_view labels,
                              std::uint32_t ref) {
  const auto first = runs_.begin() + static_cast<std::ptrdiff_t>(shared.front_count);
  const auto end = first + static_cast<std::ptrdiff_t>(shared.replaced_count);
  auto ending = first;
  begun_.clear();
  LabelView label;
  LabelWalk walk(shared.between(labels));
  while (walk.next(label)) {
    auto run = begin_run(label, ref);
    while (ending != end && ending->posting->name->name < label.name) end_run(*ending++, ref);
    if (ending != end && ending->posting->name == run.posting->name) {
      run.name_since = ending->name_since;
      end_posting(*ending++, ref);
    }
    begun_.push_back(run);
  }
  while (ending != end) end_run(*ending++, ref);
  const auto in_place = std::min(begun_.size(), shared.replaced_count);
  const auto rest = std::copy_n(begun_.begin(), in_place, first);
  if (in_place < begun_.size())
    runs_.insert(rest, begun_.begin() + static_cast<std::ptrdiff_t>(in_place), begun_.end());
  else
    runs_.erase(rest, end);
  return walk.at_end();
}

SeriesIndex::Run SeriesIndex::begin_run(const LabelView& label, std::uint32_t ref) {
  return {.posting = &posting_of(label), .posting_since = ref, .name_since = ref};
}

void SeriesIndex::end_posting(const Run& run, std::uint32_t end) {
  add_range(run.posting->refs, run.posting_since, end);
}

void SeriesIndex::end_run(const Run& run, std::uint32_t end) {
  end_posting(run, end);
  add_range(run.posting->name->refs, run.name_since, end);
}

SeriesIndex::Posting& SeriesIndex::posting_of(const LabelView& label) {
  const auto [pair, name, value] = std::tie(label.pair, label.name, label.value);
  if (const auto known = by_pair_.find(pair); known != by_pair_.end()) return *known->second;
  auto owner = by_name_.find(name);
  if (owner == by_name_.end()) {
    auto made = std::make_unique<Name>();
    made->name = name;
    made->arrangement = ++last_arrangement_;
    const std::string_view key = made->name;
    owner = by_name_.emplace(key, std::move(made)).first;
  }
  auto made = std::make_unique<Posting>();
  made->pair = pair;
  made->value = std::string_view(made->pair)
                    .substr(static_cast<std::size_t>(value.data() - pair.data()), value.size());
  made->name = owner->second.get();
  owner->second->values.push_back(made.get());
  const std::string_view key = made->pair;
  return *by_pair_.emplace(key, std::move(made)).first->second;
}

void SeriesIndex::log_new(Wal& wal) {
  if (logged_end_.load(std::memory_order_acquire) >= made_end_.load(std::memory_order_acquire))
    return;
  const std::scoped_lock lock(log_mutex_);
  const auto end = made_end_.load(std::memory_order_acquire);
  for (auto ref = logged_end_.load(std::memory_order_relaxed); ref < end; ++ref) {
    log_record_.append(ref, head_.at(ref).label_bytes());
    if (log_record_.is_full() || ref + 1 == end) wal.enqueue(log_record_.pack());
  }
  logged_end_.store(end, std::memory_order_release);
}

void SeriesIndex::remove(std::uint32_t ref) {
  const std::unique_lock lock(mutex_);
  const auto bytes = head_.at(ref).label_bytes();
  // By its ref: after a crash or damage another may have the same labels.
  if (by_labels_.erase(Slot{key_of(bytes).hash, ref}) == 0) return;
  accounts_.remove(head_.at(ref).account);
  all_.remove(ref);
  LabelView label;
  for (LabelWalk walk(bytes); walk.next(label);) {
    const auto posting = by_pair_.find(label.pair);
    if (posting == by_pair_.end()) continue;
    posting->second->refs.remove(ref);
    posting->second->name->refs.remove(ref);
    if (posting->second->refs.isEmpty()) note_emptied(*posting->second->name);
  }
}

void SeriesIndex::note_emptied(Name& name) {
  ++name.emptied;
  if (name.is_swept || 2 * name.emptied <= name.values.size()) return;
  name.is_swept = true;
  name.sweep_at = name.values.size();
  to_sweep_.push_back(&name);
}

void SeriesIndex::forget_unused() {
  while (sweep_slice()) {
  }
  const std::unique_lock lock(mutex_);
  constexpr std::size_t kWorthwhile = 4096;
  if (by_labels_.capacity() > kWorthwhile + 4 * by_labels_.size()) by_labels_.rehash(0);
  if (by_pair_.capacity() > kWorthwhile + 4 * by_pair_.size()) by_pair_.rehash(0);
}

/// False: nothing is left to sweep.
bool SeriesIndex::sweep_slice() {
  constexpr std::size_t kSlice = 4096;
  const std::unique_lock lock(mutex_);
  if (to_sweep_.empty()) return false;
  auto& name = *to_sweep_.back();
  auto& values = name.values;
  name.arrangement = ++last_arrangement_;
  for (std::size_t seen = 0; name.sweep_at > 0 && seen < kSlice; ++seen) {
    auto*& value = values[--name.sweep_at];
    if (!value->refs.isEmpty()) continue;
    const auto found = by_pair_.find(value->pair);
    const auto ended = std::move(found->second);  // its text is the key
    by_pair_.erase(found);
    value = values.back();
    values.pop_back();
  }
  if (name.sweep_at > 0) return true;
  to_sweep_.pop_back();
  name.emptied = 0;
  name.is_swept = false;
  values.shrink_to_fit();
  if (!values.empty()) return true;
  const auto found = by_name_.find(name.name);
  const auto ended = std::move(found->second);
  by_name_.erase(found);
  return true;
}

std::size_t SeriesIndex::pairs_held() const {
  const std::shared_lock lock(mutex_);
  return by_pair_.size();
}

void SeriesIndex::set_owners(OwnerRules rules) {
  {
    const std::unique_lock lock(mutex_);
    if (accounts_.rules() == rules) return;
    accounts_.set_rules(std::move(rules));
  }
  // Those made from here on are counted by the new rules; counting them again changes nothing.
  const auto end = made_end_.load(std::memory_order_acquire);
  for (std::uint32_t first = 0; first < end; first += kOwnersSlice) {
    const std::unique_lock lock(mutex_);
    for (auto ref = first; ref < std::min(end, first + kOwnersSlice); ++ref) {
      if (!all_.contains(ref)) continue;
      auto& series = head_.at(ref);
      accounts_.remove(series.account);
      series.account = accounts_.find_or_open(OwnerLabels(series.label_bytes()));
      accounts_.add(series.account);
    }
  }
}

std::vector<OwnerUsage> SeriesIndex::owners() const {
  const std::shared_lock lock(mutex_);
  return accounts_.usage();
}

Roaring SeriesIndex::refs_of(std::string_view workload, std::string_view job) const {
  const std::shared_lock lock(mutex_);
  Roaring refs;
  const auto account = accounts_.find(workload, job);
  if (!account) return refs;
  for (const auto ref : all_)
    if (head_.at(ref).account == *account) refs.add(ref);
  refs.runOptimize();
  return refs;
}

std::string SeriesIndex::refusal(std::optional<AccountId> refused, std::uint64_t samples,
                                 std::string_view canonical, std::int64_t now_ms) {
  const std::shared_lock lock(mutex_);
  if (!refused)
    return fmt::format("the store has {} series, which is its limit: no new one is taken",
                       by_labels_.size());
  accounts_.note_refused(*refused, samples, to_string(labels_from_bytes(canonical)), now_ms);
  return accounts_.refusal(*refused);
}

/// The series that one matcher takes, as the lists they stand in: with the lock held.
struct SeriesIndex::Choice {
  std::vector<const Roaring*> lists;  ///< of the values that match
  const Roaring* with_label = nullptr;
  bool takes_absence = false;  ///< series without the label match, too
  bool is_negative = false;    ///< all others are taken

  /// Not less than how many it takes.
  std::uint64_t most() const {
    if (takes_absence || is_negative) return UINT64_MAX;
    std::uint64_t sum = 0;
    for (const auto* list : lists) sum += list->cardinality();
    return sum;
  }
  /// Of the values that match.
  Roaring all() {
    return lists.size() == 1 ? *lists[0] : Roaring::fastunion(lists.size(), lists.data());
  }
  /// Those of `refs` that it takes. Of a few lists a long one costs no more than `refs` does.
  Roaring of(const Roaring& refs) {
    constexpr std::size_t kFew = 32;
    Roaring matched;
    if (lists.size() > kFew)
      matched = refs & all();
    else
      for (const auto* list : lists) matched |= refs & *list;
    if (takes_absence) matched |= refs - *with_label;
    return is_negative ? refs - matched : matched;
  }
};

Result<SeriesIndex::Choice> SeriesIndex::choice_of(const Matcher& matcher) const {
  using Kind = Matcher::Kind;
  static const Roaring kNone;
  const bool is_regex = matcher.kind == Kind::kRegex || matcher.kind == Kind::kNotRegex;
  const auto named = by_name_.find(matcher.name);
  const bool is_known = named != by_name_.end();
  Choice choice;
  choice.with_label = is_known ? &named->second->refs : &kNone;
  choice.is_negative = matcher.kind == Kind::kNotEqual || matcher.kind == Kind::kNotRegex;
  const auto take = [&](const Roaring& list) {
    if (!list.isEmpty()) choice.lists.push_back(&list);
  };
  const auto literals =
      is_regex ? literal_alternatives(matcher.value) : std::optional(std::vector{matcher.value});
  if (literals) {
    for (const auto& value : *literals) {
      if (value.empty()) {
        choice.takes_absence = true;
        continue;
      }
      std::string pair;
      append_label_bytes(pair, Labels{Label{matcher.name, value}});
      if (const auto found = by_pair_.find(pair); found != by_pair_.end())
        take(found->second->refs);
    }
  } else if (matcher.value == ".*" || matcher.value == ".+") {
    take(*choice.with_label);
    choice.takes_absence = matcher.value == ".*";
  } else {
    TRY(const auto regex, regexes_.get(matcher.name, matcher.value));
    choice.takes_absence = regex->matches_empty();
    if (is_known) {
      const auto& values = named->second->values;
      for (const auto i : regex->matching(named->second->arrangement, values.size(),
                                          [&](std::size_t at) { return values[at]->value; }))
        take(values[i]->refs);
    }
  }
  return choice;
}

Result<Roaring> SeriesIndex::match(const std::vector<Matcher>& matchers) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::pair<std::uint64_t, Choice>> choices;
  for (const auto& matcher : matchers) {
    TRY(auto choice, choice_of(matcher));
    const auto most = choice.most();
    choices.emplace_back(most, std::move(choice));
  }
  std::ranges::stable_sort(choices, {}, [](const auto& one) { return one.first; });
  const bool begins_with_all = choices.empty() || choices[0].first == UINT64_MAX;
  Roaring result = begins_with_all ? all_ : choices[0].second.all();
  for (std::size_t i = begins_with_all ? 0 : 1; i < choices.size(); ++i)
    result = choices[i].second.of(result);
  return result;
}

bool SeriesIndex::any_has(std::string_view name, std::span<const std::uint32_t> refs) const {
  const std::shared_lock lock(mutex_);
  const auto named = by_name_.find(name);
  return named != by_name_.end() && std::ranges::any_of(refs, [&](std::uint32_t ref) {
           return named->second->refs.contains(ref);
         });
}

std::vector<std::string> SeriesIndex::names() const {
  std::vector<std::string> names;
  each_name([&](std::string_view name, const Roaring&) { names.emplace_back(name); });
  std::ranges::sort(names);
  return names;
}

void SeriesIndex::each_name(
    const std::function<void(std::string_view, const Roaring&)>& each) const {
  const std::shared_lock lock(mutex_);
  for (const auto& [text, name] : by_name_)
    if (!name->refs.isEmpty()) each(text, name->refs);
}

void SeriesIndex::each_value(
    std::string_view name,
    const std::function<void(std::string_view, const Roaring&)>& each) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  for (const auto* posting : found->second->values)
    if (!posting->refs.isEmpty()) each(posting->value, posting->refs);
}

std::size_t SeriesIndex::size() const {
  const std::shared_lock lock(mutex_);
  return by_labels_.size();
}

}  // namespace wellrun::telemetry::store
