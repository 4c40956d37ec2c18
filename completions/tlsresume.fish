# Made by tools/generate_completions.py from the command line itself; do not edit.

complete -c tlsresume -f
complete -c tlsresume -n '__fish_use_subcommand' -s V -l version -d 'Show the version and exit'
complete -c tlsresume -n '__fish_use_subcommand' -s h -l help -d 'Show this message and exit'
complete -c tlsresume -n __fish_use_subcommand -a probe -d 'Test whether servers resume TLS sessions, by which mechanism, and how reliably'
complete -c tlsresume -n __fish_use_subcommand -a save -d 'Connect to TARGET, wait for its session, close cleanly, and save the session'
complete -c tlsresume -n __fish_use_subcommand -a resume -d 'Offer the session in FILE to the server it came from, or to TARGET'
complete -c tlsresume -n __fish_use_subcommand -a inspect -d 'Show what each session FILE holds, and whether it can be used now'
complete -c tlsresume -n __fish_use_subcommand -a serve -d 'Serve TLS of known behaviour, and tell what each client does about resumption'
complete -c tlsresume -n __fish_use_subcommand -a watch -d 'Watch which ticket keys TARGETs use, and whether sessions survive a rotation'
complete -c tlsresume -n __fish_use_subcommand -a capture -d 'Tell from captures what happened to TLS sessions: how many were offered and resumed, which clients never offer any, what is refused, and why'
complete -c tlsresume -n __fish_use_subcommand -a exporter -d 'Serve /probe?target=HOST:PORT&module=NAME for Prometheus, until it is stopped'
complete -c tlsresume -n __fish_use_subcommand -a explain -d 'Explain the CODE of a finding, or list all codes; find the page for WORDS of a log'
complete -c tlsresume -n __fish_use_subcommand -a policy -d 'Check policies, and say what they demand of which target'
complete -c tlsresume -n __fish_use_subcommand -a selftest -d 'Show the commands at work, and check this installation, without any other server'
complete -c tlsresume -n __fish_use_subcommand -a config -d 'Show which options hold for a COMMAND that can be configured, and where they come from'
complete -c tlsresume -n __fish_use_subcommand -a help -d 'Show the help of a COMMAND, as `tlsresume COMMAND --help` does, or of the whole program'

complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l targets -r -F -d 'Read targets from a file, one a line with options of its own; # begins a comment'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l parallel -x -d 'Targets at a time; by default as many as files and cores allow'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l jobs -x -d 'Processes to probe in, by default one; all names of one address stay in one'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l rate -x -d 'New connections a second at most, over all processes'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l shard -x -d 'Probe the K-th of N parts of the list only, by a stable hash of each target'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l exclude -r -F -d 'Connect to none of the names, networks and addresses in FILE, one a line, whatever leads there'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l skip-bad-lines -d 'Tell of the lines of a list that make no sense, and probe the rest'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l expand -d 'Probe each address of a target such as 192.0.2.0/24'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l continue -r -F -d 'Go on with the run that wrote FILE (--format jsonl=FILE): targets that it has, with the same options, are not probed again; new lines are appended'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l retry-unreachable -d 'With --continue, probe again what was not reached'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l dask -x -d 'Probe on the workers of this Dask scheduler, such as tcp://host:8786'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l tries -x -d 'How often each mechanism is tried, with one session and with fresh ones'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l concurrency -x -d 'Connections at a time to one address'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l budget -x -d 'Connections to one target in all'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l max-addresses -x -d 'Addresses of one target that are tested'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l no-explain -d 'Stop after the first round: do not look for the cause of what does not resume'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l quick -d 'As few connections as tell whether each mechanism resumes: one to get a session, one to offer it'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l quic -d 'Test HTTP/3 on the same port, too, beside HTTPS'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l node-header -x -d 'Tell nodes behind one address apart by this response header, such as X-Served-By'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l experiment -x -a 'control unpinned own-name elicit no-ems same-ticket retry answers later hello-size default-server close versions ciphers source-port' -d 'Run this experiment too, on each mechanism that is judged; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l cross-name -x -d 'Offer the target\'s session under this other server name, to the same address; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l cross-alpn -x -d 'Offer the session with this other ALPN protocol; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l age -x -d 'Keep sessions and offer them at these ages, such as 30,5m,2h; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l find-lifetime -x -d 'Find how long sessions are honoured, up to this age, such as 2h'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l replay-early-data -d 'Where tickets allow early data (0-RTT): send a request in it, and the same bytes again, as an attacker would'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l replay-age -x -d 'With --replay-early-data: present a copy again after these pauses, such as 12s,60s; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l plan -d 'Say what would be run, and why, and connect to nothing'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l ftp-user -x -d 'Log in as NAME, to try FTPS data connections; the default is anonymous'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l ftp-password-file -r -F -d 'The password is the first line of this file; else it is taken from $TLSRESUME_FTP_PASSWORD'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l servername -l sni -x -d 'Send this name as SNI, and expect it in the certificate'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l no-sni -d 'Send no SNI'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l connect -x -d 'Go there instead, and keep the target\'s name'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -s 4 -d 'Use IPv4 addresses only'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -s 6 -d 'Use IPv6 addresses only'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l resolve -x -a '(__fish_print_hostnames)' -d 'Take this address for HOST instead of asking DNS, as in curl; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l starttls -x -a 'auto none smtp lmtp imap pop3 ftp ldap xmpp xmpp-server nntp sieve irc postgres mysql' -d 'Start TLS as this protocol does: smtp, lmtp, imap, pop3, ftp, ldap, xmpp, xmpp-server, nntp, sieve, irc, postgres, mysql'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l proxy -x -d 'Go through a proxy: http://[USER@]HOST:PORT, socks5:// or socks5h:// (which, like http://, leaves the name to the proxy)'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l proxy-password-file -r -F -d 'The proxy\'s password is the first line of this file; else it is taken from $TLSRESUME_PROXY_PASSWORD'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l proxy-env -d 'Go through the proxy that $HTTPS_PROXY names, except where $NO_PROXY forbids it'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l proxy-protocol -x -a 'v1 v2' -d 'Send a PROXY header first, as a balancer does to its servers'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l proxy-source -x -d 'The client\'s address in the PROXY header; the default is our own'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l tls -x -a '1.2 1.3' -d 'A TLS version that is allowed; give it twice for both (the default)'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l ciphers -x -d 'Ciphers of TLS 1.2, as an OpenSSL list'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l ciphersuites -x -d 'Cipher suites of TLS 1.3, separated by colons'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l groups -x -d 'Key exchange groups, separated by colons'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l alpn -x -d 'Offer this protocol by ALPN; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l cafile -r -F -d 'Trust the certificates in this PEM file instead of the system\'s'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l capath -x -a '(__fish_complete_directories)' -d 'Trust the certificates in this folder (see openssl-rehash(1))'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l verify -d 'Fail when the certificate is not trusted or not for this name'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l cert -r -F -d 'The client certificate, with its chain, in PEM'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l key -r -F -d 'Its private key, in PEM; the default is the --cert file'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l passphrase-file -r -F -d 'The key\'s passphrase is the first line of this file'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l timeout -x -d 'Time allowed for one connection, such as 5s or 250ms'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l ticket-wait -x -d 'Time to wait for a TLS 1.3 ticket'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l send -x -d 'Send this after the handshake, for servers that give tickets only then'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l no-send -d 'Send nothing'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l mtu -x -d 'The most bytes of a DTLS datagram; where nothing comes back, the other of 1200 and 1400 is tried'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l keylogfile -r -F -d 'Append the secrets of all connections to this file, for Wireshark; also $SSLKEYLOGFILE'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l expect -x -d 'Expect psk, ticket or session-id (all, if none is named) to be resumed (where no STATE is named), not-resumed, or any'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l min-rate -x -d 'The lowest share of offered sessions that must be resumed, such as 0.9 or 90%'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l max-lifetime -x -d 'Tickets must live no longer than this, such as 24h'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l min-lifetime -x -d 'Tickets must live at least this long, such as 5m'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l max-ticket-keys -x -d 'Ticket keys that may be seen over all addresses of a target'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l min-tickets -x -d 'TLS 1.3 tickets that each full handshake must bring'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l require-early-data -d 'Tickets must allow early data'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l forbid-early-data -d 'Tickets must not allow early data'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l forbid-early-data-replay -d 'No replay of early data may be accepted; needs --replay-early-data'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l require-valid-certificate -d 'The certificate must be trusted and for this host'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l policy -r -F -a 'default strict load-balanced no-resumption' -d 'Demand what a policy says: a TOML file (see tlsresume policy), or one of default, strict, load-balanced, no-resumption'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l baseline -r -F -d 'Report, and fail on, only what got worse since this report (--format json=FILE)'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l warning -x -d 'For nagios: warn on a resumption rate, in percent, outside RANGE, such as 90:'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l critical -x -d 'For nagios: the same for critical, such as 50:'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l fail-on -x -a 'error warning never' -d 'Exit 3 on findings so grave or graver, after the policy\'s grades'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l ignore -x -a 'file-unreadable captured-too-early lifetime-zero expired-at-client version-not-allowed client-ticket-off not-issued marked-not-resumable context-mismatch already-used routed-by-size routed-by-session version-changed hash-mismatch mechanism-removed ems-upgraded name-changed other-terminator context-changed mixed-ticket-pool other-ticket-key honoured-later consumed cache-miss never-honoured expired-at-server unclean-close undetermined ems-dropped cipher-removed wrong-binder wrong-secret ems-changed cross-name-refused hello-too-large no-session-id-context aged-ticket-alert mixed-version-pool dies-on-session breaks-anyway fails-with-session cross-name-other-certificate cross-name-answered-by-other cross-name-accepted cross-name-untested single-use resumed-by-id ticket-renewed session-id-changed resumption-not-verified hello-retry early-data-replayed no-freshness-check early-data-single-use early-data-answered-early early-data-waits too-early early-data-rejected early-data-dies resumed-then-refused resumed-then-unanswered malformed-ticket weak-ticket-key ticket-not-sealed ticket-mac-without-key ticket-lifetime-too-long ticket-lifetime-long age-add-not-random ticket-nonce-repeated tickets-not-fresh ticket-key-too-old nodes-out-of-step rotation-drops-sessions ticket-key-shared lifetime-counts-down quic-tcp-differ client-certificate-bypassed certificate-carried plaintext-injection ftp-reuse-required ftp-reuse-fails ftp-data-not-resumed ftp-tickets-run-out pasv-address-ignored client-certificate-missing client-certificate-expired client-certificate rate-limited stopped-answering connections-break fails-with-tickets retry-each-time token-refused fails-with-token datagrams-lost cookie-skipped-on-resumption quic-unreachable separate-keys rotated refused-always offers-after-failed-verification offers-unverified-session offers-across-client-certificates gives-up-when-refused fails-here never-offers no-psk-modes took-session-too-early ticket-used-twice offered-past-lifetime offers-across-names data-connection-offers-nothing data-connection-other-session wrong-ticket-age early-data-unasked no-ticket-extension no-session-ids offers-across-ports cuts-connection' -d 'Do not fail on this finding, such as other-ticket-key; it is reported as ignored'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l retries -x -d 'Try again, with growing pauses, where no connection comes about; never for an answer'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l deadline -x -d 'Time allowed for the whole run, such as 10m; what is known by then is reported'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l format -x -a 'text json jsonl csv junit github markdown prometheus nagios html' -d 'How to print the result, or write it to FILE; may be given several times'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l force -d 'Let --format replace a FILE that holds something else than such a report'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l brief -d 'Leave the single attempts out of json and jsonl'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -s v -l verbose -d 'Show the handshake messages as they pass (on stderr), and a line per attempt'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -s q -l quiet -d 'Print no text on the standard output about what is as asked'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l ticket-keys -r -F -d 'Tell which key of this file made each ticket: a raw file as for nginx, Apache, lighttpd or Traffic Server, HAProxy\'s lines or its show tls-keys, hex, YAML of Envoy, h2o or Kubernetes'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l ticket-key-kind -x -a 'nginx haproxy apache go gnutls' -d 'What the key files are for; without it every order of their parts is tried'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l exit-zero -d 'Exit 0 whatever the answer is (3, 4, 6); other failures keep their status'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l config -r -F -d 'Take defaults of options from this TOML file, instead of tlsresume.toml here or tlsresume/config.toml in $XDG_CONFIG_HOME'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l no-config -d 'Read no configuration file'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -l help -d 'Show all options, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from probe' -a '(__fish_print_hostnames)'

