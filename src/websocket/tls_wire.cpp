#include "websocket/wire.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace tidewire::websocket {
namespace {

using tcp = asio::ip::tcp;

class tls_wire_impl final : public tls_wire {
 public:
  tls_wire_impl(tcp::socket socket, asio::ssl::context& tls) : stream_(std::move(socket), tls) {
    error_code ignored;
    stream_.next_layer().set_option(tcp::no_delay(true), ignored);
  }

  error_code name(const std::string& host) {
    error_code ec;
    stream_.set_verify_mode(asio::ssl::verify_peer, ec);
    if (!ec) stream_.set_verify_callback(asio::ssl::host_name_verification(host), ec);
    if (ec) return ec;
    // An address is no server name (RFC 6066, 3).
    error_code not_an_address;
    asio::ip::make_address(host, not_an_address);
    auto* ssl = stream_.native_handle();
    // What the macro SSL_set_tlsext_host_name does, without its cast.
    auto* text = const_cast<char*>(host.c_str());
    if (not_an_address &&
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, text) != 1)
      return make_error_code(boost::system::errc::invalid_argument);
    static constexpr unsigned char http1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_set_alpn_protos(ssl, http1, sizeof http1);
    return {};
  }

  executor get_executor() override { return stream_.get_executor(); }
  void handshake(on_end done) override {
    stream_.async_handshake(asio::ssl::stream_base::client, std::move(done));
  }
  void read_some(asio::mutable_buffer space, on_bytes done) override {
    stream_.async_read_some(space, std::move(done));
  }
  void write_some(const buffer_list& bytes, on_bytes done) override {
    stream_.async_write_some(bytes, std::move(done));
  }
  void shutdown(on_end done) override { stream_.async_shutdown(std::move(done)); }
  void close() override {
    error_code ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  asio::ssl::stream<tcp::socket> stream_;
};

}  // namespace

result<std::unique_ptr<tls_wire>> make_tls_wire(tcp::socket socket, asio::ssl::context& tls,
                                                const std::string& host) {
  auto out = std::make_unique<tls_wire_impl>(std::move(socket), tls);
  if (auto ec = out->name(host)) return ec;
  return std::unique_ptr<tls_wire>(std::move(out));
}

result<std::unique_ptr<asio::ssl::context>> make_tls_context(const std::string& ca_file) {
  auto out = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  if (SSL_CTX_set_min_proto_version(out->native_handle(), TLS1_2_VERSION) != 1)
    return make_error_code(boost::system::errc::not_supported);
  error_code ec;
  if (ca_file.empty())
    out->set_default_verify_paths(ec);
  else
    out->load_verify_file(ca_file, ec);
  if (!ec) out->set_verify_mode(asio::ssl::verify_peer, ec);
  if (ec) return ec;
  return out;
}

}  // namespace tidewire::websocket
