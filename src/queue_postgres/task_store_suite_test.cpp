#include "queue/task_store_suite_test_support.hpp"
#include "task_store_test_support.hpp"

namespace tidewire::queue::test {
namespace {

namespace pg = store_postgres;

// The server's clock, in our hands: leases end when the test says so, however busy the machine is.
// Real time is for task_store_workers_test.cpp.
class hand_clock {
 public:
  hand_clock(const std::string& url, const std::string& schema) : line_(open(url, schema)) {
    run("CREATE TABLE hand (ms bigint NOT NULL);"
        "INSERT INTO hand SELECT now_ms();"
        "CREATE OR REPLACE FUNCTION now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS"
        " $$ SELECT ms FROM " +
        schema + ".hand $$");
  }
  void pass(milliseconds d) { run("UPDATE hand SET ms = ms + " + std::to_string(d.count())); }

 private:
  static pg::connection open(const std::string& url, const std::string& schema) {
    pg::connection_options o;
    o.address = url;
    o.schema = schema;
    return std::move(*pg::connection::open(o));
  }
  void run(const std::string& sql) {
    auto done = line_.execute(sql);
    EXPECT_TRUE(done) << line_.last_message();
  }
  pg::connection line_;
};

store_under_test postgres() {
  auto schema = fresh_schema();
  auto url = tidewire::test::postgres_cluster::shared().url();
  store_under_test out;
  out.store = open_store(url, schema);
  out.another = [=] { return open_store(url, schema); };
  auto clock = std::make_shared<hand_clock>(url, schema);
  out.pass = [clock](milliseconds d) { clock->pass(d); };
  return out;
}

INSTANTIATE_TEST_SUITE_P(postgres, task_store_suite,
                         testing::Values(store_factory{"postgres", postgres}), task_store_name);

}  // namespace
}  // namespace tidewire::queue::test
