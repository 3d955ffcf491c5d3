#include "commands.hpp"
#include "diagnosis.hpp"
#include "escape.hpp"
#include "file_digest.hpp"
#include "options.hpp"
#include "terminal.hpp"
#include "units.hpp"

#include <tidewire/file/filesystem.hpp>
#include <tidewire/transfer/error.hpp>
#include <tidewire/transfer/partial_download.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace tidewire::cli {
namespace {

namespace json = boost::json;
using transfer::partial_download;

struct transfers_options {
  std::string path = ".", checksum;
  bool json = false;
};

exit_code fail(exit_code code, const std::string& text) {
  write_stderr("tidewire: " + text + "\n");
  return code;
}

json::object to_json(const partial_download& p) {
  json::object o;
  o["target"] = escape_terminal(p.target);
  o["part"] = escape_terminal(p.part);
  o["journal"] = escape_terminal(p.journal);
  o["source"] = escape_terminal(p.source);
  o["total_bytes"] = p.total_bytes ? json::value(*p.total_bytes) : json::value(nullptr);
  o["held_bytes"] = p.held_bytes;
  o["durable_bytes"] = p.durable_bytes;
  o["busy"] = p.busy;
  o["problem"] =
      p.problem ? json::value(escape_terminal(p.problem.message())) : json::value(nullptr);
  return o;
}

std::string to_line(const partial_download& p) {
  auto out = escape_terminal(p.target) + ": ";
  if (p.problem) return out + "unusable: " + escape_terminal(p.problem.message());
  out += format_size(p.held_bytes) + " of ";
  out += p.total_bytes ? format_size(*p.total_bytes) : "an unknown size";
  if (p.total_bytes && *p.total_bytes > 0) {
    auto share = static_cast<double>(p.held_bytes) * 100.0 / static_cast<double>(*p.total_bytes);
    out += fmt::format(" ({:.0f}%)", std::min(share, 99.0));
  }
  if (p.durable_bytes < p.held_bytes)
    out += fmt::format(", {} survive a power cut", format_size(p.durable_bytes));
  out += p.busy ? ", being downloaded" : ", stopped";
  return p.source.empty() ? out : out + ", from " + escape_terminal(p.source);
}

result<std::vector<partial_download>> find(file::filesystem& disk, const std::string& path) {
  auto all = transfer::list_partial_downloads(disk, path);
  if (all)
    std::sort(all->begin(), all->end(), [](auto& a, auto& b) { return a.target < b.target; });
  return all;
}

exit_code list(const transfers_options& o) {
  auto disk = file::make_posix_filesystem();
  auto all = find(*disk, o.path);
  if (!all)
    return fail(exit_code::disk, escape_terminal(o.path) + ": " + all.error().message() + ".");
  if (o.json) {
    json::array out;
    for (auto& p : *all) out.push_back(to_json(p));
    write_stdout(json::serialize(out) + "\n");
    return exit_code::ok;
  }
  for (auto& p : *all) write_stdout(to_line(p) + "\n");
  if (all->empty()) write_stderr("No partial downloads at " + escape_terminal(o.path) + ".\n");
  return exit_code::ok;
}

// The digest of a whole file against the one given.
exit_code verify_whole(file::filesystem& disk, const transfers_options& o, const std::string& path,
                       const std::optional<http::sha256_digest>& wanted) {
  auto found = digest_of_file(disk, path);
  if (!found)
    return fail(exit_code::disk, escape_terminal(path) + ": " + found.error().message() + ".");
  bool good = !wanted || *wanted == *found;
  if (o.json) {
    json::object out;
    out["path"] = escape_terminal(path);
    out["sha-256"] = found->hex();
    out["matches"] = wanted ? json::value(good) : json::value(nullptr);
    write_stdout(json::serialize(out) + "\n");
  } else if (good) {
    write_stdout(fmt::format("{}: {}sha-256={}\n", escape_terminal(path), wanted ? "matches " : "",
                             found->hex()));
  }
  if (good) return exit_code::ok;
  return fail(exit_code::digest_mismatch,
              fmt::format("{}: digest mismatch: the file has sha-256={}. Nothing was touched.",
                          escape_terminal(path), found->hex()));
}

exit_code verify_partial(const transfers_options& o, const partial_download& p) {
  write_stdout((o.json ? json::serialize(to_json(p)) : to_line(p)) + "\n");
  if (!p.problem) return exit_code::ok;
  return fail(
      exit_code::partial_unusable,
      fmt::format("{}: the partial download can't be used: {}. Nothing was touched. Move {} "
                  "and {} away to download anew.",
                  escape_terminal(p.target), escape_terminal(p.problem.message()),
                  escape_terminal(p.part), escape_terminal(p.journal)));
}

exit_code verify(const transfers_options& o) {
  std::optional<http::sha256_digest> wanted;
  if (!o.checksum.empty()) {
    if (o.checksum.starts_with("sha-256="))
      wanted = http::sha256_digest::from_hex(std::string_view(o.checksum).substr(8));
    if (!wanted)
      return fail(exit_code::usage, "--checksum is written as sha-256= and 64 hexadecimal digits.");
  }
  auto disk = file::make_posix_filesystem();
  auto all = find(*disk, o.path);
  if (!all)
    return fail(exit_code::disk, escape_terminal(o.path) + ": " + all.error().message() + ".");
  auto worst = exit_code::ok;
  for (auto& p : *all) {
    auto code = verify_partial(o, p);
    bool whole = p.total_bytes && p.held_bytes == *p.total_bytes;
    if (code == exit_code::ok && wanted && all->size() == 1)
      code = whole ? verify_whole(*disk, o, p.part, wanted)
                   : fail(exit_code::length_unverified,
                          escape_terminal(p.part) +
                              ": not whole yet, so it can't match a checksum. Nothing was touched. "
                              "Run `tidewire get` again to complete it.");
    if (worst == exit_code::ok) worst = code;
  }
  if (!all->empty()) return worst;
  if (auto folder = disk->is_directory(o.path); folder && *folder)
    return fail(exit_code::ok, "No partial downloads at " + escape_terminal(o.path) + ".");
  return verify_whole(*disk, o, o.path, wanted);
}

exit_code abort(const transfers_options& o) {
  auto disk = file::make_posix_filesystem();
  auto path = escape_terminal(o.path);
  auto before = find(*disk, o.path);
  if (before && before->empty())
    return fail(exit_code::usage, path + ": there is no partial download. Nothing was touched.");
  if (auto folder = disk->is_directory(o.path); folder && *folder)
    return fail(exit_code::usage, path + ": name the file, not its folder. Nothing was touched.");
  auto done = transfer::abort_partial_download(*disk, o.path);
  if (!done)
    return fail(
        exit_code_of(done.error(), 0),
        path + ": " + escape_terminal(done.error().message()) + ". What is there was left alone.");
  if (!o.json) {
    write_stdout(path + ": removed what was downloaded\n");
  } else {
    json::object out;
    out["aborted"] = path;
    write_stdout(json::serialize(out) + "\n");
  }
  return exit_code::ok;
}

}  // namespace

