#include "csv.hpp"

#include <fmt/format.h>

#include <utility>

namespace tidewire::cli {
namespace {

class csv_reader {
 public:
  explicit csv_reader(std::string_view text) : text_(text) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  }

  bool done() const { return text_.empty(); }
  const std::string& fault() const { return fault_; }

  csv_row row() {
    csv_row out;
    out.line = line_;
    do out.fields.push_back(field());
    while (fault_.empty() && take(','));
    if (fault_.empty() && !done() && !take_line_end())
      fault_ = fmt::format("line {}: something follows a closing quote", line_);
    return out;
  }

 private:
  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool take_line_end() {
    bool ended = take('\r');
    ended = take('\n') || ended;
    if (ended) ++line_;
    return ended;
  }

  std::string field() {
    std::string out;
    if (!take('"')) {
      auto end = std::min(text_.find_first_of(",\r\n"), text_.size());
      out = text_.substr(0, end);
      text_.remove_prefix(end);
      if (out.find('"') != out.npos)
        fault_ = fmt::format("line {}: a quote inside a field without quotes", line_);
      return out;
    }
    auto begin = line_;
    for (;;) {
      if (done()) {
        fault_ = fmt::format("line {}: a quote that nothing closes", begin);
        return out;
      }
      char c = text_[0];
      text_.remove_prefix(1);
      if (c == '"' && !take('"')) return out;
      if (c == '\n') ++line_;
      out += c;
    }
  }

  std::string_view text_;
  std::size_t line_ = 1;
  std::string fault_;
};

}  // namespace

csv_table read_csv(std::string_view text, std::size_t max_rows) {
  csv_table out;
  csv_reader reader(text);
  while (!reader.done()) {
    auto row = reader.row();
    out.fault = reader.fault();
    bool empty = row.fields.size() == 1 && row.fields[0].empty();
    if (out.fault.empty() && empty) continue;
    if (out.fault.empty() && !out.rows.empty() && row.fields.size() != out.rows[0].fields.size())
      out.fault = fmt::format("line {}: {} fields, but the first line has {}", row.line,
                              row.fields.size(), out.rows[0].fields.size());
    if (out.fault.empty() && out.rows.size() > max_rows)
      out.fault = fmt::format("more than {} rows", max_rows);
    if (!out.fault.empty()) return out;
    out.rows.push_back(std::move(row));
  }
  return out;
}

}  // namespace tidewire::cli
