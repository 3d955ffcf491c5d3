#include "codes.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/store_postgres/connection.hpp>

#include <cluster.hpp>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <csignal>
#include <thread>

namespace tidewire::store_postgres {
namespace {

using namespace std::chrono_literals;
using test::postgres_cluster;

connection_options at(const std::string& address) {
  connection_options out;
  out.address = address;
  return out;
}

connection must_open(const connection_options& o) {
  std::string said;
  auto c = connection::open(o, &said);
  if (!c) throw std::runtime_error(c.error().message() + ": " + said);
  return std::move(*c);
}

struct connection_test : testing::Test {
  postgres_cluster& server = postgres_cluster::shared();
  std::string url = server.url(server.make_database());
  connection c = must_open(at(url));

  rows must(std::string_view sql, const parameters& values = {}) {
    auto answer = c.query(sql, values);
    if (!answer) throw std::runtime_error(answer.error().message() + ": " + c.last_message());
    return std::move(*answer);
  }
  std::int64_t count() { return must("SELECT count(*) FROM t").integer(0, 0); }
};

TEST_F(connection_test, values_come_back_as_they_went) {
  std::string odd = "it's \"odd\" \\ {,} \xf0\x9f\x98\x80\n";
  std::array bytes{std::byte(0), std::byte(255), std::byte('\\')};
  parameters p;
  p.add(std::int64_t(-9'000'000'000'000'000'000)).add(0.1).add(true).add(odd).add_null();
  p.add_bytes(bytes).add(std::optional<std::string>());
  auto r =
      must("SELECT $1::bigint, $2::float8, $3::bool, $4::text, $5::text, $6::bytea, $7::int", p);
  ASSERT_EQ(r.size(), 1u);
  EXPECT_EQ(r.integer(0, 0), -9'000'000'000'000'000'000);
  EXPECT_EQ(r.real(0, 1), 0.1);
  EXPECT_TRUE(r.boolean(0, 2));
  EXPECT_EQ(r.text(0, 3), odd);
  EXPECT_TRUE(r.is_null(0, 4));
  EXPECT_EQ(r.bytes(0, 5), std::string("\0\xff\\", 3));
  EXPECT_TRUE(r.is_null(0, 6));
}

TEST_F(connection_test, arrays_make_rows) {
  std::vector<std::string> texts{"", "NULL", "a,b", "{x}", "q\"uo\\te", "\xc3\xab"};
  std::vector<std::int64_t> numbers{1, -2, 3, 4, 5, 6};
  std::vector<std::optional<std::string>> some{"x", {}, "", {}, "NULL", "y"};
  parameters p;
  p.add_array(texts).add_array(numbers).add_array(some);
  auto r = must("SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])", p);
  ASSERT_EQ(r.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(r.text(i, 0), texts[i]);
    EXPECT_EQ(r.integer(i, 1), numbers[i]);
    EXPECT_EQ(r.is_null(i, 2), !some[i]);
    EXPECT_EQ(r.text(i, 2), some[i].value_or(""));
  }
  parameters none;
  none.add_array(std::vector<std::string>());
  EXPECT_TRUE(must("SELECT * FROM unnest($1::text[])", none).empty());
}

TEST_F(connection_test, a_text_with_a_nul_is_refused_and_not_cut) {
  parameters p;
  p.add(std::string_view("a\0b", 3));
  auto answer = c.query("SELECT $1::text", p);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), errc::misuse);
  std::vector<std::string> texts{std::string("\0", 1)};
  parameters q;
  q.add_array(texts);
  EXPECT_EQ(c.query("SELECT $1::text[]", q).error(), errc::misuse);
  parameters bad;
  bad.add("\xff");
  EXPECT_EQ(c.query("SELECT $1::text", bad).error(), errc::misuse);
  EXPECT_TRUE(c.query("SELECT 1")) << "the connection is as good as before";
}

TEST_F(connection_test, statements_are_prepared_once) {
  statement s("SELECT $1::bigint + 1");
  for (int i = 0; i < 3; ++i) {
    parameters p;
    p.add(i);
    auto answer = c.query(s, p);
    ASSERT_TRUE(answer) << c.last_message();
    EXPECT_EQ(answer->integer(0, 0), i + 1);
  }
  EXPECT_EQ(must("SELECT count(*) FROM pg_prepared_statements").integer(0, 0), 1);
  statement wrong("SELEKT");
  EXPECT_EQ(c.query(wrong).error(), errc::misuse);
  EXPECT_EQ(c.last_state(), "42601");
  EXPECT_EQ(c.query(wrong).error(), errc::misuse);
}

