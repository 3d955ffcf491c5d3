// The one place where Beast's compiled parts are instantiated (BOOST_BEAST_SEPARATE_COMPILATION).
#include <boost/beast/src.hpp>
