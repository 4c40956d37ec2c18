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
            probe|save|resume|inspect|selftest)
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
        probe:--servername|probe:--sni)
            return
            ;;
        probe:--connect)
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
        probe:--keylogfile)
            compopt -o default 2>/dev/null
            return
            ;;
        probe:--format)
            COMPREPLY=($(compgen -W 'text json' -- "$cur"))
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
        save:--keylogfile)
            compopt -o default 2>/dev/null
            return
            ;;
        save:--format)
            COMPREPLY=($(compgen -W 'text json' -- "$cur"))
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
        resume:--keylogfile)
            compopt -o default 2>/dev/null
            return
            ;;
        resume:--format)
            COMPREPLY=($(compgen -W 'text json' -- "$cur"))
            return
            ;;
        inspect:--format)
            COMPREPLY=($(compgen -W 'text json' -- "$cur"))
            return
            ;;
    esac
    case $command in
        '') words='--version -h --help' ;;
        probe) words='--targets --tries --concurrency --budget --max-addresses --no-explain --node-header --servername --sni --no-sni --connect -4 -6 --tls --ciphers --ciphersuites --groups --alpn --cafile --capath --verify --cert --key --passphrase-file --timeout --ticket-wait --send --no-send --keylogfile --format -v --verbose --exit-zero -h --help' ;;
        save) words='-o --output --force --all-tickets --mechanism --servername --sni --no-sni --connect -4 -6 --tls --ciphers --ciphersuites --groups --alpn --cafile --capath --verify --cert --key --passphrase-file --timeout --ticket-wait --send --no-send --keylogfile --format -v --verbose -h --help' ;;
        resume) words='--resolve-now --each-address --any-host --tries --update --early-data --no-pin --unclean-close --no-explain --servername --sni --no-sni --connect -4 -6 --tls --ciphers --ciphersuites --groups --alpn --cafile --capath --verify --cert --key --passphrase-file --timeout --ticket-wait --send --no-send --keylogfile --format -v --verbose --exit-zero -h --help' ;;
        inspect) words='--hex --show-secrets --format -v --verbose -h --help' ;;
        selftest) words='-h --help' ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
        return
    fi
    case $command in
        '') COMPREPLY=($(compgen -W 'probe save resume inspect selftest' -- "$cur")) ;;
        probe) COMPREPLY=($(compgen -A hostname -- "$cur")) ;;
        save) COMPREPLY=($(compgen -A hostname -- "$cur")) ;;
        resume) compopt -o default 2>/dev/null ;;
        inspect) compopt -o default 2>/dev/null ;;
    esac
}

complete -F _tlsresume tlsresume
