#include <tidewire/http/fields.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::http {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool iequals(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

void fields::add(std::string name, std::string value) {
  all_.push_back({std::move(name), std::move(value)});
}

void fields::set(std::string_view name, std::string value) {
  // Copied first: `name` may be a view into a field that erase() takes away.
  auto owned = std::string(name);
  erase(owned);
  add(std::move(owned), std::move(value));
}

void fields::erase(std::string_view name) {
  auto owned = std::string(name);
  std::erase_if(all_, [&](const field& f) { return iequals(f.name, owned); });
}

std::optional<std::string_view> fields::find(std::string_view name) const {
  for (auto& f : all_)
    if (iequals(f.name, name)) return f.value;
  return std::nullopt;
}

std::optional<std::string> fields::joined(std::string_view name) const {
  std::optional<std::string> out;
  for (auto& f : all_) {
    if (!iequals(f.name, name)) continue;
    if (out)
      out->append(", ").append(f.value);
    else
      out = f.value;
  }
  return out;
}

std::size_t fields::count(std::string_view name) const {
  auto same = [&](const field& f) { return iequals(f.name, name); };
  return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), same));
}

}  // namespace tidewire::http
