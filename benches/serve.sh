#!/usr/bin/env bash
# The registry's server against nginx, over the same directory: small files, few connections and many. And how many releases
# a second a registry takes.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
# nginx may serve as another user.
chmod 755 "$work"
seconds=${BENCH_SECONDS:-8}

cargo bench --quiet -p zero-registry --all-features --bench registry-rate -- "$work/registry" 1000 | tee "$work/rate"

# What clients ask for: head, pages, chains, tiles; each as often as there are such files.
(cd "$work/registry" && find head map pkg tile -type f -size -64k | sort) >"$work/paths"
cat >"$work/paths.lua" <<LUA
local paths = {}
for line in io.lines("$work/paths") do paths[#paths + 1] = "/" .. line end
local at = 0
request = function() at = at % #paths + 1; return wrk.format("GET", paths[at]) end
LUA

cat >"$work/nginx.conf" <<CONF
daemon off; pid $work/nginx.pid; error_log $work/error.log; worker_processes auto; worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type application/octet-stream;
  client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi; uwsgi_temp_path $work/uwsgi;
  scgi_temp_path $work/scgi;
  server { listen 127.0.0.1:18080; root $work/registry; }
}
CONF
ulimit -n 8192
nginx -c "$work/nginx.conf" 2>/dev/null &
pids+=($!)
zero-registry serve "$work/registry" --listen 127.0.0.1:18081 --connections 4096 >"$work/serve.log" &
pids+=($!)
for port in 18080 18081; do
  curl --silent --retry 20 --retry-connrefused --output /dev/null "http://127.0.0.1:$port/head"
done

# In turns, so that whatever else the machine does meets both.
for round in 1 2 3; do
  for connections in 64 1000; do
    for server in nginx:18080 zero-registry:18081; do
      # wrk's names for servers hold no dash.
      name=${server%:*}
      wrk --threads 2 --connections "$connections" --duration "${seconds}s" --timeout 10s --latency --script "$work/paths.lua" \
        "http://127.0.0.1:${server#*:}/" >"$work/wrk-${name/-/_}-$connections-$round"
    done
  done
done

# Of nginx, its workers together.
peak() { cat "$@" | awk '/^VmHWM/ { sum += $2 } END { print sum * 1024 }'; }
peak $(pgrep -P "${pids[0]}" | sed 's|.*|/proc/&/status|') >"$work/peak-nginx"
peak "/proc/${pids[1]}/status" >"$work/peak-zero_registry"
python3 benches/table.py serve "$work"
