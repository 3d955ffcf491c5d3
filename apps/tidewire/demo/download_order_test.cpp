#include "download_order.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

namespace tidewire::demo {
namespace {

outcome read(const std::string& text, download_order& into) {
  return into.read(boost::json::parse(text).as_object());
}

TEST(download_order, names_a_file_or_a_url) {
  download_order file;
  EXPECT_FALSE(read(R"({"file":"tide-16.bin"})", file));
  EXPECT_EQ(file.file, "tide-16.bin");
  EXPECT_EQ(file.connections, "auto");
  download_order url;
  EXPECT_FALSE(read(R"({"url":"http://h/x?y","connections":16})", url));
  EXPECT_EQ(url.url, "http://h/x?y");
  EXPECT_EQ(url.connections, "16");
}

TEST(download_order, refuses_everything_else) {
  for (auto text :
       {"{}", R"({"file":""})", R"({"file":1})", R"({"file":"a","url":"http://h/"})",
        R"({"file":"a","connections":0})", R"({"file":"a","connections":17})",
        R"({"file":"a","connections":"many"})", R"({"file":"a","output":"/etc/passwd"})",
        R"({"url":"file:///etc/passwd"})", R"({"url":"-o"})", R"({"url":"http://"})"}) {
    download_order order;
    auto no = read(text, order);
    ASSERT_TRUE(no) << text;
    EXPECT_EQ(no->status, 422u) << text;
  }
  download_order order;
  EXPECT_TRUE(read(R"({"url":"http://h/)" + std::string(3000, 'a') + "\"}", order));
}

}  // namespace
}  // namespace tidewire::demo
