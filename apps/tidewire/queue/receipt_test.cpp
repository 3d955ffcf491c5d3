#include "queue/receipt.hpp"

#include <tidewire/queue/error.hpp>

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

TEST(enqueue_receipt, says_what_became_of_a_task) {
  queue::insert_outcome taken;
  taken.id = 7;
  EXPECT_EQ(receipt_text(receipt_of(3, taken)), "queued 7");
  EXPECT_EQ(receipt_json(receipt_of(3, taken)),
            R"({"type":"receipt","line":3,"state":"queued","id":7,"duplicate":false})");
  taken.duplicate = true;
  EXPECT_EQ(receipt_text(receipt_of(3, taken)), "queued 7 (it was there already)");
}

TEST(enqueue_receipt, says_why_a_task_was_not_taken) {
  queue::insert_outcome refused;
  refused.error = queue::errc::bad_delay;
  EXPECT_EQ(receipt_text(receipt_of(3, refused)),
            "rejected line 3: the delay is negative, or too long");
  EXPECT_EQ(receipt_text(receipt_of(0, refused)), "rejected: the delay is negative, or too long");
  EXPECT_NE(receipt_json(receipt_of(0, refused)).find(R"("state":"rejected","reason":"the delay)"),
            std::string::npos);
}

}  // namespace
}  // namespace tidewire::cli
