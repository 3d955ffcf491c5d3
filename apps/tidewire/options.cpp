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
  // The words stand in the value's name; CLI11 would append them once more.
  auto one_of_them = CLI::IsMember(choices).description("");
  return app.add_option(name, target, help)->check(one_of_them)->type_name(words);
}

}  // namespace tidewire::cli
