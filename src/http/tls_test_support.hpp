#pragma once

#include "http/raw_server_test_support.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace tidewire::http::testing {

// A fresh self-signed certificate that vouches for `alternative_name` ("IP:127.0.0.1").
class certificate {
 public:
  explicit certificate(const char* alternative_name)
      : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), x509_(X509_new(), &X509_free) {
    auto* x = x509_.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key_.get());
    auto* name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(alternative_name), -1, -1, 0);
    X509_set_issuer_name(x, name);
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative_name);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(x, key_.get(), EVP_sha256());

    std::string pattern = std::filesystem::temp_directory_path() / "tidewire-ca-XXXXXX";
    auto fd = ::mkstemp(pattern.data());
    file_ = pattern;
    auto* out = ::fdopen(fd, "w");
    PEM_write_X509(out, x);
    std::fclose(out);
  }
  ~certificate() { std::filesystem::remove(file_); }

  const std::string& file() const { return file_; }
  EVP_PKEY* key() const { return key_.get(); }
  X509* x509() const { return x509_.get(); }

 private:
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
  std::unique_ptr<X509, void (*)(X509*)> x509_;
  std::string file_;
};

// Speaks TLS, reads one request head and gives one answer per connection.
class tls_server {
 public:
  // The answer to a request's head.
  using answerer = std::function<std::string(const std::string& head)>;

  tls_server(const certificate& own, std::string answer)
      : tls_server(own, [answer](const std::string&) { return answer; }) {}
  tls_server(const certificate& own, answerer answer)
      : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free),
        server_([this, answer = std::move(answer)](raw_connection& c) { serve(c, answer); }) {
    SSL_CTX_use_certificate(context_.get(), own.x509());
    SSL_CTX_use_PrivateKey(context_.get(), own.key());
  }

  unsigned short port() const { return server_.port(); }

 private:
  void serve(raw_connection& c, const answerer& make_answer) {
    // OpenSSL's own socket writes raise it when the client is gone. Blocked in this thread alone:
    // the client under test must do without.
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context_.get()), &SSL_free);
    SSL_set_fd(ssl.get(), c.socket().native_handle());
    if (SSL_accept(ssl.get()) != 1) return;
    std::string head;
    char piece[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      auto n = SSL_read(ssl.get(), piece, sizeof piece);
      if (n <= 0) return;
      head.append(piece, static_cast<std::size_t>(n));
    }
    auto answer = make_answer(head);
    SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
    SSL_shutdown(ssl.get());
  }

  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  raw_server server_;
};

}  // namespace tidewire::http::testing
