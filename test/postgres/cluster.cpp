#include "cluster.hpp"

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tidewire::test {
namespace {

namespace fs = std::filesystem;

// Of the newest version that is installed.
std::string binaries() {
  std::vector<std::pair<int, std::string>> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored))
    if (fs::exists(entry.path() / "bin/initdb"))
      found.emplace_back(std::atoi(entry.path().filename().c_str()), entry.path() / "bin");
  if (found.empty())
    throw std::runtime_error("no PostgreSQL server in /usr/lib/postgresql: script/bootstrap");
  return std::max_element(found.begin(), found.end())->second;
}

int free_port() {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  bool good = ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 &&
              ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0;
  ::close(fd);
  if (!good) throw std::runtime_error("no free port on the loopback");
  return ntohs(at.sin_port);
}

std::string read_file(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

struct process_status {
  char state = 0;  // 0: there is none
  pid_t parent = 0;
};

// proc(5): "pid (name) state ppid …"
process_status status_of(const std::string& process) {
  process_status out;
  auto text = read_file("/proc/" + process + "/stat");
  auto name_end = text.rfind(')');
  if (name_end == text.npos) return out;
  std::istringstream rest(text.substr(name_end + 1));
  rest >> out.state >> out.parent;
  return out;
}

std::vector<std::string> children_of(pid_t parent) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") == name.npos && status_of(name).parent == parent)
      out.push_back(name);
  }
  return out;
}

// A zombie has ended: whoever has inherited it may never ask.
bool alive(const std::string& process) {
  auto state = status_of(process).state;
  return state != 0 && state != 'Z';
}

void pause_a_little() {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

// Whoever waits for a server waits so long at most: the machine may be busy.
constexpr auto patience = std::chrono::seconds(120);

}  // namespace

postgres_cluster::postgres_cluster(cluster_options options) : options_(options) {
  std::string name = (fs::temp_directory_path() / "tidewire-postgres-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  folder_ = name;
  data_ = folder_ + "/data";
  try {
    initialise();
    start();
    run_tool(binaries() + "/psql -q -h " + folder_ + " -p " + std::to_string(port_) +
             " -U postgres -c \"CREATE ROLE guarded LOGIN PASSWORD '" + password + "'\"");
  } catch (...) {
    if (postmaster_ > 0) kill();
    fs::remove_all(folder_);
    throw;
  }
}

postgres_cluster::~postgres_cluster() {
  if (postmaster_ > 0) kill();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

postgres_cluster& postgres_cluster::shared() {
  static postgres_cluster instance;
  return instance;
}

// A shell command as somebody who may run PostgreSQL, in a process that ends with this one.
pid_t postgres_cluster::spawn(const std::string& command) {
  const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
  if (::geteuid() == 0 && !user) throw std::runtime_error("there is no user \"postgres\"");
  auto parent = ::getpid();
  // Made before the fork: behind it, in a program of several threads, little is safe.
  auto line = "exec " + command + " >>" + folder_ + "/log 2>&1";
  uid_t uid = user ? user->pw_uid : 0;
  gid_t gid = user ? user->pw_gid : 0;
  pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no new process");
  if (child > 0) return child;
  // A test's sockets would stay open with it.
  if (::close_range(3, ~0U, 0) != 0)
    for (int fd = 3; fd < 4096; ++fd) ::close(fd);
  ::setpgid(0, 0);  // a Ctrl-C is for the test, which ends us in good order
  if (user && (::setgroups(1, &gid) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0)) ::_exit(126);
  // After the change of the user, which clears it. SIGQUIT: an immediate shutdown.
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (::getppid() != parent || ::chdir(folder_.c_str()) != 0) ::_exit(126);
  ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
  ::_exit(127);
}

void postgres_cluster::run_tool(const std::string& command) {
  int status = 0;
  if (::waitpid(spawn(command), &status, 0) < 0 || status != 0)
    throw std::runtime_error(command + " failed:\n" + read_file(folder_ + "/log"));
}

void postgres_cluster::initialise() {
  if (::geteuid() == 0) {
    const passwd* user = ::getpwnam("postgres");
    if (!user || ::chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("there is no user \"postgres\"");
  }
  run_tool(binaries() + "/initdb -D " + data_ +
           " -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions");
  std::ofstream(data_ + "/pg_hba.conf") << "local all all trust\n"
                                           "host all guarded 127.0.0.1/32 scram-sha-256\n"
                                           "host all all 127.0.0.1/32 trust\n";
  std::ofstream(data_ + "/postgresql.conf", std::ios::app)
      << "listen_addresses = '127.0.0.1'\nunix_socket_directories = '" << folder_ << "'\n"
      << "fsync = " << (options_.fsync ? "on" : "off") << "\n"
      << "max_connections = " << options_.max_connections << "\n"
      << "shared_buffers = 32MB\nmax_wal_size = 256MB\nlog_min_messages = fatal\n";
}

void postgres_cluster::start() {
  bool first = port_ == 0;
  // Another program may take the port between the look and the start.
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (first) port_ = free_port();
    postmaster_ = spawn(binaries() + "/postgres -D " + data_ + " -p " + std::to_string(port_));
    wait_until_ready();
    if (postmaster_ > 0) return;
    pause_a_little();
  }
  throw std::runtime_error("the server does not start:\n" + read_file(folder_ + "/log"));
}

// Its postmaster.pid begins with its number and, then, ends with "ready"
// (src/include/utils/pidfile.h). A postmaster that was killed left one behind.
void postgres_cluster::wait_until_ready() {
  auto until = std::chrono::steady_clock::now() + patience;
  auto is_ready = [&] {
    auto text = read_file(data_ + "/postmaster.pid");
    return text.starts_with(std::to_string(postmaster_) + "\n") &&
           text.find("\nready") != text.npos;
  };
  while (!is_ready()) {
    if (::waitpid(postmaster_, nullptr, WNOHANG) != 0) {
      postmaster_ = 0;  // ended by itself
      return;
    }
    if (std::chrono::steady_clock::now() > until) {
      kill();
      return;
    }
    pause_a_little();
  }
}

void postgres_cluster::stop() {
  if (postmaster_ == 0) return;
  ::kill(postmaster_, SIGINT);
  ::waitpid(postmaster_, nullptr, 0);
  postmaster_ = 0;
}

void postgres_cluster::kill() {
  if (postmaster_ == 0) return;
  // Stopped, so that it has no children but those that are seen. Each is in a group of its own.
  ::kill(postmaster_, SIGSTOP);
  auto children = children_of(postmaster_);
  ::kill(postmaster_, SIGKILL);
  ::waitpid(postmaster_, nullptr, 0);
  postmaster_ = 0;
  // They notice that the postmaster is gone, and go.
  auto until = std::chrono::steady_clock::now() + patience;
  for (const auto& child : children) {
    while (alive(child)) {
      if (std::chrono::steady_clock::now() > until) ::kill(std::stoi(child), SIGKILL);
      pause_a_little();
    }
  }
}

std::string postgres_cluster::url(const std::string& database) const {
  return "postgres://postgres@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string postgres_cluster::url_with_password(const std::string& word,
                                                const std::string& database) const {
  return "postgres://guarded:" + word + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string postgres_cluster::make_database() {
  auto name = "test" + std::to_string(++databases_);
  run_tool(binaries() + "/createdb -h " + folder_ + " -p " + std::to_string(port_) +
           " -U postgres " + name);
  return name;
}

}  // namespace tidewire::test
