#include "http/head_reader.hpp"

#include "http/parse_test_support.hpp"

#include <tidewire/http/error.hpp>

#include <gtest/gtest.h>

namespace tidewire::http {
namespace {

// Feeds line by line; the error, or what the last line gave.
result<head_reader::step> feed_all(head_reader& reader, std::string_view text) {
  auto last = head_reader::step::more;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    auto step = reader.feed(text.substr(0, end));
    if (!step) return step;
    last = *step;
    text.remove_prefix(end);
  }
  return last;
}

constexpr auto complete_head = head_reader::step::head_complete;

error_code error_of(std::string_view text, bool to_head = false) {
  head_reader reader(to_head, 1000);
  auto out = feed_all(reader, text);
  return out ? error_code() : out.error();
}

TEST(head_reader, final_head_after_informational_ones) {
  head_reader reader(false, 1000);
  EXPECT_EQ(feed_all(reader,
                     "HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 103\r\n\r\n"
                     "HTTP/1.1 206 Partial Content\r\nContent-Length:  7 \r\nETag:\"x\"\r\n\r\n")
                .value(),
            complete_head);
  EXPECT_EQ(reader.head().status, 206u);
  EXPECT_EQ(reader.head().content_length, 7u);
  EXPECT_EQ(reader.head().headers.size(), 2u);
  EXPECT_EQ(reader.head().headers.find("etag"), "\"x\"");
  EXPECT_TRUE(reader.head().self_delimited);
  EXPECT_EQ(reader.feed("Trailer: x\r\n").value(), head_reader::step::more);
  EXPECT_EQ(reader.head().headers.size(), 2u);
}

TEST(head_reader, says_who_marks_the_end_of_the_body) {
  auto delimited = [](std::string_view text, bool to_head = false) {
    head_reader reader(to_head, 1000);
    EXPECT_EQ(feed_all(reader, text).value(), complete_head) << text;
    return reader.head().self_delimited;
  };
  EXPECT_FALSE(delimited("HTTP/1.1 200 OK\r\n\r\n"));
  EXPECT_FALSE(delimited("HTTP/1.0 404 No\r\nConnection: close\r\n\r\n"));
  EXPECT_TRUE(delimited("HTTP/1.1 200 OK\r\n\r\n", true));
  EXPECT_TRUE(delimited("HTTP/1.1 204 OK\r\n\r\n"));
  EXPECT_TRUE(delimited("HTTP/1.1 304 OK\r\n\r\n"));
  EXPECT_TRUE(delimited("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"));
  EXPECT_TRUE(delimited("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(delimited("HTTP/2 200 \r\n\r\n"));
}

TEST(head_reader, refuses_two_readings) {
  const std::string start = "HTTP/1.1 200 OK\r\n";
  for (auto bad : {"Content-Length: 1\r\nContent-Length: 2\r\n",
                   "Content-Length: 1, 2\r\n",
                   "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                   "Content-Length: -1\r\n",
                   "Content-Length: +1\r\n",
                   "Content-Length: 1x\r\n",
                   "Content-Length:\r\n",
                   "Content-Length: 9223372036854775808\r\n",
                   "Content-Length: 0x5\r\n",
                   "Transfer-Encoding: gzip\r\n",
                   "Transfer-Encoding: gzip, chunked\r\n",
                   "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                   "Transfer-Encoding: xchunked\r\n",
                   "Transfer-Encoding:\r\n",
                   "A: b\r\n c\r\n",
                   " A: b\r\n",
                   "A : b\r\n",
                   "A\r\n",
                   ": b\r\n",
                   "A: b\rc\r\n",
                   "A: \x01\r\n",
                   "A(: b\r\n"})
    EXPECT_EQ(error_of(start + bad + "\r\n"), errc::bad_message) << bad;
  EXPECT_EQ(error_of("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), errc::bad_message);
  EXPECT_FALSE(error_of(start + "Content-Length: 5\r\nContent-length: 5\r\n\r\n"));
  EXPECT_FALSE(error_of(start + "Content-Length: 5, 5\r\n\r\n"));
}

TEST(head_reader, refuses_bad_status_lines) {
  for (auto bad : {"\r\n", "HTTP/1.1\r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 2000\r\n",
                   "HTTP/1.1  200\r\n", "HTTP/1.1 099\r\n", "HTTP/1.1 abc\r\n", "HTTP/11 200\r\n",
                   "HTTP/1.1x 200\r\n", "http/1.1 200\r\n", "ICY 200 OK\r\n", "HTTP/0.9 200\r\n",
                   "HTTP/1.1 101 Switching\r\n", "HTTP/ 200\r\n"})
    EXPECT_EQ(error_of(bad), errc::bad_message) << bad;
}

TEST(head_reader, is_bounded_over_everything) {
  head_reader many(false, 1000);
  ASSERT_TRUE(many.feed("HTTP/1.1 200 OK\r\n"));
  error_code last;
  for (int i = 0; i < 1000 && !last; ++i)
    if (auto step = many.feed("A: bcdefgh\r\n"); !step) last = step.error();
  EXPECT_EQ(last, errc::limit_exceeded);

  head_reader informational(false, 1000);
  last = {};
  for (int i = 0; i < 1000 && !last; ++i)
    if (auto step = feed_all(informational, "HTTP/1.1 100 C\r\n\r\n"); !step) last = step.error();
  EXPECT_EQ(last, errc::limit_exceeded);
}

TEST(head_reader, any_bytes_are_handled) {
  rng random(9);
  int complete = 0;
  for (int i = 0; i < 50'000; ++i) {
    auto text = testing::mutate("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nA: b\r\n\r\n",
                                "\r\n :0123456789HTP/.,", random);
    head_reader reader(false, 200);
    auto out = feed_all(reader, text);
    if (!out || *out != complete_head) continue;
    ++complete;
    EXPECT_GE(reader.head().status, 200u);
    EXPECT_EQ(reader.head().self_delimited,
              reader.head().content_length.has_value() ||
                  reader.head().headers.count("transfer-encoding") || reader.head().status == 204 ||
                  reader.head().status == 304 || text.starts_with("HTTP/2") ||
                  text.find("\nHTTP/") != std::string::npos || text[5] > '1');
  }
  EXPECT_GT(complete, 1000);
}

}  // namespace
}  // namespace tidewire::http
