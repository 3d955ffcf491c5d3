#include "message_place.hpp"

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

TEST(message_place, is_a_file_or_a_server) {
  std::string fault;
  EXPECT_EQ(parse_store("sqlite:a b.db", fault).file, "a b.db");
  EXPECT_EQ(parse_store("postgres://u@h/d", fault).postgres, "postgres://u@h/d");
  EXPECT_EQ(parse_store("postgresql:///d", fault).postgres, "postgresql:///d");
  EXPECT_EQ(fault, "");
}

TEST(message_place, others_are_refused_without_being_repeated) {
  for (auto bad : {"", "sqlite:", "postgres:x", "mysql://u:canary@h/d", "messages.db"}) {
    std::string fault;
    parse_store(bad, fault);
    EXPECT_NE(fault.find("sqlite:FILE"), fault.npos) << bad;
    EXPECT_EQ(fault.find("canary"), fault.npos);
  }
}

TEST(message_place, notices_a_password) {
  auto shows = [](const char* address) {
    message_place p;
    p.postgres = address;
    return shows_password(p);
  };
  EXPECT_TRUE(shows("postgres://u:secret@h/d"));
  EXPECT_TRUE(shows("postgres://h/d?user=u&password=secret"));
  EXPECT_FALSE(shows("postgres://u@h:5432/d"));
  EXPECT_FALSE(shows("postgres://h:5432"));
  EXPECT_FALSE(shows("postgres:///d?host=/run"));
}

}  // namespace
}  // namespace tidewire::cli
