#include "options.hpp"

#include "units.hpp"

namespace tidewire::cli {

CLI::Option* add_size(CLI::App& app, const std::string& name, std::uint64_t& target,
                      const std::string& help) {
  return app
      .add_option_function<std::string>(
          name,
          [&target, name](const std::string& text) {
            auto value = parse_size(text);
            if (!value)
              throw CLI::ValidationError(name,
                                         "\"" + text + "\" is not a size like 512K, 10M or 1.5G");
            target = *value;
          },
          help)
      ->type_name("SIZE");
}

CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::nanoseconds& target,
                          const std::string& help) {
  return app
      .add_option_function<std::string>(
          name,
          [&target, name](const std::string& text) {
            auto value = parse_duration(text);
            if (!value)
              throw CLI::ValidationError(name,
                                         "\"" + text + "\" is not a time like 250ms, 30s or 10m");
            target = *value;
          },
          help)
      ->type_name("TIME");
}

CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& target,
                        const std::vector<std::string>& choices, const std::string& help) {
  std::string words;
  for (auto& c : choices) words += (words.empty() ? "" : "|") + c;
  return app.add_option(name, target, help)->check(CLI::IsMember(choices))->type_name(words);
}

}  // namespace tidewire::cli
