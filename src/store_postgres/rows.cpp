#include <tidewire/store_postgres/statement.hpp>

#include <libpq-fe.h>

#include <charconv>

namespace tidewire::store_postgres {
namespace {

template <class T>
T number(std::string_view text) {
  T out{};
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

}  // namespace

void rows::clearer::operator()(pg_result* r) const noexcept {
  PQclear(r);
}

std::size_t rows::size() const {
  return static_cast<std::size_t>(PQntuples(result_.get()));
}

bool rows::is_null(std::size_t row, int column) const {
  return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
}

std::string_view rows::text(std::size_t row, int column) const {
  auto r = static_cast<int>(row);
  const char* bytes = PQgetvalue(result_.get(), r, column);
  if (!bytes) return {};
  return {bytes, static_cast<std::size_t>(PQgetlength(result_.get(), r, column))};
}

std::int64_t rows::integer(std::size_t row, int column) const {
  return number<std::int64_t>(text(row, column));
}

double rows::real(std::size_t row, int column) const {
  return number<double>(text(row, column));
}

bool rows::boolean(std::size_t row, int column) const {
  return text(row, column) == "t";
}

std::string rows::bytes(std::size_t row, int column) const {
  std::size_t size = 0;
  auto* plain = PQunescapeBytea(reinterpret_cast<const unsigned char*>(
                                    PQgetvalue(result_.get(), static_cast<int>(row), column)),
                                &size);
  std::string out;
  if (plain) out.assign(reinterpret_cast<const char*>(plain), size);
  PQfreemem(plain);
  return out;
}

std::uint64_t rows::affected() const {
  return number<std::uint64_t>(PQcmdTuples(result_.get()));
}

}  // namespace tidewire::store_postgres
