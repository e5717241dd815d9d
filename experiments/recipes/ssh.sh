#!/bin/sh
# ./ssh.sh ME@HOST FILE.pyz [OPTIONS OF THE PACK]: run a pack there and fetch its results folder, named after the file.
# It runs on there when the connection breaks; the same command again waits for it, or goes on where it stopped.
set -eu
host=$1 file=$2
shift 2
name=$(basename "$file" .pyz)
scp -q "$file" "$host:$name.pyz.new"
ssh "$host" "
  if ! kill -0 \$(cat $name.pid 2>/dev/null) 2>/dev/null; then
    mv $name.pyz.new $name.pyz
    nohup python3 $name.pyz --yes --results $name $* > $name.log 2>&1 < /dev/null &
    echo \$! > $name.pid
  fi
  tail -n +1 -f $name.log &
  while kill -0 \$(cat $name.pid) 2>/dev/null; do sleep 1; done
  kill \$!
"
scp -qr "$host:$name" .
echo "clipkit unpack $name --results results"
