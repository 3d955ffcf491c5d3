# Sourced by the scripts beside it: where things are, and how builds share ccache's results.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

# Results are shared between clones and build folders: paths inside the source tree are taken
# relative to the build folder, whatever its name is.
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1

# A job of g++ can take more than a gigabyte: no more of them than memory allows.
jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  [ "$memory" -lt 1 ] && memory=1
  [ "$memory" -lt "$cores" ] && cores=$memory
  echo "${TIDEWIRE_JOBS:-$cores}"
}

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
