#!/bin/sh
# Install Debian's Chromium, in which the tests look at the Prefect UI, where it is missing and apt is there. Elsewhere
# those tests are skipped by name.
set -eu

command -v chromium >/dev/null && exit 0
command -v apt-get >/dev/null || { echo "Chromium is not installed: the tests of the run form will be skipped." >&2; exit 0; }
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "As root, run: apt-get install chromium (for the tests of the run form)" >&2; exit 0; }
    as_root="sudo"
fi
echo "Installing Chromium"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -qq -y --no-install-recommends chromium >/dev/null
