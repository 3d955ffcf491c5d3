#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/lab/fault_plan.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::lab {

// What one run of a scenario came to.
struct simulation_result {
  std::string failure;              // what law was broken, for people; empty: none
  std::uint64_t trace_hash = 0;     // world::trace_hash() at the end
  std::vector<fault_event> faults;  // fault_plan::recorded()
};

// Runs a scenario in a world of its own: with drawn faults, or with exactly the listed ones. Must
// depend on its arguments alone.
using scenario =
    std::function<simulation_result(std::uint64_t seed, const std::vector<fault_event>* replay)>;

// What to run. From the environment, so that any GoogleTest binary understands it:
//   TIDEWIRE_SEED    first seed
//   TIDEWIRE_SEEDS   how many
//   TIDEWIRE_FAULTS  replay this fault file instead of drawing
//   TIDEWIRE_SHRINK  1: find a minimal list of faults for a failure, and write it
// or from the command line of a program of its own: --seed N --seeds COUNT --faults FILE --shrink.
struct simulation_options {
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1;
  std::string faults_file;
  bool shrink = false;
  // Where fault files of failures are written.
  std::string folder = ".";
  // Printed before (environment) or after (flags) the program to tell how to reproduce.
  bool as_flags = false;
  std::string program = "<test binary>";

  // `seeds` is what runs when TIDEWIRE_SEEDS is not set. For tests: also names the running test.
  static simulation_options from_environment(std::uint64_t seeds, std::string name_of_test = {});
  // errc::invalid_argument for anything that is not one of the four flags.
  static result<simulation_options> from_arguments(int argc, const char* const* argv);
};

struct simulation_outcome {
  std::uint64_t runs = 0;
  std::uint64_t faults = 0;  // in all runs
  bool ok = true;
  std::string report;  // failure, seed and the command that reproduces it; several lines
  std::vector<fault_event> failing;  // the faults of the failure, shrunk if asked
};

// Runs the seeds until one fails. The first seed, and every 16th after it, runs twice: another
// trace hash the second time is a failure too. On failure the faults go to a file that the report
// names.
simulation_outcome run_simulations(const simulation_options& options, const scenario& run);

// main() of a simulation program: 0 when all seeds passed, 1 on a failure, 2 for bad usage.
int simulation_main(int argc, const char* const* argv, const scenario& run);

}  // namespace tidewire::lab