TEST_F(connection_test, errors_have_their_meaning) {
  ASSERT_TRUE(c.execute("CREATE TABLE t (id int PRIMARY KEY)"));
  must("INSERT INTO t VALUES (1)");
  auto twice = c.query("INSERT INTO t VALUES (1)");
  EXPECT_EQ(twice.error(), errc::constraint);
  EXPECT_EQ(twice.error(), condition::permanent);
  EXPECT_NE(c.last_message().find("t_pkey"), std::string::npos) << c.last_message();
  EXPECT_EQ(c.query("SELECT 1/0").error(), errc::misuse);
  EXPECT_EQ(c.query("SELECT nothing").error(), errc::misuse);
  EXPECT_EQ(c.execute("COPY t TO STDOUT").error(), errc::misuse);
  EXPECT_FALSE(c.usable());
  EXPECT_EQ(c.query("SELECT 1").error(), errc::lost);
  ASSERT_TRUE(c.restore());
  EXPECT_EQ(count(), 1);
}

TEST(codes, by_class) {
  for (auto [state, means] : {std::pair("40001", errc::rolled_back),
                              {"40P01", errc::rolled_back},
                              {"57P01", errc::lost},
                              {"57P02", errc::lost},
                              {"57P03", errc::unreachable},
                              {"08006", errc::lost},
                              {"53300", errc::exhausted},
                              {"53100", errc::exhausted},
                              {"23505", errc::constraint},
                              {"28P01", errc::refused},
                              {"3D000", errc::refused},
                              {"42501", errc::refused},
                              {"42601", errc::misuse},
                              {"55P03", errc::locked},
                              {"25006", errc::unreachable},
                              {"XX001", errc::failed}})
    EXPECT_EQ(errc_of(state), means) << state;
  EXPECT_EQ(make_error_code(errc::rolled_back), condition::retryable);
  EXPECT_EQ(make_error_code(errc::exhausted), condition::retryable);
  EXPECT_EQ(make_error_code(errc::refused), condition::permanent);
  EXPECT_EQ(make_error_code(errc::cancelled), condition::cancelled);
}

// ---- transactions and batches

TEST_F(connection_test, what_is_not_committed_is_rolled_back) {
  ASSERT_TRUE(c.execute("CREATE TABLE t (id int PRIMARY KEY)"));
  {
    auto all = transaction::begin(c);
    ASSERT_TRUE(all);
    must("INSERT INTO t VALUES (1)");
    EXPECT_TRUE(c.in_transaction());
  }
  EXPECT_FALSE(c.in_transaction());
  EXPECT_EQ(count(), 0);
  auto all = transaction::begin(c, isolation::serializable);
  must("INSERT INTO t VALUES (1)");
  ASSERT_TRUE(all->commit());
  EXPECT_EQ(count(), 1);
}

TEST_F(connection_test, a_commit_that_is_a_rollback_says_so) {
  ASSERT_TRUE(c.execute("CREATE TABLE t (id int PRIMARY KEY)"));
  auto all = transaction::begin(c);
  must("INSERT INTO t VALUES (1)");
  EXPECT_FALSE(c.query("INSERT INTO t VALUES (1)"));
  EXPECT_EQ(all->commit().error(), errc::failed);
}

