#pragma once

#include <string>
#include <string_view>

namespace tidewire::cli {

// Text for groff and mandoc. Every character comes out as it went in: no line begins a request,
// hyphens and quotes stay ASCII so that a pasted option works, backslashes are shown. UTF-8 passes.
std::string roff_escape(std::string_view text);

// The same for sentences of --help: `code` becomes bold, and each line stays one.
std::string roff_prose(std::string_view text);

// A quoted argument of a macro, like a heading.
std::string roff_argument(std::string_view text);

}  // namespace tidewire::cli
