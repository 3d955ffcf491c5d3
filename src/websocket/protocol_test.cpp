// What the client's role makes of each thing a server may send.
#include "websocket/client_test_support.hpp"
#include "websocket/frame_test_support.hpp"

#include <algorithm>

namespace tidewire::websocket {
namespace {

using test::protocol_row;

class client_protocol : public test::client_fixture,
                        public testing::WithParamInterface<protocol_row> {};

TEST_P(client_protocol, row) {
  const auto& row = GetParam();
  std::promise<std::string> heard;
  test::raw_server server([&](test::raw_connection& c) {
    auto key = test::key_of(c.read_head());
    c.write(test::switching(key) + test::encode(row.frames, false));
    if (row.end) c.socket().shutdown(asio::ip::tcp::socket::shutdown_send);
    std::string all;
    for (auto byte = c.read(1); !byte.empty() && !test::has_close(all += byte);) byte = c.read(1);
    heard.set_value(all);
  });
  auto request = to(server.url());
  request.limits.message_bytes = test::row_message_bytes;
  auto opened = connect(std::move(request));
  ASSERT_FALSE(opened.error) << opened.error.message() << " " << opened.summary.detail;

  std::vector<std::string> messages;
  error_code ec;
  while (!ec) {
    auto [e, m] = read(*opened.socket);
    ec = e;
    if (!ec) messages.push_back(m.data);
  }
  EXPECT_EQ(ec, make_error_code(row.outcome)) << ec.message();
  EXPECT_EQ(messages, row.messages);
  EXPECT_EQ(static_cast<int>(opened.socket->reason().code), row.close_seen);
  opened.socket.reset();
  run();

  auto bytes = heard.get_future().get();
  auto said = test::answers_in(bytes);
  EXPECT_EQ(said.pongs, row.pongs);
  EXPECT_EQ(said.close, row.close_sent);
}

INSTANTIATE_TEST_SUITE_P(frames, client_protocol, testing::ValuesIn(test::protocol_rows()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace tidewire::websocket
