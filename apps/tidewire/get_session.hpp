#pragma once

#include "exit_code.hpp"
#include "get_options.hpp"

namespace tidewire::cli {

// Downloads everything in the plan, `jobs` files at a time, on the calling thread. Returns the
// first failure's code in the order of the command line and list; a signal's when one ended the
// run.
exit_code run_get(const get_plan& plan);

}  // namespace tidewire::cli
