#include "catalog/yaml.h"

#include <set>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "core/text.h"

namespace wellrun::catalog {
namespace {

Position position_of(const YAML::Mark& mark) {
  return mark.is_null() ? Position{1, 1} : Position{mark.line + 1, mark.column + 1};
}

/// Thrown only from the handler below through yaml-cpp, caught in read_yaml.
struct Refused {
  YamlError error;
};

[[noreturn]] void refuse(Position position, std::string message) {
  throw Refused{{position, std::move(message)}};
}

struct Size {
  std::size_t nodes = 1;
  std::size_t text_bytes = 0;
};

Size size_of(const Node& node) {
  Size size{1, node.text.size()};
  for (const Node::Key& key : node.keys) size.text_bytes += key.text.size();
  for (const Node& item : node.items) {
    const Size inner = size_of(item);
    size.nodes += inner.nodes;
    size.text_bytes += inner.text_bytes;
  }
  return size;
}

int depth_of(const Node& node) {
  int deepest = 0;
  for (const Node& item : node.items) deepest = std::max(deepest, depth_of(item));
  return deepest + 1;
}

/// Builds the tree from yaml-cpp's events, so that bounds hold while reading and not after it.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const YamlLimits& limits, YamlDocuments& into) : limits_(limits), into_(into) {}

  void OnDocumentStart(const YAML::Mark&) override {
    open_.clear();
    anchored_.clear();
    root_ = Node{};
  }
  void OnDocumentEnd() override {
    if (root_.type != Node::Type::kNull) into_.documents.push_back(std::move(root_));
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.position = position_of(mark);
    add(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    Node node = text_node(value);
    node.position = position_of(mark);
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) {
      refuse(position_of(mark), "an alias inside of what it names would never end");
    }
    if (static_cast<int>(open_.size()) + found->second.depth > limits_.depth) {
      refuse_depth(position_of(mark));
    }
    // Counted before copying: a bomb is refused while it is small.
    count(found->second.size, position_of(mark));
    Node copy = found->second.node;
    copy.position = position_of(mark);
    place(std::move(copy));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Type::kSequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Type::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    bool key_waits = false;  ///< a map whose key was read and whose value was not
    bool skip_value = false;
    std::set<std::string, std::less<>> seen;
  };
  struct Anchored {
    Node node;
    Size size;
    int depth = 0;
  };

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag.empty() || tag == "?" || tag == "!") return;
    refuse(position_of(mark), "tag " + quote(tag) + " is not used here; leave it out");
  }
  [[noreturn]] void refuse_depth(Position position) const {
    refuse(position, fmt::format("nested deeper than {} levels", limits_.depth));
  }

  void count(Size size, Position position) {
    used_.nodes += size.nodes;
    used_.text_bytes += size.text_bytes;
    if (used_.nodes > limits_.nodes || used_.text_bytes > limits_.text_bytes) {
      refuse(position, fmt::format("with its aliases expanded the file has more than {} values or "
                                   "{} bytes of text; split it, or use fewer aliases",
                                   limits_.nodes, limits_.text_bytes));
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            Node::Type type) {
    refuse_tag(mark, tag);
    const Position position = position_of(mark);
    if (static_cast<int>(open_.size()) >= limits_.depth) refuse_depth(position);
    if (!open_.empty() && open_.back().node.type == Node::Type::kMap && !open_.back().key_waits) {
      refuse(position, "a key must be text, found a list or map");
    }
    count({1, 0}, position);
    Open opened;
    opened.node.type = type;
    opened.node.position = position;
    opened.anchor = anchor;
    open_.push_back(std::move(opened));
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    remember(closed.node, closed.anchor);
    place(std::move(closed.node));
  }

  void add(Node node, YAML::anchor_t anchor) {
    count({1, node.text.size()}, node.position);
    remember(node, anchor);
    place(std::move(node));
  }

  void remember(const Node& node, YAML::anchor_t anchor) {
    if (anchor == 0) return;
    const Size size = size_of(node);
    count(size, node.position);  // the copy kept for later aliases
    anchored_[anchor] = {node, size, depth_of(node)};
  }

  void place(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.type == Node::Type::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key_waits) {
      take_key(parent, node);
    } else {
      parent.key_waits = false;
      if (parent.skip_value) return;
      parent.node.items.push_back(std::move(node));
    }
  }

  void take_key(Open& parent, const Node& node) {
    if (node.type != Node::Type::kText) {
      refuse(node.position, "a key must be text, found " + described(node));
    }
    parent.key_waits = true;
    parent.skip_value = !parent.seen.insert(node.text).second;
    if (!parent.skip_value) {
      parent.node.keys.push_back({node.text, node.position});
      return;
    }
    int first_line = 0;
    for (const Node::Key& key : parent.node.keys) {
      if (key.text == node.text) first_line = key.position.line;
    }
    into_.errors.push_back({node.position, fmt::format("key {} stands twice; first on line {}",
                                                       quote(node.text), first_line)});
  }

  const YamlLimits& limits_;
  YamlDocuments& into_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchored_;
  Node root_;
  Size used_{0, 0};
};