void add_transfers(CLI::App& app, action& chosen) {
  auto o = std::make_shared<transfers_options>();
  auto* group = app.add_subcommand("transfers", "Look at downloads that were interrupted");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n"
      "  tidewire transfers list downloads\n"
      "  tidewire transfers verify image.iso --checksum sha-256=HEX\n"
      "  tidewire transfers abort image.iso\n\n" +
      std::string(exit_code_help()));
  auto command = [&](const char* name, const char* help,
                     exit_code (*run)(const transfers_options&)) {
    auto* sub = group->add_subcommand(name, help);
    sub->add_flag("--json", o->json, "Print JSON");
    sub->callback([o, run, &chosen] { chosen = [o, run] { return run(*o); }; });
    return sub;
  };
  command("list", "What is unfinished in a folder, or beside a file", list)
      ->add_option("path", o->path, "Folder or file (default: .)")
      ->type_name("PATH");
  auto* check =
      command("verify", "Read journal and partial file, or digest a finished file", verify);
  check->add_option("path", o->path, "File or folder")->type_name("PATH")->required();
  check->add_option("--checksum", o->checksum, "Compare a whole file with sha-256=HEX")
      ->type_name("sha-256=HEX");
  command("abort", "Remove what an unfinished download left", abort)
      ->add_option("path", o->path, "The file, with or without .part")
      ->type_name("PATH")
      ->required();
}

}  // namespace tidewire::cli
