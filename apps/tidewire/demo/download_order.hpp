#pragma once

#include "refusal.hpp"

#include <boost/json/object.hpp>

#include <string>

namespace tidewire::demo {

// What the console asks to be downloaded: one of the offered files or any URL.
struct download_order {
  std::string file, url;  // exactly one of them
  std::string connections = "auto";

  // {"file": NAME} or {"url": URL}, and "connections": 1..16 or "auto". 422 for anything else.
  outcome read(const boost::json::object& o);
};

}  // namespace tidewire::demo
