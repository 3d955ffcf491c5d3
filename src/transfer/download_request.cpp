#include <tidewire/transfer/download_request.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::transfer {

download_request::download_request(http::url source) {
  settings_.sources.push_back(std::move(source));
}

download_request& download_request::to_file(std::string path) {
  settings_.file = std::move(path);
  settings_.folder.clear();
  settings_.sink = nullptr;
  return *this;
}

download_request& download_request::to_folder(std::string path) {
  settings_.folder = std::move(path);
  settings_.file.clear();
  settings_.sink = nullptr;
  return *this;
}

download_request& download_request::to_sink(download_sink& sink) {
  settings_.sink = &sink;
  settings_.file.clear();
  settings_.folder.clear();
  return *this;
}

download_request& download_request::mirror(http::url source) {
  if (settings_.sources.size() < max_sources) settings_.sources.push_back(std::move(source));
  return *this;
}

download_request& download_request::checksum(http::sha256_digest digest) {
  settings_.checksum = digest;
  return *this;
}

download_request& download_request::header(std::string name, std::string value) {
  settings_.headers.add(std::move(name), std::move(value));
  return *this;
}

download_request& download_request::connections(unsigned count) {
  settings_.connections = std::clamp(count, 1U, max_connections);
  settings_.adaptive = false;
  return *this;
}

download_request& download_request::adaptive_connections(unsigned maximum) {
  settings_.connections = std::clamp(maximum, 1U, max_connections);
  settings_.adaptive = true;
  return *this;
}

download_request& download_request::min_split_bytes(std::uint64_t bytes) {
  settings_.min_split_bytes = std::max<std::uint64_t>(bytes, 1);
  return *this;
}

download_request& download_request::retries(retry_policy policy) {
  settings_.retries = policy;
  return *this;
}

download_request& download_request::limits(http::exchange_limits limits) {
  settings_.limits = limits;
  return *this;
}

download_request& download_request::rate_limit(std::uint64_t bytes_per_second) {
  settings_.rate_limit = bytes_per_second;
  return *this;
}

download_request& download_request::lowest_speed(std::uint64_t bytes_per_second) {
  settings_.lowest_speed = bytes_per_second;
  return *this;
}

download_request& download_request::keep(durability level) {
  settings_.keep = level;
  return *this;
}

download_request& download_request::overwrite(bool yes) {
  settings_.overwrite = yes;
  return *this;
}

download_request& download_request::accept_unverified(bool yes) {
  settings_.accept_unverified = yes;
  return *this;
}

download_request& download_request::max_restarts(unsigned count) {
  settings_.max_restarts = count;
  return *this;
}

download_request& download_request::on_progress(std::function<void(const download_progress&)> call,
                                                std::chrono::nanoseconds interval) {
  settings_.on_progress = std::move(call);
  settings_.progress_interval = interval;
  return *this;
}

download_request& download_request::on_event(std::function<void(const download_event&)> call) {
  settings_.on_event = std::move(call);
  return *this;
}

}  // namespace tidewire::transfer
