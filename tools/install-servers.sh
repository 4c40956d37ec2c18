#!/bin/sh
# Installs the servers that tests/servers runs, from Debian's packages, where they are missing.
#
# Needs root, or sudo. Asks nothing. Starts no service: a policy-rc.d(8) stands in the way
# while packages are unpacked, unless the machine has one already. A package that this
# release of Debian lacks is named and left out.
set -eu

PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export PATH

# command:package
wanted="nginx:nginx haproxy:haproxy apache2:apache2-bin gnutls-serv:gnutls-bin
stunnel4:stunnel4 node:nodejs openssl:openssl curl:curl go:golang-go testssl:testssl.sh
exim4:exim4-daemon-light dovecot:dovecot-core vsftpd:vsftpd proftpd:proftpd-core slapd:slapd
prosody:prosody mariadbd:mariadb-server-core mosquitto:mosquitto redis-server:redis-server
javac:default-jdk-headless escript:erlang-ssl selfserv:libnss3-tools
lighttpd:lighttpd hitch:hitch nghttpx:nghttp2-proxy h2o:h2o traffic_server:trafficserver
inspircd:inspircd nnrpd:inn2 pure-ftpd:pure-ftpd
wget:wget ruby:ruby php:php-cli lftp:lftp tshark:tshark
squid:squid microsocks:microsocks prometheus:prometheus xmllint:libxml2-utils chromium:chromium
prometheus-node-exporter:prometheus-node-exporter"

# file:package, where a package has no command of its own on PATH
files="/usr/lib/dovecot/imap:dovecot-imapd /usr/lib/dovecot/pop3:dovecot-pop3d
/usr/lib/dovecot/lmtp:dovecot-lmtpd /usr/lib/dovecot/managesieve:dovecot-managesieved
/usr/lib/lighttpd/mod_openssl.so:lighttpd-mod-openssl
/usr/lib/proftpd/mod_tls.so:proftpd-mod-crypto /usr/lib/postgresql:postgresql
/usr/include/wolfssl/ssl.h:libwolfssl-dev"

missing=""
for pair in $wanted; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
for pair in $files; do
    [ -e "${pair%%:*}" ] || missing="$missing ${pair##*:}"
done
if [ -z "$missing" ]; then
    echo "install-servers: every server is here"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "install-servers: no apt-get here; install by hand:$missing" >&2
    exit 1
fi

if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif command -v sudo >/dev/null; then
    as_root="sudo"
else
    echo "install-servers: needs root or sudo, to install:$missing" >&2
    exit 1
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$as_root rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    # 101 is "action forbidden by policy".
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi

apt update
install=""
for package in $missing; do
    if apt-cache show "$package" >/dev/null 2>&1; then
        install="$install $package"
    else
        echo "install-servers: this release has no package $package" >&2
    fi
done
# Packages that are unpacked, not installed: Debian lets only one FTP server be installed, and
# inn2 wants a mailer and a spool, where one program of it is needed. Their libraries are installed.
unpack() {
    without=$1 program=$2
    shift 2
    case "$install " in
    *" $without "*) ;;
    *) return ;;
    esac
    unpacked="$(mktemp -d)"
    (
        cd "$unpacked"
        apt-get -q download "$@"
        for each in *.deb; do
            dpkg -x "$each" .
        done
    )
    $as_root install -m 755 "$unpacked/$program" "/usr/local/sbin/${program##*/}"
    if [ -d "$unpacked/usr/lib/news" ]; then
        $as_root install -d /usr/lib/news
        $as_root cp -P "$unpacked"/usr/lib/news/lib*.so* /usr/lib/news
    fi
    libraries="$(for each in "$unpacked"/*.deb; do dpkg-deb -f "$each" Depends; done |
        tr ',' '\n' | sed -n 's/^ *\(lib[^ ]*\).*/\1/p' | grep -v perl$ | tr '\n' ' ')"
    install="$(echo "$install " | sed "s/ $without / /") $libraries"
    rm -rf "$unpacked"
}
unpack vsftpd usr/sbin/vsftpd vsftpd
unpack pure-ftpd usr/sbin/pure-ftpd pure-ftpd
unpack inn2 usr/lib/news/bin/nnrpd inn2 inn2-inews
if [ -n "$install" ]; then
    echo "install-servers: installing$install"
    # shellcheck disable=SC2086 # a list of package names, to be split
    apt install --no-install-recommends --no-upgrade $install
fi