TEST_F(connection_test, a_batch_is_answered_in_order) {
  statement plus("SELECT $1::bigint + 1");
  batch b;
  for (int i = 0; i < 1000; ++i) {
    parameters p;
    p.add(i);
    b.add(plus, std::move(p));
  }
  auto answers = c.run(b);
  ASSERT_TRUE(answers) << c.last_message();
  ASSERT_EQ(answers->size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ((*answers)[std::size_t(i)].integer(0, 0), i + 1);
  EXPECT_TRUE(c.run({})->empty());
}

TEST_F(connection_test, a_batch_is_all_or_nothing) {
  ASSERT_TRUE(c.execute("CREATE TABLE t (id int PRIMARY KEY)"));
  statement insert("INSERT INTO t VALUES ($1)"), later("SELECT 'later'");
  auto with = [](int id) {
    parameters p;
    p.add(id);
    return p;
  };
  batch b;
  b.add(insert, with(1)).add(insert, with(1)).add(insert, with(2)).add(later);
  EXPECT_EQ(c.run(b).error(), errc::constraint);
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(c.query(later)) << "its preparation was skipped with the rest";
  batch good;
  good.add("BEGIN").add(insert, with(1)).add("COMMIT").add(insert, with(2));
  ASSERT_TRUE(c.run(good)) << c.last_message();
  EXPECT_EQ(count(), 2);
}

TEST_F(connection_test, several_batches_are_on_their_way) {
  statement echo("SELECT $1::text"), fails("SELECT 1/($1::int)");
  for (int i = 0; i < 10; ++i) {
    batch b;
    parameters p;
    p.add(i == 5 ? "0" : std::to_string(i));
    b.add(i == 5 ? fails : echo, std::move(p));
    ASSERT_TRUE(c.send(b));
  }
  EXPECT_EQ(c.in_flight(), 10u);
  EXPECT_EQ(c.execute("SELECT 1").error(), errc::misuse) << "answers are outstanding";
  for (int i = 0; i < 10; ++i) {
    auto answers = c.receive();
    if (i == 5)
      EXPECT_EQ(answers.error(), errc::misuse);
    else
      EXPECT_EQ(answers->at(0).text(0, 0), std::to_string(i));
  }
  EXPECT_TRUE(c.execute("SELECT 1"));
}

TEST_F(connection_test, big_values_in_both_directions_at_once) {
  // More than the sockets hold: who only writes, or only reads, would wait for ever.
  std::string big(4 << 20, 'x');
  batch b;
  for (int i = 0; i < 8; ++i) {
    parameters p;
    p.add(big);
    b.add("SELECT $1::text", std::move(p));
  }
  auto answers = c.run(b);
  ASSERT_TRUE(answers) << c.last_message();
  for (const auto& r : *answers) EXPECT_EQ(r.text(0, 0).size(), big.size());
}

TEST_F(connection_test, a_deadlock_is_worth_another_try) {
  ASSERT_TRUE(
      c.execute("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1,0),(2,0)"));
  auto other = must_open(at(url));
  auto mine = transaction::begin(c);
  auto theirs = transaction::begin(other);
  must("UPDATE t SET n = n + 1 WHERE id = 1");
  ASSERT_TRUE(other.query("UPDATE t SET n = n + 1 WHERE id = 2"));
  error_code first;
  std::thread waits([&] {
    auto answer = other.query("UPDATE t SET n = n + 1 WHERE id = 1");
    if (!answer) first = answer.error();
  });
  auto second = c.query("UPDATE t SET n = n + 1 WHERE id = 2");
  if (second)
    EXPECT_TRUE(mine->commit());
  else
    transaction rolled_back(std::move(*mine));
  waits.join();
  auto why = second ? first : second.error();
  EXPECT_EQ(why, errc::rolled_back);
  EXPECT_EQ(why, condition::retryable);
}

// ---- listening, other threads, deadlines

TEST_F(connection_test, hears_what_is_notified) {
  auto other = must_open(at(url));
  ASSERT_TRUE(c.listen("Odd \"name\""));
  EXPECT_TRUE(c.wait(0ms)->empty());
  ASSERT_TRUE(other.execute("NOTIFY \"Odd \"\"name\"\"\", 'one'; NOTIFY other, 'two'"));
  auto heard = c.wait(60s);
  ASSERT_TRUE(heard);
  ASSERT_EQ(heard->size(), 1u);
  EXPECT_EQ(heard->front().channel, "Odd \"name\"");
  EXPECT_EQ(heard->front().payload, "one");
  EXPECT_EQ(heard->front().process, other.process());
  // What came during another call is there at the next wait.
  ASSERT_TRUE(other.execute("NOTIFY \"Odd \"\"name\"\"\", 'three'"));
  must("SELECT 1");
  EXPECT_EQ(c.wait(60s)->front().payload, "three");
}

TEST_F(connection_test, a_wait_is_woken_by_another_thread) {
  auto from_outside = c.get_remote();
  from_outside.wake();
  EXPECT_TRUE(c.wait(60s)->empty()) << "also one that was not begun yet";
  std::thread waker([&] { from_outside.wake(); });
  EXPECT_TRUE(c.wait(60s)->empty());
  waker.join();
}

TEST_F(connection_test, a_call_is_cancelled_by_another_thread) {
  auto from_outside = c.get_remote();
  from_outside.cancel();  // nothing runs
  auto watcher = must_open(at(url));
  std::thread canceller([&] {
    parameters p;
    p.add(c.process());
    statement asleep(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'");
    while (watcher.query(asleep, p)->integer(0, 0) == 0) {
    }
    from_outside.cancel();
  });
  auto answer = c.query("SELECT pg_sleep(60)");
  canceller.join();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), errc::cancelled);
  EXPECT_EQ(answer.error(), condition::cancelled);
  must("SELECT 1");
}

TEST_F(connection_test, a_call_has_a_deadline) {
  auto o = at(url);
  o.call_timeout = 50ms;
  auto hasty = must_open(o);
  auto answer = hasty.query("SELECT pg_sleep(60)");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), errc::timed_out);
  EXPECT_TRUE(hasty.usable()) << "the server ended it";
}