complete -c tlsresume -n '__fish_seen_subcommand_from save' -s o -l output -r -F -d 'Where to write; - is the standard output'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l force -d 'Replace an existing file'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l all-tickets -d 'Write a file for each ticket that came, numbered .1, .2 and so on'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l mechanism -x -a 'psk ticket session-id' -d 'The kind of session to save; the default is what an ordinary client would get'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l servername -l sni -x -d 'Send this name as SNI, and expect it in the certificate'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l no-sni -d 'Send no SNI'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l connect -x -d 'Go there instead, and keep the target\'s name'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -s 4 -d 'Use IPv4 addresses only'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -s 6 -d 'Use IPv6 addresses only'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l resolve -x -a '(__fish_print_hostnames)' -d 'Take this address for HOST instead of asking DNS, as in curl; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l starttls -x -a 'auto none smtp lmtp imap pop3 ftp ldap xmpp xmpp-server nntp sieve irc postgres mysql' -d 'Start TLS as this protocol does: smtp, lmtp, imap, pop3, ftp, ldap, xmpp, xmpp-server, nntp, sieve, irc, postgres, mysql'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l proxy -x -d 'Go through a proxy: http://[USER@]HOST:PORT, socks5:// or socks5h:// (which, like http://, leaves the name to the proxy)'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l proxy-password-file -r -F -d 'The proxy\'s password is the first line of this file; else it is taken from $TLSRESUME_PROXY_PASSWORD'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l proxy-env -d 'Go through the proxy that $HTTPS_PROXY names, except where $NO_PROXY forbids it'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l proxy-protocol -x -a 'v1 v2' -d 'Send a PROXY header first, as a balancer does to its servers'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l proxy-source -x -d 'The client\'s address in the PROXY header; the default is our own'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l tls -x -a '1.2 1.3' -d 'A TLS version that is allowed; give it twice for both (the default)'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l ciphers -x -d 'Ciphers of TLS 1.2, as an OpenSSL list'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l ciphersuites -x -d 'Cipher suites of TLS 1.3, separated by colons'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l groups -x -d 'Key exchange groups, separated by colons'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l alpn -x -d 'Offer this protocol by ALPN; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l cafile -r -F -d 'Trust the certificates in this PEM file instead of the system\'s'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l capath -x -a '(__fish_complete_directories)' -d 'Trust the certificates in this folder (see openssl-rehash(1))'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l verify -d 'Fail when the certificate is not trusted or not for this name'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l cert -r -F -d 'The client certificate, with its chain, in PEM'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l key -r -F -d 'Its private key, in PEM; the default is the --cert file'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l passphrase-file -r -F -d 'The key\'s passphrase is the first line of this file'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l timeout -x -d 'Time allowed for one connection, such as 5s or 250ms'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l ticket-wait -x -d 'Time to wait for a TLS 1.3 ticket'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l send -x -d 'Send this after the handshake, for servers that give tickets only then'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l no-send -d 'Send nothing'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l mtu -x -d 'The most bytes of a DTLS datagram; where nothing comes back, the other of 1200 and 1400 is tried'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l keylogfile -r -F -d 'Append the secrets of all connections to this file, for Wireshark; also $SSLKEYLOGFILE'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l format -x -a 'text json' -d 'How to print the result, or write it to FILE; may be given several times'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -s v -l verbose -d 'Show the handshake messages as they pass (on stderr), and a line per attempt'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -s q -l quiet -d 'Print no text on the standard output about what is as asked'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l config -r -F -d 'Take defaults of options from this TOML file, instead of tlsresume.toml here or tlsresume/config.toml in $XDG_CONFIG_HOME'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l no-config -d 'Read no configuration file'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -l help -d 'Show all options, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from save' -a '(__fish_print_hostnames)'

complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l resolve-now -d 'Ask DNS again, instead of going to the saved address'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l each-address -d 'Ask DNS again, and offer the session to every address'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l any-host -d 'Allow offering the session to another host name than it was saved from'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l tries -x -d 'Connections to make, each offering the saved session'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l update -d 'Store the renewed session in the file'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l early-data -r -F -d 'Send this as TLS 1.3 early data'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l no-pin -d 'Do not insist on the TLS version, cipher, SNI and ALPN that were saved'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l no-ticket -d 'Send no session_ticket extension (TLS 1.2), to see the difference'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l no-ems -d 'Send no extended_master_secret extension (TLS 1.2), to see the difference'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l unclean-close -d 'Cut the connection instead of closing it, to see the difference'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l no-explain -d 'Make no further connection to find out why a session was not resumed'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l servername -l sni -x -d 'Send this name as SNI, and expect it in the certificate'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l no-sni -d 'Send no SNI'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l connect -x -d 'Go there instead, and keep the target\'s name'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -s 4 -d 'Use IPv4 addresses only'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -s 6 -d 'Use IPv6 addresses only'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l resolve -x -a '(__fish_print_hostnames)' -d 'Take this address for HOST instead of asking DNS, as in curl; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l starttls -x -a 'auto none smtp lmtp imap pop3 ftp ldap xmpp xmpp-server nntp sieve irc postgres mysql' -d 'Start TLS as this protocol does: smtp, lmtp, imap, pop3, ftp, ldap, xmpp, xmpp-server, nntp, sieve, irc, postgres, mysql'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l proxy -x -d 'Go through a proxy: http://[USER@]HOST:PORT, socks5:// or socks5h:// (which, like http://, leaves the name to the proxy)'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l proxy-password-file -r -F -d 'The proxy\'s password is the first line of this file; else it is taken from $TLSRESUME_PROXY_PASSWORD'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l proxy-env -d 'Go through the proxy that $HTTPS_PROXY names, except where $NO_PROXY forbids it'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l proxy-protocol -x -a 'v1 v2' -d 'Send a PROXY header first, as a balancer does to its servers'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l proxy-source -x -d 'The client\'s address in the PROXY header; the default is our own'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l tls -x -a '1.2 1.3' -d 'A TLS version that is allowed; give it twice for both (the default)'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l ciphers -x -d 'Ciphers of TLS 1.2, as an OpenSSL list'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l ciphersuites -x -d 'Cipher suites of TLS 1.3, separated by colons'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l groups -x -d 'Key exchange groups, separated by colons'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l alpn -x -d 'Offer this protocol by ALPN; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l cafile -r -F -d 'Trust the certificates in this PEM file instead of the system\'s'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l capath -x -a '(__fish_complete_directories)' -d 'Trust the certificates in this folder (see openssl-rehash(1))'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l verify -d 'Fail when the certificate is not trusted or not for this name'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l cert -r -F -d 'The client certificate, with its chain, in PEM'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l key -r -F -d 'Its private key, in PEM; the default is the --cert file'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l passphrase-file -r -F -d 'The key\'s passphrase is the first line of this file'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l timeout -x -d 'Time allowed for one connection, such as 5s or 250ms'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l ticket-wait -x -d 'Time to wait for a TLS 1.3 ticket'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l send -x -d 'Send this after the handshake, for servers that give tickets only then'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l no-send -d 'Send nothing'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l mtu -x -d 'The most bytes of a DTLS datagram; where nothing comes back, the other of 1200 and 1400 is tried'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l keylogfile -r -F -d 'Append the secrets of all connections to this file, for Wireshark; also $SSLKEYLOGFILE'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l expect -x -d 'Expect psk, ticket or session-id (all, if none is named) to be resumed (where no STATE is named), not-resumed, or any'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l min-rate -x -d 'The lowest share of offered sessions that must be resumed, such as 0.9 or 90%'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l fail-on -x -a 'error warning never' -d 'Exit 3 on findings so grave or graver, after the policy\'s grades'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l ignore -x -a 'file-unreadable captured-too-early lifetime-zero expired-at-client version-not-allowed client-ticket-off not-issued marked-not-resumable context-mismatch already-used routed-by-size routed-by-session version-changed hash-mismatch mechanism-removed ems-upgraded name-changed other-terminator context-changed mixed-ticket-pool other-ticket-key honoured-later consumed cache-miss never-honoured expired-at-server unclean-close undetermined ems-dropped cipher-removed wrong-binder wrong-secret ems-changed cross-name-refused hello-too-large no-session-id-context aged-ticket-alert mixed-version-pool dies-on-session breaks-anyway fails-with-session cross-name-other-certificate cross-name-answered-by-other cross-name-accepted cross-name-untested single-use resumed-by-id ticket-renewed session-id-changed resumption-not-verified hello-retry early-data-replayed no-freshness-check early-data-single-use early-data-answered-early early-data-waits too-early early-data-rejected early-data-dies resumed-then-refused resumed-then-unanswered malformed-ticket weak-ticket-key ticket-not-sealed ticket-mac-without-key ticket-lifetime-too-long ticket-lifetime-long age-add-not-random ticket-nonce-repeated tickets-not-fresh ticket-key-too-old nodes-out-of-step rotation-drops-sessions ticket-key-shared lifetime-counts-down quic-tcp-differ client-certificate-bypassed certificate-carried plaintext-injection ftp-reuse-required ftp-reuse-fails ftp-data-not-resumed ftp-tickets-run-out pasv-address-ignored client-certificate-missing client-certificate-expired client-certificate rate-limited stopped-answering connections-break fails-with-tickets retry-each-time token-refused fails-with-token datagrams-lost cookie-skipped-on-resumption quic-unreachable separate-keys rotated refused-always offers-after-failed-verification offers-unverified-session offers-across-client-certificates gives-up-when-refused fails-here never-offers no-psk-modes took-session-too-early ticket-used-twice offered-past-lifetime offers-across-names data-connection-offers-nothing data-connection-other-session wrong-ticket-age early-data-unasked no-ticket-extension no-session-ids offers-across-ports cuts-connection' -d 'Do not fail on this finding, such as other-ticket-key; it is reported as ignored'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l format -x -a 'text json' -d 'How to print the result, or write it to FILE; may be given several times'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l force -d 'Let --format replace a FILE that holds something else than such a report'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l brief -d 'Leave the single attempts out of json and jsonl'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -s v -l verbose -d 'Show the handshake messages as they pass (on stderr), and a line per attempt'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -s q -l quiet -d 'Print no text on the standard output about what is as asked'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l ticket-keys -r -F -d 'Tell which key of this file made each ticket: a raw file as for nginx, Apache, lighttpd or Traffic Server, HAProxy\'s lines or its show tls-keys, hex, YAML of Envoy, h2o or Kubernetes'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l ticket-key-kind -x -a 'nginx haproxy apache go gnutls' -d 'What the key files are for; without it every order of their parts is tried'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l exit-zero -d 'Exit 0 whatever the answer is (3, 4, 6); other failures keep their status'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l config -r -F -d 'Take defaults of options from this TOML file, instead of tlsresume.toml here or tlsresume/config.toml in $XDG_CONFIG_HOME'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l no-config -d 'Read no configuration file'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -l help -d 'Show all options, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from resume' -F

complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -l hex -d 'Show the ticket as a hex dump'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -l show-secrets -d 'Show the master secret or PSK too'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -l format -x -a 'text json' -d 'How to print the result, or write it to FILE; may be given several times'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -l force -d 'Let --format replace a FILE that holds something else than such a report'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -s v -l verbose -d 'Show the handshake messages as they pass (on stderr), and a line per attempt'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -s q -l quiet -d 'Print no text on the standard output about what is as asked'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -l ticket-keys -r -F -d 'Tell which key of this file made each ticket: a raw file as for nginx, Apache, lighttpd or Traffic Server, HAProxy\'s lines or its show tls-keys, hex, YAML of Envoy, h2o or Kubernetes'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -l ticket-key-kind -x -a 'nginx haproxy apache go gnutls' -d 'What the key files are for; without it every order of their parts is tried'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -l config -r -F -d 'Take defaults of options from this TOML file, instead of tlsresume.toml here or tlsresume/config.toml in $XDG_CONFIG_HOME'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -l no-config -d 'Read no configuration file'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -l help -d 'Show all options, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from inspect' -F

complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l listen -x -d 'Listen there; the behaviours have PORT, PORT+1 and so on, in the order named'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l name -x -d 'A further name or IP address for the certificate, beside localhost, 127.0.0.1 and ::1; may be given several times'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l behaviour -x -a 'default tickets session-ids stateful single-use no-tickets refuse short-lifetime rotated-key changed-certificate hello-retry early-data late-tickets no-close-notify untrusted all' -d 'How the server treats sessions: default, tickets, session-ids, stateful, single-use, no-tickets, refuse, short-lifetime, rotated-key, changed-certificate, hello-retry, early-data, late-tickets, no-close-notify, untrusted, or all'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l tls -x -a '1.2 1.3' -d 'Speak this version only'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l starttls -x -a 'smtp lmtp imap pop3 nntp sieve ftp ftps ldap postgres xmpp' -d 'Speak this protocol (smtp, lmtp, imap, pop3, nntp, sieve, ftp, ftps, ldap, postgres, xmpp), with TLS by STARTTLS, instead of HTTPS; ftps begins with TLS'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l quic -d 'Serve HTTP/3 too, over UDP with the same port numbers, and judge clients by it'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l keep-alive -d 'Leave the connection open after an answer'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l cert -r -F -d 'The certificate chain of the server (PEM), instead of one that is made'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l key -r -F -d 'Its key (PEM)'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l ca -x -a '(__fish_complete_directories)' -d 'Keep the authority that signs the certificate in this folder (ca.pem, ca-key.pem), for devices that must trust it once'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l client-ca -r -F -d 'Ask clients for a certificate that an authority in FILE (PEM) has signed'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l require-client-cert -d 'Refuse clients without a certificate; without --client-ca any certificate will do'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l run -x -d 'Run this shell command against each behaviour in turn'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l repeat -x -d 'Run the command N times in each behaviour, for clients that keep sessions on disk'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l connections -x -d 'End after N connections to each behaviour; with --run, end the command then'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l for -x -d 'End the whole run after this time, such as 10m: with --run that ends the command, and behaviours that had no turn are left out'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l expect -x -d 'Exit 3 unless clients do so: resumed, not-resumed, offered, or right (what suits the behaviour; the default with --run)'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l exit-zero -d 'Exit with 0 where the answer is known and not as expected, or not known'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l format -x -a 'text json jsonl junit html prometheus' -d 'How to print the result, or write it to FILE; may be given several times'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l force -d 'Let --format replace a FILE that holds something else than such a report'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -s v -l verbose -d 'Show the handshake messages as they pass (on stderr), and a line per attempt'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -s q -l quiet -d 'Print no text on the standard output about what is as asked'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l config -r -F -d 'Take defaults of options from this TOML file, instead of tlsresume.toml here or tlsresume/config.toml in $XDG_CONFIG_HOME'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l no-config -d 'Read no configuration file'
complete -c tlsresume -n '__fish_seen_subcommand_from serve' -l help -d 'Show all options, and exit'

complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l every -x -d 'Time from one sample to the next'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l for -x -d 'Stop after this time, such as 48h'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l once -d 'Take one sample and end: for cron and timers'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l tries -x -d 'Full handshakes of each sample, per address and TLS version: enough to meet every node behind it'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l quic -d 'Watch HTTP/3 on the same port, too, as a target of its own'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l history -r -F -d 'The file of samples (SQLite; it holds sessions, and is for you alone)'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l max-key-age -x -d 'Exit 3 when a key that is in use was first seen longer ago than this, such as 7d'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l servername -l sni -x -d 'Send this name as SNI, and expect it in the certificate'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l no-sni -d 'Send no SNI'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l connect -x -d 'Go there instead, and keep the target\'s name'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -s 4 -d 'Use IPv4 addresses only'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -s 6 -d 'Use IPv6 addresses only'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l resolve -x -a '(__fish_print_hostnames)' -d 'Take this address for HOST instead of asking DNS, as in curl; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l starttls -x -a 'auto none smtp lmtp imap pop3 ftp ldap xmpp xmpp-server nntp sieve irc postgres mysql' -d 'Start TLS as this protocol does: smtp, lmtp, imap, pop3, ftp, ldap, xmpp, xmpp-server, nntp, sieve, irc, postgres, mysql'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l proxy -x -d 'Go through a proxy: http://[USER@]HOST:PORT, socks5:// or socks5h:// (which, like http://, leaves the name to the proxy)'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l proxy-password-file -r -F -d 'The proxy\'s password is the first line of this file; else it is taken from $TLSRESUME_PROXY_PASSWORD'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l proxy-env -d 'Go through the proxy that $HTTPS_PROXY names, except where $NO_PROXY forbids it'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l proxy-protocol -x -a 'v1 v2' -d 'Send a PROXY header first, as a balancer does to its servers'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l proxy-source -x -d 'The client\'s address in the PROXY header; the default is our own'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l tls -x -a '1.2 1.3' -d 'A TLS version that is allowed; give it twice for both (the default)'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l ciphers -x -d 'Ciphers of TLS 1.2, as an OpenSSL list'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l ciphersuites -x -d 'Cipher suites of TLS 1.3, separated by colons'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l groups -x -d 'Key exchange groups, separated by colons'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l alpn -x -d 'Offer this protocol by ALPN; may be repeated'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l cafile -r -F -d 'Trust the certificates in this PEM file instead of the system\'s'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l capath -x -a '(__fish_complete_directories)' -d 'Trust the certificates in this folder (see openssl-rehash(1))'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l verify -d 'Fail when the certificate is not trusted or not for this name'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l cert -r -F -d 'The client certificate, with its chain, in PEM'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l key -r -F -d 'Its private key, in PEM; the default is the --cert file'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l passphrase-file -r -F -d 'The key\'s passphrase is the first line of this file'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l timeout -x -d 'Time allowed for one connection, such as 5s or 250ms'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l ticket-wait -x -d 'Time to wait for a TLS 1.3 ticket'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l send -x -d 'Send this after the handshake, for servers that give tickets only then'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l no-send -d 'Send nothing'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l mtu -x -d 'The most bytes of a DTLS datagram; where nothing comes back, the other of 1200 and 1400 is tried'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l keylogfile -r -F -d 'Append the secrets of all connections to this file, for Wireshark; also $SSLKEYLOGFILE'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l format -x -a 'text json html' -d 'How to print the result, or write it to FILE; may be given several times'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l force -d 'Let --format replace a FILE that holds something else than such a report'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -s v -l verbose -d 'Show the handshake messages as they pass (on stderr), and a line per attempt'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -s q -l quiet -d 'Print no text on the standard output about what is as asked'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l config -r -F -d 'Take defaults of options from this TOML file, instead of tlsresume.toml here or tlsresume/config.toml in $XDG_CONFIG_HOME'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l no-config -d 'Read no configuration file'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -l help -d 'Show all options, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -a report
complete -c tlsresume -n '__fish_seen_subcommand_from watch' -a '(__fish_print_hostnames)'

complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l server -x -d 'Count only connections to servers whose name, or ADDR:PORT, matches this shell pattern'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l since -x -d 'Count only connections that began at this time or later: such as 2026-01-31T12:00:00Z, or 15m before the captures\' end (not with -)'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l until -x -d 'Count only connections that began until then'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l top -x -d 'List at most N servers, and for each N clients, client programs and key names'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l keylogfile -r -F -d 'Read secrets of TLS 1.3 from this key log: certificates, tickets, early data become visible'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l format -x -a 'text json jsonl csv html prometheus' -d 'How to print the result, or write it to FILE; may be given several times'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l force -d 'Let --format replace a FILE that holds something else than such a report'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -s v -l verbose -d 'Show the handshake messages as they pass (on stderr), and a line per attempt'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -s q -l quiet -d 'Print no text on the standard output about what is as asked'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l ticket-keys -r -F -d 'Tell which key of this file made each ticket: a raw file as for nginx, Apache, lighttpd or Traffic Server, HAProxy\'s lines or its show tls-keys, hex, YAML of Envoy, h2o or Kubernetes'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l ticket-key-kind -x -a 'nginx haproxy apache go gnutls' -d 'What the key files are for; without it every order of their parts is tried'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l show-clients -d 'Name clients\' addresses in HTML pages, too'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l anonymise -d 'Replace clients\' addresses in every output, the same by the same within a run'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l anonymise-key -r -F -d 'The same with a key of 16 bytes or more in FILE, so that runs can be compared'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l min-rate -x -d 'Exit 3 where a server accepts a lower share of offered sessions, such as 0.9 or 90%'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l min-resumption-rate -x -d 'Exit 3 where a lower share of a server\'s handshakes is resumed'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l policy -r -F -a 'default strict load-balanced no-resumption' -d 'Demand the min-rate of a policy, and no finding that it, or its default, calls an error'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l exit-zero -d 'Exit 0 also where 3 or 4 would be told'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l config -r -F -d 'Take defaults of options from this TOML file, instead of tlsresume.toml here or tlsresume/config.toml in $XDG_CONFIG_HOME'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l no-config -d 'Read no configuration file'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -l help -d 'Show all options, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from capture' -F

complete -c tlsresume -n '__fish_seen_subcommand_from exporter' -l config -r -F -d 'Read [exporter], [modules.NAME] and [web] of this TOML file; without it there is one module, default, which is --quick'
complete -c tlsresume -n '__fish_seen_subcommand_from exporter' -l listen -x -d 'Listen there instead of where [exporter] says, or of 127.0.0.1:9843'
complete -c tlsresume -n '__fish_seen_subcommand_from exporter' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from exporter' -l help -d 'Show all options, and exit'

