#!/bin/sh
# Puts promtool, which checks the alerts, into .venv/bin: the one on PATH, or that of Debian's package `prometheus`,
# unpacked without being installed, so that no root is needed and no Prometheus is started.
set -eu

target=.venv/bin/promtool
rm -f "$target"
if found=$(command -v promtool); then
    ln -s "$found" "$target"
    exit
fi

# Half a download would look like a whole one.
unpacked=.venv/prometheus
trap 'rm -rf "$unpacked.part"' EXIT
rm -rf "$unpacked.part" && mkdir -p "$unpacked.part"

download() { (cd "$unpacked.part" && apt-get download -qq -o APT::Sandbox::User=root prometheus 2>/dev/null); }

if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    if download || { [ "$(id -u)" = 0 ] && apt-get update -qq && download; }; then
        dpkg-deb --fsys-tarfile "$unpacked.part"/prometheus_*.deb | tar -x -C "$unpacked.part" ./usr/bin/promtool
        install -m 755 "$unpacked.part/usr/bin/promtool" "$target"
        exit
    fi
fi
echo "promtool was not found, and its test will fail. On Debian and Ubuntu type: sudo apt-get install prometheus" >&2
echo "Elsewhere get it with Prometheus, https://prometheus.io/download, and put it on PATH; then: make setup" >&2