/// Line and column of the first byte that is not UTF-8.
Position first_bad_byte(std::string_view text) {
  Position position{1, 1};
  std::size_t start = 0;
  while (start < text.size()) {
    std::size_t end = text.find('\n', start);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view line = text.substr(start, end - start);
    if (!is_valid_utf8(line)) {
      std::size_t good = 0;
      // Whole characters only: the longest valid prefix ends before the bad byte.
      for (std::size_t i = 1; i <= line.size(); ++i) {
        if (is_valid_utf8(line.substr(0, i))) good = i;
        if (i > good + 4) break;
      }
      position.column = static_cast<int>(good) + 1;
      return position;
    }
    ++position.line;
    start = end + 1;
  }
  return position;
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n') || byte == 0x7f;
  });
}

bool looks_typed(std::string_view text) {
  static const std::set<std::string, std::less<>> kWords = {
      "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"};
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  if (kWords.contains(lower)) return true;
  // Anything made only of what numbers, dates and times are made of.
  return text.find_first_not_of("0123456789.:+-_eExXTZ") == std::string_view::npos;
}

bool may_stand_plain(std::string_view text) {
  if (text.empty() || looks_typed(text)) return false;
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  constexpr std::string_view kInside = " _./:@-+=()<>,;$%^~*?'\"&|!\\#";
  if (!letter(text.front()) && text.front() != '/' && text.front() != '_') return false;
  if (text.back() == ' ' || text.back() == ':') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!letter(c) && kInside.find(c) == std::string_view::npos) return false;
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    if (c == ':' && next == ' ') return false;
    if (c == '#' && i > 0 && text[i - 1] == ' ') return false;
  }
  // U+FEFF, U+0085, U+2028 and U+2029 are line breaks or marks to some readers.
  return text.find("\xEF\xBB\xBF") == std::string_view::npos &&
         text.find("\xC2\x85") == std::string_view::npos &&
         text.find("\xE2\x80\xA8") == std::string_view::npos &&
         text.find("\xE2\x80\xA9") == std::string_view::npos;
}

/// A literal block keeps such text as it is: several lines, none that a block would change.
bool may_be_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || has_control_character(text)) return false;
  if (text.front() == ' ' || text.front() == '\n') return false;
  if (text.ends_with("\n\n") || text.find(" \n") != std::string_view::npos || text.back() == ' ') {
    return false;
  }
  return text.find("\xEF\xBB\xBF") == std::string_view::npos &&
         text.find("\xC2\x85") == std::string_view::npos &&
         text.find("\xE2\x80\xA8") == std::string_view::npos &&
         text.find("\xE2\x80\xA9") == std::string_view::npos;
}

std::string double_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (byte < 0x20 || byte == 0x7f) {
          out += fmt::format("\\x{:02x}", byte);
        } else {
          out += c;
        }
    }
  }
  // A byte order mark inside text is dropped by some readers.
  for (std::size_t at = out.find("\xEF\xBB\xBF"); at != std::string::npos;
       at = out.find("\xEF\xBB\xBF", at)) {
    out.replace(at, 3, "\\ufeff");
  }
  return out + "\"";
}

