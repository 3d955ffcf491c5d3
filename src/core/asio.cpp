// The one place where Asio's compiled parts are instantiated (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
