#pragma once

#include <tidewire/core/types.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace tidewire::websocket {

// A few buffers that are written at once. A ConstBufferSequence.
struct buffer_list {
  static constexpr std::size_t max = 4;
  std::array<asio::const_buffer, max> all;
  std::size_t size = 0;

  const asio::const_buffer* begin() const { return all.data(); }
  const asio::const_buffer* end() const { return all.data() + size; }
};

// The byte stream below a WebSocket, erased: Beast's templates cost half a minute for each kind of
// stream they see. Used on one executor; one read and one write at a time. Destroying it closes.
class wire {
 public:
  using on_bytes = asio::any_completion_handler<void(error_code, std::size_t)>;
  using on_end = asio::any_completion_handler<void(error_code)>;

  virtual ~wire() = default;
  virtual executor get_executor() = 0;
  virtual void read_some(asio::mutable_buffer space, on_bytes done) = 0;
  // What was read before anybody asked, at most `space`; 0 when there is none. With `look_ahead`
  // what has come is taken from the system in one piece first, so that the next reads cost no call
  // of it. Never waits.
  virtual std::size_t read_now(asio::mutable_buffer /*space*/, bool /*look_ahead*/) { return 0; }
  virtual void write_some(const buffer_list& bytes, on_bytes done) = 0;
  // Tells the peer that nothing more comes; what it still sends can be read.
  virtual void shutdown(on_end done) = 0;
  // At once. Operations under way end with operation_aborted.
  virtual void close() = 0;
};

// Plain TCP. `early` are bytes that were read from it already.
std::unique_ptr<wire> make_tcp_wire(asio::ip::tcp::socket socket, std::string early = {});

// A client's TLS, before its handshake: certificate and host name will be checked against `host`, a
// name or an address without brackets. The context must outlive it.
class tls_wire : public wire {
 public:
  virtual void handshake(on_end done) = 0;
};
result<std::unique_ptr<tls_wire>> make_tls_wire(asio::ip::tcp::socket socket,
                                                asio::ssl::context& tls, const std::string& host);

// TLS 1.2 or newer that trusts `ca_file`, or the system's certificates when it is empty.
result<std::unique_ptr<asio::ssl::context>> make_tls_context(const std::string& ca_file);

}  // namespace tidewire::websocket