complete -c tlsresume -n '__fish_seen_subcommand_from explain' -l format -x -a 'text json' -d 'How to print the result, or write it to FILE; may be given several times'
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -l force -d 'Let --format replace a FILE that holds something else than such a report'
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -s v -l verbose -d 'Show the handshake messages as they pass (on stderr), and a line per attempt'
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -s q -l quiet -d 'Print no text on the standard output about what is as asked'
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -l help -d 'Show all options, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a file-unreadable
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a captured-too-early
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a lifetime-zero
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a expired-at-client
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a version-not-allowed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a client-ticket-off
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a not-issued
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a marked-not-resumable
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a context-mismatch
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a already-used
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a routed-by-size
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a routed-by-session
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a version-changed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a hash-mismatch
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a mechanism-removed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ems-upgraded
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a name-changed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a other-terminator
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a context-changed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a mixed-ticket-pool
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a other-ticket-key
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a honoured-later
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a consumed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a cache-miss
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a never-honoured
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a expired-at-server
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a unclean-close
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a undetermined
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ems-dropped
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a cipher-removed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a wrong-binder
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a wrong-secret
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ems-changed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a cross-name-refused
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a hello-too-large
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a no-session-id-context
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a aged-ticket-alert
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a mixed-version-pool
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a dies-on-session
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a breaks-anyway
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a fails-with-session
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a cross-name-other-certificate
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a cross-name-answered-by-other
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a cross-name-accepted
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a cross-name-untested
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a single-use
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a resumed-by-id
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ticket-renewed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a session-id-changed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a resumption-not-verified
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a hello-retry
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a early-data-replayed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a no-freshness-check
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a early-data-single-use
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a early-data-answered-early
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a early-data-waits
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a too-early
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a early-data-rejected
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a early-data-dies
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a resumed-then-refused
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a resumed-then-unanswered
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a malformed-ticket
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a weak-ticket-key
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ticket-not-sealed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ticket-mac-without-key
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ticket-lifetime-too-long
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ticket-lifetime-long
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a age-add-not-random
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ticket-nonce-repeated
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a tickets-not-fresh
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ticket-key-too-old
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a nodes-out-of-step
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a rotation-drops-sessions
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ticket-key-shared
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a lifetime-counts-down
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a quic-tcp-differ
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a client-certificate-bypassed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a certificate-carried
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a plaintext-injection
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ftp-reuse-required
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ftp-reuse-fails
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ftp-data-not-resumed
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ftp-tickets-run-out
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a pasv-address-ignored
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a client-certificate-missing
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a client-certificate-expired
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a client-certificate
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a rate-limited
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a stopped-answering
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a connections-break
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a fails-with-tickets
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a retry-each-time
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a token-refused
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a fails-with-token
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a datagrams-lost
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a cookie-skipped-on-resumption
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a quic-unreachable
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a separate-keys
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a rotated
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a refused-always
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a offers-after-failed-verification
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a offers-unverified-session
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a offers-across-client-certificates
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a gives-up-when-refused
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a fails-here
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a never-offers
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a no-psk-modes
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a took-session-too-early
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a ticket-used-twice
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a offered-past-lifetime
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a offers-across-names
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a data-connection-offers-nothing
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a data-connection-other-session
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a wrong-ticket-age
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a early-data-unasked
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a no-ticket-extension
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a no-session-ids
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a offers-across-ports
complete -c tlsresume -n '__fish_seen_subcommand_from explain' -a cuts-connection

complete -c tlsresume -n '__fish_seen_subcommand_from policy' -l target -x -a '(__fish_print_hostnames)' -d 'Say what is demanded of this target, all sections taken together'
complete -c tlsresume -n '__fish_seen_subcommand_from policy' -l show -x -a 'default strict load-balanced no-resumption' -d 'Print the text of a built-in policy, to start one of your own'
complete -c tlsresume -n '__fish_seen_subcommand_from policy' -l schema -d 'Print the JSON Schema of policy files, for editors'
complete -c tlsresume -n '__fish_seen_subcommand_from policy' -s q -l quiet -d 'Print only what is wrong'
complete -c tlsresume -n '__fish_seen_subcommand_from policy' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from policy' -l help -d 'Show all options, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from policy' -a default
complete -c tlsresume -n '__fish_seen_subcommand_from policy' -a strict
complete -c tlsresume -n '__fish_seen_subcommand_from policy' -a load-balanced
complete -c tlsresume -n '__fish_seen_subcommand_from policy' -a no-resumption
complete -c tlsresume -n '__fish_seen_subcommand_from policy' -F

complete -c tlsresume -n '__fish_seen_subcommand_from selftest' -s v -l verbose -d 'Show all that each command prints, not its answer only'
complete -c tlsresume -n '__fish_seen_subcommand_from selftest' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from selftest' -l help -d 'Show all options, and exit'

complete -c tlsresume -n '__fish_seen_subcommand_from config' -l config -r -F -d 'Show what holds with this configuration file'
complete -c tlsresume -n '__fish_seen_subcommand_from config' -l no-config -d 'Show what holds without one'
complete -c tlsresume -n '__fish_seen_subcommand_from config' -l format -x -a 'text json' -d 'How to print the result, or write it to FILE; may be given several times'
complete -c tlsresume -n '__fish_seen_subcommand_from config' -l force -d 'Let --format replace a FILE that holds something else than such a report'
complete -c tlsresume -n '__fish_seen_subcommand_from config' -s v -l verbose -d 'Show the handshake messages as they pass (on stderr), and a line per attempt'
complete -c tlsresume -n '__fish_seen_subcommand_from config' -s q -l quiet -d 'Print no text on the standard output about what is as asked'
complete -c tlsresume -n '__fish_seen_subcommand_from config' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from config' -l help -d 'Show all options, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from config' -a probe
complete -c tlsresume -n '__fish_seen_subcommand_from config' -a save
complete -c tlsresume -n '__fish_seen_subcommand_from config' -a resume
complete -c tlsresume -n '__fish_seen_subcommand_from config' -a watch
complete -c tlsresume -n '__fish_seen_subcommand_from config' -a inspect
complete -c tlsresume -n '__fish_seen_subcommand_from config' -a serve
complete -c tlsresume -n '__fish_seen_subcommand_from config' -a capture

complete -c tlsresume -n '__fish_seen_subcommand_from help' -s h -d 'Show the options that matter most, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from help' -l help -d 'Show all options, and exit'
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a probe
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a save
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a resume
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a inspect
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a serve
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a watch
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a capture
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a exporter
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a explain
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a policy
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a selftest
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a config
complete -c tlsresume -n '__fish_seen_subcommand_from help' -a help
