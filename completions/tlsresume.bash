# Made by tools/generate_completions.py from the command line itself; do not edit.

_tlsresume() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local command= words= i
    COMPREPLY=()
    # The equals sign of --option=value is a word of its own.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = && COMP_CWORD -ge 2 ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            probe|save|resume|inspect|serve|watch|capture|exporter|explain|policy|selftest|config|help)
                command=${COMP_WORDS[i]}
                break
                ;;
        esac
    done
    case $command:$prev in
        probe:--targets)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--parallel)
            return
            ;;
        probe:--jobs)
            return
            ;;
        probe:--rate)
            return
            ;;
        probe:--shard)
            return
            ;;
        probe:--exclude)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--continue)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--dask)
            return
            ;;
        probe:--tries)
            return
            ;;
        probe:--concurrency)
            return
            ;;
        probe:--budget)
            return
            ;;
        probe:--max-addresses)
            return
            ;;
        probe:--node-header)
            return
            ;;
        probe:--experiment)
            COMPREPLY=($(compgen -W 'control unpinned own-name elicit no-ems same-ticket retry answers later hello-size default-server close versions ciphers source-port' -- "$cur"))
            return
            ;;
        probe:--cross-name)
            return
            ;;
        probe:--cross-alpn)
            return
            ;;
        probe:--age)
            return
            ;;
        probe:--find-lifetime)
            return
            ;;
        probe:--replay-age)
            return
            ;;
        probe:--ftp-user)
            return
            ;;
        probe:--ftp-password-file)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--servername|probe:--sni)
            return
            ;;
        probe:--connect)
            return
            ;;
        probe:--resolve)
            COMPREPLY=($(compgen -A hostname -- "$cur"))
            return
            ;;
        probe:--starttls)
            COMPREPLY=($(compgen -W 'auto none smtp lmtp imap pop3 ftp ldap xmpp xmpp-server nntp sieve irc postgres mysql' -- "$cur"))
            return
            ;;
        probe:--proxy)
            return
            ;;
        probe:--proxy-password-file)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--proxy-protocol)
            COMPREPLY=($(compgen -W 'v1 v2' -- "$cur"))
            return
            ;;
        probe:--proxy-source)
            return
            ;;
        probe:--tls)
            COMPREPLY=($(compgen -W '1.2 1.3' -- "$cur"))
            return
            ;;
        probe:--ciphers)
            return
            ;;
        probe:--ciphersuites)
            return
            ;;
        probe:--groups)
            return
            ;;
        probe:--alpn)
            return
            ;;
        probe:--cafile)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--capath)
            compopt -o dirnames 2>/dev/null
            return
            ;;
        probe:--cert)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--key)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--passphrase-file)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--timeout)
            return
            ;;
        probe:--ticket-wait)
            return
            ;;
        probe:--send)
            return
            ;;
        probe:--mtu)
            return
            ;;
        probe:--keylogfile)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--expect)
            return
            ;;
        probe:--min-rate)
            return
            ;;
        probe:--max-lifetime)
            return
            ;;
        probe:--min-lifetime)
            return
            ;;
        probe:--max-ticket-keys)
            return
            ;;
        probe:--min-tickets)
            return
            ;;
        probe:--policy)
            COMPREPLY=($(compgen -W 'default strict load-balanced no-resumption' -- "$cur")); mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null
            return
            ;;
        probe:--baseline)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--warning)
            return
            ;;
        probe:--critical)
            return
            ;;
        probe:--fail-on)
            COMPREPLY=($(compgen -W 'error warning never' -- "$cur"))
            return
            ;;
        probe:--ignore)
            COMPREPLY=($(compgen -W 'file-unreadable captured-too-early lifetime-zero expired-at-client version-not-allowed client-ticket-off not-issued marked-not-resumable context-mismatch already-used routed-by-size routed-by-session version-changed hash-mismatch mechanism-removed ems-upgraded name-changed other-terminator context-changed mixed-ticket-pool other-ticket-key honoured-later consumed cache-miss never-honoured expired-at-server unclean-close undetermined ems-dropped cipher-removed wrong-binder wrong-secret ems-changed cross-name-refused hello-too-large no-session-id-context aged-ticket-alert mixed-version-pool dies-on-session breaks-anyway fails-with-session cross-name-other-certificate cross-name-answered-by-other cross-name-accepted cross-name-untested single-use resumed-by-id ticket-renewed session-id-changed resumption-not-verified hello-retry early-data-replayed no-freshness-check early-data-single-use early-data-answered-early early-data-waits too-early early-data-rejected early-data-dies resumed-then-refused resumed-then-unanswered malformed-ticket weak-ticket-key ticket-not-sealed ticket-mac-without-key ticket-lifetime-too-long ticket-lifetime-long age-add-not-random ticket-nonce-repeated tickets-not-fresh ticket-key-too-old nodes-out-of-step rotation-drops-sessions ticket-key-shared lifetime-counts-down quic-tcp-differ client-certificate-bypassed certificate-carried plaintext-injection ftp-reuse-required ftp-reuse-fails ftp-data-not-resumed ftp-tickets-run-out pasv-address-ignored client-certificate-missing client-certificate-expired client-certificate rate-limited stopped-answering connections-break fails-with-tickets retry-each-time token-refused fails-with-token datagrams-lost cookie-skipped-on-resumption quic-unreachable separate-keys rotated refused-always offers-after-failed-verification offers-unverified-session offers-across-client-certificates gives-up-when-refused fails-here never-offers no-psk-modes took-session-too-early ticket-used-twice offered-past-lifetime offers-across-names data-connection-offers-nothing data-connection-other-session wrong-ticket-age early-data-unasked no-ticket-extension no-session-ids offers-across-ports cuts-connection' -- "$cur"))
            return
            ;;
        probe:--retries)
            return
            ;;
        probe:--deadline)
            return
            ;;
        probe:--format)
            COMPREPLY=($(compgen -W 'text json jsonl csv junit github markdown prometheus nagios html' -- "$cur"))
            return
            ;;
        probe:--ticket-keys)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--ticket-key-kind)
            COMPREPLY=($(compgen -W 'nginx haproxy apache go gnutls' -- "$cur"))
            return
            ;;
        probe:--config)
            compopt -o default 2>/dev/null
            return
            ;;
        save:-o|save:--output)
            compopt -o default 2>/dev/null
            return
            ;;
        save:--mechanism)
            COMPREPLY=($(compgen -W 'psk ticket session-id' -- "$cur"))
            return
            ;;
        save:--servername|save:--sni)
            return
            ;;
        save:--connect)
            return
            ;;
        save:--resolve)
            COMPREPLY=($(compgen -A hostname -- "$cur"))
            return
            ;;
        save:--starttls)
            COMPREPLY=($(compgen -W 'auto none smtp lmtp imap pop3 ftp ldap xmpp xmpp-server nntp sieve irc postgres mysql' -- "$cur"))
            return
            ;;
        save:--proxy)
            return
            ;;
        save:--proxy-password-file)
            compopt -o default 2>/dev/null
            return
            ;;
        save:--proxy-protocol)
            COMPREPLY=($(compgen -W 'v1 v2' -- "$cur"))
            return
            ;;
        save:--proxy-source)
            return
            ;;
        save:--tls)
            COMPREPLY=($(compgen -W '1.2 1.3' -- "$cur"))
            return
            ;;
        save:--ciphers)
            return
            ;;
        save:--ciphersuites)
            return
            ;;
        save:--groups)
            return
            ;;
        save:--alpn)
            return
            ;;
        save:--cafile)
            compopt -o default 2>/dev/null
            return
            ;;
        save:--capath)
            compopt -o dirnames 2>/dev/null
            return
            ;;
        save:--cert)
            compopt -o default 2>/dev/null
            return
            ;;
        save:--key)
            compopt -o default 2>/dev/null
            return
            ;;
        save:--passphrase-file)
            compopt -o default 2>/dev/null
            return
            ;;
        save:--timeout)
            return
            ;;
        save:--ticket-wait)
            return
            ;;
        save:--send)
            return
            ;;
        save:--mtu)
            return
            ;;
        save:--keylogfile)
            compopt -o default 2>/dev/null
            return
            ;;
        save:--format)
            COMPREPLY=($(compgen -W 'text json' -- "$cur"))
            return
            ;;
        save:--config)
            compopt -o default 2>/dev/null
            return
            ;;
        resume:--tries)
            return
            ;;
        resume:--early-data)
            compopt -o default 2>/dev/null
            return
            ;;
        resume:--servername|resume:--sni)
            return
            ;;
        resume:--connect)
            return
            ;;
        resume:--resolve)
            COMPREPLY=($(compgen -A hostname -- "$cur"))
            return
            ;;
        resume:--starttls)
            COMPREPLY=($(compgen -W 'auto none smtp lmtp imap pop3 ftp ldap xmpp xmpp-server nntp sieve irc postgres mysql' -- "$cur"))
            return
            ;;
        resume:--proxy)
            return
            ;;
        resume:--proxy-password-file)
            compopt -o default 2>/dev/null
            return
            ;;
        resume:--proxy-protocol)
            COMPREPLY=($(compgen -W 'v1 v2' -- "$cur"))
            return
            ;;
        resume:--proxy-source)
            return
            ;;
        resume:--tls)
            COMPREPLY=($(compgen -W '1.2 1.3' -- "$cur"))
            return
            ;;
        resume:--ciphers)
            return
            ;;
        resume:--ciphersuites)
            return
            ;;
        resume:--groups)
            return
            ;;
        resume:--alpn)
            return
            ;;
        resume:--cafile)
            compopt -o default 2>/dev/null
            return
            ;;
        resume:--capath)
            compopt -o dirnames 2>/dev/null
            return
            ;;
        resume:--cert)
            compopt -o default 2>/dev/null
            return
            ;;
        resume:--key)
            compopt -o default 2>/dev/null
            return
            ;;
        resume:--passphrase-file)
            compopt -o default 2>/dev/null
            return
            ;;
        resume:--timeout)
            return
            ;;
        resume:--ticket-wait)
            return
            ;;
        resume:--send)
            return
            ;;
        resume:--mtu)
            return
            ;;
        resume:--keylogfile)
            compopt -o default 2>/dev/null
            return
            ;;
        resume:--expect)
            return
            ;;
        resume:--min-rate)
            return
            ;;
        resume:--fail-on)
            COMPREPLY=($(compgen -W 'error warning never' -- "$cur"))
            return
            ;;
        resume:--ignore)
            COMPREPLY=($(compgen -W 'file-unreadable captured-too-early lifetime-zero expired-at-client version-not-allowed client-ticket-off not-issued marked-not-resumable context-mismatch already-used routed-by-size routed-by-session version-changed hash-mismatch mechanism-removed ems-upgraded name-changed other-terminator context-changed mixed-ticket-pool other-ticket-key honoured-later consumed cache-miss never-honoured expired-at-server unclean-close undetermined ems-dropped cipher-removed wrong-binder wrong-secret ems-changed cross-name-refused hello-too-large no-session-id-context aged-ticket-alert mixed-version-pool dies-on-session breaks-anyway fails-with-session cross-name-other-certificate cross-name-answered-by-other cross-name-accepted cross-name-untested single-use resumed-by-id ticket-renewed session-id-changed resumption-not-verified hello-retry early-data-replayed no-freshness-check early-data-single-use early-data-answered-early early-data-waits too-early early-data-rejected early-data-dies resumed-then-refused resumed-then-unanswered malformed-ticket weak-ticket-key ticket-not-sealed ticket-mac-without-key ticket-lifetime-too-long ticket-lifetime-long age-add-not-random ticket-nonce-repeated tickets-not-fresh ticket-key-too-old nodes-out-of-step rotation-drops-sessions ticket-key-shared lifetime-counts-down quic-tcp-differ client-certificate-bypassed certificate-carried plaintext-injection ftp-reuse-required ftp-reuse-fails ftp-data-not-resumed ftp-tickets-run-out pasv-address-ignored client-certificate-missing client-certificate-expired client-certificate rate-limited stopped-answering connections-break fails-with-tickets retry-each-time token-refused fails-with-token datagrams-lost cookie-skipped-on-resumption quic-unreachable separate-keys rotated refused-always offers-after-failed-verification offers-unverified-session offers-across-client-certificates gives-up-when-refused fails-here never-offers no-psk-modes took-session-too-early ticket-used-twice offered-past-lifetime offers-across-names data-connection-offers-nothing data-connection-other-session wrong-ticket-age early-data-unasked no-ticket-extension no-session-ids offers-across-ports cuts-connection' -- "$cur"))
            return
            ;;
        resume:--format)
            COMPREPLY=($(compgen -W 'text json' -- "$cur"))
            return
            ;;
        resume:--ticket-keys)
            compopt -o default 2>/dev/null
            return
            ;;
        resume:--ticket-key-kind)
            COMPREPLY=($(compgen -W 'nginx haproxy apache go gnutls' -- "$cur"))
            return
            ;;
        resume:--config)
            compopt -o default 2>/dev/null
            return
            ;;
        inspect:--format)
            COMPREPLY=($(compgen -W 'text json' -- "$cur"))
            return
            ;;
        inspect:--ticket-keys)
            compopt -o default 2>/dev/null
            return
            ;;
        inspect:--ticket-key-kind)
            COMPREPLY=($(compgen -W 'nginx haproxy apache go gnutls' -- "$cur"))
            return
            ;;
        inspect:--config)
            compopt -o default 2>/dev/null
            return
            ;;
        serve:--listen)
            return
            ;;
        serve:--name)
            return
            ;;
        serve:--behaviour)
            COMPREPLY=($(compgen -W 'default tickets session-ids stateful single-use no-tickets refuse short-lifetime rotated-key changed-certificate hello-retry early-data late-tickets no-close-notify untrusted all' -- "$cur"))
            return
            ;;
        serve:--tls)
            COMPREPLY=($(compgen -W '1.2 1.3' -- "$cur"))
            return
            ;;
        serve:--starttls)
            COMPREPLY=($(compgen -W 'smtp lmtp imap pop3 nntp sieve ftp ftps ldap postgres xmpp' -- "$cur"))
            return
            ;;
        serve:--cert)
            compopt -o default 2>/dev/null
            return
            ;;
        serve:--key)
            compopt -o default 2>/dev/null
            return
            ;;
        serve:--ca)
            compopt -o dirnames 2>/dev/null
            return
            ;;
        serve:--client-ca)
            compopt -o default 2>/dev/null
            return
            ;;
        serve:--run)
            return
            ;;
        serve:--repeat)
            return
            ;;
        serve:--connections)
            return
            ;;
        serve:--for)
            return
            ;;
        serve:--expect)
            return
            ;;
        serve:--format)
            COMPREPLY=($(compgen -W 'text json jsonl junit html prometheus' -- "$cur"))
            return
            ;;
        serve:--config)
            compopt -o default 2>/dev/null
            return
            ;;
        watch:--every)
            return
            ;;
        watch:--for)
            return
            ;;
        watch:--tries)
            return
            ;;
        watch:--history)
            compopt -o default 2>/dev/null
            return
            ;;
        watch:--max-key-age)
            return
            ;;
        watch:--servername|watch:--sni)
            return
            ;;
        watch:--connect)
            return
            ;;
        watch:--resolve)
            COMPREPLY=($(compgen -A hostname -- "$cur"))
            return
            ;;
        watch:--starttls)
            COMPREPLY=($(compgen -W 'auto none smtp lmtp imap pop3 ftp ldap xmpp xmpp-server nntp sieve irc postgres mysql' -- "$cur"))
            return
            ;;
        watch:--proxy)
            return
            ;;
        watch:--proxy-password-file)
            compopt -o default 2>/dev/null
            return
            ;;
        watch:--proxy-protocol)
            COMPREPLY=($(compgen -W 'v1 v2' -- "$cur"))
            return
            ;;
        watch:--proxy-source)
            return
            ;;
        watch:--tls)
            COMPREPLY=($(compgen -W '1.2 1.3' -- "$cur"))
            return
            ;;
        watch:--ciphers)
            return
            ;;
        watch:--ciphersuites)
            return
            ;;
        watch:--groups)
            return
            ;;
        watch:--alpn)
            return
            ;;
        watch:--cafile)
            compopt -o default 2>/dev/null
            return
            ;;
        watch:--capath)
            compopt -o dirnames 2>/dev/null
            return
            ;;
        watch:--cert)
            compopt -o default 2>/dev/null
            return
            ;;
        watch:--key)
            compopt -o default 2>/dev/null
            return
            ;;
        watch:--passphrase-file)
            compopt -o default 2>/dev/null
            return
            ;;
        watch:--timeout)
            return
            ;;
        watch:--ticket-wait)
            return
            ;;
        watch:--send)
            return
            ;;
        watch:--mtu)
            return
            ;;
        watch:--keylogfile)
            compopt -o default 2>/dev/null
            return
            ;;
        watch:--format)
            COMPREPLY=($(compgen -W 'text json html' -- "$cur"))
            return
            ;;
        watch:--config)
            compopt -o default 2>/dev/null
            return
            ;;
        capture:--server)
            return
            ;;
        capture:--since)
            return
            ;;
        capture:--until)
            return
            ;;
        capture:--top)
            return
            ;;
        capture:--keylogfile)
            compopt -o default 2>/dev/null
            return
            ;;
        capture:--format)
            COMPREPLY=($(compgen -W 'text json jsonl csv html prometheus' -- "$cur"))
            return
            ;;
        capture:--ticket-keys)
            compopt -o default 2>/dev/null
            return
            ;;
        capture:--ticket-key-kind)
            COMPREPLY=($(compgen -W 'nginx haproxy apache go gnutls' -- "$cur"))
            return
            ;;
        capture:--anonymise-key)
            compopt -o default 2>/dev/null
            return
            ;;
        capture:--min-rate)
            return
            ;;
        capture:--min-resumption-rate)
            return
            ;;
        capture:--policy)
            COMPREPLY=($(compgen -W 'default strict load-balanced no-resumption' -- "$cur")); mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null
            return
            ;;
        capture:--config)
            compopt -o default 2>/dev/null
            return
            ;;
        exporter:--config)
            compopt -o default 2>/dev/null
            return
            ;;
        exporter:--listen)
            return
            ;;
        explain:--format)
            COMPREPLY=($(compgen -W 'text json' -- "$cur"))
            return
            ;;
        policy:--target)
            COMPREPLY=($(compgen -A hostname -- "$cur"))
            return
            ;;
        policy:--show)
            COMPREPLY=($(compgen -W 'default strict load-balanced no-resumption' -- "$cur"))
            return
            ;;
        config:--config)
            compopt -o default 2>/dev/null
            return
            ;;
        config:--format)
            COMPREPLY=($(compgen -W 'text json' -- "$cur"))
            return
            ;;
    esac
    case $command in
        '') words='-V --version -h --help' ;;
        probe) words='--targets --parallel --jobs --rate --shard --exclude --skip-bad-lines --expand --continue --retry-unreachable --dask --tries --concurrency --budget --max-addresses --no-explain --quick --quic --node-header --experiment --cross-name --cross-alpn --age --find-lifetime --replay-early-data --replay-age --plan --ftp-user --ftp-password-file --servername --sni --no-sni --connect -4 -6 --resolve --starttls --proxy --proxy-password-file --proxy-env --proxy-protocol --proxy-source --tls --ciphers --ciphersuites --groups --alpn --cafile --capath --verify --cert --key --passphrase-file --timeout --ticket-wait --send --no-send --mtu --keylogfile --expect --min-rate --max-lifetime --min-lifetime --max-ticket-keys --min-tickets --require-early-data --forbid-early-data --forbid-early-data-replay --require-valid-certificate --policy --baseline --warning --critical --fail-on --ignore --retries --deadline --format --force --brief -v --verbose -q --quiet --ticket-keys --ticket-key-kind --exit-zero -h --config --no-config --help' ;;
        save) words='-o --output --force --all-tickets --mechanism --servername --sni --no-sni --connect -4 -6 --resolve --starttls --proxy --proxy-password-file --proxy-env --proxy-protocol --proxy-source --tls --ciphers --ciphersuites --groups --alpn --cafile --capath --verify --cert --key --passphrase-file --timeout --ticket-wait --send --no-send --mtu --keylogfile --format -v --verbose -q --quiet -h --config --no-config --help' ;;
        resume) words='--resolve-now --each-address --any-host --tries --update --early-data --no-pin --no-ticket --no-ems --unclean-close --no-explain --servername --sni --no-sni --connect -4 -6 --resolve --starttls --proxy --proxy-password-file --proxy-env --proxy-protocol --proxy-source --tls --ciphers --ciphersuites --groups --alpn --cafile --capath --verify --cert --key --passphrase-file --timeout --ticket-wait --send --no-send --mtu --keylogfile --expect --min-rate --fail-on --ignore --format --force --brief -v --verbose -q --quiet --ticket-keys --ticket-key-kind --exit-zero -h --config --no-config --help' ;;
        inspect) words='--hex --show-secrets --format --force -v --verbose -q --quiet --ticket-keys --ticket-key-kind -h --config --no-config --help' ;;
        serve) words='--listen --name --behaviour --tls --starttls --quic --keep-alive --cert --key --ca --client-ca --require-client-cert --run --repeat --connections --for --expect --exit-zero --format --force -v --verbose -q --quiet -h --config --no-config --help' ;;
        watch) words='--every --for --once --tries --quic --history --max-key-age --servername --sni --no-sni --connect -4 -6 --resolve --starttls --proxy --proxy-password-file --proxy-env --proxy-protocol --proxy-source --tls --ciphers --ciphersuites --groups --alpn --cafile --capath --verify --cert --key --passphrase-file --timeout --ticket-wait --send --no-send --mtu --keylogfile --format --force -v --verbose -q --quiet -h --config --no-config --help' ;;
        capture) words='--server --since --until --top --keylogfile --format --force -v --verbose -q --quiet --ticket-keys --ticket-key-kind --show-clients --anonymise --anonymise-key --min-rate --min-resumption-rate --policy --exit-zero -h --config --no-config --help' ;;
        exporter) words='--config --listen -h --help' ;;
        explain) words='--format --force -v --verbose -q --quiet -h --help' ;;
        policy) words='--target --show --schema -q --quiet -h --help' ;;
        selftest) words='-v --verbose -h --help' ;;
        config) words='--config --no-config --format --force -v --verbose -q --quiet -h --help' ;;
        help) words='-h --help' ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
        return
    fi
    case $command in
        '') COMPREPLY=($(compgen -W 'probe save resume inspect serve watch capture exporter explain policy selftest config help' -- "$cur")) ;;
        probe) COMPREPLY=($(compgen -A hostname -- "$cur")) ;;
        save) COMPREPLY=($(compgen -A hostname -- "$cur")) ;;
        resume) compopt -o default 2>/dev/null ;;
        inspect) compopt -o default 2>/dev/null ;;
        watch) COMPREPLY=($(compgen -W 'report' -- "$cur")); COMPREPLY+=($(compgen -A hostname -- "$cur")) ;;
        capture) compopt -o default 2>/dev/null ;;
        explain) COMPREPLY=($(compgen -W 'file-unreadable captured-too-early lifetime-zero expired-at-client version-not-allowed client-ticket-off not-issued marked-not-resumable context-mismatch already-used routed-by-size routed-by-session version-changed hash-mismatch mechanism-removed ems-upgraded name-changed other-terminator context-changed mixed-ticket-pool other-ticket-key honoured-later consumed cache-miss never-honoured expired-at-server unclean-close undetermined ems-dropped cipher-removed wrong-binder wrong-secret ems-changed cross-name-refused hello-too-large no-session-id-context aged-ticket-alert mixed-version-pool dies-on-session breaks-anyway fails-with-session cross-name-other-certificate cross-name-answered-by-other cross-name-accepted cross-name-untested single-use resumed-by-id ticket-renewed session-id-changed resumption-not-verified hello-retry early-data-replayed no-freshness-check early-data-single-use early-data-answered-early early-data-waits too-early early-data-rejected early-data-dies resumed-then-refused resumed-then-unanswered malformed-ticket weak-ticket-key ticket-not-sealed ticket-mac-without-key ticket-lifetime-too-long ticket-lifetime-long age-add-not-random ticket-nonce-repeated tickets-not-fresh ticket-key-too-old nodes-out-of-step rotation-drops-sessions ticket-key-shared lifetime-counts-down quic-tcp-differ client-certificate-bypassed certificate-carried plaintext-injection ftp-reuse-required ftp-reuse-fails ftp-data-not-resumed ftp-tickets-run-out pasv-address-ignored client-certificate-missing client-certificate-expired client-certificate rate-limited stopped-answering connections-break fails-with-tickets retry-each-time token-refused fails-with-token datagrams-lost cookie-skipped-on-resumption quic-unreachable separate-keys rotated refused-always offers-after-failed-verification offers-unverified-session offers-across-client-certificates gives-up-when-refused fails-here never-offers no-psk-modes took-session-too-early ticket-used-twice offered-past-lifetime offers-across-names data-connection-offers-nothing data-connection-other-session wrong-ticket-age early-data-unasked no-ticket-extension no-session-ids offers-across-ports cuts-connection' -- "$cur")) ;;
        policy) COMPREPLY=($(compgen -W 'default strict load-balanced no-resumption' -- "$cur")); mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null ;;
        config) COMPREPLY=($(compgen -W 'probe save resume watch inspect serve capture' -- "$cur")) ;;
        help) COMPREPLY=($(compgen -W 'probe save resume inspect serve watch capture exporter explain policy selftest config help' -- "$cur")) ;;
    esac
}

complete -F _tlsresume tlsresume
