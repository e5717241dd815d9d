#!/bin/sh
# ./ssh.sh ME@HOST FILE.pyz [OPTIONS OF THE PACK]: run a pack there and fetch its results folder, as ME@HOST/FILE.
# It runs on there when the connection breaks; the same command again waits for it, or goes on where it stopped.
# Ends with the pack's exit code; 255 is ssh's own, and nothing was fetched.
set -eu
host=$1 file=$2
shift 2
name=$(basename "$file" .pyz)
scp -q "$file" "$host:$name.pyz.new"
code=0
ssh "$host" "
  if ! kill -0 \$(cat $name.pid 2>/dev/null) 2>/dev/null; then
    mv $name.pyz.new $name.pyz
    rm -f $name.code
    : > $name.log
    (trap '' HUP; python3 $name.pyz --yes --results $name $*; echo \$? > $name.code) >> $name.log 2>&1 < /dev/null &
    echo \$! > $name.pid
  fi
  tail -n +1 -f $name.log &
  while kill -0 \$(cat $name.pid) 2>/dev/null; do sleep 1; done
  kill \$!
  exit \$(cat $name.code || echo 1)
" || code=$?
[ "$code" != 255 ] || exit 255
mkdir -p "./$host"
scp -qr "$host:$name" "./$host/"
echo "clipkit unpack $host/$name --results results"
exit "$code"
