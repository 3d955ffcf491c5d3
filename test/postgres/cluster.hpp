#pragma once

#include <sys/types.h>

#include <string>

namespace tidewire::test {

struct cluster_options {
  // Whether commits reach the disk. Without it a power cut takes them, a SIGKILL does not.
  bool fsync = false;
  int max_connections = 100;
};

// A PostgreSQL server for tests: of its own, in a temporary folder, from Debian's binaries, on a
// free port of the loopback and a Unix socket. Also when run as root, which PostgreSQL refuses: it
// then runs as the user `postgres`. It ends with this process, however that ends; the folder goes
// with the object. Failures throw, since no test can go on without it.
class postgres_cluster {
 public:
  explicit postgres_cluster(cluster_options options = {});
  ~postgres_cluster();
  postgres_cluster(const postgres_cluster&) = delete;

  // One for all tests of a program: started by the first who asks, gone at its end.
  static postgres_cluster& shared();

  // postgres://postgres@127.0.0.1:PORT/DATABASE: no password is asked for.
  std::string url(const std::string& database = "postgres") const;
  // As a user who needs one.
  std::string url_with_password(const std::string& password,
                                const std::string& database = "postgres") const;
  static constexpr const char* password = "tide-and-time";
  // A new, empty database; gone with the cluster.
  std::string make_database();

  void start();  // waits until it takes connections
  void stop();   // ends its connections ("fast")
  void restart() {
    stop();
    start();
  }
  // SIGKILL to the postmaster; returns when all of its processes are gone.
  void kill();
  bool running() const { return postmaster_ > 0; }

  const std::string& folder() const { return folder_; }  // also of the Unix socket
  int port() const { return port_; }

 private:
  void initialise();
  void run_tool(const std::string& command);
  void wait_until_ready();
  pid_t spawn(const std::string& command);

  cluster_options options_;
  std::string folder_, data_;
  int port_ = 0, databases_ = 0;
  pid_t postmaster_ = 0;
};

}  // namespace tidewire::test
