#!/bin/sh
# Install the OpenGL packages that rendering needs, where they are missing: apt on Debian and Ubuntu
# (with sudo when not root), elsewhere a sentence that says what to install. $1 is the Python to test with.
set -eu

works() { "$1" -c 'from tasks.render import gl_info; gl_info()' >/dev/null 2>&1; }

works "$1" && exit 0
packages="libegl1 libgl1 libgl1-mesa-dri libopengl0 libglx-mesa0"
if ! command -v apt-get >/dev/null; then
    echo "Rendering needs OpenGL through EGL: install what your system calls $packages (Mesa), then run this again." >&2
    exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Rendering needs OpenGL: as root, run: apt-get install $packages" >&2; exit 1; }
    as_root="sudo"
fi
echo "Installing OpenGL: $packages"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -qq -y --no-install-recommends $packages >/dev/null
if ! works "$1"; then
    echo "OpenGL is installed, but rendering does not work yet; this is what it says:" >&2
    "$1" -c 'from tasks.render import gl_info; gl_info()' >&2
    exit 1
fi