TEST_F(connection_test, a_server_that_is_silent_is_given_up) {
  auto o = at(url);
  o.call_timeout = 50ms;
  o.answer_grace = 50ms;
  auto hasty = must_open(o);
  auto process = hasty.process();
  ASSERT_EQ(::kill(process, SIGSTOP), 0);
  auto answer = hasty.query("SELECT 1");
  EXPECT_EQ(answer.error(), errc::timed_out);
  EXPECT_FALSE(hasty.usable());
  ::kill(process, SIGCONT);
  ASSERT_TRUE(hasty.restore());
}

// ---- opening, and losing

TEST_F(connection_test, a_lost_connection_is_restored) {
  statement s("SELECT 1");
  ASSERT_TRUE(c.query(s));
  ASSERT_TRUE(c.listen("news"));
  for (int round = 0; round < 2; ++round) {
    if (round == 0)
      server.restart();
    else
      server.kill(), server.start();
    auto answer = c.query(s);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error(), errc::lost);
    EXPECT_EQ(answer.error(), condition::retryable);
    EXPECT_FALSE(c.usable());
    ASSERT_TRUE(c.restore()) << c.last_message();
    EXPECT_TRUE(c.query(s));
    auto other = must_open(at(url));
    ASSERT_TRUE(other.execute("NOTIFY news"));
    EXPECT_EQ(c.wait(60s)->size(), 1u) << "it listens again";
  }
  server.stop();
  EXPECT_EQ(c.wait(60s).error(), errc::lost);
  auto down = c.restore();
  EXPECT_EQ(down.error(), errc::unreachable);
  EXPECT_EQ(down.error(), condition::retryable);
  server.start();
  EXPECT_TRUE(c.restore());
}

TEST_F(connection_test, says_why_it_is_not_let_in) {
  std::string said;
  auto try_at = [&](const std::string& address) {
    said.clear();
    auto made = connection::open(at(address), &said);
    return made ? error_code() : made.error();
  };
  EXPECT_EQ(try_at(server.url_with_password(postgres_cluster::password)), error_code());
  EXPECT_EQ(try_at(server.url_with_password("canary-word")), errc::refused);
  EXPECT_NE(said.find("password authentication failed"), said.npos) << said;
  EXPECT_EQ(said.find("canary-word"), said.npos) << said;
  EXPECT_EQ(said.find("28P01"), said.npos) << said;
  EXPECT_EQ(said.find("LOCATION"), said.npos) << said;
  auto nameless = server.url_with_password("");
  EXPECT_EQ(try_at(nameless.replace(nameless.find(":@"), 2, "@")), errc::refused) << said;
  EXPECT_EQ(try_at(server.url("no_such_database")), errc::refused);
  EXPECT_NE(said.find("no_such_database"), said.npos) << said;
  EXPECT_EQ(try_at("postgres://127.0.0.1:1/x"), errc::unreachable);
  EXPECT_NE(said.find("127.0.0.1"), said.npos) << said;
  for (auto bad : {"postgres//u:canary-word@h/d", "nonsense", "postgres://u:canary-word@h/d?x=y",
                   "host=h password='canary-word"}) {
    EXPECT_EQ(try_at(bad), errc::bad_address) << bad;
    EXPECT_EQ(said.find("canary-word"), said.npos) << said;
    EXPECT_FALSE(said.empty());
  }
  auto o = at(url);
  o.schema = "a; DROP";
  EXPECT_EQ(connection::open(o).error(), errc::bad_address);
}

TEST_F(connection_test, a_session_has_its_settings) {
  auto o = at(url + "?options=-c%20work_mem%3D3MB");
  o.settings = {{"enable_seqscan", "off"}, {"DateStyle", "German, DMY"}};
  o.schema = "tide";
  o.application_name = "a test's";
  auto session = must_open(o);
  auto of = [&](const std::string& name) {
    return std::string(session.query("SHOW " + name)->text(0, 0));
  };
  EXPECT_EQ(of("enable_seqscan"), "off");
  EXPECT_EQ(of("DateStyle"), "German, DMY");
  EXPECT_EQ(of("search_path"), "tide");
  EXPECT_EQ(of("application_name"), "a test's");
  EXPECT_EQ(of("work_mem"), "3MB") << "the address's own are kept";
  EXPECT_EQ(of("client_encoding"), "UTF8");
}

TEST_F(connection_test, takes_a_conninfo_and_a_socket_and_the_environment) {
  auto port = std::to_string(server.port());
  auto by_socket =
      must_open(at("host=" + server.folder() + " port=" + port + " user=postgres dbname=postgres"));
  EXPECT_EQ(by_socket.place(), server.folder() + ":" + port + "/postgres");
  ::setenv("PGPASSWORD", postgres_cluster::password, 1);
  auto by_environment = connection::open(at("postgres://guarded@127.0.0.1:" + port + "/postgres"));
  ::unsetenv("PGPASSWORD");
  EXPECT_TRUE(by_environment);
}

}  // namespace
}  // namespace tidewire::store_postgres
