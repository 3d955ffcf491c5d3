#include <tidewire/core/error.hpp>
#include <tidewire/lab/fault_plan.hpp>
#include <tidewire/lab/simulation.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

namespace tidewire::lab {
namespace {

// Draws of two sites, with one of them asked `extra` times more often.
std::vector<std::uint64_t> draws_of_a(std::uint64_t seed, int extra) {
  world w(seed);
  fault_plan plan(w);
  auto& a = plan.site("net.a");
  auto& b = plan.site("net.b");
  std::vector<std::uint64_t> hits;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    if (a.draw(100'000)) hits.push_back(i);
    for (int n = 0; n < extra; ++n) b.draw(500'000);
  }
  return hits;
}

TEST(fault_plan, sites_draw_from_streams_of_their_own) {
  auto hits = draws_of_a(1, 0);
  EXPECT_GT(hits.size(), 60u);
  EXPECT_LT(hits.size(), 140u);
  EXPECT_EQ(hits, draws_of_a(1, 3));
  EXPECT_NE(hits, draws_of_a(2, 0));
}

TEST(fault_plan, replays_exactly_what_was_recorded) {
  world w(3);
  fault_plan drawn(w);
  for (int i = 0; i < 200; ++i) drawn.site("net.x").draw(50'000, 10, 99);
  ASSERT_FALSE(drawn.recorded().empty());
  auto read = faults_from_json(to_json(drawn.recorded()));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, drawn.recorded());
  world again(3);
  fault_plan replayed(again, *read);
  for (int i = 0; i < 200; ++i) replayed.site("net.x").draw(0);
  EXPECT_EQ(replayed.recorded(), drawn.recorded());
  EXPECT_EQ(w.trace_hash(), again.trace_hash());
  EXPECT_EQ(replayed.counts().at("net.x"), drawn.recorded().size());
}

TEST(fault_plan, refuses_files_that_are_not_fault_files) {
  for (const char* text :
       {"", "[]", "{}", R"({"format":"tidewire-faults","version":2,"faults":[]})",
        R"({"format":"tidewire-faults","version":1})",
        R"({"format":"tidewire-faults","version":1,"faults":[{"site":1,"index":0}]})",
        R"({"format":"tidewire-faults","version":1,"faults":[{"site":"a","index":-1}]})"}) {
    auto read = faults_from_json(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error(), errc::invalid_argument);
  }
}

TEST(shrink, finds_the_two_faults_that_matter) {
  std::vector<fault_event> all;
  for (std::uint64_t i = 0; i < 300; ++i) all.push_back({"s", i, {}, "s", 0});
  auto has = [](auto& list, std::uint64_t i) {
    return std::any_of(list.begin(), list.end(), [&](auto& e) { return e.index == i; });
  };
  std::size_t runs = 0;
  auto minimal = shrink(all, [&](auto& list) {
    ++runs;
    return has(list, 17) && has(list, 203);
  });
  ASSERT_EQ(minimal.size(), 2u);
  EXPECT_EQ(minimal[0].index, 17u);
  EXPECT_EQ(minimal[1].index, 203u);
  EXPECT_LT(runs, 300u);
  EXPECT_TRUE(shrink(all, [](auto&) { return true; }).empty());
}

// Fails when site "x" faults with a parameter over 90.
simulation_result planted(std::uint64_t seed, const std::vector<fault_event>* replay) {
  world w(seed);
  auto plan = replay ? std::make_unique<fault_plan>(w, *replay) : std::make_unique<fault_plan>(w);
  simulation_result out;
  for (int i = 0; i < 40; ++i) {
    plan->site("y").draw(200'000, 0, 100);
    if (auto p = plan->site("x").draw(200'000, 0, 100); p && *p > 90) out.failure = "x over 90";
  }
  out.trace_hash = w.trace_hash();
  out.faults = plan->recorded();
  return out;
}

TEST(simulation, reports_shrinks_and_reproduces_a_failure) {
  simulation_options o;
  o.seeds = 500;
  o.shrink = true;
  o.folder = testing::TempDir();
  auto outcome = run_simulations(o, planted);
  ASSERT_FALSE(outcome.ok);
  ASSERT_EQ(outcome.failing.size(), 1u);
  EXPECT_EQ(outcome.failing[0].site, "x");
  EXPECT_GT(outcome.failing[0].parameter, 90);
  EXPECT_NE(outcome.report.find("TIDEWIRE_SEED="), std::string::npos);

  simulation_options again;
  again.first_seed = o.first_seed + outcome.runs - 1;
  again.faults_file = o.folder + "/faults-" + std::to_string(again.first_seed) + ".json";
  again.folder = o.folder;
  auto replayed = run_simulations(again, planted);
  EXPECT_FALSE(replayed.ok);
  EXPECT_EQ(replayed.failing, outcome.failing);
  std::remove(again.faults_file.c_str());
}

TEST(simulation, notices_a_run_that_depends_on_more_than_its_seed) {
  std::uint64_t hidden = 0;
  simulation_options o;
  o.folder = testing::TempDir();
  auto outcome = run_simulations(o, [&](std::uint64_t, auto*) {
    return simulation_result{{}, ++hidden, {}};
  });
  EXPECT_FALSE(outcome.ok);
  EXPECT_NE(outcome.report.find("another trace hash"), std::string::npos);
  std::remove((o.folder + "/faults-1.json").c_str());
}

TEST(simulation, reads_its_flags) {
  const char* good[] = {"prog", "--seed", "7", "--seeds", "3", "--faults", "f.json", "--shrink"};
  auto o = simulation_options::from_arguments(8, good);
  ASSERT_TRUE(o);
  EXPECT_EQ(o->first_seed, 7u);
  EXPECT_EQ(o->seeds, 3u);
  EXPECT_EQ(o->faults_file, "f.json");
  EXPECT_TRUE(o->shrink);
  const char* bad[] = {"prog", "--seed", "x"};
  EXPECT_FALSE(simulation_options::from_arguments(3, bad));
  const char* unknown[] = {"prog", "--speed", "1"};
  EXPECT_FALSE(simulation_options::from_arguments(3, unknown));
  EXPECT_EQ(simulation_main(3, bad, planted), 2);
}

}  // namespace
}  // namespace tidewire::lab
