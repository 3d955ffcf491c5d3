#include "bulk_plan.hpp"

#include "csv.hpp"
#include "escape.hpp"

#include <tidewire/http/digest.hpp>

#include <fmt/format.h>

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>

namespace tidewire::cli {
namespace {

using columns = std::map<std::string, std::size_t>;

std::string trim(std::string_view s) {
  auto first = s.find_first_not_of(" \t");
  if (first == s.npos) return {};
  return std::string(s.substr(first, s.find_last_not_of(" \t") - first + 1));
}

std::string html_text(std::string_view s) {
  std::string out;
  for (char c : s) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += c;
  }
  return out;
}

// Text with {{names}} in it, taken apart once.
class pattern {
 public:
  // In `fault` the first name that is no column.
  pattern(std::string_view text, const columns& names, std::string& fault) {
    for (;;) {
      auto open = text.find("{{");
      auto close = open == text.npos ? open : text.find("}}", open);
      pieces_.push_back({std::string(text.substr(0, close == text.npos ? text.npos : open)), {}});
      if (close == text.npos) return;
      auto name = trim(text.substr(open + 2, close - open - 2));
      auto it = names.find(name);
      if (it == names.end() && fault.empty())
        fault = fmt::format("{{{{{}}}}}: there is no such column", escape_terminal(name));
      if (it != names.end()) pieces_.back().column = it->second;
      text.remove_prefix(close + 2);
    }
  }

  std::string fill(const csv_row& row, bool html) const {
    std::string out;
    for (auto& p : pieces_) {
      out += p.text;
      if (p.column) out += html ? html_text(row.fields[*p.column]) : row.fields[*p.column];
    }
    return out;
  }

 private:
  struct piece {
    std::string text;
    std::optional<std::size_t> column;  // whose field follows
  };
  std::vector<piece> pieces_;
};

std::string digest(std::string_view csv, const mail::message& m) {
  http::sha256_hasher hasher;
  auto add = [&](std::string_view text) {
    auto size = std::to_string(text.size()) + ":";
    hasher.update(std::as_bytes(std::span(size)));
    hasher.update(std::as_bytes(std::span(text)));
  };
  for (std::string_view part : {csv, std::string_view(m.from.email), std::string_view(m.subject),
                                std::string_view(m.text), std::string_view(m.html)})
    add(part);
  for (auto& a : m.attachments) add(a.path);
  return hasher.finish().hex().substr(0, 32);
}

std::optional<columns> read_columns(const csv_row& first, std::string& fault) {
  columns out;
  for (std::size_t i = 0; i < first.fields.size(); ++i) {
    auto name = trim(first.fields[i]);
    if (!out.emplace(name, i).second)
      fault = fmt::format("two columns are called \"{}\"", escape_terminal(name));
  }
  if (!out.contains("to")) fault = "the first line names the columns, and one of them is \"to\"";
  return fault.empty() ? std::optional(out) : std::nullopt;
}

}  // namespace

bulk_plan make_bulk_plan(std::string_view csv, const mail::message& base, std::string batch,
                         const mail::message_limits& limits) {
  bulk_plan out;
  out.batch = batch.empty() ? digest(csv, base) : std::move(batch);
  auto table = read_csv(csv, bulk_plan::max_rows);
  std::string fault = table.fault;
  if (fault.empty() && table.rows.empty()) fault = "the file is empty";
  std::optional<columns> names;
  if (fault.empty()) names = read_columns(table.rows[0], fault);
  if (!names) {
    out.faults.push_back(fault);
    return out;
  }
  pattern subject(base.subject, *names, fault), text(base.text, *names, fault),
      html(base.html, *names, fault);
  if (!fault.empty()) out.faults.push_back(fault);
  auto id_column = names->find("id");
  std::map<std::string, std::size_t> seen;  // line by id
  for (std::size_t i = 1; i < table.rows.size() && out.faults.size() < bulk_plan::max_faults; ++i) {
    auto& row = table.rows[i];
    auto m = base;
    m.to = mail::parse_address(row.fields[names->at("to")]);
    m.subject = subject.fill(row, false);
    m.text = text.fill(row, false);
    m.html = html.fill(row, true);
    auto id = id_column != names->end() ? trim(row.fields[id_column->second]) : m.to.email;
    m.id = out.batch + ":" + id;
    auto [earlier, is_new] = seen.emplace(id, row.line);
    if (auto wrong = mail::check(m, limits))
      out.faults.push_back(fmt::format("line {}: {}", row.line, escape_terminal(wrong.text)));
    else if (!is_new)
      out.faults.push_back(fmt::format("line {}: the same {} as in line {}", row.line,
                                       id_column != names->end() ? "id"
                                                                 : "recipient; a column "
                                                                   "\"id\" tells them apart",
                                       earlier->second));
    out.letters.push_back({row.line, std::move(m)});
  }
  return out;
}

}  // namespace tidewire::cli
