#!/usr/bin/env python3
"""The ten slowest files of the last builds, from ninja's log. Only a remark, never a failure."""
import glob

for log in sorted(glob.glob("build/*/.ninja_log")):
    times = {}
    with open(log, encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 5 and fields[3].endswith(".o"):
                times[fields[3]] = (int(fields[1]) - int(fields[0])) / 1000
    if times:
        print(f"{log.split('/')[1]}: {sum(times.values()):.0f} s for {len(times)} files (with ccache's hits)")
        for path, seconds in sorted(times.items(), key=lambda item: -item[1])[:10]:
            print(f"  {seconds:6.1f}  {path}")
if not glob.glob("build/*/.ninja_log"):
    print("nothing was built yet")
