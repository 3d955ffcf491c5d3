#include <tidewire/core/error.hpp>
#include <tidewire/lab/simulation.hpp>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

namespace tidewire::lab {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void from_env(const char* name, std::uint64_t& to) {
  if (const char* text = std::getenv(name))
    if (auto value = number(text)) to = *value;
}

result<std::vector<fault_event>> load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return make_error_code(errc::invalid_argument);
  std::string text(std::istreambuf_iterator<char>(in), {});
  return faults_from_json(text);
}

std::string command(const simulation_options& o, std::uint64_t seed, const std::string& file) {
  std::ostringstream out;
  if (o.as_flags)
    out << o.program << " --seed " << seed << " --faults " << file;
  else
    out << "TIDEWIRE_SEED=" << seed << " TIDEWIRE_SEEDS=1 TIDEWIRE_FAULTS=" << file << " "
        << o.program;
  return out.str();
}

simulation_outcome failed(const simulation_options& o, const scenario& run, std::uint64_t seed,
                          simulation_result result, simulation_outcome outcome) {
  outcome.ok = false;
  outcome.failing = std::move(result.faults);
  auto before = outcome.failing.size();
  if (o.shrink) {
    outcome.failing = lab::shrink(std::move(outcome.failing), [&](auto& faults) {
      return !run(seed, &faults).failure.empty();
    });
  }
  auto file = o.folder + "/faults-" + std::to_string(seed) + ".json";
  std::ofstream(file, std::ios::binary) << to_json(outcome.failing);
  std::ostringstream out;
  out << "seed " << seed << ": " << result.failure << "\n"
      << outcome.failing.size() << " faults of " << before << " are in " << file << "\n"
      << "reproduce with: " << command(o, seed, file) << "\n";
  outcome.report = out.str();
  return outcome;
}

}  // namespace

simulation_options simulation_options::from_environment(std::uint64_t seeds,
                                                        std::string name_of_test) {
  simulation_options o;
  o.seeds = seeds;
  from_env("TIDEWIRE_SEED", o.first_seed);
  from_env("TIDEWIRE_SEEDS", o.seeds);
  if (const char* file = std::getenv("TIDEWIRE_FAULTS")) o.faults_file = file;
  if (const char* flag = std::getenv("TIDEWIRE_SHRINK")) o.shrink = std::string_view(flag) == "1";
  if (!name_of_test.empty()) o.program += " --gtest_filter=" + name_of_test;
  return o;
}

result<simulation_options> simulation_options::from_arguments(int argc, const char* const* argv) {
  simulation_options o;
  o.as_flags = true;
  if (argc > 0) o.program = argv[0];
  auto bad = make_error_code(errc::invalid_argument);
  for (int i = 1; i < argc; ++i) {
    std::string_view flag = argv[i];
    if (flag == "--shrink") {
      o.shrink = true;
      continue;
    }
    if (i + 1 == argc) return bad;
    std::string_view text = argv[++i];
    if (flag == "--faults") {
      o.faults_file = text;
      continue;
    }
    auto value = number(text);
    if (!value || (flag != "--seed" && flag != "--seeds")) return bad;
    (flag == "--seed" ? o.first_seed : o.seeds) = *value;
  }
  return o;
}

simulation_outcome run_simulations(const simulation_options& o, const scenario& run) {
  simulation_outcome outcome;
  std::vector<fault_event> listed;
  const std::vector<fault_event>* replay = nullptr;
  if (!o.faults_file.empty()) {
    auto loaded = load(o.faults_file);
    if (!loaded) {
      outcome.ok = false;
      outcome.report = "not a readable fault file: " + o.faults_file + "\n";
      return outcome;
    }
    listed = std::move(*loaded);
    replay = &listed;
  }
  for (std::uint64_t i = 0; i < o.seeds; ++i) {
    auto seed = o.first_seed + i;
    auto result = run(seed, replay);
    ++outcome.runs;
    outcome.faults += result.faults.size();
    if (result.failure.empty() && i % 16 == 0 && run(seed, replay).trace_hash != result.trace_hash)
      result.failure = "the same seed gave another trace hash";
    if (!result.failure.empty()) return failed(o, run, seed, std::move(result), std::move(outcome));
  }
  return outcome;
}

int simulation_main(int argc, const char* const* argv, const scenario& run) {
  auto options = simulation_options::from_arguments(argc, argv);
  if (!options) {
    std::cerr << "usage: [--seed N] [--seeds COUNT] [--faults FILE] [--shrink]\n";
    return 2;
  }
  auto outcome = run_simulations(*options, run);
  if (!outcome.ok) {
    std::cerr << outcome.report;
    return 1;
  }
  std::cout << outcome.runs << " seeds passed, " << outcome.faults << " faults\n";
  return 0;
}

}  // namespace tidewire::lab
