# Debian ships several Boost versions side by side; 1.74 is its default and lacks what we need.
set(TIDEWIRE_BOOST_VERSION 1.81)
find_package(Boost ${TIDEWIRE_BOOST_VERSION} REQUIRED COMPONENTS system json)
find_package(CURL 7.88 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Threads REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(PostgreSQL 14 REQUIRED)  # libpq with its pipeline mode
# GMime has no CMake package.
find_package(PkgConfig REQUIRED)
pkg_check_modules(GMIME REQUIRED IMPORTED_TARGET gmime-3.0>=3.2)