std::string key_text(std::string_view key) {
  // Keys may be words such as `on`; numbers and empty text are quoted.
  const bool word = !key.empty() && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
  if (word && key != "null" && key != "Null" && key != "NULL") return std::string(key);
  const bool plain = may_stand_plain(key) && key.find_first_of(" :#?") == std::string_view::npos;
  return plain ? std::string(key) : double_quoted(key);
}

class Writer {
 public:
  std::string take() { return std::move(out_); }

  /// After "key:" or "-": the value, inline or on the lines below, ending with a line break.
  void value(const Node& node, int indent, bool after_dash) {
    if (node.type == Node::Type::kMap && !node.keys.empty()) return map(node, indent, after_dash);
    if (node.type == Node::Type::kSequence && !node.items.empty()) return sequence(node, indent);
    out_ += ' ';
    scalar(node, indent);
  }

  void map(const Node& node, int indent, bool after_dash) {
    out_ += after_dash ? " " : "\n";
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (i > 0 || !after_dash) pad(indent);
      out_ += key_text(node.keys[i].text) + ':';
      value(node.items[i], indent + 2, false);
    }
  }

 private:
  void pad(int indent) { out_.append(static_cast<std::size_t>(indent), ' '); }

  void sequence(const Node& node, int indent) {
    out_ += '\n';
    for (const Node& item : node.items) {
      pad(indent);
      out_ += '-';
      value(item, indent + 2, true);
    }
  }

  void scalar(const Node& node, int indent) {
    switch (node.type) {
      case Node::Type::kNull:
        out_ += "null";
        break;
      case Node::Type::kMap:
        out_ += "{}";
        break;
      case Node::Type::kSequence:
        out_ += "[]";
        break;
      case Node::Type::kNumber:
      case Node::Type::kFlag:
        out_ += node.text;
        break;
      case Node::Type::kText:
        return text(node.text, indent);
    }
    out_ += '\n';
  }

  void text(const std::string& text, int indent) {
    // A document that is nothing else has no line to be indented from.
    if (indent == 0 || !may_be_block(text)) {
      out_ += (may_stand_plain(text) ? text : double_quoted(text)) + '\n';
      return;
    }
    const bool ends_with_break = text.back() == '\n';
    out_ += ends_with_break ? "|\n" : "|-\n";
    const std::string_view lines =
        ends_with_break ? std::string_view(text).substr(0, text.size() - 1) : text;
    for (const std::string_view line : split(lines, '\n')) {
      if (!line.empty()) pad(indent);
      out_ += line;
      out_ += '\n';
    }
  }

  std::string out_;
};

}  // namespace

YamlDocuments read_yaml(std::string_view text, const YamlLimits& limits) {
  YamlDocuments result;
  if (text.size() > limits.size_bytes) {
    result.errors.push_back({{1, 1},
                             fmt::format("the file has {} bytes, the most is {}; split it",
                                         text.size(), limits.size_bytes)});
    return result;
  }
  if (!is_valid_utf8(text)) {
    result.errors.push_back({first_bad_byte(text), "this is not UTF-8"});
    return result;
  }
  // yaml-cpp takes a zero byte near the beginning for UTF-16 or UTF-32.
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
    const std::string_view before = text.substr(0, zero);
    const auto line = static_cast<int>(std::ranges::count(before, '\n')) + 1;
    const auto column = static_cast<int>(zero - (before.rfind('\n') + 1)) + 1;
    result.errors.push_back({{line, column}, "a zero byte; the file must be text in UTF-8"});
    return result;
  }
  std::istringstream stream{std::string(text)};
  TreeBuilder builder(limits, result);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    result.errors.push_back(refused.error);
  } catch (const YAML::Exception& error) {
    result.errors.push_back({position_of(error.mark), "not YAML: " + error.msg});
  }
  return result;
}

std::string write_yaml(const Node& node) {
  Writer writer;
  if (node.type == Node::Type::kMap && !node.keys.empty()) {
    writer.map(node, 0, false);
    return writer.take().substr(1);
  }
  writer.value(node, 0, false);
  std::string text = writer.take();
  text.erase(0, 1);
  return text;
}

}  // namespace wellrun::catalog
