#include "escape.hpp"
#include "get_options.hpp"
#include "header_option.hpp"
#include "input_list.hpp"

#include <tidewire/http/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>

namespace tidewire::cli {
namespace {

constexpr std::chrono::milliseconds shortest_interval{50};

// Thrown nowhere: a fault in words travels up as a value.
using fault = std::string;

// What to show of a thing that failed to parse: it may hold a password, so only the part before "@"
// is dropped, and the query.
std::string shown(std::string_view text) {
  text = text.substr(0, text.find('?'));
  auto from = text.find("://");
  from = from == text.npos ? 0 : from + 3;
  std::string out(text);
  if (auto at = text.rfind('@'); at != text.npos && at >= from)
    out = std::string(text.substr(0, from)) + std::string(text.substr(at + 1));
  return shorten(escape_terminal(out), 120);
}

fault add_source(get_item& item, std::string_view text) {
  auto url = http::url::parse(text);
  if (url) {
    item.sources.push_back(std::move(*url));
    return {};
  }
  if (url.error() == make_error_code(http::errc::unsupported_scheme))
    return fmt::format("{}: only http and https URLs can be fetched", shown(text));
  return fmt::format("\"{}\" is not a URL like https://host/file", shown(text));
}

fault set_checksum(get_item& item, std::string_view text) {
  auto equals = text.find('=');
  auto algorithm = text.substr(0, equals);
  if (equals == text.npos ||
      (!http::iequals(algorithm, "sha-256") && !http::iequals(algorithm, "sha256")))
    return "a checksum is written as sha-256=HEX; no other algorithm is known";
  item.checksum = http::sha256_digest::from_hex(text.substr(equals + 1));
  if (!item.checksum) return "the checksum wants 64 hexadecimal digits behind sha-256=";
  return {};
}

fault add_item(get_plan& plan, const list_entry& entry) {
  get_item item;
  auto& o = plan.options;
  auto where = entry.line > 0
                   ? fmt::format("{}, line {}: ", escape_terminal(o.input_file), entry.line)
                   : std::string();
  if (entry.sources.size() > transfer::download_request::max_sources)
    return where +
           fmt::format("more than {} sources of one file", transfer::download_request::max_sources);
  for (auto& source : entry.sources)
    if (auto f = add_source(item, source); !f.empty()) return where + f;
  if (!entry.checksum.empty())
    if (auto f = set_checksum(item, entry.checksum); !f.empty()) return where + f;
  auto folder = o.folder.empty() ? std::string(".") : o.folder;
  if (!entry.out.empty())
    item.file = folder + "/" + entry.out;
  else if (o.output.empty())
    item.folder = folder;
  else if (o.output != "-")
    item.file = o.output;
  plan.items.push_back(std::move(item));
  return {};
}

fault add_items(get_plan& plan) {
  auto& o = plan.options;
  for (auto& url : o.urls) {
    list_entry entry;
    entry.sources.push_back(url);
    entry.sources.insert(entry.sources.end(), o.mirrors.begin(), o.mirrors.end());
    entry.checksum = o.checksum;
    if (auto f = add_item(plan, entry); !f.empty()) return f;
  }
  if (o.input_file.empty()) return {};
  std::ifstream file;
  if (o.input_file != "-") file.open(o.input_file);
  if (o.input_file != "-" && !file)
    return fmt::format("--input-file: {} can't be read", escape_terminal(o.input_file));
  auto list = read_input_list(o.input_file == "-" ? std::cin : file);
  if (!list.fault.empty()) return fmt::format("{}, {}", escape_terminal(o.input_file), list.fault);
  for (auto& entry : list.entries)
    if (auto f = add_item(plan, entry); !f.empty()) return f;
  return {};
}

fault check_combination(const get_options& o) {
  bool one = o.urls.size() == 1 && o.input_file.empty();
  if (o.urls.empty() && o.input_file.empty()) return "give a URL, or --input-file LIST";
  if (!o.output.empty() && !o.folder.empty()) return "give -o FILE or -d DIR, not both";
  if (!o.output.empty() && !one) return "-o names one file; with several URLs give -d DIR";
  if (!o.checksum.empty() && !one)
    return "--checksum belongs to one file; in a list write checksum= below each URL";
  if (!o.mirrors.empty() && !one)
    return "--mirror belongs to one file; in a list write mirrors behind the URL, after a tab";
  return {};
}

fault set_connections(get_plan& plan) {
  auto& text = plan.options.connections;
  if (text == "auto") return {};
  unsigned count = 0;
  auto [stop, bad] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (bad != std::errc() || stop != text.data() + text.size() || count < 1 ||
      count > transfer::download_request::max_connections)
    return fmt::format("-x wants a number from 1 to {}, or auto",
                       transfer::download_request::max_connections);
  plan.connections = count;
  return {};
}

display_options choose_display(const get_plan& plan) {
  auto& o = plan.options;
  display_options d;
  d.quiet = o.quiet;
  d.events = o.verbose > 0;
  d.several = plan.items.size() > 1;
  d.data_on_stdout = o.output == "-";
  if (o.progress_interval.count() > 0)
    d.json_interval = std::max<std::chrono::nanoseconds>(o.progress_interval, shortest_interval);
  if (o.progress == "bar")
    d.mode = progress_mode::bar;
  else if (o.progress == "json")
    d.mode = progress_mode::json;
  else if (o.progress == "none" || o.quiet)
    d.mode = progress_mode::none;
  else
    d.mode = automatic_mode();
  return d;
}

}  // namespace

std::string get_item::name() const {
  auto path = file.empty() ? sources.front().file_name() : file;
  if (auto slash = path.rfind('/'); slash != path.npos) path = path.substr(slash + 1);
  return path.empty() ? std::string(sources.front().host()) : path;
}

std::string get_item::target() const {
  return file.empty() ? folder : file;
}

plan_or_fault make_plan(get_options options) {
  get_plan plan;
  plan.options = std::move(options);
  if (auto f = check_combination(plan.options); !f.empty()) return {{}, f};
  if (auto f = set_connections(plan); !f.empty()) return {{}, f};
  for (auto& header : plan.options.headers)
    if (auto f = add_headers(plan.headers, header); !f.empty()) return {{}, "--header: " + f};
  if (auto f = add_items(plan); !f.empty()) return {{}, f};
  plan.display = choose_display(plan);
  return {std::move(plan), {}};
}

transfer::download_request make_request(const get_plan& plan, const get_item& item) {
  auto& o = plan.options;
  transfer::download_request request(item.sources.front());
  for (std::size_t i = 1; i < item.sources.size(); ++i) request.mirror(item.sources[i]);
  if (!item.file.empty()) request.to_file(item.file);
  if (!item.folder.empty()) request.to_folder(item.folder);
  if (item.checksum) request.checksum(*item.checksum);
  for (auto& h : plan.headers) request.header(h.name, h.value);
  if (plan.connections)
    request.connections(*plan.connections);
  else
    request.adaptive_connections();
  retry_policy retries;
  retries.max_attempts = o.retries + 1;
  retries.max_retry_after = o.max_wait;
  http::exchange_limits limits;
  limits.connect = o.connect_timeout;
  limits.head = limits.idle = o.timeout;
  request.min_split_bytes(o.min_split)
      .retries(retries)
      .limits(limits)
      .rate_limit(o.limit_rate)
      .lowest_speed(o.lowest_speed)
      .keep(o.durability == "process" ? transfer::durability::process : transfer::durability::power)
      .overwrite(o.overwrite)
      .accept_unverified(o.accept_unverified)
      .max_restarts(o.max_restarts);
  return request;
}

}  // namespace tidewire::cli
