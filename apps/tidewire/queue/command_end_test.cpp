#include "queue/command_end.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/queue/task.hpp>

#include <gtest/gtest.h>

#include <csignal>

namespace tidewire::cli {
namespace {

using kind = queue::outcome::kind;

queue::outcome exited(int code, std::string output = {}, std::string error = {}) {
  command_end end;
  end.code = code;
  end.output = std::move(output);
  end.error = std::move(error);
  return outcome_of(end);
}

TEST(command_end, zero_is_done_with_what_was_printed) {
  EXPECT_EQ(exited(0).what(), kind::done);
  EXPECT_EQ(exited(0).text(), "");
  EXPECT_EQ(exited(0, " \n").text(), "");
  EXPECT_EQ(exited(0, "{\"a\": 1}\n").text(), "{\"a\": 1}");
  EXPECT_EQ(exited(0, "12\n").text(), "12");
  EXPECT_EQ(exited(0, "hello \"world\"\n").text(), R"("hello \"world\"")");
}

TEST(command_end, a_result_is_always_json_that_fits) {
  queue::outcome binary = exited(0, "\xff\xfe\x01");
  EXPECT_TRUE(check_json(binary.text())) << binary.text();
  for (auto& filling : {std::string("\x01"), std::string("ä"), std::string("\xff")}) {
    command_end end;
    while (end.output.size() < kept_output_bytes) end.output += filling;
    for (bool cut : {false, true}) {
      end.output_cut = cut;
      auto how = outcome_of(end);
      EXPECT_LE(how.text().size(), queue::task_bounds::result_bytes);
      EXPECT_TRUE(check_json(how.text(), {queue::task_bounds::result_bytes, 64}));
    }
  }
}

TEST(command_end, cut_json_is_a_text) {
  command_end end;
  end.output = "[1,2]";
  end.output_cut = true;
  EXPECT_EQ(outcome_of(end).text(), "\"[1,2]…\"");
}

TEST(command_end, only_a_data_error_is_final) {
  EXPECT_EQ(exited(65, "", "no address\n").what(), kind::discard);
  EXPECT_EQ(exited(65, "", "no address\n").text(), "exit code 65: no address");
  for (int code : {1, 2, 64, 75, 126, 127, 255})
    EXPECT_EQ(exited(code).what(), kind::retry) << code;
  EXPECT_EQ(exited(75).text(), "exit code 75");
  EXPECT_NE(exited(127).text().find("no such command"), std::string::npos);
  EXPECT_EQ(exited(1, "", "\xff\n").text(), "exit code 1: \xef\xbf\xbd");
}

TEST(command_end, a_signal_is_a_retry_whatever_the_code_says) {
  command_end end;
  end.signal = SIGSEGV;
  auto how = outcome_of(end);
  EXPECT_EQ(how.what(), kind::retry);
  EXPECT_NE(how.text().find("signal 11"), std::string::npos) << how.text();
}

}  // namespace
}  // namespace tidewire::cli
