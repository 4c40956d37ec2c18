#!/bin/sh
# Unpacks servers of Debian 13 into a folder, where this machine's own release is older: nginx
# and HAProxy with QUIC, ngtcp2's gtlsserver and gtlsclient, Knot DNS, coturn, OpenSSL, GnuTLS.
#
#   tools/install-newer-servers.sh FOLDER
#
# Nothing of this machine is changed: the packages are downloaded with a state of apt's own in
# FOLDER, and unpacked, not installed. They run in it by chroot(8), so root is needed. Another
# mirror than the machine's own can be named in TLSRESUME_DEBIAN_MIRROR.
set -eu

PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
suite=trixie
packages="nginx haproxy ngtcp2-server ngtcp2-client knot coturn openssl gnutls-bin libnginx-mod-stream"

if [ $# -ne 1 ]; then
    echo "usage: install-newer-servers.sh FOLDER" >&2
    exit 2
fi
mkdir -p "$1"
root=$(cd "$1" && pwd)
stamp="$root/unpacked"
if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$packages" ]; then
    echo "install-newer-servers: they are in $1"
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "install-newer-servers: needs root, for chroot" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    echo "install-newer-servers: needs apt-get and dpkg-deb" >&2
    exit 1
fi

mirror=${TLSRESUME_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' \
    'Created-By: Packages' | awk '$2 == "Debian" && !/security/ { print $1; exit }')}
keyring=$(ls /usr/share/keyrings/debian-archive-keyring.* 2>/dev/null | head -n 1)
if [ -z "$mirror" ] || [ -z "$keyring" ]; then
    echo "install-newer-servers: this machine knows no mirror of Debian, or no keys of it" >&2
    exit 1
fi

apt="$root/apt"
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/etc"
: > "$apt/status"
echo "deb [signed-by=$keyring] $mirror $suite main" > "$apt/etc/sources.list"
own() {
    apt-get -q -y -o Dir::Etc::sourcelist="$apt/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" \
        -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
        -o APT::Sandbox::User=root -o APT::Install-Recommends=false \
        -o APT::Install-Suggests=false "$@"
}
own update
# shellcheck disable=SC2086 - a list of packages
own -d install $packages
# Debian 13 has these as links, which are base-files' business.
for folder in bin sbin lib lib64; do
    mkdir -p "$root/usr/$folder"
    [ -e "$root/$folder" ] || ln -s "usr/$folder" "$root/$folder"
done
for archive in "$apt"/cache/archives/*.deb; do
    dpkg-deb -x "$archive" "$root"
done
rm -rf "$apt/cache" "$apt/lists"

mkdir -p "$root/dev" "$root/tmp" "$root/run" "$root/proc" "$root/var/log/nginx" \
    "$root/var/lib/nginx"
chmod 1777 "$root/tmp"
[ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3
[ -e "$root/dev/urandom" ] || mknod -m 666 "$root/dev/urandom" c 1 9
[ -e "$root/dev/random" ] || mknod -m 666 "$root/dev/random" c 1 8
# Programs look users up by number and by name.
printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' > "$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' > "$root/etc/group"
[ ! -x "$root/usr/sbin/ldconfig" ] || chroot "$root" /sbin/ldconfig
echo "$packages" > "$stamp"
echo "install-newer-servers: unpacked into $1"
