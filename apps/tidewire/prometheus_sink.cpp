#include "prometheus_sink.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

namespace tidewire::app {
namespace {

using labels = std::map<std::string, std::string>;

// [a-zA-Z_][a-zA-Z0-9_]*; anything else becomes an underscore.
std::string metric_name(std::string_view text) {
  std::string out(text.substr(0, 128));
  for (char& c : out) {
    bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!fine) c = '_';
  }
  if (out.empty() || (out.front() >= '0' && out.front() <= '9')) out.insert(0, 1, '_');
  return out;
}

labels labels_of(std::string_view label) {
  if (label.empty()) return {};
  auto equals = label.find('=');
  auto key = label.substr(0, equals);
  auto value = equals == label.npos ? std::string_view() : label.substr(equals + 1);
  // Keys with two underscores in front are Prometheus' own.
  auto name = metric_name(key);
  if (name.starts_with("__")) name.insert(0, "x");
  return {{name, std::string(value.substr(0, prometheus_sink::max_label_bytes))}};
}

// Seconds from a millisecond to a minute; bytes and counts fall into the last bucket.
const prometheus::Histogram::BucketBoundaries buckets = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

}  // namespace

struct prometheus_sink::impl {
  using family =
      std::variant<prometheus::Family<prometheus::Counter>*, prometheus::Family<prometheus::Gauge>*,
                   prometheus::Family<prometheus::Histogram>*>;
  struct known_family {
    family made;
    std::set<std::string, std::less<>> series;  // labels with a series of their own
  };

  // The family of that name and kind, or null: one too many, or of another kind.
  template <class Metric, class Build>
  known_family* find(std::string_view name, Build build) {
    auto it = families.find(name);
    if (it == families.end()) {
      if (families.size() >= max_families) return nullptr;
      family made = &build().Name(metric_name(name)).Help("").Register(registry);
      it = families.emplace(std::string(name), known_family{made, {}}).first;
    }
    return std::holds_alternative<prometheus::Family<Metric>*>(it->second.made) ? &it->second
                                                                                : nullptr;
  }

  static labels series_of(known_family& f, std::string_view label) {
    if (f.series.contains(label)) return labels_of(label);
    if (f.series.size() < max_series) {
      f.series.emplace(label);
      return labels_of(label);
    }
    auto kept = labels_of(label);
    for (auto& [key, value] : kept) value = "other";
    return kept;
  }

  mutable std::mutex mutex;
  prometheus::Registry registry;
  std::map<std::string, known_family, std::less<>> families;
};

prometheus_sink::prometheus_sink() : impl_(std::make_unique<impl>()) {}
prometheus_sink::~prometheus_sink() = default;

void prometheus_sink::count(std::string_view name, double increment, std::string_view label) {
  if (!(increment >= 0)) return;  // a counter never goes back
  std::lock_guard lock(impl_->mutex);
  auto* f = impl_->find<prometheus::Counter>(name, prometheus::BuildCounter);
  if (!f) return;
  std::get<prometheus::Family<prometheus::Counter>*>(f->made)
      ->Add(impl::series_of(*f, label))
      .Increment(increment);
}

void prometheus_sink::gauge(std::string_view name, double value, std::string_view label) {
  std::lock_guard lock(impl_->mutex);
  auto* f = impl_->find<prometheus::Gauge>(name, prometheus::BuildGauge);
  if (!f) return;
  std::get<prometheus::Family<prometheus::Gauge>*>(f->made)
      ->Add(impl::series_of(*f, label))
      .Set(value);
}

void prometheus_sink::observe(std::string_view name, double value, std::string_view label) {
  if (std::isnan(value)) return;
  std::lock_guard lock(impl_->mutex);
  auto* f = impl_->find<prometheus::Histogram>(name, prometheus::BuildHistogram);
  if (!f) return;
  std::get<prometheus::Family<prometheus::Histogram>*>(f->made)
      ->Add(impl::series_of(*f, label), buckets)
      .Observe(value);
}

std::string prometheus_sink::render() const {
  std::lock_guard lock(impl_->mutex);
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace tidewire::app
