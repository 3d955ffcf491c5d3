#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/store_postgres/error.hpp>
#include <tidewire/store_postgres/statement.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A thin door to PostgreSQL: what opens, closes and fails is an object or a result, and values
// reach SQL as parameters alone. Calls block, each with a deadline. An object belongs to one thread
// at a time; what another thread may do to it is a `remote`.
namespace tidewire::store_postgres {

struct connection_options {
  // postgres://user:password@host:port/database?…, or libpq's "host=… dbname=…". What is not in it
  // comes from where libpq looks: PGPASSWORD, ~/.pgpass, … Never written to a log or a message.
  std::string address;
  // Where unqualified names are looked for. Letters, digits and "_". Empty: the server's default.
  std::string schema;
  std::string application_name = "tidewire";  // as pg_stat_activity shows it
  // Further settings of the session, like {"enable_seqscan", "off"}.
  std::vector<std::pair<std::string, std::string>> settings;
  // Names are resolved by libpq, outside this bound.
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
  // The server ends a statement that takes longer; when it does not answer within `answer_grace`
  // after that either, the connection is given up. 0: no bound.
  std::chrono::milliseconds call_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds answer_grace = std::chrono::seconds(5);
  // The server ends a transaction in which nothing was asked for so long, lest a machine that
  // vanished keeps its locks. 0: never.
  std::chrono::milliseconds idle_transaction_timeout = std::chrono::minutes(1);
};

struct notification {
  std::string channel, payload;
  int process = 0;  // the server's process that sent it; see connection::process()
};

// What other threads may do to a connection. Cheap to copy, thread-safe, may outlive it.
class remote {
 public:
  remote() = default;
  // wait() returns at once, the running one or the next; so does a restore() that connects.
  void wake() const;
  // Asks the server to end the running call, which then completes with errc::cancelled; when none
  // runs, nothing happens. Like every cancel of PostgreSQL's it may come too late and meet the next
  // call. Blocks for a short connection to the server.
  void cancel() const;

 private:
  friend class connection;
  struct state;
  std::shared_ptr<state> state_;
};

class connection {
 public:
  // `said`, when given, is told more about an error; it never has the password.
  static result<connection> open(connection_options options, std::string* said = nullptr);
  connection(connection&&) noexcept;
  connection& operator=(connection&&) noexcept;
  ~connection();

  // False after a loss or a time-out without an answer: every call then is errc::lost.
  bool usable() const;
  // Connects again when it is not usable, and listens again to what it listened to. Notifications
  // and transactions of the old connection are gone.
  result<void> restore();

  result<rows> query(const statement& s, const parameters& values = {});
  // The same for what is used once.
  result<rows> query(std::string_view sql, const parameters& values = {});
  // Fixed SQL without values and rows; several statements may stand in it.
  result<void> execute(const std::string& sql);

  // One answer for each statement, or the first error.
  result<std::vector<rows>> run(const batch& statements);
  // The same in two steps, so that the server works on one batch while the next is made. Answers
  // come in the order in which batches were sent, one receive() for each; nothing else may be asked
  // in between. At most `max_in_flight`.
  static constexpr std::size_t max_in_flight = 64;
  result<void> send(const batch& statements);
  result<std::vector<rows>> receive();
  std::size_t in_flight() const;

  // NOTIFY's channels. Names are quoted: case matters. At most 63 bytes.
  result<void> listen(std::string_view channel);
  // What was notified since the last wait(); waits for it if there is nothing. Empty after
  // `timeout`, or when a remote woke it.
  result<std::vector<notification>> wait(std::chrono::milliseconds timeout);

  bool in_transaction() const;
  int process() const;  // of the server, for pg_stat_activity
  remote get_remote() const;
  std::string place() const;  // "host:port/database", for people
  // What the server, or libpq, said of the last error.
  const std::string& last_message() const;
  // Its SQLSTATE, like "23505"; empty when it had none.
  const std::string& last_state() const;

 private:
  struct impl;
  explicit connection(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

enum class isolation { read_committed, repeatable_read, serializable };

// All or nothing: what is not committed is rolled back by the destructor. Must not outlive its
// connection.
class transaction {
 public:
  static result<transaction> begin(connection& c, isolation level = isolation::read_committed);
  transaction(transaction&& other) noexcept : connection_(std::exchange(other.connection_, {})) {}
  transaction& operator=(transaction&&) = delete;
  ~transaction();

  // After errc::lost or timed_out it is not known whether it was done; after another error it was
  // not.
  result<void> commit();

 private:
  explicit transaction(connection& c) : connection_(&c) {}
  connection* connection_;
};

}  // namespace tidewire::store_postgres
